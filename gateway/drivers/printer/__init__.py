"""Receipt printers: one file per protocol."""
