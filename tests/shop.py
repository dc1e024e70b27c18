"""A small shop for tests of the till and its API: a price book, a scale that a test sets, a drawer that counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.errors import DeviceError
from gateway.peripherals import OpenDrawer, Print, PrintLine, ReadWeight, Request, ScaleStatus, Weight
from gateway.queue import outbox
from gateway.queue.database import Database
from gateway.queue.inbox import Inbox
from gateway.queue.outbox import Outbox
from gateway.tables import REASONS
from gateway.till import ledger
from gateway.till.catalogue import Catalogue
from gateway.till.ledger import Ledger
from gateway.till.offers import book as offer_book
from gateway.till.offers.rulebook import TOLD, said_of
from gateway.till.offers.store import StoreOffers
from gateway.till.paper.beside import ReadBeside
from gateway.till.paper.jobs import ReceiptJobs
from gateway.till.paper.printing import ReceiptPrinter
from gateway.till.paper.receipt import Look
from gateway.till.payments import journal as payment_journal
from gateway.till.payments.journal import PaymentBook
from gateway.till.posting import Posting
from gateway.till.returns.originals import Originals
from gateway.till.returns.posted import PostedReturns
from gateway.till.returns.returning import ReturnDesk
from gateway.till.returns.unverified import Unverified
from gateway.till.tenders.points import PointsBalance, PointsRule
from gateway.till.tenders.stored import Means
from gateway.till.tenders.vouchers import Vouchers
from gateway.till.uses import Uses
from gateway.till.workstation import Lane, Store, Workstation
from retail.authority import Limits
from retail.barcode import Layout, Layouts
from retail.wire.canonical import canonical
from retail.wire.feed import FeedHead, FeedRow, feed_sha256
from retail.wire.rows import CODES, Item, OperatorRow
from tests.money import an_outbox, feeds_file
from tests.people import some_people

LAYOUTS = Layouts((Layout("28", "IIIIIWWWWW", 3), Layout("22", "IIIIIPPPPP", 2)))


def an_item(
    item_id: str, description: str, code: str, price_minor: int | None, unit: str = "each", tax: int = 700
) -> Item:
    return Item.model_validate(
        {
            "item_id": item_id,
            "description": description,
            "barcodes": [code],
            "unit": unit,
            "price_minor": price_minor,
            "currency": "EUR",
            "tax_code": "B" if tax == 700 else "A",
            "tax_rate_basis_points": tax,
        }
    )


ITEMS = [
    an_item("1", "Milk", "4006381333931", 119),
    an_item("2", "Pen", "4006381333948", 250, tax=1900),
    an_item("3", "Apples", "12345", 249, unit="kg"),
    an_item("4", "Calendar", "4006381333955", None),
    an_item("5", "Cheese", "54321", 1190, unit="kg"),
    an_item("6", "Twin one", "777", 1),
    an_item("7", "Twin two", "777", 2),
]


class Shop:
    """Opened over a folder; close() and open another one over the same folder to play a restart."""

    def __init__(
        self,
        folder: Path,
        operators: Sequence[OperatorRow] = (),
        limits: Limits | None = None,
        currency: str = "EUR",
        clock: Clock | None = None,
        locale: str = "en",
        sessions_required: bool = False,
    ) -> None:
        self.folder = folder
        schemas = [outbox.SCHEMA, ledger.SCHEMA, payment_journal.SCHEMA, offer_book.SCHEMA]
        self.money = Database(folder / "money.sqlite", schemas)
        self.feeds: Database = feeds_file(folder)
        self.clock = clock or Clock("Europe/Berlin")
        self.outbox: Outbox = an_outbox(self.money)
        self.inbox = Inbox(self.feeds, CODES)
        self.ledger = Ledger(self.money, self.outbox)
        self.catalogue = Catalogue(self.inbox)
        self.store = Store("S0421", "Test shop", currency, locale, LAYOUTS, sessions_required=sessions_required)
        self.offers = StoreOffers.of(self.inbox, self.outbox, self.money, self.clock)
        self.on_scale: Weight | DeviceError = Weight(450, True, False, ScaleStatus.STABLE_WEIGHT, 0.0)
        self.trouble: DeviceError | None = None
        self.drawer_openings = 0
        self.printed: list[tuple[PrintLine, ...]] = []
        self.unacked_when_printed: list[int] = []
        self.book = PaymentBook(self.money, self.clock)
        uses = self.uses = Uses(self.money)
        self.vouchers = Vouchers(self.inbox, uses)
        self.balance = PointsBalance(self.inbox, uses)
        self.means = Means(PointsRule(1, 1), self.balance, self.vouchers, self.offers.coupons, voucher_days=365)
        self.originals = Originals("S0421", self.money, self.outbox, uses)
        self.returns = ReturnDesk(self.originals, Unverified(self.clock), REASONS, asyncio.Lock())
        self.jobs = ReceiptJobs(self.money, self.outbox)
        self.beside = ReadBeside(self.book.slip, self.balance.of, self.vouchers.left)
        self.look = Look(self.store.name, self.clock.zone)
        self.printer = ReceiptPrinter("printer-1", self._print, self.jobs, self.look, lambda: None, self.beside)
        self.people = some_people(self.inbox, self.clock.monotonic, self.outbox.tell, operators, limits)
        self.lane = Lane("1", scale=self._scale, drawer=self._drawer, printer="printer-1")
        self.workstation = self.make_workstation(self.lane)
        self.posting = Posting(
            self.store,
            self.ledger,
            {"1": "printer-1"},
            lambda _printer: self.printer.wake(),
            returns=PostedReturns(self.originals),
        )

    def another_lane(self, name: str, **devices: Any) -> Workstation:
        return self.make_workstation(replace(self.lane, workstation_id=name, **devices))

    def make_workstation(self, lane: Lane) -> Workstation:
        return Workstation(
            lane,
            self.store,
            self.catalogue,
            self.ledger,
            self.clock,
            self.printer.wake,
            people=self.people,
            offers=self.offers,
            means=self.means,
            returns=self.returns,
        )

    async def promote(self, *rules: dict[str, Any]) -> None:
        """Put these rules in force, and wait until they are."""
        await self.feed("promotions", {rule["id"]: {"rule_id": rule["id"], "rule": rule} for rule in rules})
        await self.rules_ready()

    async def rules_ready(self) -> None:
        """Read rules and price book as the daemon would, until those of the newest versions are in force."""
        found = [self.inbox.version(feed) for feed in ("promotions", "items")]
        rules, items = [known.version if known else 0 for known in found]
        book, shelf = self.offers.rules, self.offers.shelf
        assert shelf is not None
        book.wake()
        shelf.wake()
        reading = [asyncio.create_task(one) for one in self.offers.runnables()]
        await until(
            lambda: (
                book.rules is not None
                and book.rules.version == rules
                and shelf.versions == (rules, items)
                and (self.outbox.recall(TOLD) or "") == said_of(book.rules.left_out)
            ),
            within_s=60,
        )
        for task in reading:
            task.cancel()

    async def stock(self, version: int = 1, items: list[Item] = ITEMS) -> None:
        """Put a price book in force."""
        await self.feed("items", {item.item_id: item.model_dump(mode="json") for item in items}, version)

    async def feed(self, name: str, rows: dict[str, Any], version: int | None = None) -> None:
        """Put a version of any feed in force, the next one unless told."""
        known = self.inbox.version(name)
        sha256 = feed_sha256((key, canonical(rows[key])) for key in sorted(rows))
        head = FeedHead(version=version or (known.version if known else 0) + 1, sha256=sha256, rows=len(rows))
        await self.inbox.apply(name, head, 0, [FeedRow(key=key, row=row) for key, row in rows.items()], "now")

    def log(self, record_type: str) -> list[dict[str, Any]]:
        """The bodies of that type in the outbox, in order."""
        rows = self.money.read("SELECT body FROM outbox WHERE type = ? ORDER BY seq", record_type)
        return [json.loads(row["body"]) for row in rows]

    def audits(self, code: str) -> list[dict[str, Any]]:
        return [body["facts"] for body in self.log("AuditRecord") if body["code"] == code]

    async def _scale(self, request: Request, _timeout_s: float) -> Any:
        assert isinstance(request, ReadWeight)
        if isinstance(self.on_scale, DeviceError):
            raise self.on_scale
        return self.on_scale

    async def _drawer(self, request: Request, _timeout_s: float) -> None:
        assert isinstance(request, OpenDrawer)
        self.drawer_openings += 1

    async def _print(self, request: Request, _timeout_s: float) -> None:
        assert isinstance(request, Print)
        if self.trouble is not None:
            raise self.trouble
        self.unacked_when_printed.append(self.outbox.position().unacked)
        self.printed.append(request.lines)

    def close(self) -> None:
        self.money.close()
        self.feeds.close()


async def a_shop(folder: Path, *people: OperatorRow, **more: Any) -> Shop:
    shop = Shop(folder, people, **more)
    await shop.stock()
    return shop


async def until(holds: Any, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.005)
