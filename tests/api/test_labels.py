"""Shelf labels over the API: a real session to a pretend ZPL printer, a price book, the built-in templates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest

from gateway import drivers
from gateway.api import labels
from gateway.api.scopes import Tokens
from gateway.api.server import application
from gateway.devices.host import TcpHost
from gateway.devices.manager import Manager
from gateway.errors import SaleRefused
from gateway.till.paper.shelf_label_template import templates
from retail.wire.rows import Item
from tests.devices.shop import QUICK, device, is_online, until

MILK = Item(
    item_id="11", description="Whole milk 1 l", barcodes=["4006381333931"], price_minor=119, currency="EUR",
    tax_code="B", tax_rate_basis_points=700,
)  # fmt: skip
APPLES = MILK.model_copy(
    update={"item_id": "21", "description": "Apples", "barcodes": [], "unit": "kg", "price_minor": 249}
)
UNPRICED = MILK.model_copy(update={"item_id": "33", "description": "New milk", "price_minor": None})
BOOK = {"11": MILK, "4006381333931": MILK, "21": APPLES, "33": UNPRICED}


def find(code: str) -> Item:
    if code not in BOOK:
        raise SaleRefused(f"unknown item: {code}", reason="unknown_item", field="code")
    return BOOK[code]


class Bench:
    def __init__(self, http: httpx.AsyncClient, host: TcpHost) -> None:
        self.http, self.host = http, host

    @property
    def printed(self) -> list[str]:
        """What stands on each printed label, as one text."""
        return ["\n".join(str(element) for element in label.elements) for label in self.host.device.labels]  # type: ignore[attr-defined]

    async def post(self, **changes: object) -> httpx.Response:
        return await self.http.post("/v1/shelf-labels", json={**labels.EXAMPLE, **changes})


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    manager = Manager(back_off=QUICK)
    async with TcpHost(device("label-zpl")) as host:
        session = manager.add("label-1", drivers.load("label-zpl"), host.url)
        running = asyncio.create_task(manager.run())
        await until(is_online(session))
        operations = labels.operations(
            manager.sessions, find, templates(), "de", lambda: datetime.fromisoformat("2026-11-22T10:00")
        )
        app = application(operations, [], frozenset({"127.0.0.1"}), Tokens({}), "0.1.0")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
            yield Bench(http, host)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_labels_carry_what_the_price_book_says(bench: Bench) -> None:
    answer = await bench.post(articles=[{"code": "11", "net_content": {"amount": 1000, "unit": "ml"}}, {"code": "21"}])
    assert answer.json() == {"printer": "label-1", "labels": 4}
    assert len(bench.printed) == 4
    milk, apples = bench.printed[0], bench.printed[-1]
    for words in ("Whole milk 1 l", "1,19", "400638133393", "1 l = 1,19"):
        assert words in milk
    for words in ("Apples", "2,49", "1 kg"):
        assert words in apples


async def test_one_wrong_article_prints_nothing_and_every_wrong_one_is_named(bench: Bench) -> None:
    answer = await bench.post(articles=[{"code": "11"}, {"code": "nobody"}, {"code": "33"}])
    assert answer.status_code == 422
    assert [(fault["field"], fault["message"].split(":")[0].split(";")[0]) for fault in answer.json()["errors"]] == [
        ("articles[1].code", "unknown item"),
        ("articles[2].code", "New milk has no price yet"),
    ]
    assert bench.printed == []


async def test_an_unknown_template_or_printer_is_named_with_those_there_are(bench: Bench) -> None:
    answer = await bench.post(template="70x40")
    assert answer.status_code == 422
    assert "38x25, 50x30, 60x40" in answer.json()["detail"]
    answer = await bench.post(printer="label-9")
    assert answer.status_code == 404
    assert "GET /v1/devices" in answer.json()["detail"]


async def test_a_printer_without_labels_says_what_to_do(bench: Bench) -> None:
    bench.host.set("media_out", "yes")
    answer = await bench.post()
    assert answer.status_code in (409, 504)
    assert "label-1" in answer.json()["detail"]
    assert bench.printed == []
