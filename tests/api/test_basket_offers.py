"""Offers over HTTP: what a screen and a shop's own program see and may ask of an open sale."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from retail.authority import Limits
from retail.wire.rows import member_code
from tests.api.store import MILK, Shop, client_of, open_shop
from tests.people import STAFF
from tests.shop import until

LANE = "/v1/baskets/1"
BREAD, BUTTER = "12", "13"
RULES: list[dict[str, Any]] = [
    {
        "id": "SECOND",
        "name": {"en": "2nd milk half price"},
        "kind": "nth_unit",
        "match": {"items": ["11"]},
        "nth": [{"n": 2, "percent": 50}],
        "prompt": {"near": 1, "text": {"en": "one more milk saves {saving}"}},
    },
    {"id": "PTS", "kind": "points_earn", "reward": {"type": "points", "value": 1, "per": 100}},
    {"id": "TEN", "kind": "coupon", "trigger": {"coupon": "TEN"}, "reward": {"percent": 10}},
    {
        "id": "GIFT",
        "kind": "gift_threshold",
        "threshold": {"amount": 5000},
        "reward": {"type": "gift", "items": [{"item": "70"}]},
    },
]


async def fill(shop: Shop) -> None:
    await shop.feed("promotions", {str(rule["id"]): {"rule_id": rule["id"], "rule": rule} for rule in RULES})
    member = {
        "member_id": "M1",
        "name": "Wang",
        "codes": [member_code("0912345678")],
        "phone_masked": "09••••••78",
        "tier": "gold",
        "points": 12,
    }
    await shop.feed("members", {"M1": member})
    coupons = [
        {"coupon_id": "SAVE10", "name": "10 % off", "trigger": "TEN", "uses": 1},
        {"coupon_id": "FIVE", "name": "5 euros", "amount_minor": 500},
    ]
    await shop.feed("coupons", {str(row["coupon_id"]): row for row in coupons})
    shelf = shop.offers.shelf
    assert shelf is not None
    await until(lambda: shelf.versions == (1, shop.catalogue.version()))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    limits = Limits()
    async with open_shop(tmp_path, operators=STAFF, limits=limits) as shop, shop.served():
        await fill(shop)
        yield shop


@pytest.fixture
async def http(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shop) as client:
        await client.post(f"{LANE}/sign-on", json={"operator_id": "anna", "pin": "1111"})
        yield client


async def post(http: httpx.AsyncClient, path: str, body: Any = None) -> Any:
    answer = await http.post(f"{LANE}/{path}", json=body if body is not None else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_basket_shows_what_was_taken_off_and_what_one_more_would_save(http: httpx.AsyncClient) -> None:
    one = await post(http, "scan", {"code": MILK})
    assert (one["gross_minor"], one["discount_minor"], one["total_minor"]) == (119, 0, 119)
    [prompt] = one["prompts"]
    assert prompt["text"] == "one more milk saves 0.60"
    assert (prompt["saving_minor"], prompt["missing_count"], prompt["saving"]) == (60, 1, "€0.60")
    assert prompt["missing"] == [{"item_id": "11", "description": "Whole milk 1 l", "quantity": 1}]
    two = await post(http, "prompts/SECOND/accept")
    assert two["prompts"] == []
    assert (two["gross_minor"], two["discount_minor"], two["total_minor"], two["total"]) == (238, 60, 178, "€1.78")
    assert [line["net_minor"] for line in two["lines"]] == [89, 89]
    assert two["lines"][0]["discounts"] == [
        {
            "rule_id": "SECOND",
            "name": "2nd milk half price",
            "deal": 1,
            "amount_minor": 30,
            "amount": "€0.30",
            "reason": None,
        }
    ]
    assert two["price_book"] == {"items": 1, "promotions": 1}
    assert not two["bounded"]
    assert (await http.get(LANE)).json() == two


@pytest.mark.parametrize("rule_id", ["2nd? -50 % #1 & more", "第二件 5 折", "a%2Fb", "a+b;c=d", "..a"])
async def test_any_id_that_a_rule_may_have_stands_in_the_address(
    shop: Shop, http: httpx.AsyncClient, rule_id: str
) -> None:
    named = RULES[0] | {"id": rule_id}
    await shop.feed("promotions", {rule_id: {"rule_id": rule_id, "rule": named}})
    shelf = shop.offers.shelf
    assert shelf is not None
    await until(lambda: shelf.versions == (2, shop.catalogue.version()))
    [prompt] = (await post(http, "scan", {"code": MILK}))["prompts"]
    assert prompt["rule_id"] == rule_id
    two = await post(http, f"prompts/{quote(rule_id, safe='')}/accept")
    assert two["discount_minor"] == 60


async def test_a_prompt_is_refused_and_an_unknown_one_says_so(http: httpx.AsyncClient) -> None:
    await post(http, "scan", {"code": MILK})
    await post(http, "prompts/SECOND/refuse")
    assert (await post(http, "prompts/SECOND/refuse"))["prompts"] == []
    refused = await http.post(f"{LANE}/prompts/SECOND/accept")
    assert (refused.status_code, refused.json()["reason"]) == (409, "no_such_prompt")


async def test_a_member_is_shown_masked_earns_points_and_is_cleared(http: httpx.AsyncClient) -> None:
    await post(http, "scan", {"code": BREAD})
    shown = await post(http, "member", {"phone": "0912-345-678"})
    assert shown["member"] == {
        "member_id": "M1",
        "name": "Wang",
        "phone_masked": "09••••••78",
        "tier": "gold",
        "points": 12,
        "recent": [],
    }
    assert shown["points"] == 3
    cleared = (await http.request("DELETE", f"{LANE}/member")).json()
    assert (cleared["member"], cleared["points"]) == (None, 0)


@pytest.mark.parametrize(
    ("body", "reason"),
    [({"phone": "1"}, "unknown_member"), ({}, "invalid"), ({"phone": "1", "code": "2"}, "invalid")],
)
async def test_nobody_or_two_at_once_is_refused(http: httpx.AsyncClient, body: dict[str, str], reason: str) -> None:
    refused = await http.post(f"{LANE}/member", json=body)
    assert (refused.status_code, refused.json()["reason"]) == (422, reason)


async def test_coupons_are_taken_given_back_and_refused(http: httpx.AsyncClient) -> None:
    await post(http, "scan", {"code": BREAD})
    taken = await post(http, "coupons", {"code": "SAVE10"})
    assert taken["coupons"] == [{"coupon_id": "SAVE10", "name": "10 % off", "effective": True}]
    assert taken["total_minor"] == 314
    for code, reason in (("SAVE10", "coupon_twice"), ("FIVE", "coupon_is_tender"), ("NONE", "unknown_coupon")):
        refused = await http.post(f"{LANE}/coupons", json={"code": code})
        assert (refused.status_code, refused.json()["reason"]) == (422, reason)
        assert refused.json()["errors"][0]["field"] == "code"
    back = (await http.request("DELETE", f"{LANE}/coupons/SAVE10")).json()
    assert (back["coupons"], back["total_minor"]) == ([], 349)


async def test_a_discount_above_the_cashiers_limit_takes_a_managers_pin(http: httpx.AsyncClient) -> None:
    await post(http, "scan", {"code": BREAD})
    given = await post(http, "discount", {"line_number": 1, "percent": 10, "reason": "squashed"})
    assert given["lines"][0]["discounts"][0]["reason"] == "squashed"
    assert given["total_minor"] == 314
    more = {"percent": 50, "reason": "closing time"}
    refused = await http.post(f"{LANE}/discount", json=more)
    assert (refused.status_code, refused.json()["reason"]) == (403, "needs_authority")
    both = await post(http, "discount", {**more, "authorisation": {"operator_id": "mia", "pin": "9999"}})
    assert both["total_minor"] == 157
    assert (await post(http, "drop-discount", {"line_number": 1}))["total_minor"] == 174  # 349 less half, rounded up


@pytest.mark.parametrize(
    "body",
    [
        {"percent": 10},
        {"percent": 10, "amount_minor": 5, "reason": "x"},
        {"percent": 101, "reason": "x"},
        {"amount_minor": 100, "reason": "x", "line_number": 7},
    ],
)
async def test_a_discount_that_cannot_be_names_its_field(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    await post(http, "scan", {"code": BREAD})
    refused = await http.post(f"{LANE}/discount", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"]


async def test_a_gift_is_shown_until_it_was_handed_out(http: httpx.AsyncClient) -> None:
    await post(http, "quantity", {"pieces": 15})
    shown = await post(http, "scan", {"code": BREAD})
    [gift] = shown["gifts"]
    assert (gift["item_id"], gift["description"], gift["missing"]) == ("70", "Greeting card no. 70", 1)
    rung = await post(http, "scan", {"code": "70"})
    assert rung["gifts"][0]["missing"] == 0
    assert rung["total_minor"] == shown["total_minor"]


async def test_a_line_is_explained(http: httpx.AsyncClient) -> None:
    await post(http, "scan", {"code": MILK})
    await post(http, "scan", {"code": MILK})
    told = (await http.get(f"{LANE}/lines/1/explanation")).json()
    assert (told["gross_minor"], told["net_minor"]) == (119, 89)
    assert told["price"] == {
        "unit_price_minor": 119,
        "unit_price": "€1.19",
        "price_book": 1,
        "valid_from": None,
        "valid_until": None,
    }
    [deal] = told["deals"]
    assert (deal["rule_id"], deal["name"], deal["units"], deal["amount_minor"]) == (
        "SECOND",
        "2nd milk half price",
        1,
        30,
    )
    assert (deal["saving_minor"], deal["lines"]) == (60, [2])
    assert {one["rule_id"]: one["reason"] for one in told["not_given"]} == {
        "TEN": "its coupon is not there",
        "GIFT": "not complete yet",
    }
    for number in ("9", "0", "x", "-1"):
        assert (await http.get(f"{LANE}/lines/{number}/explanation")).status_code == 404


async def test_an_article_shows_stock_here_and_elsewhere_and_what_is_on_its_way(
    http: httpx.AsyncClient, shop: Shop
) -> None:
    as_of = "2026-11-20T08:00:00.000Z"
    await shop.feed("stock", {"11": {"item_id": "11", "on_hand": {"S0421": 3, "S0001": 40}, "as_of": as_of}})
    coming = [{"reference": "PO 123", "quantity": 40, "due": "2026-11-24", "supplier": "Dairy"}]
    await shop.feed("supplies", {"11": {"item_id": "11", "expected": coming, "as_of": as_of}})
    for code in ("11", MILK, f"0{MILK}"):
        told = (await http.get(f"/v1/items/{code}")).json()
        assert told["item_id"] == "11"
    assert (told["stock"]["here"], told["stock"]["elsewhere"]) == (3, {"S0001": 40})
    assert told["stock"]["age_s"] > 0
    [expected] = told["supplies"]["expected"]
    assert {name: expected[name] for name in coming[0]} == coming[0]
    assert told["supplies"]["as_of"].startswith("2026-11-20T08:00:00")
    bare = (await http.get("/v1/items/12")).json()
    assert (bare["stock"], bare["supplies"]) == (None, None)
    assert (await http.get("/v1/items/nothing")).status_code == 404
