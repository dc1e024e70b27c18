"""What is worked out of what was booked, from time to time: balances, the stock feed, and the closes of sessions.

Seldom enough that a busy store does not make a version of a feed with each sale: every few seconds, and whatever a step
took, it rests twenty times as long. Any number of cores may do it side by side; the feed's lock keeps one at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cloud_erp.db import Database, now_utc
from cloud_erp.feeds import settling
from cloud_erp.members import service as members
from cloud_erp.members.model import points_movement
from cloud_erp.promotions import coupons
from cloud_erp.promotions.model import coupon_use
from cloud_erp.stock import feed as stock
from cloud_erp.tills import closes
from cloud_erp.vouchers import service as vouchers
from cloud_erp.vouchers.model import voucher_movement

#: of the time that a step took
REST = 20
#: a position's time is taken before its transaction commits: so far back is looked again
OVERLAP = timedelta(seconds=60)
ALL_AGAIN_S = 600.0

SETTLED = ((points_movement, members.settle), (coupon_use, coupons.settle), (voucher_movement, vouchers.settle))


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks."""

    balances_s: float = 2.0
    stock_s: float = 30.0
    closes_s: float = 2.0


class _Step:
    def __init__(self, every_s: float, work: Callable[[], None]) -> None:
        self._every_s, self._work, self._at = every_s, work, 0.0

    def look(self) -> None:
        began = time.monotonic()
        if began < self._at:
            return
        self._at = began + self._every_s  # also where it fails: the next one is not to wait behind it
        self._work()
        ended = time.monotonic()
        self._at = ended + max(self._every_s, REST * (ended - began))


class Keeper:
    def __init__(self, database: Database, pace: Pace | None = None) -> None:
        pace = pace or Pace()
        self._database = database
        self._steps = [
            _Step(pace.balances_s, self._balances),
            _Step(pace.closes_s, self._closes),
            _Step(pace.stock_s, self._stock),
        ]
        self._stock_since: datetime | None = None
        self._all_stock_at = 0.0

    def look(self) -> None:
        for step in self._steps:
            step.look()

    def _balances(self) -> None:
        for movements, settle in SETTLED:
            with self._database.read() as connection:
                waits = settling.waits(connection, movements)
            if waits:
                with self._database.write() as connection:
                    settle(connection)

    def _closes(self) -> None:
        with self._database.read() as connection:
            due = closes.any_due(connection, now_utc())
        if due:
            with self._database.write() as connection:
                closes.check(connection, now_utc())

    def _stock(self) -> None:
        began = now_utc()
        whole = self._stock_since is None or time.monotonic() >= self._all_stock_at
        since = None if whole or self._stock_since is None else self._stock_since - OVERLAP
        with self._database.write() as connection:
            stock.refresh(connection, since)
        self._stock_since = began
        if whole:
            self._all_stock_at = time.monotonic() + ALL_AGAIN_S


def settle_all(connection: Connection) -> None:
    """Everything that waits, at once."""
    for _, settle in SETTLED:
        while settle(connection):
            pass
