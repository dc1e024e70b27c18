"""The box as a thing that is looked after: what it is, how it is, and what it tells headquarters of itself."""
