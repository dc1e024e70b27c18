"""Goods that come back, on real processes: what was paid for them goes back, and headquarters books it once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.client import HttpError
from gateway.demo.world import STORE_ID, World, sample_items
from retail.wire.payload import unpack
from tests.stories.open_store import opened
from tests.stories.test_offers_and_points import REPLAYS, Wire

pytestmark = [pytest.mark.story, pytest.mark.asyncio(loop_scope="module")]
MILK = next(item for item in sample_items() if item.item_id == "1001")
FIRST, ANOTHER = "/v1/baskets/1", "/v1/baskets/3"
THREE_FOR_250 = {
    "id": "MILK-3",
    "kind": "bundle_price",
    "match": {"milk": {"items": ["1001"]}},
    "slots": [{"set": "milk", "qty": 3}],
    "reward": {"type": "bundle_price", "value": 250},
}


class TwoTills(World):
    def _write_configuration(self) -> None:
        super()._write_configuration()
        with self.gateway_toml.open("a") as file:
            file.write("\n[workstation.3]\n")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, core_data: Path) -> AsyncIterator[World]:
    world = TwoTills(tmp_path_factory.mktemp("shop"), core_data=core_data)
    await world.start()
    rules = world.folder / "rules.json"
    rules.write_text(json.dumps([THREE_FOR_250]), encoding="utf-8")
    await world.run_core("import", "promotions", str(rules))
    await world.until_offers()
    yield world
    await world.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def world(shop: World) -> World:
    await opened(shop)
    return shop


async def three_milk(world: World) -> str:
    """Sold under the deal; the receipt's number."""
    await world.gateway.post(f"{FIRST}/quantity", {"pieces": 3})
    basket = await world.gateway.post(f"{FIRST}/scan", {"code": MILK.barcode})
    assert (basket["gross_minor"], basket["total_minor"]) == (3 * 119, 250)
    paid = await world.gateway.post(f"{FIRST}/tender", {"amount_minor": 250})
    return str(paid["finished"]["number"])


async def returned(world: World, lane: str, receipt: str, reason_code: str) -> int:
    """One of them comes back and is paid out in cash; how much that was."""
    said = {"receipt": receipt, "line_number": 1, "quantity": 1, "reason_code": reason_code}
    basket = await world.gateway.post(f"{lane}/returns", said)
    back: int = basket["refund_due_minor"]
    done = await world.gateway.post(f"{lane}/tender", {"tender_type": "Cash"})
    assert done["finished"] is not None
    return back


async def stock(world: World) -> int:
    """Pieces of milk that headquarters has for this store; 0 before the first was sold."""
    found = (await world.core.get("/v1/stock?item=1001"))["stock"]
    return sum(one["on_hand"] for one in found if one["store_id"] == STORE_ID)


async def stock_is(world: World, pieces: int) -> None:
    async def so() -> bool:
        found = (await world.core.get("/v1/stock?item=1001"))["stock"]
        return [one["on_hand"] for one in found if one["store_id"] == STORE_ID] == [pieces]

    await world.until(f"headquarters has {pieces} in stock", world.core_process, so, 30)


async def the_day(world: World) -> dict[str, Any]:
    [day] = (await world.core.get("/v1/store-days"))["store_days"]
    return dict(day)


async def sales_of(world: World) -> list[dict[str, Any]]:
    """Booked at headquarters, oldest first."""
    return list((await world.core.get("/v1/sales"))["sales"])


async def test_one_of_three_under_a_deal_comes_back_for_what_was_paid_for_it_and_is_booked_once(world: World) -> None:
    had, known = await stock(world), len(await sales_of(world))
    wire = await asyncio.to_thread(Wire, world)
    receipt = await three_milk(world)
    await stock_is(world, had - 3)
    before = await the_day(world)
    back = await returned(world, FIRST, receipt, "not_wanted")
    assert back == 83  # 250 over three: 84, 83, 83; the cheapest comes back first
    await stock_is(world, had - 2)
    after = await the_day(world)
    assert after["total_minor"] == before["total_minor"] - 83
    for _ in range(REPLAYS):
        await asyncio.to_thread(wire.replay)
    # Another lane than the sale's, and behind all that was replayed.
    assert await returned(world, ANOTHER, receipt, "not_wanted") == 83
    await stock_is(world, had - 1)
    wire.close()
    assert (await the_day(world))["total_minor"] == before["total_minor"] - 166
    sales = (await sales_of(world))[known:]
    assert [one["total_minor"] for one in sales] == [250, -83, -83]
    assert [one["workstation_id"] for one in sales] == ["1", "1", "3"]
    records = [record for payload in wire.batches for record in json.loads(unpack(payload))["items"]]
    assert sum(record["type"] == "RetailTransaction" for record in records) > len(sales)  # they did come again
    assert (await world.core.get("/v1/cases"))["cases"] == []
    assert (await world.core.get("/v1/quarantine"))["quarantine"] == []


async def test_what_is_damaged_does_not_go_back_into_stock_and_nothing_comes_back_twice(world: World) -> None:
    had, known = await stock(world), len(await sales_of(world))
    taken = sum(one["total_minor"] for one in await sales_of(world))
    receipt = await three_milk(world)
    paid = [await returned(world, lane, receipt, "damaged") for lane in (FIRST, ANOTHER, FIRST)]
    assert sum(paid) == 250
    with pytest.raises(HttpError, match="already_returned"):
        await returned(world, ANOTHER, receipt, "damaged")
    with pytest.raises(HttpError) as refused:
        await returned(world, ANOTHER, receipt, "")
    assert refused.value.status == 422

    async def all_booked() -> bool:
        return len(await sales_of(world)) == known + 4

    await world.until("headquarters has all four", world.core_process, all_booked, 30)
    await stock_is(world, had - 3)
    assert (await the_day(world))["total_minor"] == taken
