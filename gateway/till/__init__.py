"""The sale: knows no device brand and no broker. Any screen, and a shop's own program, is a view of it."""
