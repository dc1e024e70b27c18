"""A shop that takes cards: a real till over real files, a real session over TCP, a pretend terminal with a ledger."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.devices.host import TcpHost
from gateway.devices.payment import Patience, PaymentDesk
from gateway.devices.session import Session
from gateway.devices.snapshot import Happened
from gateway.peripherals import PaymentProgress, Power
from gateway.till.payments.loose import LoosePayments
from gateway.till.payments.terminals import Terminals
from gateway.till.payments.wallets import Wallet
from gateway.till.workstation import Workstation
from retail.sale import RetailTransaction, TenderLine, faults
from tests.devices.shop import device, session_for
from tests.shop import Shop, until

MILK, MILK_MINOR = "4006381333931", 119
PEN, PEN_MINOR = "4006381333948", 250
PATIENCE = Patience(first_s=0.02, cap_s=0.1, total_s=3.0)
#: a terminal that cannot say is put before a person soon
BRIEF = Patience(first_s=0.02, cap_s=0.05, total_s=0.2)
TERMINAL = "terminal-zvt-1"


def pretend_terminal() -> TcpHost:
    host = TcpHost(device("terminal-zvt"))
    for knob in ("card_delay", "host_delay"):
        host.set(knob, "0")
    return host


@dataclass
class Told:
    """What headquarters was told beside the sales."""

    records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def __call__(self, _severity: str, code: str, _text: str, facts: dict[str, Any]) -> None:
        self.records.append((code, facts))


class Counter:
    """One run of the daemon: what it joins, joined here. It ends as a power cut ends it, wherever it stands."""

    def __init__(self, folder: Path, host: TcpHost, pay_s: float, patience: Patience) -> None:
        self.shop = Shop(folder)
        self.session: Session = session_for("terminal-zvt", host.url)
        assert self.session.device_id == TERMINAL
        self.told = Told()
        self.book = self.shop.book
        self.desk = PaymentDesk(self.session, self.book.journal(TERMINAL), patience=patience, pay_s=pay_s)
        wallets = {"alipay": Wallet("alipay", TERMINAL), "linepay": Wallet("linepay")}
        self.terminals = Terminals({TERMINAL: self.desk}, self.book, self.told, wallets)
        self.till = self.workstation("1")
        self.others: list[Workstation] = []
        self.loose = LoosePayments(self.terminals, self._in_a_basket)
        self.session.listen(self._said)

    def workstation(self, name: str) -> Workstation:
        shop = self.shop
        lane = replace(shop.lane, workstation_id=name, terminal=TERMINAL)
        return Workstation(
            lane,
            shop.store,
            shop.catalogue,
            shop.ledger,
            shop.clock,
            shop.printer.wake,
            terminals=self.terminals,
            offers=shop.offers,
            means=shop.means,
            returns=shop.returns,
        )

    def _in_a_basket(self, payment_id: str) -> bool:
        return any(till.basket.holds(payment_id) for till in [self.till, *self.others])

    def _said(self, _device: str, entry: Any) -> None:
        if isinstance(entry, Happened) and isinstance(entry.event, PaymentProgress) and self.till.card is not None:
            self.till.card.heard(entry.event)

    # --- what a cashier sees ----------------------------------------------------------------------------------------

    async def sell_by_card(self, *codes: str, amount_minor: int | None = None) -> None:
        for code in codes or (MILK,):
            await self.till.enter(code)
        await self.till.tender_card(amount_minor)

    async def settled(self, within_s: float = 15) -> None:
        """Until no payment is open in the basket."""
        await until(lambda: self.till.basket.payment is None and not self.till._lock.locked(), within_s)

    def state(self) -> str:
        return self.till.basket.state

    def sales(self) -> list[RetailTransaction]:
        rows = self.shop.money.read("SELECT body FROM outbox ORDER BY seq")
        sales = [
            RetailTransaction.model_validate_json(row["body"]) for row in rows if b"RetailTransaction" in row["body"]
        ]
        assert [faults(sale) for sale in sales] == [[] for _ in sales]
        return sales

    def cards(self) -> list[TenderLine]:
        return [tender for sale in self.sales() for tender in sale.tenders() if tender.tender_type == "Card"]


@contextlib.asynccontextmanager
async def open_counter(
    folder: Path,
    host: TcpHost,
    pay_s: float = 10.0,
    patience: Patience = PATIENCE,
    stock: bool = False,
    wait: bool = True,
) -> AsyncIterator[Counter]:
    """One run; wait: until the terminal was seen."""
    counter = Counter(folder, host, pay_s, patience)
    if stock:
        await counter.shop.stock()
    runs = [counter.session.run(), counter.till.run(), counter.loose.run(), counter.shop.printer.run()]
    tasks = [asyncio.create_task(run) for run in runs]
    try:
        if wait and host._server is not None:
            await until(lambda: counter.session.snapshot().power is Power.ONLINE and host._client is None)
        yield counter
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        counter.shop.close()


def agree(counter: Counter, host: TcpHost) -> None:
    """The terminal's own ledger and the sales that headquarters gets tell the same story, payment by payment."""
    terminal: Any = host.device
    booked = [(one.amount, f"{one.trace:06d}/{one.receipt:04d}") for one in terminal.ledger
              if one.kind == "sale" and one.state == "booked"]  # fmt: skip
    in_sales = [(line.amount_minor, line.reference) for line in counter.cards()]
    assert sorted(in_sales) == sorted(booked)
    assert not [one for one in terminal.ledger if one.state == "pending"]
    for line in counter.cards():
        known = counter.book.find(line.payment_id or "")
        assert known is not None
        assert (known.state, known.settled) == ("approved", "booked")
    assert counter.book.open_at(TERMINAL) == []
    assert counter.book.unsettled(TERMINAL) == []


