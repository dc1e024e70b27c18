"""Fifty times out and in again: nothing is left behind, and every label before and after is read."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import drivers
from gateway.devices.host import Host, PtyHost, TcpHost
from gateway.devices.manager import Manager
from gateway.peripherals import Power, Scan
from tests.devices.shop import QUICK, device, is_online, open_descriptors, running, until

UNPLUGS = 50
#: Python's own caches grow a little; a leaked connection would be some 20 KiB each time
MOST_GROWTH = 256 * 1024
MakeHost = Callable[[str, str, Path], Host]


def pty(name: str, device_id: str, folder: Path) -> Host:
    return PtyHost(device(name), folder / device_id)


def tcp(name: str, device_id: str, folder: Path) -> Host:
    return TcpHost(device(name))


@pytest.mark.parametrize("name", ["scanner-line", "scanner-hid-pos", "scanner-evdev", "scanner-ssi"])
@pytest.mark.parametrize("make_host", [pty, tcp])
async def test_fifty_unplugs_of_one_of_two_scanners_leak_nothing(
    name: str, make_host: MakeHost, tmp_path: Path
) -> None:
    heard: dict[str, list[str]] = {"left": [], "right": []}

    def hears(device_id: str, entry: object) -> None:
        if isinstance(event := getattr(entry, "event", None), Scan):
            heard[device_id].append(event.data)

    async with make_host(name, "left", tmp_path) as left, make_host(name, "right", tmp_path) as right:
        manager = Manager(back_off=QUICK)
        sessions = {
            device_id: manager.add(device_id, drivers.load(name), host.url)
            for device_id, host in (("left", left), ("right", right))
        }
        manager.listen(hears)
        async with running(manager):
            await once(left, sessions["left"], heard["left"], 0)
            await until(is_online(sessions["right"]))
            gc.collect()
            descriptors, tasks = open_descriptors(), len(asyncio.all_tasks())
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            for number in range(1, UNPLUGS + 1):
                await left.unplug()
                await until(lambda: sessions["left"].snapshot().power is Power.OFF)
                assert sessions["right"].snapshot().power is Power.ONLINE
                await left.plug()
                await once(left, sessions["left"], heard["left"], number)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            await until(lambda: open_descriptors() == descriptors)
            await until(lambda: len(asyncio.all_tasks()) == tasks)
            assert grown < MOST_GROWTH, f"{grown} bytes more after {UNPLUGS} unplugs"
            right.set("scan", "right")
            await until(lambda: heard["right"] == ["right"])
    assert heard["left"] == [str(number) for number in range(UNPLUGS + 1)]


async def once(host: Host, session: object, labels: list[str], number: int) -> None:
    """Wait until it is there, and read one label."""
    await until(is_online(session))  # type: ignore[arg-type]
    host.set("scan", str(number))
    await until(lambda: labels and labels[-1] == str(number))
    # A scanner with a protocol keeps a label until it was acknowledged; here it does not lose it with its power.
    await until(lambda: not getattr(host.device, "unacknowledged", ()))
