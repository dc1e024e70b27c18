"""Headquarters: takes the stores' sales, books each exactly once, and sends master data down."""
