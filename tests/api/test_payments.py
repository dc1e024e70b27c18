"""Card payments over the API: at a basket, and for a shop's own POS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.devices.host import TcpHost
from tests.api.card_store import loses_the_answer, open_card_shop
from tests.api.store import MILK, Shop, client_of

Parts = tuple[httpx.AsyncClient, Shop, TcpHost]


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with open_card_shop(tmp_path) as (shop, host), shop.served(), client_of(shop) as http:
        yield http, shop, host


async def basket_when(http: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            basket: dict[str, Any] = (await http.get("/v1/baskets/1")).json()
            if all(basket[name] == value for name, value in wanted.items()):
                return basket
            await asyncio.sleep(0.02)


async def test_a_card_tender_begins_and_its_end_shows_in_the_basket(parts: Parts) -> None:
    http, _, host = parts
    host.set("card_delay", "0.3")
    await http.post("/v1/baskets/1/scan", json={"code": MILK})
    begun = (await http.post("/v1/baskets/1/tender", json={"type": "card"})).json()
    assert begun["state"] == "paying"
    assert (begun["payment"]["kind"], begun["payment"]["amount_minor"]) == ("sale", 119)
    refused = await http.post("/v1/baskets/1/scan", json={"code": MILK})
    assert (refused.status_code, refused.json()["reason"]) == (409, "not_while_paying")
    basket = await basket_when(http, state="idle", payment=None)
    [tender] = basket["finished"]["tenders"]
    assert (tender["tender_type"], tender["amount_minor"], tender["amount"]) == ("Card", 119, "€1.19")
    assert tender["card"] == "************1111"
    listed = (await http.get("/v1/payments")).json()
    assert [(one["state"], one["settled"], one["workstation_id"]) for one in listed["payments"]] == [
        ("approved", "booked", "1")
    ]
    shown = (await http.get(f"/v1/payments/{begun['payment']['payment_id']}")).json()
    assert [one["entry"] for one in shown["history"]] == ["intent", "accepted", "held", "result", "booked"]
    assert any("KUNDENBELEG" in line for line in shown["customer_receipt"])
    assert any("HÄNDLERBELEG" in line for line in shown["merchant_receipt"])


async def test_what_cannot_be_is_refused_with_a_reason(parts: Parts) -> None:
    http, _, _ = parts
    for path, body, status, reason in (
        ("/v1/baskets/1/tender", {"type": "card"}, 409, "not_while_idle"),
        ("/v1/baskets/1/tender", {"type": "gold"}, 422, "invalid"),
        ("/v1/baskets/1/abort-payment", {}, 409, "no_payment"),
        ("/v1/baskets/1/decide-payment", {"paid": True, "who": "Ana", "why": "slip"}, 409, "nothing_to_decide"),
        ("/v1/baskets/1/decide-payment", {"paid": True}, 422, "invalid"),
        ("/v1/payments", {"terminal": "terminal-1", "amount_minor": 5}, 400, "no_idempotency_key"),
        ("/v1/payments/p-9/decide", {"paid": True, "who": "Ana", "why": "slip"}, 409, "nothing_to_decide"),
    ):
        answer = await http.post(path, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), path
    for body, status in (
        ({"terminal": "terminal-2", "amount_minor": 5}, 422),
        ({"terminal": "terminal-1", "amount_minor": 0}, 422),
        ({"terminal": "terminal-1", "amount_minor": 5, "currency": "TWD"}, 200),
    ):
        answer = await http.post("/v1/payments", json=body, headers={"Idempotency-Key": "p-1"})
        assert answer.status_code == status, body
    assert answer.json()["state"] == "not_done"
    assert "set to EUR" in answer.json()["reason"]
    assert (await http.get("/v1/payments/p-9")).status_code == 404


async def test_an_own_pos_pays_and_asking_again_pays_nothing(parts: Parts) -> None:
    http, _, host = parts
    terminal: Any = host.device
    body = {"terminal": "terminal-1", "amount_minor": 1299}
    for _ in range(2):
        answer = await http.post("/v1/payments", json=body, headers={"Idempotency-Key": "p-1"})
        assert (answer.status_code, answer.json()["state"]) == (200, "approved")
        assert answer.json()["card"] == "************1111"
    other = await http.post("/v1/payments", json=body | {"amount_minor": 1}, headers={"Idempotency-Key": "p-1"})
    assert (other.status_code, other.json()["reason"]) == (409, "key_reused")
    assert [one.amount for one in terminal.ledger] == [1299]
    undone = {"terminal": "terminal-1", "amount_minor": 1299, "kind": "reversal", "reverses": "p-1"}
    back = await http.post("/v1/payments", json=undone, headers={"Idempotency-Key": "p-2"})
    assert back.json()["state"] == "approved"
    assert (await http.get("/v1/payments/p-1")).json()["settled"] == "reversed"


async def test_an_unknown_outcome_is_504_until_it_is_known(parts: Parts) -> None:
    http, shop, host = parts
    body = {"terminal": "terminal-1", "amount_minor": 1299}
    host.set("cut", "after_ack")
    asking = asyncio.create_task(http.post("/v1/payments", json=body, headers={"Idempotency-Key": "p-1"}))
    await loses_the_answer(host)
    answer = await asking
    assert (answer.status_code, answer.json()["reason"], answer.json()["state"]) == (504, "unknown_payment", "unknown")
    assert (await http.get("/v1/payments/p-1")).json()["open"]
    said = {"paid": False, "who": "Ana", "why": "the display shows nothing"}
    decided = (await http.post("/v1/payments/p-1/decide", json=said)).json()
    assert (decided["state"], decided["decided_by_hand"], decided["open"]) == ("not_done", True, False)
    assert shop.told == ["payment_decided"]


async def test_a_basket_whose_payment_is_unknown_waits_for_a_person(parts: Parts) -> None:
    http, shop, host = parts
    await http.post("/v1/baskets/1/scan", json={"code": MILK})
    host.set("cut", "after_keep")
    await http.post("/v1/baskets/1/tender", json={"tender_type": "Card"})
    await loses_the_answer(host)
    basket = await basket_when(http, state="unknown")
    async with asyncio.timeout(10):
        while not basket["payment"]["ask_a_person"]:
            basket = await basket_when(http, state="unknown")
    said = {"paid": True, "who": "Ana", "why": "the slip says approved"}
    done = (await http.post("/v1/baskets/1/decide-payment", json=said)).json()
    assert done["finished"]["total_minor"] == 119
    assert shop.told == ["payment_decided"]
    assert shop.outbox.position().unacked == 1
