"""A bad line to headquarters: one proxy between gateway and broker, one between core and broker, faults by the dice.

While the uplink is a black hole a POST must be answered as fast as without: both medians are of the same run.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from torture.campaign import Result, Setting, result, settle
from torture.driver import Driver
from torture.house import House
from torture.line import FAULTS, Proxy

ROUNDS, ROUNDS_SHORT = 400, 8
#: how long the two medians are taken over
MEASURE_S, MEASURE_SHORT_S = 15.0, 2.5
#: the black hole may make an answer this much slower: what the same run's noise is
#: a busy machine does not take twice as long for the second half; who waits for the uplink waits for seconds
SLOWER_FACTOR, SLOWER_MS = 2.0, 50.0


async def run(setting: Setting) -> Result:
    house = setting.house()
    async with Proxy(house.broker.port, setting.random) as store, Proxy(house.broker.port, setting.random) as hq:
        house.core_broker_port = hq.port
        return await _judged(setting, house, store, hq)


async def _judged(setting: Setting, house: House, store: Proxy, hq: Proxy) -> Result:
    async with house:
        box = house.add()
        box.broker_port = store.port
        box.start()
        await box.until_online()
        made: Counter[str] = Counter()
        async with Driver(box.api.base, setting.random) as driver:
            await driver.until_kept(50)
            medians = await _medians(setting, driver, store)
            for _ in range(ROUNDS_SHORT if setting.short else ROUNDS):
                made[await _one_fault(setting, store, hq)] += 1
            await driver.until_kept(20)
        verdict, drained_s = await settle(house, [box], driver)
        if medians["black_hole_ms"] > medians["clean_ms"] * SLOWER_FACTOR + SLOWER_MS:
            verdict.problems.append(f"a POST waits for the uplink: {medians}")
        packets = {"store": dict(store.count), "hq": dict(hq.count)}
        return result(
            setting,
            verdict,
            sum(made.values()) + 1,
            made=dict(made),
            post=medians,
            packets=packets,
            drained_s=drained_s,
            answers=dict(driver.book.answers),
        )


async def _medians(setting: Setting, driver: Driver, store: Proxy) -> dict[str, float]:
    """What a POST takes, in milliseconds, with a good uplink and into a black hole."""
    length_s = MEASURE_SHORT_S if setting.short else MEASURE_S
    began = time.monotonic()
    await asyncio.sleep(length_s)
    store.break_it("hole")
    broken = time.monotonic()
    await asyncio.sleep(length_s)
    ended = time.monotonic()
    store.mend()
    return {
        "clean_ms": driver.book.median_ms(began, broken),
        "black_hole_ms": driver.book.median_ms(broken, ended),
    }


async def _one_fault(setting: Setting, store: Proxy, hq: Proxy) -> str:
    random = setting.random
    where, name = random.choice([(store, "store"), (hq, "hq")])
    fault = random.choice(FAULTS)
    where.break_it(fault)
    await asyncio.sleep(random.uniform(0.2, 1.0))
    where.mend()
    await asyncio.sleep(random.uniform(0, 0.4))
    return f"{name} {fault}"
