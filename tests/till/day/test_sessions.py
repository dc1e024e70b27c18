"""A till's day: float, sales, cash in and out, a blind count, and figures that headquarters can reckon again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import NeedsAuthority, QueueError, SaleRefused
from gateway.till.authority import Approval
from gateway.till.day.sessions import counted
from retail.control import ControlTransaction
from retail.sale import RetailTransaction
from tests.people import STAFF
from tests.shop import Shop, a_shop, until

MILK, PEN = "4006381333931", "4006381333948"
SUSE = Approval("suse", "5555")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path, *STAFF)
    await shop.workstation.people.sign_on("anna", "1111")
    yield shop
    shop.close()


async def sell(shop: Shop, *codes: str, cash: int | None = None) -> None:
    for code in codes:
        await shop.workstation.enter(code)
    await shop.workstation.tender_cash(cash)


def controls(shop: Shop) -> list[ControlTransaction]:
    return [ControlTransaction.model_validate(body) for body in shop.log("ControlTransaction")]


async def test_expected_5200_counted_5150_is_50_short(shop: Shop) -> None:
    till = shop.workstation
    await till.day.sessions.open(5_000)
    await sell(shop, PEN, cash=1_000)  # 2.50, change 7.50
    await till.day.drawer.move("PaidOut", 50, "stamps", SUSE)
    closed = await till.day.sessions.close(5_150)
    totals = closed.totals
    assert totals is not None
    assert totals.expected_cash_minor == 5_000 + 250 - 50 == 5_200
    assert (totals.counted_cash_minor, totals.over_short_minor) == (5_150, -50)
    assert controls(shop)[-1] == closed
    assert till.day.sessions.open_now is None


async def test_the_totals_are_those_of_the_records_between_the_barriers(shop: Shop) -> None:
    till = shop.workstation
    await sell(shop, MILK)  # before the session: not in it
    await till.day.sessions.open(10_000)
    await sell(shop, MILK, cash=2_000)
    await sell(shop, PEN, PEN)
    await till.enter(MILK)
    await till.void_all()
    await till.day.drawer.move("PaidIn", 700, "change from the bank")
    await till.day.drawer.move("PickUp", 300, "", SUSE)
    closed = await till.day.sessions.close(10_000)
    await sell(shop, MILK)  # behind it
    totals, session_id = closed.totals, closed.session_id
    assert totals is not None
    inside = [RetailTransaction.model_validate(body) for body in shop.log("RetailTransaction")]
    inside = [sale for sale in inside if sale.session_id == session_id]
    assert totals.sales_count == len(inside) == 2
    assert totals.sales_minor == sum(sale.total_minor for sale in inside) == 119 + 500
    cash = sum(tender.amount_minor - tender.change_minor for sale in inside for tender in sale.tenders())
    assert [(one.tender_type, one.count, one.amount_minor) for one in totals.tenders] == [("Cash", 2, cash)]
    assert totals.expected_cash_minor == 10_000 + cash + 700 - 300
    assert (totals.first_sequence_number, totals.last_sequence_number, totals.voids_count) == (2, 3, 1)
    assert [one.control for one in controls(shop)] == [
        "SessionOpen",
        "SaleVoid",
        "PaidIn",
        "PickUp",
        "SessionClose",
    ]
    assert controls(shop)[3].authorised_by == "suse"


async def test_without_a_session_the_till_sells_as_ever_and_with_required_it_does_not(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path, sessions_required=True)
    try:
        with pytest.raises(SaleRefused, match="open a session first") as refused:
            await shop.workstation.enter(MILK)
        assert refused.value.reason == "no_session"
        await shop.workstation.day.sessions.open(0)
        await sell(shop, MILK)
        assert shop.log("RetailTransaction")[0]["session_id"]
    finally:
        shop.close()


async def test_money_moves_only_within_a_session_and_some_takes_a_supervisor(shop: Shop) -> None:
    drawer = shop.workstation.day.drawer
    with pytest.raises(SaleRefused) as refused:
        await drawer.move("PaidIn", 100, "change")
    assert refused.value.reason == "no_session"
    await shop.workstation.day.sessions.open(0)
    with pytest.raises(NeedsAuthority, match=r"picked up 1\.00"):
        await drawer.move("PickUp", 100, "")
    assert [one.control for one in controls(shop)] == ["SessionOpen"]
    assert shop.drawer_openings == 0


async def test_no_sale_is_on_record_before_the_drawer_opens(shop: Shop) -> None:
    await shop.workstation.day.drawer.no_sale("change for a customer")
    assert controls(shop)[0].reason == "change for a customer"
    await until(lambda: shop.drawer_openings == 1)
    lane = shop.another_lane("2", drawer=None)
    await lane.people.sign_on("ben", "2222")
    with pytest.raises(SaleRefused, match="no drawer"):
        await lane.day.drawer.no_sale("why not")


async def test_a_sale_under_way_and_one_that_is_suspended_stop_the_close(shop: Shop) -> None:
    till = shop.workstation
    await till.day.sessions.open(0)
    await till.enter(MILK)
    with pytest.raises(SaleRefused) as refused:
        await till.day.sessions.close(0)
    assert refused.value.reason == "sale_open"
    number = await till.suspending.suspend()
    with pytest.raises(SaleRefused, match=f"suspended in this session: {number}") as refused:
        await till.day.sessions.close(0)
    assert refused.value.reason == "suspended_sales"
    await till.day.sessions.close(0, carry_over=True)
    await till.day.sessions.open(0)
    await till.suspending.resume(number)
    await till.tender_cash()
    second = await till.day.sessions.close(119)
    assert second.totals is not None
    assert (second.totals.sales_count, second.totals.z_number, second.totals.over_short_minor) == (1, 2, 0)


async def test_a_session_and_its_figures_outlast_a_restart(shop: Shop) -> None:
    session = await shop.workstation.day.sessions.open(1_000)
    await sell(shop, MILK)
    shop.close()
    again = Shop(shop.folder, STAFF)
    try:
        till = again.workstation
        assert till.day.sessions.open_now == session
        with pytest.raises(SaleRefused, match="a session is open since"):
            await till.day.sessions.open(0)
        assert till.day.sessions.totals().expected_cash_minor == 1_119
        await till.day.sessions.close(1_119)
        assert till.day.sessions.closed(1) == controls(again)[-1]
    finally:
        again.close()


class Calendar:
    """A wall clock that a test sets; the rest is the box's own."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)  # 23:30 in Berlin
        monkeypatch.setattr(shop.clock, "wall", lambda: self.now)


