"""An article's stock and supplies at the till: what is on its way, how old that is known to be, and who sees a cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.api.scopes import Grant, Scope
from gateway.clock import rfc3339
from tests.api.store import MILK, Shop, client_of, open_shop
from tests.people import STAFF

COMING: list[dict[str, Any]] = [
    {"reference": "PO 999", "quantity": 7, "due": "2026-11-23", "store_id": "S0001", "supplier": "Not ours"},
    {
        "reference": "PO 123",
        "quantity": 40,
        "due": "2026-11-24",
        "supplier": "Dairy Ltd",
        "lead_time_days": 3,
        "cost_minor": 71,
        "store_id": "S0421",
    },
    {"reference": "PO 77", "quantity": 2, "due": "2026-11-22"},
]
COSTS = ("0.71", "0.73", "71", "73")


async def supplied(shop: Shop) -> None:
    item = shop.catalogue.item("11")
    assert item is not None
    rows = {"11": item.model_copy(update={"cost_minor": 73}).model_dump(mode="json")}
    await shop.feed("items", rows)
    as_of = rfc3339(shop.clock.wall() - timedelta(hours=3, minutes=1))
    await shop.feed("supplies", {"11": {"item_id": "11", "expected": COMING, "as_of": as_of}})
    await shop.feed("stock", {"11": {"item_id": "11", "on_hand": {"S0421": 3, "S0001": 40}, "as_of": as_of}})


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, operators=STAFF) as shop, shop.served():
        await supplied(shop)
        yield shop


@pytest.fixture
async def http(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shop) as client:
        yield client


async def signs_on(http: httpx.AsyncClient, operator_id: str, pin: str) -> None:
    await http.post("/v1/baskets/1/sign-off", json={})
    answer = await http.post("/v1/baskets/1/sign-on", json={"operator_id": operator_id, "pin": pin})
    assert answer.status_code == 200, answer.text


async def test_what_is_on_its_way_to_this_store_is_told_in_one_line_with_its_age(http: httpx.AsyncClient) -> None:
    told = (await http.get(f"/v1/items/{MILK}")).json()["supplies"]
    assert [one["text"] for one in told["expected"]] == ["PO 77, 2 pcs, ETA 22 Nov", "PO 123, 40 pcs, ETA 24 Nov"]
    po = told["expected"][1]
    assert (po["supplier"], po["lead_time_days"], po["quantity"], po["due"]) == ("Dairy Ltd", 3, 40, "2026-11-24")
    assert 10_800 < told["age_s"] < 10_950


async def test_a_cashier_sees_no_cost_and_a_manager_does(http: httpx.AsyncClient) -> None:
    for operator in (None, ("anna", "1111"), ("suse", "5555")):
        if operator is not None:
            await signs_on(http, *operator)
        for address in ("/v1/items/11", "/v1/items/11?workstation=1"):
            told = (await http.get(address)).json()
            assert (told["cost_minor"], told["cost"]) == (None, "")
            assert all((one["cost_minor"], one["cost"]) == (None, "") for one in told["supplies"]["expected"])
        page = (await http.get("/till/1/panel/article?code=11")).text
        assert "PO 123, 40 pcs, ETA 24 Nov" in page
        assert not [cost for cost in COSTS if cost in page]
    await signs_on(http, "mia", "9999")
    told = (await http.get("/v1/items/11?workstation=1")).json()
    assert (told["cost_minor"], told["cost"]) == (73, "€0.73")
    assert [one["cost_minor"] for one in told["supplies"]["expected"]] == [None, 71]
    assert (await http.get("/v1/items/11")).json()["cost_minor"] is None
    page = (await http.get("/till/1/panel/article?code=11")).text
    assert "€0.73" in page
    assert "€0.71" in page


async def test_a_workstation_that_is_not_there_is_named(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/items/11?workstation=7")
    assert answer.status_code == 404
    assert "no workstation 7" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "PO 123, 40 Stück, erwartet 24. Nov."),
        ("zh-TW", "PO 123，40 件，預計 11月24日 到"),
        ("zh-CN", "PO 123，40 件，预计 11月24日 到"),
    ],
)
async def test_the_panel_speaks_the_readers_language(http: httpx.AsyncClient, language: str, said: str) -> None:
    http.cookies.set("backroom-language", language)
    assert said in (await http.get("/till/1/panel/article?code=Whole")).text


async def test_what_is_not_known_is_said(http: httpx.AsyncClient) -> None:
    assert "There is no article nothing" in (await http.get("/till/1/panel/article?code=nothing")).text
    page = (await http.get("/till/1/panel/article?code=%3Cb%3E")).text
    assert "<b>" not in page.split("alert")[-1].split("</p>")[0]


async def test_a_program_that_may_only_look_sees_no_cost_whoever_is_signed_on(tmp_path: Path) -> None:
    async with open_shop(tmp_path, operators=STAFF) as shop:
        shop.tokens = {
            "a-monitors-token": Grant("monitor", frozenset({Scope.READ})),
            "a-tills-token": Grant("till", frozenset({Scope.READ, Scope.SELL})),
        }
        async with shop.served(), client_of(shop) as http:
            await supplied(shop)
            http.headers["Authorization"] = "Bearer a-tills-token"
            await signs_on(http, "mia", "9999")
            assert (await http.get("/v1/items/11?workstation=1")).json()["cost_minor"] == 73
            http.headers["Authorization"] = "Bearer a-monitors-token"
            assert (await http.get("/v1/items/11?workstation=1")).json()["cost_minor"] is None
