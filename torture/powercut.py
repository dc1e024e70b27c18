"""Power cuts: the disk keeps what was synced, and the power goes at every sync of a store's day, in several ways each.

How the disk is rebuilt and what must hold on it: tests/powercut/.
"""

from __future__ import annotations

from tests.powercut.campaign import run

__all__ = ["run"]
