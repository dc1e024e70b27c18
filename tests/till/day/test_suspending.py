"""A suspended sale is taken up once, on any lane, and no power cut loses or doubles it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import NeedsAuthority, QueueError, SaleRefused
from gateway.till.authority import Approval
from retail.authority import Limits
from tests.people import STAFF
from tests.shop import Shop, a_shop

MILK, PEN = "4006381333931", "4006381333948"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    yield shop
    shop.close()


def numbers(shop: Shop) -> list[int]:
    return [one.number for one in shop.ledger.suspended_sales()]


async def test_park_a_sale_ring_another_and_resume_the_same_lines(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(MILK)
    await till.enter(PEN)
    key = till.basket.idempotency_key
    number = await till.suspending.suspend("Mrs Lin")
    assert till.basket.state == "idle"
    await till.enter(MILK)
    await till.tender_cash()
    await till.suspending.resume(number)
    assert [line.description for line in till.basket.lines] == ["Milk", "Pen"]
    assert till.basket.idempotency_key == key
    await till.enter(MILK)
    await till.tender_cash()
    assert [sale["total_minor"] for sale in shop.log("RetailTransaction")] == [119, 119 + 250 + 119]
    assert numbers(shop) == []


async def test_another_lane_takes_it_up_and_it_outlasts_a_restart(shop: Shop) -> None:
    await shop.workstation.enter(MILK)
    number = await shop.workstation.suspending.suspend()
    shop.close()
    again = Shop(shop.folder)
    try:
        assert [one.label for one in again.ledger.suspended_sales()] == [""]
        other = again.another_lane("2")
        await other.suspending.resume(number)
        await other.tender_cash()
        assert [sale["workstation_id"] for sale in again.log("RetailTransaction")] == ["2"]
        assert again.workstation.basket.state == "idle"
    finally:
        again.close()


async def test_of_two_lanes_that_resume_at_once_one_gets_it(shop: Shop) -> None:
    lanes = [shop.another_lane(str(number)) for number in range(2, 10)]
    await shop.workstation.enter(MILK)
    number = await shop.workstation.suspending.suspend()
    done = await asyncio.gather(*(lane.suspending.resume(number) for lane in lanes), return_exceptions=True)
    refused = [one for one in done if isinstance(one, SaleRefused)]
    assert len(refused) == len(lanes) - 1
    assert {one.reason for one in refused} == {"not_suspended"}
    assert [lane.basket.state for lane in lanes].count("selling") == 1


@pytest.mark.parametrize("command", ["suspend", "resume"])
async def test_a_disk_that_refuses_leaves_the_sale_where_it_was(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    till = shop.workstation
    await till.enter(MILK)
    number = await till.suspending.suspend() if command == "resume" else 0

    async def no_room(*_arguments: object) -> None:
        raise QueueError("money.sqlite: not written: disk full")

    with monkeypatch.context() as broken:
        broken.setattr(shop.ledger, "write", no_room)
        with pytest.raises(QueueError):
            await (till.suspending.suspend() if command == "suspend" else till.suspending.resume(number))
    if command == "suspend":
        assert (till.basket.state, numbers(shop)) == ("selling", [])
    else:
        assert (till.basket.state, numbers(shop)) == ("idle", [number])


async def test_the_last_row_of_a_resume_that_fails_takes_back_the_first(shop: Shop) -> None:
    """The basket cannot be written: the suspended row must be there still."""
    till = shop.workstation
    await till.enter(MILK)
    number = await till.suspending.suspend()
    await shop.money.write(lambda connection: connection.execute("DROP TABLE basket").rowcount)
    with pytest.raises(QueueError):
        await till.suspending.resume(number)
    assert numbers(shop) == [number]


async def test_what_cannot_be_suspended_or_resumed_is_refused_in_words(shop: Shop) -> None:
    till = shop.workstation
    with pytest.raises(SaleRefused, match="no open sale to suspend"):
        await till.suspending.suspend()
    with pytest.raises(SaleRefused, match="no sale 7 is suspended"):
        await till.suspending.resume(7)
    await till.enter(MILK)
    await till.tender_cash(100)
    with pytest.raises(SaleRefused, match="take back what was given"):
        await till.suspending.suspend()
    with pytest.raises(SaleRefused) as refused:
        await till.suspending.resume(1)
    assert refused.value.reason == "sale_open"


async def test_a_pending_quantity_is_not_suspended_with_the_sale(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(MILK)
    await till.set_quantity(9)
    await till.suspending.resume(await till.suspending.suspend())
    await till.enter(MILK)
    assert [line.quantity for line in till.basket.lines] == [1, 1]


async def test_who_takes_up_anothers_sale_sells_it_and_limits_may_forbid_it(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path, *STAFF, limits=Limits(resume_other="supervisor"))
    try:
        till, other = shop.workstation, shop.another_lane("2")
        await till.people.sign_on("anna", "1111")
        await other.people.sign_on("ben", "2222")
        await till.enter(MILK)
        number = await till.suspending.suspend()
        with pytest.raises(NeedsAuthority):
            await other.suspending.resume(number)
        await other.suspending.resume(number, Approval("suse", "5555"))
        await other.tender_cash()
        assert shop.log("RetailTransaction")[0]["operator_id"] == "ben"
        [facts] = shop.audits("authority_used")
        assert facts["act"] == "resume_other"
    finally:
        shop.close()


async def test_a_ticket_shows_the_number_and_that_nothing_is_paid(shop: Shop) -> None:
    printing = asyncio.create_task(shop.printer.run())
    await shop.workstation.enter(MILK)
    number = await shop.workstation.suspending.suspend("blue coat", ticket=True)
    async with asyncio.timeout(10):
        while shop.jobs.waiting("printer-1"):
            await asyncio.sleep(0.005)
    printing.cancel()
    text = str(shop.printed[0])
    assert f"SUSPENDED SALE {number}" in text
    assert "blue coat" in text
    assert "This is no receipt" in text
