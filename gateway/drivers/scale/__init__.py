"""Scales: one file per protocol."""
