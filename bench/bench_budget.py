"""What the daemon costs a small box: memory when idle, CPU until it serves, and the modules that it imports.

A real store: the gateway's own process with its pages, four devices (pretended ones, in the benchmark's process), a
real Mosquitto, a real core. rss_idle_mib is VmRSS, 5 s after the link was up and every device was seen; then once more
with both pages having been shown. start_cpu_s is user and system time from exec until the port answered and the link
was up. Limits: 64 MiB, 1 s.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench import modules
from bench.result import Result, cost
from gateway.demo.world import World

STARTS = 5
IDLE_S = 5.0
RSS_MIB = 64
START_CPU_S = 1.0
LOOK_EVERY_S = 0.1


def rss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no VmRSS")


def cpu_s(pid: int) -> float:
    """User and system time of all its threads, those that ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _started(world: World) -> float:
    """Start the gateway; CPU seconds until it was ready. Each look costs it some as well, so they are few."""
    world.gateway_process.start()
    deadline = time.monotonic() + 40
    while not await world.gateway_ready():
        if time.monotonic() > deadline or not world.gateway_process.running():
            raise RuntimeError(f"the gateway did not start: {world.gateway_process.tail()}")
        await asyncio.sleep(LOOK_EVERY_S)
    return cpu_s(world.gateway_process.pid)


async def _measure(folder: Path) -> tuple[list[float], list[float], list[float]]:
    """(CPU of each start, memory when idle, memory with both pages shown)"""
    world = World(folder)
    starts, idle, shown = [], [], []
    try:
        await world.start()
        for _ in range(STARTS):
            await world.gateway_process.stop()
            starts.append(await _started(world))
            await asyncio.sleep(IDLE_S)
            idle.append(rss_mib(world.gateway_process.pid))
            await world.gateway.text("/till/1")
            await world.gateway.text("/technician")
            shown.append(rss_mib(world.gateway_process.pid))
    finally:
        await world.stop()
    return starts, idle, shown


def run() -> Iterator[Result]:
    folder = Path(tempfile.mkdtemp(prefix="backroom-bench-budget-"))
    try:
        starts, idle, shown = asyncio.run(_measure(folder))
        yield cost("budget", "rss_idle_mib", "MiB", median(idle), "limit", RSS_MIB)
        yield cost("budget", "rss_pages_shown_mib", "MiB", median(shown), "limit", RSS_MIB)
        yield cost("budget", "start_cpu_s", "s", median(starts), "limit", START_CPU_S)
        loaded = modules.of_daemon(folder / "gateway.toml", folder)
        print(f"backroom run imports {len(loaded)} modules:", *sorted(loaded), file=sys.stderr)
        print("of third parties:", modules.third_party(loaded), file=sys.stderr)
    finally:
        shutil.rmtree(folder)
