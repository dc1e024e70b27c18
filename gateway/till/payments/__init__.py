"""Card payments: their journal on disk, one workstation's, those of a shop's own POS, and the terminals."""
