"""Buy A, get B free: what the till gives, and what it says of a B that the customer has not fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.store import MILK, Shop, client_of, open_shop
from tests.shop import until

LANE = "/v1/baskets/1"
BREAD = "12"
RULE: dict[str, Any] = {
    "id": "M19",
    "name": {"en": "Bread with milk", "zh-TW": "買牛奶送麵包", "zh-CN": "买牛奶送面包", "de": "Brot zur Milch"},
    "kind": "buy_get",
    "match": {"a": {"items": ["11"]}, "b": {"items": [BREAD]}},
    "prompt": {"near": 1},
}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop, shop.served():
        await promoted(shop, RULE)
        yield shop


async def promoted(shop: Shop, rule: dict[str, Any]) -> None:
    await shop.feed("promotions", {"M19": {"rule_id": "M19", "rule": rule}})
    shelf = shop.offers.shelf
    assert shelf is not None
    known = shop.inbox.version("promotions")
    assert known is not None
    await until(lambda: shelf.versions == (known.version, shop.catalogue.version()))


@pytest.fixture
async def http(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shop) as client:
        yield client


async def scan(http: httpx.AsyncClient, code: str) -> Any:
    return (await http.post(f"{LANE}/scan", json={"code": code})).raise_for_status().json()


async def test_a_and_b_ring_up_b_at_0_in_any_order(http: httpx.AsyncClient) -> None:
    for codes in ((MILK, BREAD), (BREAD, MILK)):
        await scan(http, codes[0])
        both = await scan(http, codes[1])
        assert {line["item_id"]: line["net_minor"] for line in both["lines"]} == {"11": 119, BREAD: 0}
        assert (both["total_minor"], both["discount_minor"], both["prompts"]) == (119, 349, [])
        (await http.post(f"{LANE}/void", json={})).raise_for_status()


async def test_a_alone_says_to_fetch_b_with_the_saving_and_one_key_rings_it(http: httpx.AsyncClient) -> None:
    alone = await scan(http, MILK)
    [prompt] = alone["prompts"]
    assert prompt["text"] == "Bread with milk: fetch 1 × Rye bread 750 g and save €3.49"
    assert prompt["missing"] == [{"item_id": BREAD, "description": "Rye bread 750 g", "quantity": 1}]
    assert (prompt["saving_minor"], alone["total_minor"]) == (349, 119)
    rung = (await http.post(f"{LANE}/prompts/M19/accept", json={})).raise_for_status().json()
    assert (rung["total_minor"], rung["prompts"]) == (119, [])


async def test_b_alone_costs_its_price_and_a_second_b_is_not_free(http: httpx.AsyncClient) -> None:
    assert (await scan(http, BREAD))["total_minor"] == 349
    await scan(http, MILK)
    assert (await scan(http, BREAD))["total_minor"] == 119 + 349


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Bread with milk: fetch 1 × Rye bread 750 g and save €3.49"),
        ("de", "Brot zur Milch: 1 × Rye bread 750 g dazuholen und €3.49 sparen"),
        ("zh-TW", "買牛奶送麵包：再拿 1 × Rye bread 750 g，省 €3.49"),
        ("zh-CN", "买牛奶送面包：再拿 1 × Rye bread 750 g，省 €3.49"),
    ],
)
async def test_the_screens_say_it_in_the_language_of_who_reads_them(
    http: httpx.AsyncClient, language: str, said: str
) -> None:
    await scan(http, MILK)
    http.cookies.set("backroom-language", language)
    assert said in (await http.get("/till/1")).text
    assert said in (await http.get(f"/customer/1?language={language}")).text


async def test_a_text_of_the_rule_is_said_as_it_stands_and_b_named_beside_it(
    shop: Shop, http: httpx.AsyncClient
) -> None:
    await promoted(shop, RULE | {"prompt": {"near": 1, "text": {"en": "Free bread, {saving} off"}}})
    [prompt] = (await scan(http, MILK))["prompts"]
    assert prompt["text"] == "Free bread, 3.49 off"
    page = (await http.get("/till/1")).text
    assert "Free bread, 3.49 off <span>1 × Rye bread 750 g</span>" in page
    http.cookies.set("backroom-language", "zh-TW")
    assert "買牛奶送麵包：再拿 1 × Rye bread 750 g，省 €3.49" in (await http.get("/till/1")).text
