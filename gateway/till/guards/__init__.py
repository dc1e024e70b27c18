"""Guards against slips: prices by hand, ages, recalled lots, tare."""
