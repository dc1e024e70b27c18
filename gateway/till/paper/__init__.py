"""What a printer puts on paper: receipts and shelf labels, as printer-neutral lines and templates."""
