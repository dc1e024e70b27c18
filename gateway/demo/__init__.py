"""A whole store and its headquarters on one machine: for `backroom demo`, for tests, for anyone without hardware."""
