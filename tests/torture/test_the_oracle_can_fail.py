"""The oracle is only worth something if it sees a loss: tampered worlds must be called so."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from torture.driver import Driver
from torture.house import Box, House
from torture.oracle import Oracle, Verdict, drained

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story-torture")]


class World:
    def __init__(self, house: House, box: Box, driver: Driver) -> None:
        self.house, self.box, self.driver = house, box, driver

    async def judged(self) -> Verdict:
        return await Oracle(self.house, [self.box], self.driver.book).judge()

    def tamper(self, place: str, *statements: str) -> None:
        path = self.box.money if place == "outbox" else self.house.folder / "core" / "core.db"
        connection = sqlite3.connect(path)
        for statement in statements:
            assert connection.execute(statement).rowcount > 0
        connection.commit()
        connection.close()


@pytest.fixture
async def world(tmp_path: Path, core_data: Path) -> AsyncIterator[World]:
    async with House(tmp_path / "house", core_data=core_data) as house:
        box = house.add()
        box.start()
        await box.until_online()
        driver = Driver(box.api.base, Random(7), pace_s=0.02)
        async with driver:
            await driver.until_kept(30)
        await drained(house, [box])
        yield World(house, box, driver)


async def test_it_sees_every_kind_of_wrong(world: World) -> None:
    good = await world.judged()
    assert (good.lost, good.duplicated, good.problems) == (0, 0, [])
    assert good.accepted == good.booked >= 30

    world.tamper("outbox", "UPDATE acked SET seq = seq - 3")
    assert "unacked" in str((await world.judged()).problems)
    world.tamper("outbox", "UPDATE acked SET seq = seq + 3")
    assert (await world.judged()).problems == []

    world.tamper("core", "UPDATE journal SET total_minor = total_minor + 1 WHERE seq = 4")
    assert "booked with" in str((await world.judged()).problems)
    world.tamper("core", "UPDATE journal SET total_minor = total_minor - 1 WHERE seq = 4")

    world.tamper("core", "UPDATE position SET on_hand = on_hand - 1")
    assert "stock moved" in str((await world.judged()).problems)
    world.tamper("core", "UPDATE position SET on_hand = on_hand + 1")
    assert (await world.judged()).problems == []

    world.tamper("core", "UPDATE journal SET idempotency_key = 'somebody-else' WHERE seq = 5")
    strange = await world.judged()
    assert strange.lost == 1
    assert "nobody sold" in str(strange.problems)

    world.tamper("core", "DELETE FROM journal WHERE seq = 5")
    assert (await world.judged()).lost == 1

    other = "CAST(replace(CAST(body AS TEXT), 'torture', 'TORTURE') AS BLOB)"
    world.tamper("outbox", f"UPDATE record SET body = {other} WHERE seq = 9")
    assert "hash" in str((await world.judged()).problems)

    world.tamper("core", "DELETE FROM inbox WHERE seq = 7")
    assert "place 7" in str((await world.judged()).problems)
