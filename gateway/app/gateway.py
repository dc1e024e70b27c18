"""A gateway: its parts built in order, joined, and run until it is told to stop.

Order of life: the money file is opened and checked, the port is taken, the devices start, the pages serve, the link
comes up. A stop goes the other way round: no new requests, goodbye to the broker, the money file last.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import sqlite3
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from gateway.api import status
from gateway.api.applications import Applications
from gateway.api.events import Stopping
from gateway.api.scopes import tokens_of
from gateway.api.server import bind, serve
from gateway.app.check import check_tls
from gateway.app.counter import Counter
from gateway.app.headquarters import Headquarters
from gateway.app.served import Served
from gateway.app.tenders import TenderParts
from gateway.clock import Clock
from gateway.config import Config
from gateway.devices.manager import Manager
from gateway.devices.snapshot import Happened
from gateway.drivers import load as load_driver
from gateway.errors import ConfigError, QueueDamaged
from gateway.fleet import health
from gateway.fleet.housekeeping import Housekeeping
from gateway.fleet.notify import Notifier
from gateway.fleet.report import Report
from gateway.fleet.watchdog import Watchdog
from gateway.peripherals import DeviceClass, Power, PowerChanged
from gateway.places import read_secret
from gateway.queue import inbox as inbox_room
from gateway.queue import outbox as outbox_room
from gateway.queue import rescue
from gateway.queue.database import Database
from gateway.queue.disk import Disk, Level
from gateway.queue.epoch import SecondPlace
from gateway.queue.inbox import Inbox
from gateway.queue.outbox import Outbox
from gateway.queue.retention import Retention
from gateway.till import ledger as ledger_room
from gateway.till.catalogue import Catalogue
from gateway.till.ledger import Ledger
from gateway.till.offers import book as offer_book
from gateway.till.offers.store import StoreOffers
from gateway.till.paper.jobs import ReceiptJobs
from gateway.till.payments import journal as payment_journal
from gateway.till.payments.journal import PaymentBook
from gateway.till.people.operators import Operators
from gateway.till.people.pin_desk import PinDesk
from gateway.till.people.signing import People
from retail.barcode import interpret
from retail.wire.rows import CODES, OperatorRow

log = logging.getLogger(__name__)

SOFTWARE = version("backroom")
NOBODY = Notifier(None)
MONEY_FILE = "money.sqlite"
FEEDS_FILE = "feeds.sqlite"
#: a device that takes longer does not hold back READY; sales are taken from the start
SETTLED_WITHIN_S = 10.0


class Gateway:
    """Build it from a checked configuration, then run() it once.

    Raises (when built):
        ConfigError: a device's options, a secret's file or the port is not right.
        QueueError: the money file cannot be opened; it is left as it is.
    """

    def __init__(self, config: Config, notifier: Notifier = NOBODY) -> None:
        self._config, self._notifier = config, notifier
        self._clock = Clock(config.gateway.timezone)
        self._stopping = Stopping()
        config.check_secrets()
        check_tls(config)
        secrets = config.api.secrets()
        password = read_secret(config.mqtt.password_file, "[mqtt] password_file")
        self._manager = self._make_devices()
        self._listener = bind(config.api.host, config.api.port)
        self.port: int = self._listener.getsockname()[1]
        data = config.gateway.data_dir
        self._lock = lock(data)
        self._applications = Applications(data, self._clock.wall, self._clock.monotonic)
        tokens = tokens_of(secrets, self._applications.find)
        self._disk = Disk(data)
        self._money = self._open_money(data / MONEY_FILE)
        self._feeds = Database(data / FEEDS_FILE, [inbox_room.SCHEMA])
        second = SecondPlace(config.gateway.epoch_file)
        self._outbox = Outbox(self._money, self._clock, config.gateway.id, config.gateway.store_id, second)
        self._inbox = Inbox(self._feeds, codes=CODES)
        self._ledger = Ledger(self._money, self._outbox)
        self._jobs = ReceiptJobs(self._money, self._outbox)
        self._book = PaymentBook(self._money, self._clock)
        self._catalogue = Catalogue(self._inbox)
        self._status = status.StoreStatus(self._status_view)
        self._headquarters = Headquarters(
            config,
            password,
            self._outbox,
            self._inbox,
            self._clock,
            self._make_report,
            self._status.changed,
            lambda feed: self._counter.feed_changed(feed),  # noqa: PLW0108  the counter comes later
        )
        self._people = self._make_people()
        self._offers = StoreOffers.of(self._inbox, self._outbox, self._money, self._clock, health.give_memory_back)
        self._tenders = TenderParts(
            config, self._money, self._inbox, self._outbox, self._book, self._offers.coupons, self._clock
        )
        self._counter = self._make_counter()
        self._counter.lanes.listen(self._headquarters.moved)
        self._housekeeping = self._make_housekeeping()
        self._disk.listen(self._disk_changed)
        self._manager.listen(self._device_said)
        served = Served(config, self._counter, self._manager, self._people, self._applications, self._stopping)
        self._app = served.application(self._status, self._outbox, self._clock, tokens, SOFTWARE)

    def _open_money(self, path: Path) -> Database:
        """Open the money file; a damaged one is put aside and what can be read of it goes into a new one."""
        schemas = [outbox_room.SCHEMA, ledger_room.SCHEMA, payment_journal.SCHEMA, offer_book.SCHEMA]
        try:
            return Database(path, schemas, self._disk.relieve)
        except QueueDamaged as damage:
            log.error("%s", damage)
        gateway = self._config.gateway
        aside = rescue.put_aside(path)
        money = Database(path, schemas, self._disk.relieve)
        Outbox(money, self._clock, gateway.id, gateway.store_id)
        rescue.carry_over(money, self._clock, gateway.store_id, rescue.read(aside), aside, _salvage)
        return money

    # --- building ---------------------------------------------------------------------------------------------------

    def _make_devices(self) -> Manager:
        manager = Manager(self._clock.monotonic)
        for name, table in self._config.device.items():
            driver, options = load_driver(table.driver), table.options(name)
            if (logo := self._config.gateway.receipt_logo) and driver.device_class is DeviceClass.POS_PRINTER:
                options = {"logo": str(logo)} | options
            manager.add(name, driver, table.url, options)
        return manager

    def _make_report(self, reconnects: Any) -> Report:
        gateway = self._config.gateway
        return Report(
            gateway.store_id,
            gateway.currency,
            SOFTWARE,
            gateway.data_dir,
            self._clock,
            self._outbox,
            self._inbox,
            self._ledger,
            self._manager,
            reconnects,
            lambda: self._counter.lanes.briefs(),  # noqa: PLW0108  the counter comes later
        )

    def _make_people(self) -> People:
        tables = self._config.operator.items()
        of_the_shop = {
            name: OperatorRow(operator_id=name, name=table.name, role=table.role, pin=table.pin)
            for name, table in tables
        }
        operators = Operators(self._inbox, of_the_shop)
        pins = PinDesk(operators, self._clock.monotonic, self._outbox.tell)
        return People(operators, pins, self._config.till.limits)

    def _make_counter(self) -> Counter:
        return Counter(
            self._config,
            self._manager,
            self._catalogue,
            self._ledger,
            self._jobs,
            self._book,
            self._outbox.tell,
            self._clock,
            self._no_room,
            self._status.changed,
            self._people,
            self._offers,
            self._tenders,
        )

    def _make_housekeeping(self) -> Housekeeping:
        def prune(connection: sqlite3.Connection, keys: list[str]) -> None:
            self._ledger.prune(connection, keys)
            self._book.prune(connection, keys)

        return Housekeeping(
            self._disk, Retention(self._money, prune), self._clock, self._outbox.tell, self._counter.idle
        )

    # --- joints -----------------------------------------------------------------------------------------------------

    def _no_room(self) -> str | None:
        return self._disk.trouble() if self._disk.level is Level.FULL else None

    def _disk_changed(self) -> None:
        """Called from the thread that looked."""
        self._loop.call_soon_threadsafe(self._headquarters.moved)

    def _device_said(self, _device: str, entry: Any) -> None:
        if isinstance(entry, Happened) and isinstance(entry.event, PowerChanged):
            self._headquarters.moved()

    def _status_view(self) -> status.StatusView:
        position = self._outbox.position()
        age = position.oldest_unacked_age_s
        gateway = self._config.gateway
        return status.StatusView(
            gateway_id=gateway.id,
            store_id=gateway.store_id,
            store_name=gateway.store_name or gateway.store_id,
            software=SOFTWARE,
            online=self._headquarters.link.connected,
            link_error=self._headquarters.link.last_error,
            unacked=position.unacked,
            oldest_unacked_age_s=round(age) if age is not None else None,
            epoch=position.epoch,
            next_seq=position.next_seq,
            price_book_version=self._catalogue.version(),
            sales_today=self._ledger.day(self._headquarters.report.business_day())[0],
            receipts_waiting=sum(self._jobs.waiting(printer) for printer in self._counter.printers),
            disk_trouble=self._disk.trouble(),
            printer_trouble=[worker.trouble for worker in self._counter.printers.values() if worker.trouble],
        )

    async def _prepare(self) -> None:
        """Load what the first scan will need now, and what the first receipt will need once a sale has begun."""
        await asyncio.to_thread(interpret, "4006381333931", "]E0", self._counter.store.layouts, 2)
        health.give_memory_back()
        sale_began = asyncio.Event()
        unlisten = [workstation.listen(sale_began.set) for workstation in self._counter.workstations.values()]
        await sale_began.wait()
        for stop_listening in unlisten:
            stop_listening()
        for table in self._config.device.values():
            prepare = load_driver(table.driver).prepare
            if prepare is not None:
                await asyncio.to_thread(prepare)
        health.give_memory_back()

    async def _keep_systemd_told(self) -> None:
        """READY when the devices are claimed or known absent; the outbox was opened and checked before that."""
        late = await self._manager.settled(SETTLED_WITHIN_S)
        if late:
            log.warning("ready, but still trying to reach %s: check power and cable", ", ".join(late))
        self._notifier.ready(self._in_words())
        probe = partial(self._money.submit, lambda _connection: None)
        await Watchdog(self._notifier, probe, self._in_words, self._clock.monotonic).run()

    def _in_words(self) -> str:
        """How the store stands, for `systemctl status`."""
        devices = self._manager.snapshots()
        # A scanner that has said nothing yet has an open line, and that is all there is to know.
        away = [device.device_id for device in devices if device.power in (Power.OFF, Power.OFFLINE)]
        online = f"{len(devices) - len(away)} of {len(devices)} devices there"
        missing = f" (away: {', '.join(away)})" if away else ""
        reached = "reached" if self._headquarters.link.connected else "not reached"
        waiting = self._outbox.position().unacked
        return f"open for sales; {online}{missing}; headquarters {reached}, {waiting} records wait for it"

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then end in order. What was answered with success is on disk."""
        self._loop = asyncio.get_running_loop()
        position = self._outbox.position()
        log.info(
            "gateway %s ready: http://%s:%d, epoch %s, next seq %d, %d not yet at headquarters",
            self._config.gateway.id,
            self._config.api.host,
            self.port,
            position.epoch,
            position.next_seq,
            position.unacked,
        )
        try:
            async with asyncio.TaskGroup() as group:
                parts = [
                    self._manager.run(),
                    self._prepare(),
                    self._housekeeping.run(),
                    *self._offers.runnables(),
                    *self._counter.runnables(),
                    *self._headquarters.runnables(),
                ]
                tasks = [group.create_task(part) for part in parts]
                serving = group.create_task(serve(self._app, self._listener, self._stopping))
                tasks.append(group.create_task(self._keep_systemd_told()))
                await stop.wait()
                self._notifier.stopping()
                self._stopping.event.set()
                await serving
                await self._headquarters.goodbye()
                for task in tasks:
                    task.cancel()
        finally:
            await asyncio.to_thread(self._money.close)
            await asyncio.to_thread(self._feeds.close)
            self._lock.close()
            log.info("gateway %s stopped", self._config.gateway.id)


def lock(data_dir: Path) -> IO[bytes]:
    """Hold a data folder: two daemons on one money file would number their sales alike.

    Raises:
        ConfigError: another process holds it, or it cannot be made.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        held = (data_dir / "lock").open("wb")
    except OSError as error:
        raise ConfigError(f"[gateway] data_dir {data_dir}: {error.strerror}; make it for the daemon's user") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise ConfigError(f"[gateway] data_dir {data_dir} is held by another running gateway: stop that one") from error
    return held


def _salvage(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    ledger_room.salvage(old, new)
    payment_journal.salvage(old, new)
    offer_book.salvage(old, new)
