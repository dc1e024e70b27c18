"""Scanners: one file per protocol."""
