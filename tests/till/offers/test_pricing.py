"""The open sale is priced by the rules after every change, and what is booked says what the customer paid, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.till.basket import Basket
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


async def test_a_combo_is_given_as_soon_as_it_is_complete_and_is_on_the_booked_sale(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("R1")
    assert till.basket.total().minor == 35
    await till.enter("G1")
    assert till.basket.total().minor == 59
    assert till.basket.gross().minor == 65
    await till.tender_cash(100)
    [sale] = booked(shop)
    assert faults(sale) == []
    assert sale.total_minor == 59
    red, green = sale.sales()
    assert [(m.rule_id, m.deal, m.name) for m in red.price_modifiers] == [("COMBO", 1, "Rule COMBO")]
    assert red.price_modifiers[0].deal == green.price_modifiers[0].deal
    assert red.net_minor + green.net_minor == 59
    assert sum(tax.taxable_amount_minor for tax in sale.taxes()) == 59


async def test_of_two_red_and_one_green_only_the_best_pair_is_a_combo(shop: Shop) -> None:
    till = shop.workstation
    for code in ("R1", "R2", "G1"):
        await till.enter(code)
    assert till.basket.total().minor == 59 + 35


async def test_a_void_takes_the_deal_back_and_the_next_scan_gives_it_again(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("A")
    await till.enter("A")
    assert till.basket.total().minor == 180
    await till.void_line()
    assert till.basket.total().minor == 100
    assert [line.price_modifiers for line in till.basket.lines] == [[], []]
    await till.enter("A")
    assert till.basket.total().minor == 180


async def test_a_quantity_is_priced_as_so_many_scans(shop: Shop) -> None:
    till = shop.workstation
    await till.set_quantity(5)
    line = await till.enter("A")
    assert till.basket.total().minor == 500 - 40
    [modifier] = line.price_modifiers  # two deals of one rule over one line are one modifier
    assert modifier.amount_minor == 40
    assert sum(unit.count for unit in line.net_units) == 5
    assert sum(unit.count * unit.net_minor for unit in line.net_units) == 460


@pytest.mark.parametrize(
    "order", [("A", "R1", "G1", "A", "R2"), ("R2", "A", "A", "G1", "R1"), ("G1", "R1", "A", "R2", "A")]
)
async def test_the_order_of_scanning_leaves_no_trace(shop: Shop, order: tuple[str, ...]) -> None:
    till = shop.workstation
    for code in order:
        await till.enter(code)
    nets = sorted((line.item_id, line.net("TWD").minor) for line in till.basket.lines)
    assert till.basket.total().minor == 180 + 59 + 35
    assert nets == [("A", 90), ("A", 90), ("G1", 25), ("R1", 35), ("R2", 34)]


async def test_a_threshold_is_taken_off_at_its_amount_and_not_a_dollar_before(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("BIG")
    assert till.basket.total().minor == 4999
    await till.enter("ONE")
    assert till.basket.total().minor == 4900


async def test_a_restart_shows_and_sells_the_same_and_goes_on(shop: Shop, tmp_path: Path) -> None:
    for code in ("A", "R1", "A"):
        await shop.workstation.enter(code)
    before = shop.workstation.basket
    shop.close()
    again = Shop(tmp_path, clock=shop.clock, currency="TWD")
    assert again.offers.rules.rules is None  # they are still to be read
    assert again.workstation.basket == before
    await again.rules_ready()
    await again.workstation.enter("G1")
    assert again.workstation.basket.total().minor == 180 + 59
    await again.workstation.tender_cash()
    assert faults(booked(again)[0]) == []
    again.close()


async def test_a_scan_before_the_rules_are_read_is_priced_again_before_it_is_paid(shop: Shop, tmp_path: Path) -> None:
    shop.close()
    again = Shop(tmp_path, clock=shop.clock, currency="TWD")
    till = again.workstation
    await till.enter("A")
    await till.enter("A")
    assert till.basket.offers is not None
    assert till.basket.offers.pending
    assert till.basket.total().minor == 200
    await again.rules_ready()
    finished = await till.tender_cash(200)
    assert finished is not None
    assert finished.change.minor == 20
    again.close()


async def test_a_basket_of_an_earlier_version_is_taken_up(shop: Shop, tmp_path: Path) -> None:
    """As version 0.1 kept it: without anything of offers."""
    line = {
        "line_number": 1,
        "item_id": "A",
        "description": "Item A",
        "scanned_code": "A",
        "entry_method": "keyed",
        "quantity": 1,
        "weight_grams": None,
        "unit_price_minor": 100,
        "tax_code": "A",
        "tax_rate_basis_points": 500,
        "lot": None,
        "expiry": None,
        "void": False,
    }
    old = {"currency": "TWD", "state": "selling", "idempotency_key": "k1", "begin": "2026-11-23T04:00:00.000Z"}
    shop.workstation.basket = Basket.model_validate({**old, "lines": [line], "tendered_minor": 0})
    await shop.workstation.enter("A")
    assert shop.workstation.basket.total().minor == 180


async def test_a_deal_that_two_lines_share_is_one_of_each_of_them_however_often(tmp_path: Path) -> None:
    shop = await a_promoting_shop(
        tmp_path,
        rule(
            "TWO",
            "bundle_price",
            match={"all": True},
            slots=[{"set": "set", "qty": 2}],
            reward={"type": "bundle_price", "value": 10},
        ),
    )
    till = shop.workstation
    await till.set_quantity(40)
    await till.enter("A")
    await till.set_quantity(40)
    await till.enter("B")
    assert till.basket.total().minor == 400
    assert all(len(line.price_modifiers) <= 2 for line in till.basket.lines)
    await till.tender_cash(500)
    assert faults(booked(shop)[0]) == []
    shop.close()


async def test_an_item_that_is_not_to_be_discounted_stays_out_of_every_rule(tmp_path: Path) -> None:
    ten_off = rule("TEN", "basket_threshold", threshold={"amount": 1}, reward={"percent": 10})
    stock = [item("BOOK", 300, not_discountable=True), item("A", 100)]
    shop = await a_promoting_shop(tmp_path, ten_off, items=stock)
    await shop.workstation.enter("BOOK")
    await shop.workstation.enter("A")
    assert shop.workstation.basket.total().minor == 390
    shop.close()


async def test_the_floor_of_an_item_stops_a_stack_of_deals(tmp_path: Path) -> None:
    thirty = {"threshold": {"amount": 1}, "reward": {"percent": 30}, "concurrency": "stack"}
    rules = [rule("ONE", "basket_threshold", **thirty), rule("TWO", "basket_threshold", **thirty)]
    stock = [item("CHEAP", 100, floor_minor=60, cost_minor=50), item("NONE", 100)]
    shop = await a_promoting_shop(tmp_path, *rules, items=stock)
    await shop.workstation.enter("CHEAP")
    assert shop.workstation.basket.total().minor == 60
    await shop.workstation.void_all()
    await shop.workstation.enter("NONE")
    assert shop.workstation.basket.total().minor == 49
    shop.close()


async def test_the_rules_own_floor_is_the_cost_of_the_goods(tmp_path: Path) -> None:
    half = rule("HALF", "item_price", match={"all": True}, reward={"percent": 50}, limits={"floor": "cost"})
    shop = await a_promoting_shop(
        tmp_path, half, items=[item("DEAR", 100, cost_minor=70), item("APPLES", 120, unit="kg", cost_minor=100)]
    )
    await shop.workstation.enter("DEAR")
    await shop.workstation.enter("APPLES")  # 0.450 kg on the scale
    assert [line.net("TWD").minor for line in shop.workstation.basket.lines] == [70, 45]
    shop.close()


async def test_an_engine_that_fails_costs_a_discount_and_no_sale(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = shop.offers.rules.rules
    assert rules is not None
    assert rules.engine is not None

    def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("the engine is broken")

    monkeypatch.setattr(rules.engine, "session", broken)
    await shop.workstation.enter("A")
    await shop.workstation.enter("A")
    assert shop.workstation.basket.offers is not None
    assert shop.workstation.basket.offers.failed
    finished = await shop.workstation.tender_cash()
    assert finished is not None
    assert finished.total.minor == 200
    assert len(shop.audits("offers_failed")) == 1
