"""Pretend cash drawers, each under the name of the driver that it exercises."""
