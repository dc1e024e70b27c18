"""Pretend label printers, each under the name of the driver that it exercises."""
