"""Room for sales: how full the disk is, what is given up when, and a ballast that is thrown off in need.

Levels, by the share of the file system that is used (as df reckons it):

    80 %  shed   telemetry is given up
    90 %  trim   old acknowledged history is pruned early
    95 %  warn   headquarters and the till screen are told
    98 %  full   a new sale is refused with a clear word; an open one can finish, with the ballast's room

A large disk that is 98 % full may still have room for years of sales, so a level counts only where less than ENOUGH is
free as well. The ballast is a file of real bytes; it is made again once there is room.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from gateway.errors import QueueError

log = logging.getLogger(__name__)

BALLAST = "ballast"
BALLAST_BYTES = 8 * 2**20
#: with so much free, no share of anything is an alarm: about 1,000 days of 3,000 sales
ENOUGH_BYTES = 4 * 2**30
CHUNK = 2**20


class Level(IntEnum):
    ROOM = 0
    SHED = 80
    TRIM = 90
    WARN = 95
    FULL = 98


def must_be_writable(folder: Path) -> None:
    """Refuse where the kernel has made the file system read-only: there a sync says yes and writes nothing.

    (ext4_sync_file returns 0 on a read-only mount, and pages of a laid-out WAL go into the cache; found by the device
    lab, in which a daemon went on acknowledging sales that no card had.)

    Raises:
        QueueError: it is read-only, or gone.
    """
    try:
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
    except OSError as problem:
        raise QueueError(f"{folder}: {problem.strerror}; the disk is gone: check the card, then restart") from problem
    if read_only:
        raise QueueError(f"{folder}: the disk has become read-only: the card may be dying; replace it, or remount it")


class Disk:
    """look() every few seconds; relieve() when a write found no room. Listeners hear of each change of level."""

    def __init__(self, folder: Path, ballast_bytes: int = BALLAST_BYTES) -> None:
        self._folder = folder
        self._ballast = folder / BALLAST
        self._ballast_bytes = ballast_bytes
        self._listeners: list[Callable[[], None]] = []
        self.level = Level.ROOM
        self.used_percent = 0.0

    def listen(self, heard: Callable[[], None]) -> None:
        self._listeners.append(heard)

    def look(self) -> Level:
        """Measure, say so once per change, and make the ballast where it is missing and there is room."""
        usage = shutil.disk_usage(self._folder)
        self.used_percent = 100 * usage.used / (usage.used + usage.free)
        level = Level.ROOM
        if usage.free < ENOUGH_BYTES:
            level = max((one for one in Level if self.used_percent >= one), default=Level.ROOM)
        if level is not self.level:
            self._changed(level, usage.free)
        if level < Level.TRIM and usage.free > 4 * self._ballast_bytes:
            self._make_ballast()
        return level

    def _changed(self, level: Level, free: int) -> None:
        worse = level > self.level
        self.level = level
        say = log.error if level is Level.FULL else log.warning if worse else log.info
        say(
            "disk of %s: %.0f %% used, %d MiB free: %s",
            self._folder,
            self.used_percent,
            free // 2**20,
            level.name.lower(),
        )
        for heard in self._listeners:
            heard()

    def relieve(self) -> bool:
        """Throw the ballast off; True if that made room. May be called from the writer's thread."""
        try:
            self._ballast.unlink()
        except OSError:
            return False
        log.error("disk full: ballast of %d MiB thrown off so that open sales can finish", self._ballast_bytes // 2**20)
        return True

    def trouble(self) -> str | None:
        """What a cashier and headquarters should read, or None."""
        if self.level is Level.FULL:
            return "Disk full: no new sale can be kept. Finish the open one and call support: space must be freed."
        if self.level is Level.WARN:
            return f"Disk {self.used_percent:.0f} % full: call support before it is full."
        return None

    def _make_ballast(self) -> None:
        try:
            if self._ballast.exists() and self._ballast.stat().st_size == self._ballast_bytes:
                return
            with self._ballast.open("wb") as file:
                for _ in range(0, self._ballast_bytes, CHUNK):
                    file.write(os.urandom(min(CHUNK, self._ballast_bytes)))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            log.warning("no ballast: %s", error)
            self._ballast.unlink(missing_ok=True)
