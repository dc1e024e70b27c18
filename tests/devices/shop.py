"""A back room for tests: pretend devices on real ptys and sockets, sessions beside them, and waiting for conditions."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

from gateway import drivers, simulators
from gateway.devices.manager import Manager
from gateway.devices.session import BackOff, Session
from gateway.devices.transport import open_transport
from gateway.peripherals import Power

#: as quick as a test wants it, and without chance
QUICK = BackOff(first_s=0.01, cap_s=0.05, jitter=lambda limit_s: limit_s)


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait until the condition holds; polling, because what is waited for is often outside this loop."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.002)


def session_for(name: str, url: str, back_off: BackOff = QUICK, **options: Any) -> Session:
    return Session(f"{name}-1", drivers.load(name), options, url, open_transport, back_off=back_off)


@contextlib.asynccontextmanager
async def running(*runnables: Session | Manager) -> AsyncIterator[None]:
    """Run them, and at the end cancel them and see that nothing is left behind."""
    before = asyncio.all_tasks()
    tasks = [asyncio.create_task(runnable.run()) for runnable in runnables]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            assert end is None or isinstance(end, asyncio.CancelledError), end
    await until(lambda: asyncio.all_tasks() <= before)


def is_online(session: Session) -> Callable[[], bool]:
    return lambda: session.snapshot().power is Power.ONLINE


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def device(name: str) -> Any:
    return simulators.load(name).device()
