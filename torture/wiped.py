"""The broker dies and forgets while it holds batches that headquarters never consumed, though it had said PUBACK.

Headquarters is stopped in mid-air (SIGSTOP: its connection stands, nothing is read) or dead; the store goes on selling
and publishing; the broker says PUBACK, is killed, and comes back empty.
"""

from __future__ import annotations

import os
import signal

from torture.campaign import Result, Setting, result, settle
from torture.driver import Driver
from torture.house import Box, House
from torture.line import Proxy
from torture.program import until

ROUNDS, ROUNDS_SHORT = 40, 2


async def run(setting: Setting) -> Result:
    rounds = ROUNDS_SHORT if setting.short else ROUNDS
    held = 0
    async with setting.house() as house, Proxy(house.broker.port, setting.random) as line:
        box = house.add()
        box.broker_port = line.port
        box.start()
        await box.until_online()
        async with Driver(box.api.base, setting.random) as driver:
            for number in range(rounds):
                await driver.until_kept(setting.random.randint(5, 40))
                held += await _wipe(house, box, driver, line, frozen=number % 2 == 0)
            await driver.until_kept(10)
        verdict, drained_s = await settle(house, [box], driver)
        if not held:
            verdict.problems.append("the broker never held anything: this run proves nothing")
        return result(setting, verdict, rounds, forgotten=held, drained_s=drained_s, answers=dict(driver.book.answers))


async def _wipe(house: House, box: Box, driver: Driver, line: Proxy, frozen: bool) -> int:
    """How many batches the broker had taken in trust, by its PUBACKs, when it was killed."""
    if frozen:
        os.kill(house.core.pid, signal.SIGSTOP)
    else:
        house.core.kill()
    taken = line.count["log answered"]
    await driver.until_kept(20)

    async def waiting() -> bool:
        return bool((await box.api.get("/v1/status"))["unacked"] > 0) and line.count["log answered"] > taken

    try:
        await until("the broker holds what nobody consumed", waiting, 30, [box.program])
        forgotten = line.count["log answered"] - taken
        house.broker.kill()
        await house.broker.start()
    finally:
        if frozen:
            os.kill(house.core.pid, signal.SIGCONT)
    if not frozen:
        house.core.start()
    await house.until_core()
    return forgotten
