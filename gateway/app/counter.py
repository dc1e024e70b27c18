"""The counter: workstations, and the printers, terminals and displays that are theirs, joined to the devices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import time
from inspect import signature
from typing import Any

from gateway.api.articles import Articles
from gateway.app.tenders import TenderParts
from gateway.clock import Clock
from gateway.config import Config
from gateway.devices.manager import Manager
from gateway.devices.payment import PaymentDesk
from gateway.devices.snapshot import Happened
from gateway.drivers import load as load_driver
from gateway.errors import BackroomError, ConfigError
from gateway.fleet.lanes import Lanes
from gateway.peripherals import DeviceClass, PaymentProgress, PowerChanged, Request, Scan
from gateway.tables import WorkstationTable
from gateway.till.catalogue import Catalogue
from gateway.till.customer_display import COLUMNS, CustomerDisplay, words_for
from gateway.till.day.by_itself import ClosesByItself
from gateway.till.lane import Ask, Lane, Store
from gateway.till.ledger import Ledger
from gateway.till.offers.store import StoreOffers
from gateway.till.paper.jobs import ReceiptJobs
from gateway.till.paper.printing import ReceiptPrinter
from gateway.till.paper.receipt import Look
from gateway.till.paper.reprinting import Receipts
from gateway.till.payments.journal import PaymentBook
from gateway.till.payments.loose import LoosePayments
from gateway.till.payments.terminals import Desk, Tell, Terminals
from gateway.till.people.signing import People
from gateway.till.posting import Posting
from gateway.till.returns.posted import PostedReturns
from gateway.till.workstation import Workstation
from retail.pricing import cash_step_minor
from retail.units import exponent
from retail.wire.rows import Item

log = logging.getLogger(__name__)

#: [workstation] key -> the class that its device must be of
CLASSES = {
    "terminal": DeviceClass.PAYMENT_TERMINAL,
    "display": DeviceClass.LINE_DISPLAY,
    "bagging_scale": DeviceClass.SCALE,
}


class Counter:
    """no_room: why no new sale may begin, or None. changed: something that the pages show of the store has changed.

    Raises (when built):
        ConfigError: a workstation's terminal or display is another kind of device.
    """

    def __init__(
        self,
        config: Config,
        manager: Manager,
        catalogue: Catalogue,
        ledger: Ledger,
        jobs: ReceiptJobs,
        book: PaymentBook,
        tell: Tell,
        clock: Clock,
        no_room: Callable[[], str | None],
        changed: Callable[[], None],
        people: People,
        offers: StoreOffers,
        tenders: TenderParts,
    ) -> None:
        self._manager, self._catalogue, self._ledger = manager, catalogue, ledger
        self._clock, self._no_room, self._people, self._offers = clock, no_room, people, offers
        self._tenders = tenders
        self.store = _store(config)
        lanes = config.workstation
        must_fit(config)
        look = _look(config, clock)
        self.receipts = Receipts(tenders.originals, jobs, look, tenders.beside)
        self.printers = {
            printer: ReceiptPrinter(printer, self._ask(printer), jobs, look, changed, tenders.beside)
            for printer in {table.printer for table in lanes.values() if table.printer}
        }
        self._terminals = Terminals(self._desks(book), book, tell, tenders.wallets, clock.wall)
        self.workstations = {name: self._workstation(name, table) for name, table in lanes.items()}
        self.lanes = Lanes(self.workstations, clock.wall)
        self.articles = Articles(catalogue, self.store.locale, self.store.store_id, clock.local, clock.wall)
        self._closes = _closing(self.workstations, clock, config.till.close_at)
        self.payments = LoosePayments(self._terminals, self._in_a_basket)
        self._displays = {
            table.display: CustomerDisplay(
                self.workstations[name],
                self._ask(table.display),
                _columns(config, table.display),
                words_for(self.store.locale, _code_page(config, table.display)),
            )
            for name, table in lanes.items()
            if table.display
        }
        printer_of = {name: table.printer for name, table in lanes.items() if table.printer}
        self.posting = Posting(
            self.store, ledger, printer_of, self._wake_printer, no_room, PostedReturns(tenders.originals)
        )
        self._lane_of = {scanner: name for name, table in lanes.items() for scanner in table.scanners}
        self._scans: asyncio.Queue[tuple[str, Scan]] = asyncio.Queue()
        manager.listen(self._device_said)

    def article(self, code: str) -> Item:
        """The one article of a code, as a scan of it would find it; raises SaleRefused."""
        store = self.store
        return self._catalogue.find(code, store.codes.read(code, "", store.layouts, exponent(store.currency)))

    def _desks(self, book: PaymentBook) -> dict[str, Desk]:
        """One for each card terminal, whether a workstation has it or only a shop's own POS."""
        clock = self._clock
        return {
            name: PaymentDesk(session, book.journal(name), wall=clock.wall, monotonic=clock.monotonic)
            for name, session in self._manager.sessions.items()
            if session.driver.device_class is DeviceClass.PAYMENT_TERMINAL
        }

    def _workstation(self, name: str, table: WorkstationTable) -> Workstation:
        lane = Lane(
            workstation_id=name,
            scale=self._ask(table.scale) if table.scale else None,
            drawer=self._ask(table.drawer) if table.drawer else None,
            printer=table.printer,
            terminal=table.terminal,
            self_checkout=table.kind == "self-checkout",
            bagging_scale=self._ask(table.bagging_scale) if table.bagging_scale else None,
        )
        printer = table.printer
        return Workstation(
            lane,
            self.store,
            self._catalogue,
            self._ledger,
            self._clock,
            lambda: self._wake_printer(printer) if printer else None,
            self._no_room,
            self._terminals,
            self._people,
            self._offers,
            self._tenders.means,
            self._tenders.returns,
        )

    def feed_changed(self, feed: str) -> None:
        self._tenders.included.wake(feed)
        self._offers.feed_changed(feed)

    def _ask(self, device: str) -> Ask:
        async def ask(request: Request, timeout_s: float) -> Any:
            return await self._manager.ask(device, request, timeout_s)

        return ask

    def idle(self) -> bool:
        return all(workstation.basket.state == "idle" for workstation in self.workstations.values())

    def runnables(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self._ring_scans(),
            self._tenders.included.run(),
            self.payments.run(),
            *(workstation.run() for workstation in self.workstations.values()),
            *(worker.run() for worker in self.printers.values()),
            *([self._closes.run()] if self._closes is not None else []),
            *(display.run() for display in self._displays.values()),
        ]

    # --- joints -----------------------------------------------------------------------------------------------------

    def _in_a_basket(self, payment_id: str) -> bool:
        return any(workstation.basket.holds(payment_id) for workstation in self.workstations.values())

    def _wake_printer(self, printer: str) -> None:
        self.printers[printer].wake()

    def _device_said(self, device: str, entry: Any) -> None:
        if not isinstance(entry, Happened):
            return
        if isinstance(entry.event, PowerChanged):
            if device in self.printers:
                self._wake_printer(device)
            if device in self._displays:
                self._displays[device].wake()
        elif isinstance(entry.event, Scan) and device in self._lane_of:
            self._scans.put_nowait((self._lane_of[device], entry.event))
        elif isinstance(entry.event, PaymentProgress):
            for workstation in self.workstations.values():
                if workstation.card is not None:
                    workstation.card.heard(entry.event)

    async def _ring_scans(self) -> None:
        """Scans in the order they came; a refusal is on the screen already, and the next scan goes on."""
        while True:
            lane, scan = await self._scans.get()
            try:
                await self.workstations[lane].scan(scan.data, scan.symbology, "scanned")
            except BackroomError as refusal:
                log.info("scan refused: %s", refusal, extra={"workstation": lane})