async def test_a_session_over_midnight_keeps_its_business_day(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    calendar = Calendar(shop, monkeypatch)
    till = shop.workstation
    await till.day.sessions.open(0)
    calendar.now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    await sell(shop, MILK)
    closed = await till.day.sessions.close(119)
    assert shop.log("RetailTransaction")[0]["business_day_date"] == "2026-11-22"
    assert closed.business_day_date == date(2026, 11, 22)
    await sell(shop, MILK)
    assert shop.log("RetailTransaction")[1]["business_day_date"] == "2026-11-23"


async def test_a_clock_that_steps_back_never_takes_the_day_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    calendar = Calendar(shop, monkeypatch)
    till = shop.workstation
    await till.day.sessions.open(0)
    await till.day.sessions.close(0)
    calendar.now = datetime(1970, 1, 1, tzinfo=UTC)
    session = await till.day.sessions.open(0)
    assert session.business_date == date(2026, 11, 22)


async def test_a_close_that_the_disk_refuses_leaves_the_session_open(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = shop.workstation
    await till.day.sessions.open(0)

    async def no_room(*_arguments: object) -> None:
        raise QueueError("money.sqlite: not written: disk full")

    with monkeypatch.context() as broken:
        broken.setattr(shop.ledger, "write", no_room)
        with pytest.raises(QueueError):
            await till.day.sessions.close(0)
    assert till.day.sessions.open_now is not None
    closed = await till.day.sessions.close(0)
    assert closed.totals is not None
    assert closed.totals.z_number == 1


async def test_x_and_z_print_in_the_look_of_receipts_and_the_x_is_not_for_every_cashier(shop: Shop) -> None:
    printing = asyncio.create_task(shop.printer.run())
    till = shop.workstation
    await till.day.sessions.open(10_000)
    await sell(shop, MILK)
    with pytest.raises(NeedsAuthority):
        await till.day.sessions.print_x()
    await till.day.sessions.print_x(SUSE)
    await till.day.sessions.close(10_000)
    await until(lambda: len(shop.printed) == 3)
    printing.cancel()
    x_report, z_report = str(shop.printed[1]), str(shop.printed[2])
    assert "X REPORT" in x_report
    assert "Cash counted" not in x_report
    assert "Z REPORT 1" in z_report
    assert "'Over/short', right='-1.19'" in z_report
    assert [one.control for one in controls(shop)] == ["SessionOpen", "SessionClose"], "an X report is no record"


async def test_a_report_waits_for_paper_and_prints_once(shop: Shop) -> None:
    from gateway.errors import DeviceRefused

    shop.trouble = DeviceRefused("printer-1: paper out", reason="paper_out", code=203)
    printing = asyncio.create_task(shop.printer.run())
    till = shop.workstation
    await till.day.sessions.open(0)
    await till.day.sessions.close(0)
    await until(lambda: shop.printer.trouble)
    shop.trouble = None
    await until(lambda: shop.printed)
    await until(lambda: shop.jobs.waiting("printer-1") == 0)
    printing.cancel()
    assert len(shop.printed) == 1
    assert "COPY" not in str(shop.printed)


@pytest.mark.parametrize(
    ("sum_minor", "pieces", "result"),
    [
        (5_150, None, 5_150),
        (None, {5_000: 1, 50: 3}, 5_150),
        (5_150, {5_000: 1, 50: 3}, 5_150),
        (0, None, 0),
        (None, {}, 0),
        (None, None, "not_counted"),
        (5_200, {5_000: 1, 50: 3}, "count_differs"),
    ],
)
def test_a_count_is_a_sum_or_pieces_that_agree(sum_minor: Any, pieces: Any, result: Any) -> None:
    if isinstance(result, str):
        with pytest.raises(SaleRefused) as refused:
            counted(sum_minor, pieces)
        assert refused.value.reason == result
    else:
        assert counted(sum_minor, pieces) == result


async def test_a_session_in_dollars_without_cents_adds_up(tmp_path: Path) -> None:
    from tests.shop import an_item

    shop = await a_shop(tmp_path, currency="TWD")
    try:
        tea = an_item("1", "Tea", MILK, 35).model_copy(update={"currency": "TWD"})
        await shop.stock(2, [tea])
        till = shop.workstation
        await till.day.sessions.open(5_165)
        await sell(shop, MILK, cash=100)
        closed = await till.day.sessions.close(5_150)
        assert closed.totals is not None
        assert (closed.totals.expected_cash_minor, closed.totals.over_short_minor) == (5_200, -50)
        assert closed.currency == "TWD"
    finally:
        shop.close()
