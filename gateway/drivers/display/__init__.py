"""Customer displays: one file per protocol."""
