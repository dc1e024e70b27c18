"""Paying: each tender, any mix of them, and money that goes back."""
