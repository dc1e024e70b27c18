"""Whatever rules and baskets there are: a finished sale adds up to the unit, and headquarters reckons the same."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.till.offers.rows import ByHand
from retail.promotions import Engine, read_basket, read_rules
from retail.sale import RetailTransaction, faults
from retail.wire.rows import Item, member_code
from tests.retail.promotions import random_cases
from tests.shop import Shop
from tests.till.offers.promoted import Json, SetClock, booked

AT = "2026-11-23T18:30"
MEMBER = {"member_id": "M1", "name": "Wang", "codes": [member_code("1")], "tier": "gold"}
COUPON = {"coupon_id": "TEN", "name": "10 %"}
OVER_ALL: list[Json] = [
    {
        "id": "SPEND",
        "kind": "basket_threshold",
        "threshold": {"amount": 700, "repeat": True},
        "reward": {"type": "amount_off", "value": 35},
    },
    {"id": "TEN", "kind": "coupon", "trigger": {"coupon": "TEN"}, "reward": {"percent": 10}, "concurrency": "stack"},
    {"id": "PTS", "kind": "points_earn", "reward": {"type": "points", "value": 1, "per": 100}},
    {
        "id": "MEMBER",
        "kind": "member_price",
        "match": {"tags": ["c"]},
        "reward": {"type": "unit_price", "value": 95, "by_tier": {"gold": 80}},
    },
    {"id": "CASH", "kind": "tender_offer", "trigger": {"tender": "cash"}, "reward": {"percent": 3}},
]


def stocked(lines: list[Json], currency: str) -> list[Item]:
    rates = {"A": 1900, "B": 700}
    return [
        Item(
            item_id=line["item"],
            description=f"Item {line['item']}",
            price_minor=line["unit_price"],
            currency=currency,
            tags=line["tags"],
            tax_code=line["tax_code"],
            tax_rate_basis_points=rates[line["tax_code"]],
            cost_minor=line.get("cost"),
            unit="kg" if number % 5 == 4 else "each",
            floor_minor=line["unit_price"] // 2 if number % 7 == 3 else None,
        )
        for number, line in enumerate(lines)
    ]


async def rung(chance: random.Random, shop: Shop, items: list[Item], lines: list[Json]) -> None:
    """A sale as a cashier rings it: quantities, weights, voids, a customer, a coupon, something off by hand."""
    till = shop.workstation
    unit = {item.item_id: item.unit for item in items}
    for line in lines:
        if line["quantity"] > 1 and unit[line["item"]] == "each":
            await till.set_quantity(line["quantity"])
        await till.enter(line["item"])
        if chance.random() < 0.15 and len(till.basket.lines) > 1:
            await till.void_line()
    if not till.basket.has_goods():
        await till.enter(lines[0]["item"])
    if chance.random() < 0.5:
        await till.offers.identify(code="1")
    if chance.random() < 0.5:
        await till.offers.use_coupon("TEN")
    if chance.random() < 0.3 and till.basket.total().minor:
        await till.offers.discounts.give(
            ByHand(basis_points=500, reason="dented"), till.basket.open_line(None).line_number
        )
    if chance.random() < 0.3 and till.basket.total().minor > 10:
        await till.offers.discounts.give(ByHand(amount_minor=7, reason="friend"))


def at_headquarters(sale: RetailTransaction, items: list[Item], coupon: bool) -> Json:
    """The same basket as headquarters knows it: from the booked lines and its own catalogue."""
    known = {item.item_id: item for item in items}
    lines: list[Json] = []
    manual: list[Json] = []
    for line in sale.sales():
        item = known[line.item_id]
        entry: Json = {
            "line": line.line_number,
            "item": line.item_id,
            "unit_price": line.unit_price_minor,
            "tags": item.tags,
            "tax_code": line.tax_code,
            "cost": item.cost_minor,
            "floor": item.floor_minor,
            **({"grams": line.weight_grams} if line.weight_grams else {"quantity": line.quantity}),
        }
        lines.append({key: value for key, value in entry.items() if value is not None})
        by_hand = {modifier.reason for modifier in line.price_modifiers if modifier.rule_id is None}
        if "dented" in by_hand:
            lines[-1]["manual"] = {"value": 500, "reason": "dented"}
        if "friend" in by_hand:
            manual = [{"amount": 7, "reason": "friend"}]
    member: Json = {"member": {"id": "M1", "tier": "gold"}} if sale.member_id else {}
    coupons = ["TEN"] if coupon else []
    return {
        "at": AT,
        "currency": sale.currency,
        "store": "S0421",
        "lines": lines,
        "manual": manual,
        "coupons": coupons,
        "tenders": ["cash"],
        **member,
    }


@pytest.mark.parametrize("currency", ["EUR", "TWD"])
@pytest.mark.parametrize("seed", range(6))
async def test_random_sales_add_up_and_headquarters_agrees(tmp_path: Path, seed: int, currency: str) -> None:
    chance = random.Random(f"{seed} {currency}")
    shop = Shop(tmp_path, clock=SetClock(AT), currency=currency)
    for number in range(6):
        rules = [*random_cases.rules(chance), *chance.sample(OVER_ALL, chance.randint(0, len(OVER_ALL)))]
        lines = random_cases.basket(chance, chance.randint(1, 14))["lines"]
        items = stocked(lines, currency)
        await shop.stock(version=number + 1, items=items)
        await shop.feed("members", {"M1": MEMBER})
        await shop.feed("coupons", {"TEN": COUPON})
        await shop.promote(*rules)
        await rung(chance, shop, items, lines)
        coupon = bool(shop.workstation.basket.coupons)
        finished = await shop.workstation.tender_cash()
        assert finished is not None
        sale = booked(shop)[-1]
        assert faults(sale) == [], (seed, number)
        assert sum(line.net_minor for line in sale.sales()) == sale.total_minor
        engine = Engine.compile(read_rules(rules))
        theirs = engine.price(read_basket(at_headquarters(sale, items, coupon)))
        assert {line["ref"]: line["net"] for line in theirs.lines} == {
            line.line_number: line.net_minor for line in sale.sales()
        }, (seed, number)
        points = sum(one["points"] for one in theirs.points)
        assert sale.points_earned() == (points if sale.member_id else 0)
    shop.close()


async def test_the_price_command_says_what_the_till_booked(tmp_path: Path) -> None:
    chance = random.Random(20_261_126)
    rules = [*random_cases.rules(chance), *OVER_ALL]
    lines = random_cases.basket(chance, 12)["lines"]
    items = stocked(lines, "EUR")
    shop = Shop(tmp_path, clock=SetClock(AT))
    await shop.stock(items=items)
    await shop.feed("members", {"M1": MEMBER})
    await shop.promote(*rules)
    for line in lines:
        await shop.workstation.enter(line["item"])
    await shop.workstation.offers.identify(code="1")
    await shop.workstation.tender_cash()
    [sale] = booked(shop)
    shop.close()
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    (tmp_path / "basket.json").write_text(json.dumps(at_headquarters(sale, items, coupon=False)))
    command = [sys.executable, "-m", "gateway", "price", "--rules", "rules.json", "--basket", "basket.json"]
    answer: Any = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout)
    assert {line["ref"]: line["net"] for line in answer["lines"]} == {
        line.line_number: line.net_minor for line in sale.sales()
    }
    assert answer["totals"]["net"] == sale.total_minor
    assert answer["totals"]["points"] == sale.points_earned()
    assert {deal["rule"] for deal in answer["deals"]} == {
        modifier.rule_id for line in sale.sales() for modifier in line.price_modifiers
    }
