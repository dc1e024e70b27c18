"""Cards at the till: whatever is cut, killed or lost, the terminal's ledger and the sales tell the same story.

Never charged twice, never charged without a sale or a reversal: at each step of the protocol, at each write to disk.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.devices.host import TcpHost
from gateway.errors import SaleRefused
from gateway.simulators.terminal.zvt_machine import POINTS
from tests.shop import until
from tests.till.card_shop import (
    MILK,
    MILK_MINOR,
    PEN,
    PEN_MINOR,
    Counter,
    agree,
    bookings,
    end_the_sale,
    frozen_at,
    one_before,
    open_counter,
)


async def test_a_card_pays_what_is_due_and_stands_in_the_sale(counter: Counter, host: TcpHost) -> None:
    host.set("card_delay", "0.3")
    await counter.sell_by_card(MILK, PEN)
    till = counter.till
    assert counter.state() == "paying"
    await until(lambda: till.card and till.card.progress and till.card.progress.text)
    for command in (till.enter(MILK), till.void_line(), till.void_all(), till.tender_cash(1), till.tender_card()):
        with pytest.raises(SaleRefused, match="terminal is at it"):
            await command
    await counter.settled()
    assert counter.state() == "idle"
    assert till.last is not None
    assert (till.last.total.minor, till.last.change.minor) == (MILK_MINOR + PEN_MINOR, 0)
    [line] = counter.cards()
    assert line.amount_minor == MILK_MINOR + PEN_MINOR
    assert line.card == "************1111"
    assert (line.card_scheme, line.terminal_id) == ("Debit Mastercard", "28004869")
    assert line.approval_code
    assert counter.shop.drawer_openings == 0, "no cash moved"
    agree(counter, host)
    entries = [one.entry for one in counter.book.history(line.payment_id or "")]
    assert entries == ["intent", "accepted", "held", "result", "booked"]


async def test_cash_first_and_the_card_pays_the_rest_and_the_other_way_round(counter: Counter, host: TcpHost) -> None:
    till = counter.till
    await till.enter(PEN)
    await till.tender_cash(100)
    await till.tender_card()
    await counter.settled()
    await till.enter(PEN)
    with pytest.raises(SaleRefused, match="at most what is due"):
        await till.tender_card(PEN_MINOR + 1)
    await till.tender_card(200)
    await counter.settled()
    assert till.basket.state == "tendering"
    with pytest.raises(SaleRefused, match="being paid"):
        await till.enter(MILK)
    finished = await till.tender_cash(100)
    assert finished is not None
    assert finished.change.minor == 50
    rows = [
        [(one.tender_type, one.amount_minor, one.change_minor) for one in sale.tenders()] for sale in counter.sales()
    ]
    assert rows == [[("Cash", 100, 0), ("Card", 150, 0)], [("Card", 200, 0), ("Cash", 100, 50)]]
    agree(counter, host)


async def test_a_declined_card_says_why_and_the_sale_goes_on(counter: Counter, host: TcpHost) -> None:
    host.set("decline", "78")
    await counter.sell_by_card()
    await counter.settled()
    till = counter.till
    assert (till.basket.state, till.notice and till.notice.reason) == ("tendering", "payment_declined")
    assert "has expired; take another card" in (till.notice.text if till.notice else "")
    host.set("decline", "")
    await till.enter(PEN)  # nothing was given yet: the customer may still change his mind
    assert till.basket.state == "selling"
    await till.tender_card()
    await counter.settled()
    assert [line.amount_minor for line in counter.cards()] == [MILK_MINOR + PEN_MINOR]
    agree(counter, host)


async def test_an_abort_ends_the_payment_and_takes_nothing(counter: Counter, host: TcpHost) -> None:
    host.set("card_delay", "30")
    with pytest.raises(SaleRefused, match="nothing to abort"):
        await counter.till.tenders.abort_payment()
    await counter.sell_by_card()
    await until(lambda: counter.till.card and counter.till.card.progress)
    await counter.till.tenders.abort_payment()
    await counter.settled()
    assert counter.till.notice is not None
    assert counter.till.notice.reason == "payment_aborted"
    await counter.till.void_all()
    assert counter.sales() == []
    agree(counter, host)


@pytest.mark.parametrize("point", POINTS)
async def test_the_line_cut_at_each_step_of_the_protocol(tmp_path: Path, host: TcpHost, point: str) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await one_before(counter)
        await until(lambda: host._client is None)
        host.set("cut", point)
        await counter.sell_by_card()
        terminal: Any = host.device
        await until(lambda: terminal.is_cut)
        await host.unplug()
        await asyncio.sleep(0.05)
        host.set("cut", "")
        await host.plug()
        await counter.settled()
        await end_the_sale(counter)
        assert len(counter.sales()) == 2
        assert [line.amount_minor for line in counter.cards()] == [PEN_MINOR, MILK_MINOR]
        agree(counter, host)
        assert len(bookings(host)) == 2


HEARD = [("heard", write) for write in ("basket", "intent", "accepted", "held", "result", "sale")]
LOST = [("lost", write) for write in ("unknown", "resolved", "sale")]


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize(("answer", "write"), HEARD + LOST)
async def test_the_box_killed_at_each_write_and_started_again(
    tmp_path: Path, host: TcpHost, answer: str, write: str, before: bool
) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await one_before(counter)
        await until(lambda: host._client is None)
        await counter.till.enter(MILK)
        with frozen_at(counter, write, before) as frozen:
            if answer == "lost":
                host.set("cut", "after_keep")
            selling = asyncio.create_task(counter.till.tender_card())
            if answer == "lost":
                await until(lambda: host.device.is_cut)  # type: ignore[attr-defined]
                await host.unplug()
                host.set("cut", "")
                await host.plug()
            await asyncio.wait_for(frozen.reached.wait(), 10)
            selling.cancel()
            await asyncio.gather(selling, return_exceptions=True)
    async with open_counter(tmp_path, host) as counter:
        await counter.settled()
        if counter.till.basket.state == "selling":  # it was killed before anything of the payment was on disk
            await counter.till.tender_card()
            await counter.settled()
        await end_the_sale(counter)
        assert [line.amount_minor for line in counter.cards()] == [PEN_MINOR, MILK_MINOR]
        agree(counter, host)
        assert len(bookings(host)) == 2


async def test_killed_while_the_customer_looks_for_the_card(tmp_path: Path, host: TcpHost) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await one_before(counter)
        host.set("card_delay", "1.5")
        await counter.sell_by_card()
        await until(lambda: counter.till.card and counter.till.card.progress)
    async with open_counter(tmp_path, host, wait=False) as counter:
        await until(lambda: counter.till.basket.state == "unknown")
        with pytest.raises(SaleRefused, match="nobody knows yet"):
            await counter.till.tender_cash()
        await counter.settled()
        await end_the_sale(counter)
        agree(counter, host)
        assert len(bookings(host)) == 2
