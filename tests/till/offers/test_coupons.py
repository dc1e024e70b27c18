"""Coupons: refused for a reason, reserved while a sale is open, used by one sale and never twice on one box."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from gateway.till.offers.book import OfferBook
from gateway.till.offers.coupons import Coupons
from gateway.till.workstation import Lane
from retail.sale import faults
from retail.wire.rows import member_code
from tests.shop import Shop
from tests.till.offers.promoted import SetClock, a_promoting_shop, booked, rule

TEN = rule("TEN", "coupon", trigger={"coupon": "TEN-OFF"}, reward={"percent": 10})
ROWS: list[dict[str, Any]] = [
    {"coupon_id": "ONCE1", "name": "10 % off", "trigger": "TEN-OFF", "uses": 1},
    {"coupon_id": "TWICE", "name": "10 % off", "trigger": "TEN-OFF", "uses": 2},
    {"coupon_id": "ALWAYS", "name": "10 % off", "trigger": "TEN-OFF"},
    {"coupon_id": "SOON", "name": "Soon", "trigger": "TEN-OFF", "valid_from": "2026-11-24T00:00"},
    {"coupon_id": "OVER", "name": "Over", "trigger": "TEN-OFF", "valid_until": "2026-11-23T12:00"},
    {"coupon_id": "USED", "name": "Used", "trigger": "TEN-OFF", "uses": 0},
    {"coupon_id": "HERS", "name": "Hers", "trigger": "TEN-OFF", "member_id": "M1"},
    {"coupon_id": "MONEY", "name": "50 dollars", "amount_minor": 50, "uses": 1},
    {"coupon_id": "NOTHING", "name": "No rule knows it", "uses": 1},
]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_promoting_shop(tmp_path, TEN, clock=SetClock("2026-11-23T12:00"))
    await shop.feed("coupons", {row["coupon_id"]: row for row in ROWS})
    members = {name: {"member_id": name, "name": name, "codes": [member_code(name)]} for name in ("M1", "M2")}
    await shop.feed("members", members)
    yield shop
    shop.close()


async def test_a_scanned_coupon_opens_its_rule_and_is_on_the_booked_sale(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("A")
    assert await till.scan("ONCE1", "]Q3") is None
    assert till.basket.total().minor == 90
    await till.tender_cash()
    [sale] = booked(shop)
    assert [(line.coupon_id, line.scanned_code) for line in sale.coupons()] == [("ONCE1", "ONCE1")]
    assert faults(sale) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("NEVER", "unknown_coupon"),
        ("SOON", "coupon_not_yet"),
        ("OVER", "coupon_expired"),
        ("USED", "coupon_used"),
        ("HERS", "coupon_needs_member"),
        ("MONEY", "coupon_is_tender"),
    ],
)
async def test_a_coupon_that_is_not_good_is_refused_for_its_reason(shop: Shop, code: str, reason: str) -> None:
    await shop.workstation.enter("A")
    with pytest.raises(SaleRefused) as refused:
        await shop.workstation.offers.use_coupon(code)
    assert (refused.value.reason, refused.value.field) == (reason, "code")
    assert shop.workstation.basket.coupons == []
    assert shop.workstation.basket.total().minor == 100


async def test_a_coupon_of_a_member_is_his_and_goes_with_him(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("A")
    await till.offers.identify(member_id="M2")
    with pytest.raises(SaleRefused) as refused:
        await till.offers.use_coupon("HERS")
    assert refused.value.reason == "coupon_of_another"
    await till.offers.identify(member_id="M1")
    await till.offers.use_coupon("HERS")
    assert till.basket.total().minor == 90
    await till.offers.identify(member_id="M2")
    assert till.basket.coupons == []
    assert till.basket.total().minor == 100


async def test_the_same_coupon_is_taken_once_a_sale(shop: Shop) -> None:
    await shop.workstation.enter("A")
    await shop.workstation.offers.use_coupon("ALWAYS")
    with pytest.raises(SaleRefused) as refused:
        await shop.workstation.offers.use_coupon("ALWAYS")
    assert refused.value.reason == "coupon_twice"


async def test_a_single_use_coupon_is_given_to_one_lane_and_not_again_after_a_restart(
    shop: Shop, tmp_path: Path
) -> None:
    other = shop.make_workstation(Lane("2"))
    await shop.workstation.enter("A")
    await shop.workstation.offers.use_coupon("ONCE1")
    await other.enter("A")
    with pytest.raises(SaleRefused) as refused:
        await other.offers.use_coupon("ONCE1")
    assert refused.value.reason == "coupon_used"
    shop.close()
    again = Shop(tmp_path, clock=shop.clock, currency="TWD")
    await again.rules_ready()
    other = again.make_workstation(Lane("2"))
    with pytest.raises(SaleRefused):
        await other.offers.use_coupon("ONCE1")
    await again.workstation.tender_cash()
    assert booked(again)[0].total_minor == 90
    with pytest.raises(SaleRefused):
        await other.offers.use_coupon("ONCE1")
    again.close()


@pytest.mark.parametrize("how", ["void", "drop"])
async def test_a_coupon_that_was_not_used_is_free_again(shop: Shop, how: str) -> None:
    till = shop.workstation
    await till.enter("A")
    await till.offers.use_coupon("ONCE1")
    await (till.void_all() if how == "void" else till.offers.drop_coupon("ONCE1"))
    other = shop.make_workstation(Lane("2"))
    await other.enter("A")
    await other.offers.use_coupon("ONCE1")
    assert other.basket.total().minor == 90


async def test_a_coupon_may_come_before_the_first_article_and_is_free_again_if_none_comes(shop: Shop) -> None:
    till = shop.workstation
    await till.scan("ONCE1")
    await till.void_all()
    await till.scan("ONCE1")
    await till.enter("A")
    assert till.basket.total().minor == 90
    await till.tender_cash()
    with pytest.raises(SaleRefused):
        await till.scan("ONCE1")


async def test_a_coupon_is_good_as_often_as_it_says(shop: Shop) -> None:
    till = shop.workstation
    for _ in range(2):
        await till.enter("A")
        await till.offers.use_coupon("TWICE")
        await till.tender_cash()
    await till.enter("A")
    with pytest.raises(SaleRefused):
        await till.offers.use_coupon("TWICE")


async def test_a_coupon_that_no_rule_gave_anything_for_is_not_used_up(shop: Shop) -> None:
    till = shop.workstation
    for _ in range(2):
        await till.enter("A")
        await till.offers.use_coupon("NOTHING")
        await till.tender_cash()
    assert [sale.coupons() for sale in booked(shop)] == [[], []]


async def test_keyed_small_letters_are_the_same_coupon(shop: Shop) -> None:
    await shop.workstation.enter("A")
    await shop.workstation.scan("always", method="keyed")
    assert shop.workstation.basket.total().minor == 90


async def test_no_coupon_is_taken_once_the_sale_is_being_paid(shop: Shop) -> None:
    await shop.workstation.enter("A")
    await shop.workstation.tender_cash(10)
    with pytest.raises(SaleRefused, match="prices do not change any more"):
        await shop.workstation.offers.use_coupon("ALWAYS")


async def test_what_other_stores_used_counts_and_ones_own_counts_once(tmp_path: Path) -> None:
    """The feed's `used` holds what headquarters has booked, by gateway."""
    shop = await a_promoting_shop(tmp_path, TEN)
    coupons = Coupons(shop.inbox, OfferBook(shop.money), "S0421-1")
    object.__setattr__(shop.offers, "coupons", coupons)
    till = shop.workstation

    async def taken(used: dict[str, int]) -> bool:
        row = {"coupon_id": "THREE", "name": "Three", "trigger": "TEN-OFF", "uses": 3, "used": used}
        await shop.feed("coupons", {"THREE": row})
        await till.enter("A")
        try:
            await till.offers.use_coupon("THREE")
        except SaleRefused as refused:
            return refused.reason != "coupon_used"
        finally:
            await till.tender_cash()
        return True

    assert await taken({})
    assert await taken({"S0421-1": 1})  # our own, which this box has counted
    assert not await taken({"S0421-1": 2, "S0001-1": 1})
    assert not await taken({"S0001-1": 1})  # headquarters has not heard of our second one yet
    assert await taken({"S0421-1": 2})
    assert not await taken({"S0421-1": 3})
    shop.close()


async def test_a_box_that_lost_its_money_file_takes_headquarters_word_for_its_own_uses(tmp_path: Path) -> None:
    shop = await a_promoting_shop(tmp_path, TEN)
    coupons = Coupons(shop.inbox, OfferBook(shop.money), "S0421-1")
    row = {"coupon_id": "ONE", "name": "One", "trigger": "TEN-OFF", "uses": 1, "used": {"S0421-1": 1}}
    await shop.feed("coupons", {"ONE": row})
    with pytest.raises(SaleRefused, match="used already"):
        coupons.check("ONE", None, "a new sale", shop.clock.local())
    shop.close()
