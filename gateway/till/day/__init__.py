"""The day at a till: sessions, money in and out of the drawer, reports, training.

Built for each workstation by gateway/till/day/till_day.py.
"""
