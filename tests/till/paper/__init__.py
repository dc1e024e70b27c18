"""Receipts: what stands on them, in which language, and how often they are printed."""
