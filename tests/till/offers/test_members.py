"""The customer: known offline by card or telephone number, priced as a member, and given his points once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from retail.sale import LoyaltyLine, faults
from retail.shop_codes import Codes
from retail.wire.rows import member_code
from tests.shop import Shop
from tests.till.offers.promoted import SetClock, a_promoting_shop, booked, rule

MEMBER_80 = rule(
    "M80", "member_price", match={"items": ["A"]}, reward={"type": "unit_price", "value": 80, "by_tier": {"gold": 60}}
)
POINTS = rule("PTS", "points_earn", reward={"type": "points", "value": 1, "per": 100})


def member(member_id: str, *codes: str, **more: Any) -> dict[str, Any]:
    return {
        "member_id": member_id,
        "name": f"Customer {member_id}",
        "codes": [member_code(code) for code in codes],
        "phone_masked": "09••••••78",
        "points": 120,
        **more,
    }


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_promoting_shop(tmp_path, MEMBER_80, POINTS)
    rows = [
        member("M1", "2900000012345", "0912 345 678", tier="gold", recent=["Milk"]),
        member("M2", "0911222333"),
        member("M3", "0911222333"),
    ]
    await shop.feed("members", {row["member_id"]: row for row in rows})
    yield shop
    shop.close()


async def test_a_telephone_number_in_any_spelling_finds_the_member_and_his_price(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("A")
    assert till.basket.total().minor == 100
    found = await till.offers.identify(phone="0912-345-678")
    assert (found.name, found.points, found.phone_masked, found.recent) == ("Customer M1", 120, "09••••••78", ["Milk"])
    assert till.basket.total().minor == 60
    await till.offers.forget_member()
    assert till.basket.total().minor == 100


async def test_a_member_card_is_scanned_like_anything_else_and_before_the_first_article_too(shop: Shop) -> None:
    till = shop.workstation
    assert await till.scan("2900000012345", "]E0") is None
    assert till.basket.member is not None
    assert till.basket.state == "idle"
    line = await till.scan("A", method="keyed")
    assert line is not None
    assert till.basket.total().minor == 60


async def test_a_card_that_the_stores_rules_call_a_member_card_is_looked_up_whole_or_by_its_part(
    tmp_path: Path,
) -> None:
    shop = await a_promoting_shop(tmp_path)
    await shop.feed("members", {"M1": member("M1", "CARD77")})
    codes = Codes.of(rows=[{"kind": "member", "pattern": "M:(?P<code>CARD[0-9]+)"}])
    object.__setattr__(shop.store, "codes", codes)
    await shop.workstation.scan("M:CARD77", "]Q3")
    assert shop.workstation.basket.member is not None
    with pytest.raises(SaleRefused, match="no member has this number"):
        await shop.workstation.scan("M:CARD78", "]Q3")
    shop.close()


@pytest.mark.parametrize(
    ("asked", "reason", "field"),
    [
        ({"phone": "0999999999"}, "unknown_member", "phone"),
        ({"code": "nobody"}, "unknown_member", "code"),
        ({"member_id": "M9"}, "unknown_member", "member_id"),
        ({"phone": "0911222333"}, "ambiguous_member", "phone"),
    ],
)
async def test_who_is_not_known_is_refused_in_words(shop: Shop, asked: dict[str, str], reason: str, field: str) -> None:
    with pytest.raises(SaleRefused) as refused:
        await shop.workstation.offers.identify(**asked)
    assert (refused.value.reason, refused.value.field) == (reason, field)
    assert shop.workstation.basket.member is None


async def test_without_a_list_of_members_the_till_says_so(tmp_path: Path) -> None:
    shop = await a_promoting_shop(tmp_path)
    with pytest.raises(SaleRefused) as refused:
        await shop.workstation.offers.identify(phone="0912345678")
    assert refused.value.reason == "no_members"
    shop.close()


async def test_points_travel_once_with_the_member_and_not_without(shop: Shop) -> None:
    till = shop.workstation
    await till.set_quantity(5)
    await till.enter("A")
    await till.tender_cash()
    await till.scan("2900000012345")
    await till.set_quantity(5)
    await till.enter("A")
    assert till.basket.points_earned() == 3
    await till.tender_cash()
    nobody, known = booked(shop)
    assert nobody.points_earned() == 0
    assert nobody.member_id is None
    assert known.total_minor == 300
    assert known.member_id == "M1"
    rewards = [line for line in known.line_items if isinstance(line, LoyaltyLine)]
    assert [(line.points, line.rule_id, line.member_id) for line in rewards] == [(3, "PTS", "M1")]
    assert faults(known) == []
    assert till.basket.member is None


async def test_a_customer_who_leaves_before_the_first_article_is_not_the_next_ones(shop: Shop) -> None:
    await shop.workstation.scan("2900000012345")
    await shop.workstation.void_all()
    assert shop.workstation.basket.member is None


async def test_a_restart_remembers_the_customer(shop: Shop, tmp_path: Path) -> None:
    await shop.workstation.scan("2900000012345")
    await shop.workstation.enter("A")
    shop.close()
    again = Shop(tmp_path, clock=shop.clock, currency="TWD")
    await again.rules_ready()
    await again.workstation.enter("A")
    assert again.workstation.basket.total().minor == 120
    again.close()


async def test_once_a_day_is_once_a_day_on_all_lanes_and_over_a_restart(tmp_path: Path) -> None:
    clock = SetClock("2026-11-23T10:00")
    daily = rule(
        "DAILY",
        "item_price",
        match={"items": ["A"]},
        reward={"percent": 50},
        who={"member": "required"},
        limits={"per_member_day": 1},
    )
    shop = await a_promoting_shop(tmp_path, daily, clock=clock)
    await shop.feed("members", {"M1": member("M1", "111"), "M2": member("M2", "222")})

    async def pays(shop: Shop, card: str) -> int:
        await shop.workstation.offers.identify(code=card)
        await shop.workstation.set_quantity(2)
        await shop.workstation.enter("A")
        finished = await shop.workstation.tender_cash()
        assert finished is not None
        return finished.total.minor

    assert await pays(shop, "111") == 150
    assert await pays(shop, "111") == 200
    assert await pays(shop, "222") == 150
    shop.close()
    again = Shop(tmp_path, clock=clock, currency="TWD")
    await again.rules_ready()
    assert await pays(again, "111") == 200
    clock.set("2026-11-24T10:00")
    assert await pays(again, "111") == 150
    again.close()
