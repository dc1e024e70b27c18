"""Yesterday comes back: headquarters' database from an older dump, and the store's card from an older image.

dump    The database is put back as it was some sales ago, with `backroom-core restored` and, by the dice of the round,
        without it. The stores refill it.
image   The box's data folder is put back as it was; what it sold since is at headquarters only. Before the line comes
        up it sells again, fewer or more than it forgot, under numbers that headquarters knows with other content.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from pathlib import Path

from torture.campaign import Result, Setting, result, settle
from torture.driver import Driver
from torture.house import Box, House
from torture.line import Proxy
from torture.oracle import drained, read_headquarters
from torture.program import Broken, until

ROUNDS, ROUNDS_SHORT = 10, 1
#: headquarters sees by a store's next word (each minute) that it was restored, and again after two minutes at most
REFILLED_WITHIN_S, REFILLED_WITHIN_SHORT_S = 240.0, 90.0
#: sales under numbers that were used twice, where a person decides; and audit records, if the core knows none
MAY_BE_HELD = frozenset({"equivocation", "unknown_type"})
#: how headquarters says that two cards, or two states of one card, sold under one identity
IDENTITY_ALARMS = {"equivocation", "identity_clash", "seq_went_back", "chain_mismatch", "chain_differs"}


async def run(setting: Setting) -> Result:
    rounds = ROUNDS_SHORT if setting.short else ROUNDS
    async with setting.house() as house, Proxy(house.broker.port, setting.random) as line:
        box = house.add()
        box.broker_port = line.port
        box.start()
        await box.until_online()
        driver = Driver(box.api.base, setting.random, pace_s=0.05)
        steps = 0
        problems: list[str] = []
        for _ in range(rounds):
            for told in (False, True):
                problems += await _older_dump(setting, house, box, driver, told)
                steps += 1
            for fewer in (True, False):
                await _older_image(setting, house, box, driver, line, fewer)
                steps += 1
        problems += await driver.ask_again(40)
        verdict, drained_s = await settle(house, [box], driver, REFILLED_WITHIN_S, MAY_BE_HELD)
        verdict.problems += problems
        epochs = len({epoch for epoch, _ in driver.book.kept.values()})
        alarms = alarm_codes(house)
        if not IDENTITY_ALARMS & set(alarms):
            verdict.problems.append(f"headquarters does not say that a card was restored: {alarms}")
        return result(
            setting,
            verdict,
            steps,
            in_quarantine=verdict.quarantined,
            epochs=epochs,
            alarms=alarms,
            drained_s=drained_s,
        )


def alarm_codes(house: House) -> dict[str, int]:
    return dict(Counter(row.code for row in read_headquarters(house.database_url).alarms))


async def sell(driver: Driver, sales: int) -> None:
    async with driver:
        await driver.until_kept(sales)


# --- headquarters' database -----------------------------------------------------------------------------------------


async def _older_dump(setting: Setting, house: House, box: Box, driver: Driver, told: bool) -> list[str]:
    """What does not hold: where nobody says `restored`, headquarters must see it by itself."""
    await sell(driver, 30)
    await drained(house, [box])
    dump = setting.folder / "dump"
    await _dump(house, dump)
    await sell(driver, 40)
    await drained(house, [box])
    house.core.kill()
    await _put_back(house, dump)
    if told:
        await house.run_core("restored")
    house.core.start()
    await house.until_core()
    await sell(driver, 10)
    within_s = REFILLED_WITHIN_SHORT_S if setting.short else REFILLED_WITHIN_S
    try:
        what, processes = "headquarters is refilled", [box.program, house.core]
        await until(what, lambda: _has_all(house, driver), within_s, processes, every_s=0.5)
    except Broken as late:
        await house.run_core("restored")
        house.core.kill()
        house.core.start()
        await house.until_core()
        return [f"restored dump, {'told' if told else 'not told'}: {str(late)[:1500]}"]
    return []


async def _has_all(house: House, driver: Driver) -> bool:
    days = (await house.hq.get("/v1/store-days"))["store_days"]
    return bool(sum(day["sales"] for day in days) >= len(driver.book.kept))


async def _dump(house: House, file: Path) -> None:
    if house.postgres is not None:
        await house.postgres.dump(house.postgres.folder / "dump")
        return
    file.unlink(missing_ok=True)
    source = sqlite3.connect(house.folder / "core" / "core.db")
    copy = sqlite3.connect(file)
    source.backup(copy)
    copy.close()
    source.close()


async def _put_back(house: House, file: Path) -> None:
    if house.postgres is not None:
        await house.postgres.restore(house.postgres.folder / "dump")
        return
    for old in (house.folder / "core").glob("core.db*"):
        old.unlink()
    shutil.copy(file, house.folder / "core" / "core.db")


# --- the store's card -----------------------------------------------------------------------------------------------


async def _older_image(setting: Setting, house: House, box: Box, driver: Driver, line: Proxy, fewer: bool) -> None:
    image = setting.folder / "image"
    await sell(driver, 20)
    await drained(house, [box])
    await box.program.stop()
    shutil.rmtree(image, ignore_errors=True)
    shutil.copytree(box.data, image)
    box.start()
    await box.until_online()
    await sell(driver, 40)
    await drained(house, [box])
    box.program.kill()
    shutil.rmtree(box.data)
    shutil.copytree(image, box.data)
    line.break_it("hole")
    box.start()
    await box.until_answers()
    await sell(driver, 10 if fewer else 80)
    line.mend()
    await drained(house, [box])
