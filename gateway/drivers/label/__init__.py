"""Label printers: one file per protocol."""
