"""Prices by hand, ages, tare and calls over HTTP: refusals that a screen can act on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api.store import MILK, PRICE_BOOK, client_of, events, open_shop
from tests.people import STAFF

LANE = "/v1/baskets/1"
MIA = {"operator_id": "mia", "pin": "9999"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_shop(tmp_path, operators=STAFF) as shop, shop.served(), client_of(shop) as client:
        beer = PRICE_BOOK[1].model_copy(update={"item_id": "90", "description": "Beer", "age_limit": 16})
        await shop.fill_price_book([*PRICE_BOOK, beer])
        await client.post(f"{LANE}/sign-on", json={"operator_id": "anna", "pin": "1111"})
        yield client


async def test_an_override_beyond_ten_per_cent_takes_the_managers_pin(http: httpx.AsyncClient) -> None:
    await http.post(f"{LANE}/scan", json={"code": MILK})
    wanted = {"unit_price_minor": 60, "reason": "dented"}
    refused = await http.post(f"{LANE}/override", json=wanted)
    assert (refused.status_code, refused.json()["reason"], refused.json()["role"]) == (
        403,
        "needs_authority",
        "manager",
    )
    done = (await http.post(f"{LANE}/override", json={**wanted, "authorisation": MIA})).json()
    assert (done["lines"][0]["unit_price_minor"], done["lines"][0]["regular_price_minor"], done["total_minor"]) == (
        60,
        119,
        60,
    )
    assert (await http.post(f"{LANE}/override", json={"unit_price_minor": 60})).status_code == 422, "no reason"


async def test_a_line_that_waits_for_the_age_shows_it_and_stops_the_payment(http: httpx.AsyncClient) -> None:
    shown = (await http.post(f"{LANE}/scan", json={"code": "90", "method": "keyed"})).json()
    assert (shown["lines"][0]["age_limit"], shown["lines"][0]["waits_for_age"]) == (16, True)
    refused = await http.post(f"{LANE}/tender", json={})
    assert (refused.status_code, refused.json()["reason"]) == (409, "confirm_age")
    both = await http.post(f"{LANE}/confirm-age", json={"confirmed": True, "birth_date": "1990-01-01"})
    assert both.status_code == 422
    done = (await http.post(f"{LANE}/confirm-age", json={"birth_date": "1990-01-01"})).json()
    assert done["lines"][0]["waits_for_age"] is False
    assert (await http.post(f"{LANE}/tender", json={})).json()["finished"]["total_minor"] == 349


async def test_a_call_is_listed_until_it_is_answered(http: httpx.AsyncClient) -> None:
    await http.post(f"{LANE}/help", json={"text": "the bag tore"})
    [call] = (await http.get("/v1/calls")).json()["calls"]
    assert (call["workstation_id"], call["reason"], call["text"], call["blocks"]) == (
        "1",
        "help",
        "the bag tore",
        False,
    )
    assert (await http.get(LANE)).json()["attention"]["reason"] == "help"
    await http.post(f"{LANE}/attend", json={})
    assert (await http.get("/v1/calls")).json() == {"calls": []}


async def test_an_attendants_screen_hears_of_a_call_at_once(http: httpx.AsyncClient) -> None:
    heard = events(http, "/v1/calls/events")
    assert json.loads((await anext(heard))[1]) == {"calls": []}
    await http.post(f"{LANE}/help", json={})
    name, data = await anext(heard)
    assert (name, json.loads(data)["calls"][0]["workstation_id"]) == ("calls", "1")
    await heard.aclose()  # type: ignore[attr-defined]  # an async generator has it


async def test_a_bar_code_keyed_as_a_quantity_and_tare(http: httpx.AsyncClient) -> None:
    refused = await http.post(f"{LANE}/quantity", json={"pieces": 4006381333931, "confirmed": True})
    assert (refused.status_code, refused.json()["reason"]) == (422, "looks_like_barcode")
    await http.post(f"{LANE}/tare", json={"grams": 50})
    shown = (await http.post(f"{LANE}/scan", json={"code": "21", "method": "keyed"})).json()
    assert (shown["lines"][0]["weight_grams"], shown["lines"][0]["tare_grams"]) == (400, 50)
