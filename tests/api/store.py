"""A store for tests of the API and the pages: a real till over real files, a real server on a free loopback port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from gateway.api import (
    basket_guards,
    basket_offers,
    baskets,
    devices,
    items,
    operators,
    pages,
    pairing,
    payments,
    receipts,
    sessions,
    suspended,
)
from gateway.api import status as status_api
from gateway.api.applications import Applications
from gateway.api.articles import Articles
from gateway.api.device_tail import DeviceSession
from gateway.api.events import Stopping
from gateway.api.scopes import Grant, Tokens
from gateway.api.server import application, bind, serve
from gateway.api.status import StatusView, StoreStatus
from gateway.clock import Clock
from gateway.peripherals import Request, ScaleStatus, Weight
from gateway.queue import outbox
from gateway.queue.database import Database
from gateway.queue.inbox import Inbox
from gateway.tables import REASONS
from gateway.till import ledger
from gateway.till.catalogue import Catalogue
from gateway.till.ledger import Ledger
from gateway.till.offers import book as offer_book
from gateway.till.offers.store import StoreOffers
from gateway.till.paper.beside import ReadBeside
from gateway.till.paper.jobs import ReceiptJobs
from gateway.till.paper.receipt import Look
from gateway.till.paper.reprinting import Receipts
from gateway.till.payments import journal as payment_journal
from gateway.till.payments.journal import PaymentBook
from gateway.till.payments.loose import LoosePayments
from gateway.till.payments.terminals import Desk, Terminals
from gateway.till.payments.wallets import Wallet
from gateway.till.returns.originals import Originals
from gateway.till.returns.returning import ReturnDesk
from gateway.till.returns.unverified import Unverified
from gateway.till.tenders.points import PointsBalance, PointsRule
from gateway.till.tenders.stored import Means
from gateway.till.tenders.vouchers import Vouchers
from gateway.till.uses import Uses
from gateway.till.workstation import Lane, Store, Workstation
from retail.authority import Limits
from retail.barcode import Layouts
from retail.wire.canonical import canonical
from retail.wire.feed import FeedHead, FeedRow, feed_sha256
from retail.wire.rows import CODES, ITEMS, Item, OperatorRow
from tests.money import an_outbox, feeds_file
from tests.people import some_people

MakeDesk = Callable[[PaymentBook], Desk]
MILK = "4006381333931"
EVIL = '<script>alert("milk")</script> <b>bold</b>'


def _item(item_id: str, description: str, price_minor: int | None, **more: Any) -> Item:
    return Item(
        item_id=item_id,
        description=description,
        price_minor=price_minor,
        currency="EUR",
        tax_code="B",
        tax_rate_basis_points=700,
        **more,
    )


PRICE_BOOK = [
    _item("11", "Whole milk 1 l", 119, barcodes=[MILK]),
    _item("12", "Rye bread 750 g", 349),
    _item("13", "Salted butter", 229),
    _item("21", "Bananas", 249, unit="kg"),
    _item("31", EVIL, 500),
    _item("32", "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenschleife", 1_299_99),
    _item("33", "Milk without a price", None),
    *(_item(str(number), f"Greeting card no. {number}", 100) for number in range(70, 90)),
]


class Scale:
    """A scale as the till asks it; it answers when the test lets it."""

    def __init__(self) -> None:
        self.settled = asyncio.Event()
        self.settled.set()
        self.grams = 450

    async def __call__(self, _request: Request, _timeout_s: float) -> Weight:
        await self.settled.wait()
        return Weight(self.grams, stable=True, net=False, status=ScaleStatus.STABLE_WEIGHT, at=0.0)


class Shop:
    """One lane, "1", whose devices are `sessions`; checkout: and a self-checkout, "9", that weighs its bag.

    online and trouble are what the link and the printer would say.
    """

    def __init__(
        self,
        folder: Path,
        sessions: Mapping[str, DeviceSession],
        desk: MakeDesk | None = None,
        operators: Sequence[OperatorRow] = (),
        limits: Limits | None = None,
        checkout: bool = False,
    ) -> None:
        self.scale, self.bag = Scale(), Scale()
        self.online, self.trouble = True, list[str]()
        self.link_error: str | None = None
        self.tokens: dict[str, Grant] = {}
        self.port = 0
        self._sessions = sessions
        schemas = [outbox.SCHEMA, ledger.SCHEMA, payment_journal.SCHEMA, offer_book.SCHEMA]
        self._money, self._feeds = Database(folder / "money.sqlite", schemas), feeds_file(folder)
        self.outbox = an_outbox(self._money)
        self.inbox = Inbox(self._feeds, codes=CODES)
        self._ledger = Ledger(self._money, self.outbox)
        self.jobs = ReceiptJobs(self._money, self.outbox)
        self.catalogue = Catalogue(self.inbox)
        self.status = StoreStatus(self._view)
        self.outbox.listen(self.status.changed)
        store = Store("S0421", "Corner shop", "EUR", "en", Layouts(()))
        clock = self.clock = Clock("Europe/Berlin")
        self.offers = StoreOffers.of(self.inbox, self.outbox, self._money, clock)
        self.applications = Applications(folder, clock.wall, clock.monotonic)
        self.told: list[str] = []
        book = PaymentBook(self._money, clock)
        desks = {"terminal-1": desk(book)} if desk is not None else {}
        wallets = {"linepay": Wallet("linepay"), "alipay": Wallet("alipay", "terminal-1" if desks else None)}
        terminals = Terminals(desks, book, self._tell, wallets, clock.wall)
        uses = self.uses = Uses(self._money)
        balance, vouchers = PointsBalance(self.inbox, uses), Vouchers(self.inbox, uses)
        self.means = Means(PointsRule(1, 1), balance, vouchers, self.offers.coupons, voucher_days=365)
        originals = Originals("S0421", self._money, self.outbox, uses)
        self.returns = ReturnDesk(originals, Unverified(clock), REASONS, asyncio.Lock())
        look = Look("Corner shop", clock.zone)
        self.receipts = Receipts(originals, self.jobs, look, ReadBeside(book.slip, balance.of, vouchers.left))
        self.people = some_people(self.inbox, clock.monotonic, self.outbox.tell, operators, limits)
        terminal = "terminal-1" if desks else None
        lanes = [Lane("1", scale=self.scale, printer="printer-1", terminal=terminal)]
        if checkout:
            lanes.append(Lane("9", self.scale, terminal=terminal, self_checkout=True, bagging_scale=self.bag))
        self.lanes = {
            lane.workstation_id: Workstation(
                lane,
                store,
                self.catalogue,
                self._ledger,
                clock,
                lambda: None,
                terminals=terminals,
                people=self.people,
                offers=self.offers,
                means=self.means,
                returns=self.returns,
            )
            for lane in lanes
        }
        self.lane = self.lanes["1"]
        self.payments = LoosePayments(terminals, self._holds)

    def _holds(self, payment_id: str) -> bool:
        return any(one.basket.holds(payment_id) for one in self.lanes.values())

    def _article(self, code: str) -> Item:
        return self.lane.article(code, "")[0]

    async def _tell(self, _severity: str, code: str, _text: str, _facts: Any) -> None:
        self.told.append(code)

    def _view(self) -> StatusView:
        position = self.outbox.position()
        return StatusView(
            gateway_id="S0421-1",
            store_id="S0421",
            store_name="Corner shop",
            software="1.2.3",
            online=self.online,
            link_error=self.link_error,
            unacked=position.unacked,
            oldest_unacked_age_s=position.oldest_unacked_age_s,
            epoch=position.epoch,
            next_seq=position.next_seq,
            price_book_version=self.catalogue.version(),
            sales_today=position.next_seq - 1,
            receipts_waiting=self.jobs.waiting("printer-1"),
            printer_trouble=self.trouble,
        )

    async def fill_price_book(self, book: list[Item] = PRICE_BOOK) -> None:
        await self.feed(ITEMS, {item.item_id: item.model_dump(mode="json") for item in book})

    async def feed(self, name: str, rows: Mapping[str, Any]) -> None:
        """Put the next version of a feed in force."""
        known = self.inbox.version(name)
        sha256 = feed_sha256((key, canonical(rows[key])) for key in sorted(rows))
        head = FeedHead(version=(known.version if known else 0) + 1, sha256=sha256, rows=len(rows))
        changes = [FeedRow(key=key, row=row) for key, row in rows.items()]
        await self.inbox.apply(name, head, 0, changes, "2026-11-22T09:00:00.000Z")
        self.offers.feed_changed(name)
        self.status.changed()

    async def goes(self, *, online: bool) -> None:
        self.online, self.link_error = online, None if online else "connection refused; check the line of the store"
        self.status.changed()

    async def headquarters_books_all(self) -> None:
        await self.outbox.acknowledge(self.outbox.epoch, self.outbox.position().next_seq - 1, {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """The server, on the same port each time."""
        stopping = Stopping()
        lanes = self.lanes
        articles = Articles(self.catalogue, "en", "S0421", self.clock.local, self.clock.wall)
        operations = [
            *baskets.operations(lanes, stopping),
            *operators.operations(lanes, self.people),
            *sessions.operations(lanes),
            *basket_guards.operations(lanes, stopping),
            *suspended.operations(lanes),
            *devices.operations(self._sessions, stopping),
            *basket_offers.operations(lanes),
            *receipts.operations(self.receipts, lanes, self._article, "en"),
            *items.operations(articles, lanes),
            *status_api.operations(self.status),
            *payments.operations(self.payments, "EUR"),
            *pairing.operations(self.applications),
        ]
        served = pages.routes(lanes, self._sessions, self.status, articles, self.applications, stopping)
        tokens = Tokens(self.tokens, self.applications.find)
        app = application(operations, served, frozenset({"127.0.0.1"}), tokens, "1.2.3")
        listener = bind("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        serving = asyncio.create_task(serve(app, listener, stopping))
        reading = [asyncio.create_task(one) for one in self.offers.runnables()]
        try:
            yield
        finally:
            for task in reading:
                task.cancel()
            stopping.event.set()
            await serving

    def close(self) -> None:
        self._money.close()
        self._feeds.close()


@contextlib.asynccontextmanager
async def open_shop(
    folder: Path,
    sessions: Mapping[str, DeviceSession] | None = None,
    desk: MakeDesk | None = None,
    operators: Sequence[OperatorRow] = (),
    limits: Limits | None = None,
    checkout: bool = False,
) -> AsyncIterator[Shop]:
    """A shop with prices, not yet served. desk: makes the one of its card terminal."""
    shop = Shop(folder, sessions or {}, desk, operators, limits, checkout)
    try:
        await shop.fill_price_book()
        yield shop
    finally:
        await asyncio.to_thread(shop.close)


@contextlib.asynccontextmanager
async def client_of(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shop.url, timeout=20) as client:
        yield client


async def events(client: httpx.AsyncClient, path: str) -> AsyncIterator[tuple[str, str]]:
    """(event, data) of a stream of server-sent events, for ever."""
    async with client.stream("GET", path) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        name, data = "", list[str]()
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif not line and name:
                yield name, "\n".join(data)
                name, data = "", []
