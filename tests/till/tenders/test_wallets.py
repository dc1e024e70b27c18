"""Wallets: through the card terminal by the same proof as a card; with a device of their own through a person."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.devices.host import TcpHost
from gateway.errors import SaleRefused
from gateway.simulators.terminal.zvt_machine import POINTS
from gateway.till.workstation import Workstation
from retail.lines import TenderLine
from tests.shop import until
from tests.till.card_shop import MILK, MILK_MINOR, PEN, Counter, bookings, frozen_at, one_before, open_counter


def wallets(counter: Counter) -> list[TenderLine]:
    return [tender for sale in counter.sales() for tender in sale.tenders() if tender.tender_type == "Wallet"]


def agree_on_one(counter: Counter, host: TcpHost) -> None:
    """The terminal charged the wallet once, and one sale stands for it."""
    terminal: Any = host.device
    assert [one.amount for one in bookings(host)][1:] == [MILK_MINOR]
    assert not [one for one in terminal.ledger if one.state == "pending"]
    [tender] = wallets(counter)
    assert (tender.amount_minor, tender.wallet) == (MILK_MINOR, "alipay")
    known = counter.book.find(tender.payment_id or "")
    assert known is not None
    assert (known.state, known.settled) == ("approved", "booked")


async def end_the_sale(counter: Counter) -> None:
    if counter.till.basket.state in ("selling", "tendering"):
        await counter.till.tenders.wallet("alipay")
        await counter.settled()


@pytest.mark.parametrize("point", POINTS)
async def test_the_line_cut_at_each_step_while_the_terminal_takes_a_wallet(
    tmp_path: Path, host: TcpHost, point: str
) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await one_before(counter)
        await counter.till.enter(MILK)
        await until(lambda: host._client is None)
        host.set("cut", point)
        await counter.till.tenders.wallet("alipay")
        terminal: Any = host.device
        await until(lambda: terminal.is_cut)
        await host.unplug()
        await asyncio.sleep(0.05)
        host.set("cut", "")
        await host.plug()
        await counter.settled()
        await end_the_sale(counter)
        agree_on_one(counter, host)


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("write", ["basket", "intent", "accepted", "held", "result", "sale"])
async def test_the_box_killed_at_each_write_while_the_terminal_takes_a_wallet(
    tmp_path: Path, host: TcpHost, write: str, before: bool
) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await one_before(counter)
        await counter.till.enter(MILK)
        await until(lambda: host._client is None)
        with frozen_at(counter, write, before) as frozen:
            paying = asyncio.create_task(counter.till.tenders.wallet("alipay"))
            await asyncio.wait_for(frozen.reached.wait(), 10)
            paying.cancel()
            await asyncio.gather(paying, return_exceptions=True)
    async with open_counter(tmp_path, host) as counter:
        await counter.settled()
        await end_the_sale(counter)
        agree_on_one(counter, host)


# --- a device of its own --------------------------------------------------------------------------------------------


async def asked(counter: Counter) -> None:
    """Until the cashier is asked what the wallet's own device shows."""
    await until(lambda: counter.till.basket.payment is not None and counter.till.basket.payment.person)


async def test_the_cashier_reads_the_wallets_own_device(counter: Counter, host: TcpHost) -> None:
    till = counter.till
    await till.enter(MILK)
    await till.tenders.wallet("linepay", 100)
    await asked(counter)
    payment = till.basket.payment
    assert payment is not None
    assert [one.entry for one in counter.book.history(payment.payment_id)] == ["intent"]
    with pytest.raises(SaleRefused, match="nobody knows yet"):
        await till.tenders.cash()
    with pytest.raises(SaleRefused, match="key the reference"):
        await till.tenders.decide_payment(True, "Ana", "it beeped")
    await till.tenders.decide_payment(True, "Ana", "", "LP-1")
    assert (till.basket.state, till.basket.due().minor) == ("tendering", MILK_MINOR - 100)
    await till.tenders.wallet("linepay")
    await asked(counter)
    await till.tenders.decide_payment(False, "Ana", "the customer has no money there")
    assert till.basket.state == "tendering"
    assert till.notice is not None
    assert till.notice.text.startswith("Not paid by linepay")
    await till.tenders.cash()
    assert [(one.wallet, one.reference, one.amount_minor) for one in wallets(counter)] == [("linepay", "LP-1", 100)]
    assert counter.told.records == []
    assert bookings(host) == [], "the card terminal was not asked"


