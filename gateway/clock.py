"""The box's clocks: wall time to store, monotonic time to wait, boot time to order events on a box without a battery.

A Raspberry Pi wakes in 1970 or at its last shutdown. Records therefore carry boot id and CLOCK_BOOTTIME beside the wall
time and say how far the wall time may be trusted (wire.md, "Clock").
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

ClockState = Literal["synced", "holdover", "unset"]

#: this software did not exist before: an earlier wall clock was never set
BUILT = datetime(2026, 11, 1, tzinfo=UTC)
#: systemd-timesyncd and chrony (through its Debian hook) touch this once the time is good
SYNCED_FLAG = Path("/run/systemd/timesync/synchronized")
#: how long one look at that flag is good for
LOOK_EVERY_S = 1.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock:
    def __init__(self, timezone: str = "UTC") -> None:
        self.zone = ZoneInfo(timezone)
        self._synced, self._look_again_at = False, 0.0
        self.boot_id = BOOT_ID.read_text().strip() if BOOT_ID.exists() else "unknown"

    def wall(self) -> datetime:
        """Now, in UTC, to the millisecond."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def state(self) -> ClockState:
        if time.time() < BUILT.timestamp():
            return "unset"
        now = time.monotonic()
        if now >= self._look_again_at:
            self._synced, self._look_again_at = SYNCED_FLAG.exists(), now + LOOK_EVERY_S
        return "synced" if self._synced else "holdover"

    def local(self) -> datetime:
        """The store's own wall clock, without an offset: what effective dates are compared with."""
        return self.wall().astimezone(self.zone).replace(tzinfo=None)

    def local_date(self) -> date:
        """The calendar day in the store's own time zone: a proposal for a business day, which the till session owns."""
        return self.local().date()


def rfc3339(moment: datetime) -> str:
    """2026-11-22T09:30:00.125Z: how stored times are written, here and on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