class Frozen:
    """Stands still for ever at one write to the disk, before it or behind it: there the power goes."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def here(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()


@contextlib.contextmanager
def frozen_at(counter: Counter, write: str, before: bool) -> Iterator[Frozen]:
    """write: an entry of the journal (intent, accepted, held, result, unknown, resolved), `basket` or `sale`."""
    frozen = Frozen()
    book, ledger = counter.book, counter.shop.ledger
    of_book, of_basket, of_sale = book.write, ledger.keep_basket, ledger.finish

    def stopping(name: str, inner: Callable[..., Any], named: Callable[..., str]) -> Callable[..., Any]:
        async def outer(*arguments: Any, **more: Any) -> Any:
            if named(*arguments) != write:
                return await inner(*arguments, **more)
            if before:
                await frozen.here()
            done = await inner(*arguments, **more)
            await frozen.here()
            return done

        return outer

    book.write = stopping("book", of_book, lambda _id, entry, *_rest: str(entry))  # type: ignore[method-assign]
    ledger.keep_basket = stopping("basket", of_basket, lambda *_all: "basket")  # type: ignore[method-assign]
    ledger.finish = stopping("sale", of_sale, lambda *_all: "sale")  # type: ignore[method-assign]
    try:
        yield frozen
    finally:
        book.write, ledger.keep_basket, ledger.finish = of_book, of_basket, of_sale  # type: ignore[method-assign]


async def one_before(counter: Counter) -> None:
    """A first payment, so that the terminal's last one can be told from the next."""
    await counter.sell_by_card(PEN)
    await counter.settled()


def bookings(host: TcpHost, *states: str) -> list[Any]:
    terminal: Any = host.device
    return [one for one in terminal.ledger if one.state in (states or ("booked",))]


async def end_the_sale(counter: Counter) -> None:
    """The customer still stands there: where nothing was charged, the cashier asks for the card once more."""
    if counter.till.basket.state == "tendering":
        await counter.till.tender_card()
        await counter.settled()