async def test_a_reference_that_is_keyed_with_the_tender_pays_at_once(counter: Counter) -> None:
    await counter.till.enter(PEN)
    await counter.till.tenders.wallet("linepay", reference="LP-9")
    await counter.settled()
    [tender] = wallets(counter)
    assert tender.reference == "LP-9"
    assert [one.entry for one in counter.book.history(tender.payment_id or "")] == ["intent", "result", "booked"]


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("write", ["basket", "intent", "result", "sale"])
async def test_the_box_killed_at_each_write_of_a_wallet_by_hand(
    tmp_path: Path, host: TcpHost, write: str, before: bool
) -> None:
    async with open_counter(tmp_path, host, stock=True) as counter:
        await counter.till.enter(MILK)
        with frozen_at(counter, write, before) as frozen:
            paying = asyncio.create_task(counter.till.tenders.wallet("linepay", reference="LP-9"))
            await asyncio.wait_for(frozen.reached.wait(), 10)
            paying.cancel()
            await asyncio.gather(paying, return_exceptions=True)
    async with open_counter(tmp_path, host) as counter:
        till = counter.till
        await until(lambda: till.basket.payment is None or till.basket.payment.person)
        if till.basket.payment is not None:
            await till.tenders.decide_payment(True, "Ana", "", "LP-9")
        if till.basket.state in ("selling", "tendering"):  # nothing was on disk of it, or it is known that it was not
            await till.tenders.wallet("linepay", reference="LP-9")
            await counter.settled()
        [tender] = wallets(counter)
        assert (tender.amount_minor, tender.reference) == (MILK_MINOR, "LP-9")
        assert len(counter.sales()) == 1
        taken = [known for known in counter.book.newest(9) if known.state == "approved"]
        assert [(known.settled, known.terminal) for known in taken] == [("booked", "wallet-linepay")]


async def test_a_void_sale_takes_a_wallet_by_hand_back_through_the_cashier(counter: Counter) -> None:
    till = counter.till
    await till.enter(PEN)
    await till.tenders.wallet("linepay", 100, "LP-1")
    await counter.settled()
    await till.void_all()
    await asked(counter)
    payment = till.basket.payment
    assert payment is not None
    assert "take the payment back" in payment.why
    await till.tenders.decide_payment(True, "Ana", "", "LP-2")
    await until(lambda: till.basket.state == "idle")
    assert counter.sales() == []
    assert {known.settled for known in counter.book.newest(9) if known.pay.kind == "sale"} == {"reversed"}


async def test_points_card_and_cash_in_three_rows(counter: Counter, host: TcpHost) -> None:
    till, shop = counter.till, counter.shop
    await shop.feed("members", {"M-1": {"member_id": "M-1", "name": "Lin", "points": 100}})
    await till.enter(PEN)
    await till.enter(PEN)
    await till.offers.identify(member_id="M-1")
    await till.tenders.stored.points(100)
    await till.tenders.card(200)
    await counter.settled()
    finished = await till.tenders.cash(500)
    assert finished is not None
    assert (finished.total.minor, finished.change.minor) == (500, 300)
    rows = [(one.tender_type, one.amount_minor - one.change_minor) for one in counter.sales()[0].tenders()]
    assert rows == [("Points", 100), ("Card", 200), ("Cash", 200)]
    assert sum(amount for _, amount in rows) == 500
    assert [one.amount for one in bookings(host)] == [200]


async def test_a_customer_cannot_say_himself_that_his_wallet_has_paid(counter: Counter) -> None:
    lane = replace(counter.till.lane, workstation_id="9", self_checkout=True)
    shop = counter.shop
    checkout = Workstation(
        lane, shop.store, shop.catalogue, shop.ledger, shop.clock, lambda: None, terminals=counter.terminals
    )
    await checkout.enter(PEN)
    assert checkout.tenders.wallets() == ["alipay"]
    with pytest.raises(SaleRefused) as refused:
        await checkout.tenders.wallet("linepay", reference="LP-1")
    assert refused.value.reason == "not_at_self_checkout"
    assert checkout.basket.state == "selling"
