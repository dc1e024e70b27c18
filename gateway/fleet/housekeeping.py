"""What the box does for itself while nobody asks: looks at its disk and its clock, and prunes at night.

Clock: the wall clock of a box without a battery jumps when time comes in. Each sync and each jump is put on record
beside boot id and CLOCK_BOOTTIME, so that headquarters can work out when a sale of an unset clock really was (wire.md,
"Clock").
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.clock import Clock, ClockState, rfc3339
from gateway.queue import retention
from gateway.queue.disk import Disk, Level
from gateway.queue.retention import Retention
from retail.wire.audit import Severity

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
#: a wall clock that is corrected by less than this is only being trimmed
JUMP_S = 2.0
NANOSECONDS = 1_000_000_000

#: severity, code, text, facts -> on record for headquarters
Tell = Callable[[Severity, str, str, dict[str, str | int | None]], Awaitable[None]]


class ClockWatch:
    """look() from time to time; what changed, in words, or None."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ns: int | None = None
        self._state: ClockState | None = None

    def look(self) -> str | None:
        offset = int(self._clock.wall().timestamp() * NANOSECONDS) - self._clock.boottime_ns()
        state = self._clock.state()
        before, self._offset_ns = self._offset_ns, offset
        state_before, self._state = self._state, state
        if before is None:
            return None
        jump_s = (offset - before) / NANOSECONDS
        if abs(jump_s) > JUMP_S:
            return f"the wall clock jumped by {jump_s:+.0f} s and is {state}"
        if state == "synced" and state_before != "synced":
            return "the wall clock was synchronised"
        self._offset_ns = before
        return None

    def facts(self) -> dict[str, str | int | None]:
        return {
            "boot_id": self._clock.boot_id,
            "boottime_ns": self._clock.boottime_ns(),
            "wall_utc": rfc3339(self._clock.wall()),
            "clock_state": self._clock.state(),
        }


class Housekeeping:
    def __init__(self, disk: Disk, keep: Retention, clock: Clock, tell: Tell, idle: Callable[[], bool]) -> None:
        self._disk = disk
        self._retention = keep
        self._clock = clock
        self._watch = ClockWatch(clock)
        self._tell = tell
        self._idle = idle
        self._pruned_on: str | None = None
        self._told_level = Level.ROOM

    async def run(self) -> None:
        while True:
            try:
                await self._round()
            except Exception:
                # The round comes again; selling must not end because a look at the disk did.
                log.exception("housekeeping failed; it is tried again")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _round(self) -> None:
        level = await asyncio.to_thread(self._disk.look)
        if level >= Level.WARN and self._told_level < Level.WARN:
            used = round(self._disk.used_percent)
            await self._tell("error", "disk_nearly_full", self._disk.trouble() or "", {"used_percent": used})
        self._told_level = level
        if changed := self._watch.look():
            await self._tell("info", "clock_anchor", changed, self._watch.facts())
        await self._prune(level)

    async def _prune(self, level: Level) -> None:
        local = self._clock.wall().astimezone(self._clock.zone)
        at_night = retention.due(local, self._clock.state() != "unset") and self._idle()
        day = local.date().isoformat()
        if level >= Level.TRIM:
            await self._retention.prune(retention.SHORT_WINDOW_DAYS, lambda: asyncio.sleep(0.05))
        elif at_night and self._pruned_on != day:
            await self._retention.prune(retention.WINDOW_DAYS, lambda: asyncio.sleep(0.05))
            self._pruned_on = day
