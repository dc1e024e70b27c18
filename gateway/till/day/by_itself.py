"""Sessions of an unattended store close by themselves at a time of day, uncounted.

It was due since the last such time that has passed: so a box that was off at 03:00 closes when it comes back, and a
clock that jumps over it closes once. While a sale is open the lane is tried again; what is suspended is carried over.
At a self-checkout a sale that somebody walked away from is suspended first, and the next session opens at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, time, timedelta

from gateway.clock import Clock
from gateway.errors import BackroomError, SaleRefused
from gateway.till.workstation import Workstation

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
LEFT_AFTER = timedelta(minutes=10)


class ClosesByItself:
    """close_at: the store's own time of day."""

    def __init__(self, tills: Iterable[Workstation], clock: Clock, close_at: time) -> None:
        self._tills, self._clock, self._close_at = list(tills), clock, close_at

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Close what is due now."""
        if self._clock.state() == "unset":
            return  # a clock that was never set knows no night
        for till in self._tills:
            session = till.day.sessions.open_now
            try:
                if session is not None and self._is_due(session.opened_utc):
                    await self._close(till)
                if till.day.sessions.open_now is None and till.lane.self_checkout:
                    await till.day.sessions.open(0, by_itself=True)
            except SaleRefused as refused:
                log.debug("workstation %s waits: %s", till.lane.workstation_id, refused)
            except BackroomError as error:
                log.error("workstation %s: its day did not change: %s", till.lane.workstation_id, error)

    async def _close(self, till: Workstation) -> None:
        if self._was_left(till):
            await till.suspending.suspend("left open at closing time")
        closed = await till.day.sessions.close(None, carry_over=True, by_itself=True)
        number = closed.totals.z_number if closed.totals is not None else 0
        log.info("workstation %s closed by itself, Z %d, not counted", till.lane.workstation_id, number)

    def _was_left(self, till: Workstation) -> bool:
        basket = till.basket
        rung_at = basket.rung_at
        waits = till.lane.self_checkout and basket.state == "selling" and rung_at is not None
        return waits and rung_at is not None and self._clock.local() - rung_at > LEFT_AFTER

    def _is_due(self, opened_utc: str) -> bool:
        """Whether that time of day has come since it was opened."""
        now = self._clock.local()
        last = datetime.combine(now.date(), self._close_at)
        if last > now:
            last -= timedelta(days=1)
        opened = datetime.fromisoformat(opened_utc).astimezone(self._clock.zone).replace(tzinfo=None)
        return opened < last
