"""The file with the money is damaged while the shop is cut off, on real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.api.transactions import EXAMPLE
from gateway.demo.world import World
from gateway.errors import BackroomError

pytestmark = pytest.mark.story


@pytest.fixture
async def world(tmp_path: Path, core_data: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world", core_data=core_data)
    await world.start()
    yield world
    await world.stop()


async def test_a_damaged_money_file_is_kept_and_selling_goes_on_in_a_new_epoch(world: World) -> None:
    world.broker.kill()
    for number in range(3):
        body = EXAMPLE | {"sequence_number": number + 1}
        await world.gateway.post("/v1/transactions", body, {"Idempotency-Key": f"before-{number}"})
    former = (await world.gateway.get("/v1/status"))["epoch"]
    await world.gateway_process.stop()
    data = world.folder / "data"
    spoilt = bytearray((data / "money.sqlite").read_bytes())
    spoilt[100:120] = b"\xff" * 20  # the first page's own header: SQLite refuses the file
    (data / "money.sqlite").write_bytes(spoilt)
    world.gateway_process.start()

    async def answers() -> bool:
        try:
            return bool((await world.gateway.get("/v1/status"))["epoch"] != former)
        except BackroomError:
            return False

    await world.until("the gateway sells again", world.gateway_process, answers)
    [aside] = data.glob("money-damaged-*.sqlite")
    assert aside.read_bytes() == bytes(spoilt)
    await world.gateway.post("/v1/transactions", EXAMPLE | {"sequence_number": 9}, {"Idempotency-Key": "after"})
    await world.broker.start()

    async def told() -> bool:
        alarms = (await world.core.get("/v1/fleet"))["alarms"]
        return any(alarm["code"] == "salvaged" for alarm in alarms)

    await world.until("headquarters is told", world.core_process, told, 30)
