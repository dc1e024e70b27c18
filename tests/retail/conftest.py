"""Hypothesis without a deadline: the first scan imports biip and the first price babel, which takes longer than one."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("backroom", deadline=None)
settings.load_profile("backroom")
