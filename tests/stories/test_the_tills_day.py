"""A cashier's day on real processes, and what headquarters makes of it: the count, a manager's word, a void."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from cloud_erp.tills.closes import differences, reckon
from gateway.demo.client import HttpError
from gateway.demo.world import GATEWAY_ID, World, sample_items
from retail.control import SessionTotals
from tests.people import quick_hash

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story")]
ITEMS = {item.item_id: item for item in sample_items()}
MILK = ITEMS["1001"]
LANE, DAY = "/v1/baskets/1", "/v1/sessions/1"
MIA = {"operator_id": "mia", "pin": "9999"}


class StaffedWorld(World):
    def _write_configuration(self) -> None:
        super()._write_configuration()
        staff = (("anna", "cashier", "1111"), ("mia", "manager", "9999"))
        tables = [f'\n[operator.{name}]\nname = "{name}"\nrole = "{role}"\npin = "{quick_hash(pin)}"\n'
                  for name, role, pin in staff]  # fmt: skip
        with self.gateway_toml.open("a") as file:
            file.write("".join(tables))


@pytest.fixture
async def world(tmp_path: Path, core_data: Path) -> AsyncIterator[World]:
    world = StaffedWorld(tmp_path / "world", core_data=core_data)
    await world.start()
    yield world
    await world.stop()


def of_the_core(world: World, query: str) -> list[tuple[Any, ...]]:
    file = world.folder / "core" / "core.db"
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_a_day_with_an_override_a_void_and_50_short_reaches_headquarters_and_is_proven(world: World) -> None:
    till = world.gateway
    await till.post(f"{LANE}/sign-on", {"operator_id": "anna", "pin": "1111"})
    await till.post(f"{DAY}/open", {"float_minor": 5_000})
    price = (await till.post(f"{LANE}/scan", {"code": MILK.barcode}))["total_minor"]
    cheaper = {"unit_price_minor": price // 2, "reason": "dented"}
    with pytest.raises(HttpError) as refused:
        await till.post(f"{LANE}/override", cheaper)
    assert (refused.value.status, json.loads(refused.value.text)["role"]) == (403, "manager")
    await till.post(f"{LANE}/override", {**cheaper, "authorisation": MIA})
    await till.post(f"{LANE}/tender", {"amount_minor": 1_000})
    await till.post(f"{LANE}/scan", {"code": MILK.barcode})
    await till.post(f"{LANE}/void")
    await till.post(f"{DAY}/paid-out", {"amount_minor": 100, "reason": "stamps", "authorisation": MIA})
    counted = 5_000 + price // 2 - 100 - 50
    closed = await till.post(f"{DAY}/close", {"counted_minor": counted})
    assert closed["totals"]["over_short_minor"] == -50

    async def booked() -> bool:
        return bool(of_the_core(world, "SELECT 1 FROM till_session WHERE closed_seq IS NOT NULL"))

    await world.until("headquarters has booked the close", world.core_process, booked, 60)
    [(session_id, totals)] = of_the_core(world, "SELECT session_id, totals FROM till_session")
    stated = SessionTotals.model_validate_json(totals)
    assert stated.over_short_minor == -50
    engine = create_engine(f"sqlite:///{world.folder / 'core' / 'core.db'}")
    with engine.connect() as connection:
        assert differences(stated, reckon(connection, GATEWAY_ID, session_id)) == []
    engine.dispose()
    controls = of_the_core(world, "SELECT control, operator_id FROM control ORDER BY seq")
    assert controls == [
        ("SessionOpen", "anna"),
        ("SaleVoid", "anna"),
        ("PaidOut", "anna"),
        ("SessionClose", "anna"),
    ]
    audit = json.dumps(await world.core.get("/v1/audit"))
    assert audit.count("authority_used") >= 2
    # Not within an id, whose digits are drawn.
    assert not re.search(r"(?<![\w-])9999(?![\w-])", audit)
    assert of_the_core(world, "SELECT count(*) FROM quarantine") == [(0,)]
