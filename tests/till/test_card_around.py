"""Cards at the till: a disk that refuses, lanes that share a terminal, the paper, a shop's own POS."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.devices.host import TcpHost
from gateway.errors import BackroomError, DeviceRefused, QueueError, SaleRefused
from gateway.peripherals import Columns, PaymentKind, PaymentOutcome, Text
from gateway.till.payments.loose import Wanted
from tests.shop import until
from tests.till.card_shop import (
    BRIEF,
    MILK,
    MILK_MINOR,
    PEN,
    PEN_MINOR,
    TERMINAL,
    Counter,
    agree,
    bookings,
    one_before,
    open_counter,
)

# --- the disk, other lanes, the paper -------------------------------------------------------------------------------


async def test_a_disk_that_refuses_the_intent_asks_nothing(counter: Counter, host: TcpHost) -> None:
    async def full(*_arguments: Any) -> None:
        raise QueueError("money.sqlite: not written: disk full")

    await counter.till.enter(MILK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counter.book, "write", full)
        await counter.till.tender_card()
        await counter.settled()
    assert counter.till.notice is not None
    assert "disk full" in counter.till.notice.text
    assert bookings(host, "booked", "pending", "taken_back") == []
    await counter.till.tender_card()
    await counter.settled()
    agree(counter, host)


async def test_a_disk_that_refuses_the_sale_gets_it_later_and_once(counter: Counter, host: TcpHost) -> None:
    finish, refused = counter.shop.ledger.finish, 0

    async def full(*arguments: Any, **more: Any) -> Any:
        nonlocal refused
        refused += 1
        if refused < 3:
            raise QueueError("money.sqlite: not written: disk full")
        return await finish(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.till.payments.card.KEEP_AGAIN_S", 0.05)
        patch.setattr(counter.shop.ledger, "finish", full)
        await counter.sell_by_card()
        await until(lambda: counter.till.notice and counter.till.notice.reason == "not_kept")
        await until(lambda: counter.till.last)
    assert refused == 3
    agree(counter, host)


async def test_two_lanes_share_a_terminal_and_none_gets_the_others_money(counter: Counter, host: TcpHost) -> None:
    host.set("card_delay", "0.3")
    other = counter.workstation("2")
    counter.others.append(other)
    await other.enter(PEN)
    await counter.sell_by_card()
    await until(lambda: counter.desk.open_payments)
    await other.tender_card()
    await until(lambda: other.basket.payment is None)
    assert other.notice is not None
    assert "busy with a payment" in other.notice.text
    await counter.settled()
    await other.tender_card()
    await until(lambda: other.last)
    assert [(sale.workstation_id, sale.total_minor) for sale in counter.sales()] == [
        ("1", MILK_MINOR),
        ("2", PEN_MINOR),
    ]
    agree(counter, host)


async def test_the_customers_slip_prints_with_the_receipt_and_no_number_is_whole(
    counter: Counter, host: TcpHost
) -> None:
    host.set("full_pan_on_receipt", "yes")
    host.set("clear_pan", "yes")
    await counter.sell_by_card()
    await until(lambda: counter.shop.printed)
    words = [line.text if isinstance(line, Text) else line.left for line in counter.shop.printed[0]
             if isinstance(line, Text | Columns)]  # fmt: skip
    assert "Debit Mastercard" in words
    assert any("KUNDENBELEG" in word for word in words)
    assert not any("HÄNDLERBELEG" in word for word in words)
    kept = b"".join(path.read_bytes() for path in counter.shop.folder.glob("money.sqlite*"))
    assert "HÄNDLERBELEG".encode() in kept
    assert b"4111111111111111" not in kept
    assert not any("4111111111111111" in word for word in words)


# --- a shop's own POS -----------------------------------------------------------------------------------------------


def wanted(payment_id: str, amount_minor: int = 318, **more: Any) -> Wanted:
    return Wanted(payment_id, TERMINAL, more.pop("kind", PaymentKind.SALE), amount_minor, "EUR", **more)


async def test_an_own_pos_pays_once_however_often_it_asks(counter: Counter, host: TcpHost) -> None:
    known = await asyncio.gather(*(counter.loose.pay(wanted("p-1")) for _ in range(3)))
    assert {one.state for one in known} == {"approved"}
    assert (await counter.loose.pay(wanted("p-1"))).state == "approved"
    with pytest.raises(BackroomError, match="an id of its own"):
        await counter.loose.pay(wanted("p-1", 319))
    assert len(bookings(host)) == 1
    back = await counter.loose.pay(wanted("p-2", kind=PaymentKind.REVERSAL, reverses="p-1"))
    assert back.state == "approved"
    assert [one.kind for one in bookings(host)] == ["reversal"]
    for impossible in (wanted("p-3", kind=PaymentKind.REVERSAL), wanted("p-4", reverses="p-9")):
        with pytest.raises(SaleRefused):
            await counter.loose.pay(impossible)


async def test_an_own_pos_learns_later_what_became_of_it_also_after_a_restart(tmp_path: Path, host: TcpHost) -> None:
    async with open_counter(tmp_path, host, patience=BRIEF, stock=True) as counter:
        await one_before(counter)
        host.set("cut", "after_keep")
        paying = asyncio.create_task(counter.loose.pay(wanted("p-1")))
        await until(lambda: host.device.is_cut)  # type: ignore[attr-defined]
        await host.unplug()
        assert (await paying).is_open
        with pytest.raises(DeviceRefused, match=r"nobody knows yet|busy with a payment"):
            await counter.loose.pay(wanted("p-2"))
        assert (await counter.loose.pay(wanted("p-1"))).is_open
    host.set("cut", "")
    await host.plug()
    async with open_counter(tmp_path, host) as counter:
        await until(lambda: (known := counter.book.find("p-1")) is not None and not known.is_open)
        assert (await counter.loose.pay(wanted("p-1"))).state == "approved"
        assert [one.amount for one in bookings(host)] == [PEN_MINOR, 318]
        assert (await counter.loose.pay(wanted("p-2"))).state == "approved", "an id that was never begun is free"


async def test_a_person_decides_an_own_pos_payment_too(tmp_path: Path, host: TcpHost) -> None:
    async with open_counter(tmp_path, host, patience=BRIEF, stock=True) as counter:
        host.set("silent", "yes")
        with pytest.raises(SaleRefused, match="nothing to decide"):
            await counter.loose.decide("p-1", True, "Ana", "no idea")
        host.set("silent", "no")
        host.set("cut", "after_ack")
        paying = asyncio.create_task(counter.loose.pay(wanted("p-1")))
        await until(lambda: host.device.is_cut)  # type: ignore[attr-defined]
        await host.unplug()
        assert (await paying).is_open
        decided = await counter.loose.decide("p-1", False, "Ana", "display empty, no slip")
        assert (decided.state, decided.decided) == (PaymentOutcome.NOT_DONE.value, True)
        assert counter.desk.open_payments == {}
