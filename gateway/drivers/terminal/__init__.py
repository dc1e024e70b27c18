"""Payment terminals: one file per protocol."""
