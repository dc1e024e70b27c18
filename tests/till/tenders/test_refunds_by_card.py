"""Money that goes back to a card: whatever is cut, killed or lost, it goes out once and stands in one return.

At each step of the protocol, at each write to disk: the same proof as for money that comes in.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.devices.host import TcpHost
from gateway.errors import SaleRefused
from gateway.simulators.terminal.zvt_machine import POINTS
from gateway.till.returns.returning import Wanted
from tests.shop import until
from tests.till.card_shop import PEN, PEN_MINOR, TERMINAL, Counter, bookings, frozen_at, open_counter


async def sold(counter: Counter) -> str:
    """A pen, paid by card; the number of its receipt."""
    await counter.sell_by_card(PEN)
    await counter.settled()
    assert counter.till.last is not None
    return counter.till.last.number


async def comes_back(counter: Counter, number: str) -> None:
    await counter.till.returns.add(Wanted("damaged", receipt=number, line_number=1))


def refunds(host: TcpHost) -> list[int]:
    """What the terminal's own ledger says went out."""
    return [one.amount for one in bookings(host) if one.kind == "refund"]


def agree_on_one_refund(counter: Counter, host: TcpHost) -> None:
    """The terminal gave the money once, and one return stands for it."""
    terminal: Any = host.device
    assert refunds(host) == [PEN_MINOR]
    assert not [one for one in terminal.ledger if one.state == "pending"]
    sale, returned = counter.sales()
    assert (sale.total_minor, returned.total_minor) == (PEN_MINOR, -PEN_MINOR)
    [tender] = returned.tenders()
    assert (tender.tender_type, tender.amount_minor) == ("Card", -PEN_MINOR)
    known = counter.book.find(tender.payment_id or "")
    assert known is not None
    assert (known.state, known.settled, known.pay.kind) == ("approved", "booked", "refund")
    assert counter.book.open_at(TERMINAL) == []
    assert counter.book.refunds_without_return(TERMINAL) == []


async def end_the_return(counter: Counter) -> None:
    """The customer still stands there: where nothing was paid out, the cashier asks for it once more."""
    if counter.till.basket.state in ("selling", "tendering"):
        await counter.till.tenders.card()
        await counter.settled()


async def test_a_refund_goes_to_the_card_and_stands_in_the_return(counter: Counter, host: TcpHost) -> None:
    await comes_back(counter, await sold(counter))
    with pytest.raises(SaleRefused, match="owed, 2"):
        await counter.till.tenders.card(PEN_MINOR + 1)
    await counter.till.tenders.card()
    assert counter.state() == "paying"
    await counter.settled()
    assert counter.state() == "idle"
    agree_on_one_refund(counter, host)
    tender = counter.sales()[1].tenders()[0]
    entries = [one.entry for one in counter.book.history(tender.payment_id or "")]
    assert entries == ["intent", "accepted", "held", "result", "booked"]


async def test_part_to_the_card_and_the_rest_in_cash(counter: Counter, host: TcpHost) -> None:
    await comes_back(counter, await sold(counter))
    await counter.till.tenders.card(100)
    await counter.settled()
    assert counter.state() == "tendering"
    for command in (counter.till.tenders.take_back(), counter.till.void_all()):
        with pytest.raises(SaleRefused) as refused:
            await command
        assert refused.value.reason == "paid_out"
    await counter.till.tenders.cash()
    assert [(one.tender_type, one.amount_minor) for one in counter.sales()[1].tenders()] == [
        ("Card", -100),
        ("Cash", -150),
    ]
    assert refunds(host) == [100]


async def test_a_declined_refund_pays_nothing_out_and_says_why(counter: Counter, host: TcpHost) -> None:
    await comes_back(counter, await sold(counter))
    host.set("decline", "78")
    await counter.till.tenders.card()
    await counter.settled()
    notice = counter.till.notice
    assert notice is not None
    assert (notice.reason, notice.text.startswith("Not paid back by card")) == ("payment_declined", True)
    assert refunds(host) == []
    host.set("decline", "")
    await end_the_return(counter)
    agree_on_one_refund(counter, host)


@pytest.mark.parametrize("point", POINTS)
async def test_the_line_cut_at_each_step_of_a_refund(tmp_path: Path, host: TcpHost, point: str) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await comes_back(counter, await sold(counter))
        await until(lambda: host._client is None)
        host.set("cut", point)
        await counter.till.tenders.card()
        terminal: Any = host.device
        await until(lambda: terminal.is_cut)
        await host.unplug()
        await asyncio.sleep(0.05)
        host.set("cut", "")
        await host.plug()
        await counter.settled()
        await end_the_return(counter)
        agree_on_one_refund(counter, host)


HEARD = [("heard", write) for write in ("basket", "intent", "accepted", "held", "result", "sale")]
LOST = [("lost", write) for write in ("unknown", "resolved", "sale")]


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize(("answer", "write"), HEARD + LOST)
async def test_the_box_killed_at_each_write_of_a_refund(
    tmp_path: Path, host: TcpHost, answer: str, write: str, before: bool
) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await comes_back(counter, await sold(counter))
        await until(lambda: host._client is None)
        with frozen_at(counter, write, before) as frozen:
            if answer == "lost":
                host.set("cut", "after_keep")
            paying = asyncio.create_task(counter.till.tenders.card())
            if answer == "lost":
                await until(lambda: host.device.is_cut)  # type: ignore[attr-defined]
                await host.unplug()
                host.set("cut", "")
                await host.plug()
            await asyncio.wait_for(frozen.reached.wait(), 10)
            paying.cancel()
            await asyncio.gather(paying, return_exceptions=True)
    async with open_counter(tmp_path, host) as counter:
        await counter.settled()
        await end_the_return(counter)
        agree_on_one_refund(counter, host)


async def test_a_refund_whose_return_is_lost_is_put_before_a_person_once(tmp_path: Path, host: TcpHost) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await comes_back(counter, await sold(counter))
        await counter.till.tenders.card(100)
        await counter.settled()
        await counter.shop.money.write(lambda connection: connection.execute("DELETE FROM basket").rowcount)
    for told in (["refund_without_return"], []):
        async with open_counter(tmp_path, host) as counter:
            await until(lambda: counter.till.basket.state == "idle")
            if told:
                await until(lambda: counter.told.records)
                await until(lambda: counter.book.is_told(counter.book.refunds_without_return(TERMINAL)[0].payment_id))
            else:
                await asyncio.sleep(0.2)
            assert [code for code, _ in counter.told.records] == told
    assert refunds(host) == [100]
