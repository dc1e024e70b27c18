"""Offers on real processes: imported at headquarters, rung at the till, booked back once though they are replayed."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from cloud_erp.intake import swift
from gateway.demo.broker import CORE_USER
from gateway.demo.client import HttpError
from gateway.demo.world import GATEWAY_ID, World, sample_file, sample_items
from retail.wire.payload import unpack
from retail.wire.topics import GatewayTopics
from tests.stories.open_store import opened

pytestmark = [pytest.mark.story, pytest.mark.asyncio(loop_scope="module")]
ITEMS = {item.item_id: item for item in sample_items()}
LANE = "/v1/baskets/1"
LOG = GatewayTopics(GATEWAY_ID).log
REPLAYS = 5


class Wire:
    """Who listens to what a store sends up, and can send it again in that store's name."""

    def __init__(self, world: World) -> None:
        self.batches: list[bytes] = []
        self._port, self._folder = world.broker.port, world.folder
        self._ear = self._client(CORE_USER)
        self._ear.on_message = self._heard
        self._listening = threading.Event()
        self._ear.on_subscribe = lambda *_: self._listening.set()
        self._ear.on_connect = lambda client, *_: client.subscribe(LOG, 1)
        self._ear.connect("127.0.0.1", self._port)
        self._ear.loop_start()
        assert self._listening.wait(10)

    def replay(self) -> None:
        mouth = self._client(GATEWAY_ID)
        mouth.connect("127.0.0.1", self._port)
        mouth.loop_start()
        for payload in list(self.batches):
            mouth.publish(LOG, payload, qos=1).wait_for_publish(10)
        mouth.disconnect()
        mouth.loop_stop()

    def close(self) -> None:
        self._ear.disconnect()
        self._ear.loop_stop()

    def _heard(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.batches.append(bytes(message.payload))

    def _client(self, user: str) -> Client:
        made = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        made.username_pw_set(user, (self._folder / f"{user}.password").read_text().strip())
        return made


async def offered(world: World) -> None:
    """Promotions, members and coupons are imported beside the running core, and in force at the till."""
    for name in ("promotions.json", "members.csv", "coupons.csv"):
        await world.run_core("import", name.partition(".")[0], str(sample_file("samples", name)))

    async def known() -> bool:
        try:
            await world.gateway.post(f"{LANE}/member", {"phone": "0912345678"})
            await world.gateway.post(f"{LANE}/coupons", {"code": "WELCOME-7F3K"})
        except HttpError:
            return False
        return True

    await scan(world, "1504")
    await world.until("the till has members and coupons", world.gateway_process, known, 20)
    await world.gateway.post(f"{LANE}/void")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, core_data: Path) -> AsyncIterator[World]:
    world = World(tmp_path_factory.mktemp("shop"), core_data=core_data)
    await world.start()
    await offered(world)
    yield world
    await world.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def world(shop: World) -> World:
    await opened(shop)
    return shop


async def scan(world: World, item_id: str) -> dict[str, Any]:
    basket: dict[str, Any] = await world.gateway.post(f"{LANE}/scan", {"code": ITEMS[item_id].barcode})
    return basket


async def points_are(world: World, points: int) -> None:
    async def so() -> bool:
        return bool((await world.core.get("/v1/members/M-1001"))["points"] == points)

    await world.until(f"headquarters says {points} points", world.core_process, so, 30)


def goes_the_quick_way(record: dict[str, Any]) -> bool:
    """Whether headquarters reads what the till wrote without looking at it a second time."""
    read = swift.record(record)
    return read is not None and swift.item(record["seq"], read) is not None


async def test_a_deal_rung_at_the_till_gives_points_and_uses_a_coupon_once_though_replayed(world: World) -> None:
    wire = await asyncio.to_thread(Wire, world)
    world.store.scan("2900000010017")  # the card that `make demo` names

    async def greeted() -> bool:
        return bool((await world.gateway.get(LANE))["member"])

    await world.until("the card is read", world.gateway_process, greeted, 15)
    await scan(world, "1306")
    basket = await scan(world, "1401")
    assert basket["total_minor"] == 949
    basket = await world.gateway.post(f"{LANE}/coupons", {"code": "WELCOME-7F3K"})
    due = basket["total_minor"]
    assert due == 949 - 95
    await world.gateway.post(f"{LANE}/tender", {"amount_minor": 1_000})
    await points_are(world, 320 + due // 100)
    records = [record for payload in wire.batches for record in json.loads(unpack(payload))["items"]]
    sales = [record for record in records if record["type"] == "RetailTransaction"]
    assert sales
    assert all(goes_the_quick_way(record) for record in sales)
    for _ in range(REPLAYS):
        await asyncio.to_thread(wire.replay)
    await scan(world, "1001")
    await world.gateway.post(f"{LANE}/tender", {"amount_minor": 500})

    async def both() -> bool:
        return len((await world.core.get("/v1/sales"))["sales"]) == 2

    # The later sale came behind all that was replayed.
    await world.until("headquarters has the later sale", world.core_process, both, 30)
    wire.close()
    member = await world.core.get("/v1/members/M-1001")
    assert [one["points"] for one in member["movements"]] == [due // 100]
    coupon = await world.core.get("/v1/coupons/WELCOME-7F3K")
    assert (coupon["used"], len(coupon["booked"])) == (1, 1)
    assert (await world.core.get("/v1/cases"))["cases"] == []
    [day] = (await world.core.get("/v1/store-days"))["store_days"]
    assert (day["sales"], day["discount_minor"]) == (2, 849 + 189 - due)
    with pytest.raises(HttpError, match="coupon_used"):
        await world.gateway.post(f"{LANE}/coupons", {"code": "WELCOME-7F3K"})


async def test_the_balance_of_another_store_reaches_the_till(world: World) -> None:
    member = await world.gateway.post(f"{LANE}/member", {"phone": "+49 30 901820"})
    assert member["member"]["points"] == 45
    rows = world.folder / "m.csv"
    rows.write_text("member_id,name,points\nM-1002,Anna Schmidt,400\n", encoding="utf-8")
    await world.run_core("import", "members", str(rows))

    async def shown() -> bool:
        basket = await world.gateway.post(f"{LANE}/member", {"phone": "+49 30 901820"})
        return bool(basket["member"]["points"] == 400)

    await world.until("the till shows the new balance", world.gateway_process, shown, 20)
    await world.gateway.post(f"{LANE}/void")


async def test_a_price_changed_at_headquarters_rings_within_five_seconds(world: World) -> None:
    prices = world.folder / "prices.csv"
    prices.write_text("item_id,price,valid_from\n1001,0.99,\n", encoding="utf-8")
    await world.run_core("import", "prices", str(prices))
    began = time.monotonic()

    async def cheaper() -> bool:
        rung = (await scan(world, "1001"))["total_minor"]
        await world.gateway.post(f"{LANE}/void")
        return bool(rung == 99)

    await world.until("milk rings at 0.99", world.gateway_process, cheaper, 30)
    assert time.monotonic() - began < 5
