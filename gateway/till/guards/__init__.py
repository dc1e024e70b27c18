"""Guards against slips and against what must not be sold: prices by hand, ages, recalled lots, tare, the bag."""
