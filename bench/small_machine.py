"""A process as if on a small box: so much memory and no more, a part of one processor and no more.

Both kinds of control groups: version 2, and the older one with a hierarchy for each controller. Needs root, as the
kernel demands; nothing outside of the groups made here is touched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000


class NotHere(Exception):
    """This machine lets nobody make such a group; says why."""


@contextlib.contextmanager
def confined(memory_mib: int, cores: float) -> Iterator[SmallMachine]:
    """Groups with these limits; gone at the end, when their processes are.

    Raises:
        NotHere: not root, or no such controller.
    """
    machine = SmallMachine(memory_mib, cores)
    try:
        machine.make()
        yield machine
    finally:
        machine.remove()


class SmallMachine:
    def __init__(self, memory_mib: int, cores: float) -> None:
        self._memory, self._quota_us = memory_mib * 2**20, round(cores * PERIOD_US)
        name = f"backroom-bench-{os.getpid()}"
        self._two = (ROOT / "cgroup.controllers").exists()
        roots = [ROOT] if self._two else [ROOT / "memory", ROOT / "cpu"]
        self._groups = [root / name for root in roots]

    def make(self) -> None:
        limits: list[dict[str, str]]
        if self._two:
            limits = [
                {
                    "memory.max": str(self._memory),
                    "memory.swap.max": "0",
                    "cpu.max": f"{self._quota_us} {PERIOD_US}",
                }
            ]
        else:
            limits = [
                {"memory.limit_in_bytes": str(self._memory)},
                {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(self._quota_us)},
            ]
        try:
            for group, wanted in zip(self._groups, limits, strict=True):
                group.mkdir(exist_ok=True)
                for file, value in wanted.items():
                    (group / file).write_text(value)
        except OSError as error:
            raise NotHere(
                f"{error.filename}: {error.strerror}; it takes root and the controllers cpu and memory"
            ) from error

    def prefix(self) -> list[str]:
        """What a command has before it to start in here."""
        enter = " && ".join(f"echo $$ > {group}/cgroup.procs" for group in self._groups)
        return ["/bin/sh", "-c", f'{enter} && exec "$@"', "sh"]

    def peak_mib(self) -> float:
        """The most memory that the group held, with its share of the page cache."""
        file = "memory.peak" if self._two else "memory.max_usage_in_bytes"
        return int((self._groups[0] / file).read_text()) / 2**20

    def killed(self) -> int:
        """How often the kernel killed something in here for lack of memory."""
        file = "memory.events" if self._two else "memory.oom_control"
        lines = dict(line.split() for line in (self._groups[0] / file).read_text().splitlines())
        return int(lines.get("oom_kill", "0"))

    def remove(self) -> None:
        for group in self._groups:
            with contextlib.suppress(OSError):
                group.rmdir()
