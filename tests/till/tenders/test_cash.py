"""Cash at the till: rounded to the smallest coin, taken back before the end, and nothing for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import SaleRefused
from gateway.till.workstation import Workstation
from retail.sale import RetailTransaction, faults
from tests.shop import Shop, a_shop, an_item

MILK = "4006381333931"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    yield shop
    shop.close()


def with_coins_of(shop: Shop, step: int) -> Workstation:
    shop.store = replace(shop.store, cash_step_minor=step)
    return shop.make_workstation(replace(shop.lane, workstation_id="7"))


def sold(shop: Shop, till: Workstation) -> RetailTransaction:
    assert till.last is not None
    rows = shop.money.read("SELECT body FROM outbox WHERE seq = ?", till.last.seq)
    sale = RetailTransaction.model_validate_json(rows[0]["body"])
    assert faults(sale) == []
    return sale


async def test_cash_is_rounded_to_the_smallest_coin_and_says_so(shop: Shop) -> None:
    till = with_coins_of(shop, 5)
    await till.enter(MILK)
    assert (till.basket.due().minor, till.basket.settlement().cash_due) == (119, 120)
    with pytest.raises(SaleRefused, match=r"smallest is 0\.05"):
        await till.tenders.cash(119)
    finished = await till.tenders.cash()
    assert finished is not None
    assert (finished.total.minor, finished.tendered.minor, finished.change.minor) == (119, 120, 0)
    assert sold(shop, till).rounding_minor() == 1


async def test_a_tender_is_taken_back_and_the_sale_goes_on(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(MILK)
    with pytest.raises(SaleRefused, match="no tender"):
        await till.tenders.take_back()
    await till.tenders.cash(100)
    with pytest.raises(SaleRefused, match="no tender 2"):
        await till.tenders.take_back(2)
    await till.tenders.take_back(1)
    assert (till.basket.state, till.basket.due().minor) == ("tendering", 119)
    restarted = shop.make_workstation(shop.lane)
    assert restarted.basket.tenders == []
    await restarted.enter(MILK)  # nothing is given, so the customer may still change his mind
    finished = await restarted.tenders.cash()
    assert finished is not None
    assert sold(shop, restarted).total_minor == 238


async def test_a_sale_over_nothing_is_finished_without_a_tender(shop: Shop) -> None:
    await shop.stock(2, [an_item("9", "Sample", "4006381333931", 0)])
    await shop.workstation.enter(MILK)
    await shop.workstation.tenders.cash()
    assert sold(shop, shop.workstation).tenders() == []
    assert shop.drawer_openings == 0
