"""Discounts by hand, offers for a kind of tender, goods below cost, and why a line costs what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import SaleRefused
from gateway.till.offers.explain import explain
from gateway.till.offers.rows import ByHand
from retail.sale import faults
from tests.shop import Shop
from tests.till.offers.promoted import (
    RED_GREEN_59,
    SECOND_20_OFF,
    SPEND_5000,
    a_promoting_shop,
    booked,
    item,
    rule,
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_promoting_shop(tmp_path, SECOND_20_OFF, RED_GREEN_59, SPEND_5000)
    yield shop
    shop.close()


async def test_a_discount_on_a_line_comes_on_top_of_its_deals_and_says_why(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("A")
    await till.enter("A")
    await till.offers.discounts.give(ByHand(basis_points=1000, reason="dented"), line_number=1)
    assert till.basket.total().minor == 90 - 9 + 90
    await till.tender_cash()
    [sale] = booked(shop)
    first = sale.sales()[0]
    assert [(m.rule_id, m.amount_minor, m.reason) for m in first.price_modifiers] == [
        ("SECOND", 10, None),
        (None, 9, "dented"),
    ]
    assert faults(sale) == []


async def test_a_discount_on_the_whole_sale_is_spread_over_it_and_can_be_taken_back(tmp_path: Path) -> None:
    shop = await a_promoting_shop(tmp_path)  # there are no rules at all
    till = shop.workstation
    await till.enter("A")
    await till.enter("B")
    await till.offers.discounts.give(ByHand(amount_minor=15, reason="regular customer"))
    assert [line.net("TWD").minor for line in till.basket.lines] == [90, 45]
    await till.offers.discounts.take_back()
    assert till.basket.total().minor == 150
    with pytest.raises(SaleRefused) as refused:
        await till.offers.discounts.take_back()
    assert refused.value.reason == "no_discount"
    shop.close()


@pytest.mark.parametrize("amount", [101, 0])
async def test_more_than_there_is_or_nothing_is_no_discount(shop: Shop, amount: int) -> None:
    await shop.workstation.enter("A")
    with pytest.raises(SaleRefused) as refused:
        await shop.workstation.offers.discounts.give(ByHand(amount_minor=amount, reason="x"), line_number=1)
    assert refused.value.reason == "bad_amount"
    assert shop.workstation.basket.total().minor == 100


async def test_a_discount_stops_at_the_floor_and_the_cashier_is_told(tmp_path: Path) -> None:
    shop = await a_promoting_shop(tmp_path, items=[item("A", 100, floor_minor=95)])
    await shop.workstation.enter("A")
    await shop.workstation.offers.discounts.give(ByHand(basis_points=1000, reason="dented"), line_number=1)
    assert shop.workstation.basket.total().minor == 95
    assert shop.workstation.notice is not None
    assert shop.workstation.notice.reason == "discount_capped"
    shop.close()


async def test_goods_sold_below_cost_are_sold_and_headquarters_is_told(tmp_path: Path) -> None:
    half = rule("HALF", "item_price", match={"all": True}, reward={"percent": 50})
    shop = await a_promoting_shop(tmp_path, half, items=[item("A", 100, cost_minor=60), item("B", 100, cost_minor=40)])
    await shop.workstation.enter("A")
    await shop.workstation.enter("B")
    await shop.workstation.tender_cash()
    [told] = shop.audits("below_cost")
    assert told["items"] == "A"
    assert told["below_minor"] == 10
    assert told["rules"] == "HALF"
    shop.close()


async def test_an_offer_for_a_tender_holds_where_that_tender_pays_for_everything(tmp_path: Path) -> None:
    cash = rule("CASH", "tender_offer", trigger={"tender": "cash"}, reward={"percent": 10})
    shop = await a_promoting_shop(tmp_path, cash)
    till = shop.workstation
    await till.enter("A")
    assert till.basket.total().minor == 100
    await till.tender_cash(50)  # only a part of it
    assert till.basket.total().minor == 100
    await till.tender_cash()
    await till.enter("A")
    with pytest.raises(SaleRefused):
        await till.tender_cash(-1)
    assert till.basket.total().minor == 100
    finished = await till.tender_cash(100)
    assert finished is not None
    assert (finished.total.minor, finished.change.minor) == (90, 10)
    assert faults(booked(shop)[1]) == []
    shop.close()


async def test_a_line_explains_its_price_each_deal_and_what_it_did_not_get(tmp_path: Path) -> None:
    rules = [
        SECOND_20_OFF,
        rule("WEAK", "nth_unit", match={"items": ["A"]}, nth=[{"n": 2, "percent": 5}]),
        rule("THREE", "bundle_price", match={"items": ["A"]}, slots=[{"set": "set", "qty": 3}], reward={"percent": 50}),
        rule("GOLD", "item_price", match={"items": ["A"]}, reward={"percent": 90}, who={"tiers": ["gold"]}),
        rule("LATER", "item_price", match={"items": ["A"]}, reward={"percent": 90}, when={"from": "2027-01-01"}),
        SPEND_5000,
    ]
    prices = [{"valid_from": "2026-11-01T00:00", "valid_until": "2026-12-01T00:00", "price_minor": 200}]
    shop = await a_promoting_shop(tmp_path, *rules, items=[item("A", 100, prices=prices)])
    till = shop.workstation
    await till.enter("A")
    await till.enter("A")
    found = explain(till, 1)
    assert found is not None
    assert found.line.unit_price_minor == 200
    assert str(found.line.price_valid_until) == "2026-12-01 00:00:00"
    [deal] = found.deals
    assert (deal.rule_id, deal.name, deal.kind, deal.amount_minor, deal.saving_minor) == (
        "SECOND",
        "Rule SECOND",
        "nth_unit",
        20,
        40,
    )
    assert (deal.units, deal.times, deal.others) == (1, 1, (2,))
    assert {one.rule_id: one.reason for one in found.not_given} == {
        "WEAK": "other offers save more, or have these units",
        "THREE": "not complete yet",
        "GOLD": "for members",
        "LATER": "not at this time",
        "SPEND": "not complete yet",
    }
    assert found.complete
    assert explain(till, 3) is None
    await shop.promote(SECOND_20_OFF)  # other rules are in force by now than it was priced by
    found = explain(till, 1)
    assert found is not None
    assert not found.complete
    assert [deal.amount_minor for deal in found.deals] == [20]
    shop.close()
