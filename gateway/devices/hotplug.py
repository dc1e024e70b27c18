"""Notices that something was plugged in, so that a device is back at once and not after its session's longest pause.

It looks at the folders in which device files and udev's lasting names appear; each is one stat a second. That needs no
library, no netlink socket (which a hardened unit does not have) and no udev (which a container does not have), and a
person who plugs a cable in does not notice the second. See docs/decisions/0010-hotplug.md.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

LOOK_EVERY_S = 1.0
FOLDERS = (
    "/dev",
    "/dev/bus/usb",
    "/dev/input",
    "/dev/input/by-id",
    "/dev/serial/by-id",
    "/dev/serial/by-path",
    "/dev/usb",
)


class Hotplug:
    """run() calls `changed` whenever a file came into one of these folders, or went."""

    def __init__(self, changed: Callable[[], None], folders: Iterable[str] = FOLDERS) -> None:
        self._changed, self._folders = changed, tuple(folders)

    async def run(self, every_s: float = LOOK_EVERY_S) -> None:
        before = self._looks()
        while True:
            await asyncio.sleep(every_s)
            now = self._looks()
            if now != before:
                before = now
                self._changed()

    def _looks(self) -> list[tuple[int, int]]:
        return [_look(folder) for folder in self._folders]


def _look(folder: str) -> tuple[int, int]:
    """Its inode and when its entries last changed; zeros while it is not there."""
    try:
        status = os.stat(folder)
    except OSError:
        return 0, 0
    return status.st_ino, status.st_mtime_ns
