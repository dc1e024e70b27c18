"""Training mode: everything looks like selling, and nothing counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import NeedsAuthority, SaleRefused
from gateway.peripherals import Text
from gateway.till.authority import Approval
from tests.people import STAFF
from tests.shop import Shop, a_shop, until

MILK = "4006381333931"
SUSE = Approval("suse", "5555")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path, *STAFF)
    await shop.workstation.people.sign_on("anna", "1111")
    yield shop
    shop.close()


def rows(shop: Shop, table: str) -> list[Any]:
    return [tuple(row) for row in shop.money.read(f"SELECT * FROM {table}")]


async def test_nothing_of_a_training_sale_counts(shop: Shop) -> None:
    till = shop.workstation
    await till.day.sessions.open(0)
    await till.enter(MILK)
    await till.tender_cash()
    await till.day.training.switch(True, SUSE)
    tables = ("outbox", "retail_transaction", "session_sale", "session_tender", "control_transaction", "receipt_job")
    before = {table: rows(shop, table) for table in tables}
    drawers = shop.drawer_openings
    await till.enter(MILK)
    assert till.basket.training
    finished = await till.tender_cash(500)
    assert finished is not None
    assert (finished.number, finished.change.minor) == ("TRAINING", 381)
    await till.enter(MILK)
    await till.void_all()
    await till.enter(MILK)
    await till.tender_card()
    assert till.last is not None
    assert [(one.tender_type, one.amount.minor) for one in till.last.paid] == [("Card", 119)]
    assert {table: rows(shop, table) for table in tables} == before
    assert shop.drawer_openings == drawers
    await till.day.training.switch(False, SUSE)
    await till.enter(MILK)
    await till.tender_cash()
    assert [sale["sequence_number"] for sale in shop.log("RetailTransaction")] == [1, 2]
    assert [facts["on"] for facts in shop.audits("training_mode")] == [1, 0]


async def test_its_paper_says_so_at_the_top_and_at_the_bottom_in_large_type(shop: Shop) -> None:
    printing = asyncio.create_task(shop.printer.run())
    till = shop.workstation
    await till.day.training.switch(True, SUSE)
    await till.enter(MILK)
    await till.tender_card()
    await until(lambda: shop.printed)
    printing.cancel()
    large = [line.text for line in shop.printed[0] if isinstance(line, Text) and line.double]
    assert large.count("*** TRAINING ***") == 2
    text = str(shop.printed[0])
    assert "SIMULATED" in text
    assert "Receipt S0421" not in text, "no number was used"


async def test_it_takes_authority_and_changes_only_between_sales(shop: Shop) -> None:
    till = shop.workstation
    with pytest.raises(NeedsAuthority):
        await till.day.training.switch(True)
    await till.enter(MILK)
    with pytest.raises(SaleRefused) as refused:
        await till.day.training.switch(True, SUSE)
    assert refused.value.reason == "sale_open"
    assert not till.basket.training


async def test_it_outlasts_a_restart_in_the_middle_of_a_training_sale(shop: Shop) -> None:
    await shop.workstation.day.training.switch(True, SUSE)
    await shop.workstation.enter(MILK)
    shop.close()
    again = Shop(shop.folder, STAFF)
    try:
        till = again.workstation
        assert till.day.training.on
        assert till.basket.training
        await till.tender_cash()
        assert again.log("RetailTransaction") == []
        await till.enter(MILK)
        assert till.basket.training
    finally:
        again.close()


async def test_a_training_sale_is_never_resumed_as_a_real_one(shop: Shop) -> None:
    till, other = shop.workstation, shop.another_lane("2")
    await other.people.sign_on("ben", "2222")
    await till.day.training.switch(True, SUSE)
    await till.enter(MILK)
    number = await till.suspending.suspend()
    with pytest.raises(SaleRefused) as refused:
        await other.suspending.resume(number)
    assert refused.value.reason == "training_differs"
    await till.suspending.resume(number)
    await till.tender_cash()
    assert shop.log("RetailTransaction") == []


async def test_the_drawer_stays_shut_and_no_session_changes(shop: Shop) -> None:
    till = shop.workstation
    await till.day.training.switch(True, SUSE)
    for command in (till.day.drawer.no_sale("x"), till.day.sessions.open(0)):
        with pytest.raises(SaleRefused) as refused:
            await command
        assert refused.value.reason == "training"
