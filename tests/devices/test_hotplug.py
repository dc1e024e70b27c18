"""A device that is plugged in is back at once, however long its session would have waited."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from gateway import drivers
from gateway.devices.host import PtyHost
from gateway.devices.hotplug import Hotplug
from gateway.devices.manager import Manager
from gateway.devices.session import BackOff
from tests.devices.shop import device, is_online, until

#: a session that would try again only after an hour
NEVER = BackOff(first_s=3600.0, cap_s=3600.0, jitter=lambda limit_s: limit_s)


@contextlib.asynccontextmanager
async def looking(hotplug: Hotplug) -> AsyncIterator[None]:
    running = asyncio.create_task(hotplug.run(every_s=0.01))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_file_that_comes_or_goes_is_noticed_and_nothing_else_is(tmp_path: Path) -> None:
    folder, later = tmp_path / "by-id", tmp_path / "later"
    folder.mkdir()
    (folder / "old").touch()
    noticed: list[str] = []
    async with looking(Hotplug(lambda: noticed.append("!"), [str(folder), str(later)])):
        await asyncio.sleep(0.05)
        assert noticed == []
        (folder / "old").write_text("a byte on its line changes no folder")
        await asyncio.sleep(0.05)
        assert noticed == []
        (folder / "new").touch()
        await until(lambda: len(noticed) == 1)
        (folder / "new").unlink()
        await until(lambda: len(noticed) == 2)
        later.mkdir()
        await until(lambda: len(noticed) == 3)


async def test_a_scale_that_is_plugged_in_again_weighs_at_once(tmp_path: Path) -> None:
    manager = Manager(back_off=NEVER)
    host = PtyHost(device("scale-toledo-8217"), tmp_path / "scale")
    session = manager.add("scale-1", drivers.load("scale-toledo-8217"), host.url)
    running = asyncio.create_task(manager.run())
    try:
        await until(lambda: session.snapshot().last_error != "")
        async with host:
            # What Hotplug calls when the device's file appears.
            session.plugged()
            await until(is_online(session))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