def _store(config: Config) -> Store:
    gateway = config.gateway
    return Store(
        store_id=gateway.store_id,
        name=gateway.store_name or gateway.store_id,
        currency=gateway.currency,
        locale=gateway.locale,
        layouts=config.barcode.parsed(),
        codes=config.barcode.codes(),
        bag_tolerance_grams=config.till.bag_tolerance_grams,
        bag_tolerance_percent=config.till.bag_tolerance_percent,
        sessions_required=config.till.sessions == "required",
        groups=tuple(gateway.store_groups),
        cash_step_minor=config.till.cash_rounding_minor or cash_step_minor(gateway.currency),
    )


def _look(config: Config, clock: Clock) -> Look:
    gateway = config.gateway
    return Look(
        store_name=gateway.store_name or gateway.store_id,
        zone=clock.zone,
        locale=gateway.locale,
        logo=True,  # a printer that has no picture prints none
        footer=tuple(gateway.receipt_footer),
    )


def must_fit(config: Config) -> None:
    """Raises ConfigError where a workstation's terminal is none: money would be asked of a scale otherwise."""
    for name, table in config.workstation.items():
        for key, device in table.devices():
            driver = load_driver(config.device[device].driver)
            if driver.device_class is not CLASSES.get(key, driver.device_class):
                raise ConfigError(
                    f"[workstation.{name}] {key}: {device} is a {driver.device_class} ({driver.name});"
                    f" name a {CLASSES[key]}"
                )


def _columns(config: Config, display: str) -> int:
    """How wide it is, by the option of its driver."""
    return int((config.device[display].model_extra or {}).get("columns", COLUMNS))


def _code_page(config: Config, display: str) -> str:
    """Whose letters it shows: as configured, else as its driver has it."""
    table = config.device[display]
    known = signature(load_driver(table.driver).codec).parameters.get("code_page")
    return str((table.model_extra or {}).get("code_page", known.default if known is not None else "ascii"))


def _closing(tills: Mapping[str, Workstation], clock: Clock, close_at: str | None) -> ClosesByItself | None:
    return ClosesByItself(tills.values(), clock, time.fromisoformat(close_at)) if close_at is not None else None
