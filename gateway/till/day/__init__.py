"""The day at a till: sessions, money in and out of the drawer, reports, training."""
