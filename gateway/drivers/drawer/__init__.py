"""Cash drawers: one file per protocol."""
