"""Cards at the till: money that goes back, and payments that only a person can tell of."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.devices.host import TcpHost
from gateway.errors import SaleRefused
from gateway.peripherals import PaymentKind
from tests.shop import until
from tests.till.card_shop import (
    BRIEF,
    PEN,
    PEN_MINOR,
    TERMINAL,
    Counter,
    agree,
    bookings,
    frozen_at,
    one_before,
    open_counter,
)

# --- taking back ----------------------------------------------------------------------------------------------------


async def split_and_paid(counter: Counter) -> None:
    """A sale of 250 of which a card has given 200."""
    await counter.sell_by_card(PEN, amount_minor=200)
    await counter.settled()
    assert counter.till.basket.state == "tendering"


async def test_a_void_sale_gives_the_cards_money_back_first(counter: Counter, host: TcpHost) -> None:
    await split_and_paid(counter)
    await counter.till.void_all()
    assert counter.till.basket.state == "paying"
    await counter.settled()
    assert (counter.till.basket.state, counter.sales()) == ("idle", [])
    assert [(one.kind, one.state) for one in bookings(host, "booked", "reversed")] == [
        ("sale", "reversed"),
        ("reversal", "booked"),
    ]
    agree(counter, host)
    assert {known.settled for known in counter.book.newest(9) if known.pay.kind is PaymentKind.SALE} == {"reversed"}


async def test_what_the_terminal_does_not_take_back_is_not_void(counter: Counter, host: TcpHost) -> None:
    await split_and_paid(counter)
    bookings(host)[0].state = "reversed"  # somebody did it at the terminal itself
    await counter.till.void_all()
    await counter.settled()
    assert counter.till.basket.state == "tendering"
    assert counter.till.notice is not None
    assert "not void" in counter.till.notice.text
    assert "reversed before" in counter.till.notice.text


@pytest.mark.parametrize("point", ["before_ack", "after_ack", "before_status", "after_status", "after_keep"])
async def test_the_line_cut_at_each_step_of_a_reversal(counter: Counter, host: TcpHost, point: str) -> None:
    await split_and_paid(counter)
    await until(lambda: host._client is None)
    host.set("cut", point)
    await counter.till.void_all()
    await until(lambda: host.device.is_cut)  # type: ignore[attr-defined]
    await host.unplug()
    host.set("cut", "")
    await host.plug()
    await counter.settled()
    if counter.till.basket.state == "tendering":
        await counter.till.void_all()
        await counter.settled()
    assert (counter.till.basket.state, counter.sales()) == ("idle", [])
    agree(counter, host)
    assert [one.kind for one in bookings(host)] == ["reversal"]


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("write", ["basket", "intent", "held", "result"])
async def test_the_box_killed_while_it_takes_the_money_back(
    tmp_path: Path, host: TcpHost, write: str, before: bool
) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await split_and_paid(counter)
        await until(lambda: host._client is None)
        with frozen_at(counter, write, before) as frozen:
            undoing = asyncio.create_task(counter.till.void_all())
            await asyncio.wait_for(frozen.reached.wait(), 10)
            undoing.cancel()
            await asyncio.gather(undoing, return_exceptions=True)
    async with open_counter(tmp_path, host) as counter:
        await counter.settled()
        if counter.state() == "tendering":
            await counter.till.void_all()
            await counter.settled()
        assert (counter.state(), counter.sales()) == ("idle", [])
        agree(counter, host)
        assert [one.kind for one in bookings(host)] == ["reversal"]


async def test_money_of_a_basket_that_is_gone_goes_back(tmp_path: Path, host: TcpHost) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await split_and_paid(counter)
        await counter.shop.money.write(lambda connection: connection.execute("DELETE FROM basket").rowcount)
    async with open_counter(tmp_path, host) as counter:
        await until(lambda: counter.told.records)
        assert counter.told.records[0][0] == "payment_taken_back"
        assert counter.till.basket.state == "idle"
        assert [one.kind for one in bookings(host)] == ["reversal"]
        agree(counter, host)
    async with open_counter(tmp_path, host) as counter:
        await asyncio.sleep(0.2)
        assert (counter.told.records, len(bookings(host))) == ([], 1)


async def test_money_that_went_back_while_a_workstation_was_away_pays_nothing_when_it_returns(
    tmp_path: Path, host: TcpHost
) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await split_and_paid(counter)
        counter.loose._in_a_basket = lambda _payment_id: False  # as a run without this workstation sees it
        counter.loose._give_back_at(TERMINAL)
        await until(lambda: counter.told.records)
    async with open_counter(tmp_path, host) as counter:
        await until(lambda: counter.till.basket.tenders == [])
        await counter.till.tender_card()
        await counter.settled()
        assert [line.amount_minor for line in counter.cards()] == [PEN_MINOR]
        agree(counter, host)


# --- a person decides -----------------------------------------------------------------------------------------------


async def lost_for_good(counter: Counter, host: TcpHost, point: str) -> None:
    """The terminal had the payment, or not, and then answers nothing any more."""
    host.set("cut", point)
    await counter.sell_by_card()
    await until(lambda: host.device.is_cut)  # type: ignore[attr-defined]
    await host.unplug()
    await until(lambda: counter.till.basket.state == "unknown")


@pytest.mark.parametrize(("point", "paid"), [("after_keep", True), ("after_ack", False)])
async def test_a_person_decides_what_the_terminal_cannot_tell(
    tmp_path: Path, host: TcpHost, point: str, paid: bool
) -> None:
    async with open_counter(tmp_path, host, patience=BRIEF, stock=True) as counter:
        await lost_for_good(counter, host, point)
        till = counter.till
        payment = till.basket.payment
        assert payment is not None
        for name, why in (("", "slip"), ("Ana", " ")):
            with pytest.raises(SaleRefused):
                await till.tenders.decide_payment(paid, name, why)
        await until(lambda: till.basket.payment and till.basket.payment.person)
        with pytest.raises(SaleRefused, match="say what the terminal"):
            await till.tenders.decide_payment(paid, "Ana", "")
        await till.tenders.decide_payment(paid, "Ana", "its display says so")
        assert till.basket.state == ("idle" if paid else "tendering")
        assert [code for code, _ in counter.told.records] == ["payment_decided"]
        assert counter.told.records[0][1]["who"] == "Ana"
        assert len(counter.cards()) == int(paid)
        known = counter.book.find(payment.payment_id)
        assert known is not None
        assert (known.decided, known.is_open, known.settled) == (True, False, "booked" if paid else None)
        assert "decided by Ana" in json.dumps([one.facts for one in counter.book.history(payment.payment_id)])
        assert await counter.book.journal(TERMINAL).last_reference() == "", "nobody knows its last transaction now"
        with pytest.raises(SaleRefused):
            await till.tenders.decide_payment(True, "Ana", "once more")


async def test_nothing_is_decided_while_the_terminal_is_being_asked(counter: Counter, host: TcpHost) -> None:
    await lost_for_good(counter, host, "after_ack")
    with pytest.raises(SaleRefused, match="still being asked"):
        await counter.till.tenders.decide_payment(True, "Ana", "a hunch")


async def test_a_terminal_that_comes_back_late_is_believed_before_a_person(tmp_path: Path, host: TcpHost) -> None:
    async with open_counter(tmp_path, host, patience=BRIEF, stock=True) as counter:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gateway.till.payments.card.ASK_AGAIN_S", 0.05)
            await one_before(counter)
            await lost_for_good(counter, host, "after_keep")
            await until(lambda: counter.till.basket.payment and counter.till.basket.payment.person)
            host.set("cut", "")
            await host.plug()
            await counter.settled()
        assert len(counter.cards()) == 2
        agree(counter, host)


async def test_a_terminal_out_of_the_configuration_leaves_the_word_to_a_person(tmp_path: Path, host: TcpHost) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await lost_for_good(counter, host, "after_keep")
    async with open_counter(tmp_path, host) as counter:
        del counter.terminals.desks[TERMINAL]
        await until(lambda: counter.till.basket.payment and counter.till.basket.payment.person)
        await counter.till.tenders.decide_payment(True, "Ana", "slip of the removed terminal")
        assert len(counter.cards()) == 1
