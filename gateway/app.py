"""The composition root: the only place that builds the parts of a running gateway and joins them.

Order of life: the money file is opened and checked, the port is taken, the devices start, the pages serve, the link
comes up. A stop goes the other way round: no new requests, goodbye to the broker, the money file last.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
from importlib.metadata import version
from pathlib import Path
from random import SystemRandom
from typing import IO, Any

from gateway.api import baskets, devices, items, pages, status, transactions
from gateway.api.events import Stopping
from gateway.api.scopes import tokens_of
from gateway.api.server import application, bind, serve
from gateway.clock import Clock, rfc3339
from gateway.config import Config, WorkstationTable, read_secret
from gateway.devices.manager import Manager
from gateway.devices.snapshot import Happened
from gateway.drivers import load as load_driver
from gateway.errors import BackroomError, ConfigError, QueueDamaged
from gateway.fleet import health
from gateway.fleet.housekeeping import Housekeeping
from gateway.fleet.report import Report
from gateway.mqtt.downlink import Downlink
from gateway.mqtt.link import Link, LinkSettings, Publication, TlsFiles
from gateway.mqtt.presence import Presence
from gateway.mqtt.uplink import Uplink
from gateway.peripherals import PowerChanged, Request, Scan
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
from gateway.till.posting import Posting
from gateway.till.printing import ReceiptPrinter
from gateway.till.workstation import Ask, Lane, Store, Workstation
from retail.barcode import interpret
from retail.wire.feed import ITEMS
from retail.wire.topics import GatewayTopics

log = logging.getLogger(__name__)

SOFTWARE = version("backroom")
MONEY_FILE = "money.sqlite"
FEEDS_FILE = "feeds.sqlite"


class Gateway:
    """Build it from a checked configuration, then run() it once.

    Raises (when built):
        ConfigError: a device's options, a secret's file or the port is not right.
        QueueError: the money file cannot be opened; it is left as it is.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._random = SystemRandom()
        self._clock = Clock(config.gateway.timezone)
        self._stopping = Stopping()
        tokens = tokens_of(config.api.secrets())
        password = read_secret(config.mqtt.password_file, "[mqtt] password_file")
        self._manager = self._make_devices()
        self._listener = bind(config.api.host, config.api.port)
        self.port: int = self._listener.getsockname()[1]
        data = config.gateway.data_dir
        self._lock = lock(data)
        self._disk = Disk(data)
        self._money = self._open_money(data / MONEY_FILE)
        self._feeds = Database(data / FEEDS_FILE, [inbox_room.SCHEMA])
        second = SecondPlace(config.gateway.epoch_file)
        self._outbox = Outbox(self._money, self._clock, config.gateway.id, config.gateway.store_id, second)
        self._inbox = Inbox(self._feeds, codes={ITEMS: "barcodes"})
        self._ledger = Ledger(self._money, self._outbox)
        self._catalogue = Catalogue(self._inbox)
        self._make_link(password)
        self._make_till()
        self._app = application(
            self._operations(),
            pages.routes(self._workstations, self._manager.sessions, self._status, self._catalogue, self._stopping),
            self._hosts(),
            tokens,
            SOFTWARE,
        )

    def _open_money(self, path: Path) -> Database:
        """Open the money file; a damaged one is put aside and what can be read of it goes into a new one."""
        schemas = [outbox_room.SCHEMA, ledger_room.SCHEMA]
        try:
            return Database(path, schemas, self._disk.relieve)
        except QueueDamaged as damage:
            log.error("%s", damage)
        gateway = self._config.gateway
        aside = rescue.put_aside(path)
        money = Database(path, schemas, self._disk.relieve)
        Outbox(money, self._clock, gateway.id, gateway.store_id)
        rescue.carry_over(money, self._clock, gateway.store_id, rescue.read(aside), aside, ledger_room.salvage)
        return money

    # --- building ---------------------------------------------------------------------------------------------------

    def _make_devices(self) -> Manager:
        manager = Manager(self._clock.monotonic)
        for name, table in self._config.device.items():
            manager.add(name, load_driver(table.driver), table.url, table.options(name))
        return manager

    def _make_link(self, password: str | None) -> None:
        config = self._config
        tls = config.mqtt.tls
        files = TlsFiles(str(tls.ca_file), _text(tls.cert_file), _text(tls.key_file)) if tls else None
        settings = LinkSettings(
            host=config.mqtt.host,
            port=config.mqtt.port,
            client_id=config.gateway.id,
            username=config.mqtt.username,
            password=password,
            tls=files,
            keepalive_s=config.mqtt.keepalive_s,
            reconnect_most_s=config.mqtt.reconnect_most_s,
        )
        topics = GatewayTopics(config.gateway.id)
        self._link = Link(settings, self._next_session, self._will, self._random)
        publish = self._link.publish
        self._report = Report(
            config.gateway.store_id,
            config.gateway.currency,
            SOFTWARE,
            config.gateway.data_dir,
            self._clock,
            self._outbox,
            self._inbox,
            self._ledger,
            self._manager,
            lambda: self._link.reconnects,
        )
        report = self._report
        self._presence = Presence(topics, publish, report.state, report.birth, report.metrics, report.devices)
        self._uplink = Uplink(self._outbox, topics.log, publish, self._clock.monotonic, self._random)
        self._downlink = Downlink(
            self._inbox,
            topics,
            (ITEMS,),
            publish,
            lambda: rfc3339(self._clock.wall()),
            self._random,
            self._feed_changed,
        )
        self._housekeeping = Housekeeping(
            self._disk,
            Retention(self._money, self._ledger.prune),
            self._clock,
            self._outbox.tell,
            lambda: all(workstation.basket.state == "idle" for workstation in self._workstations.values()),
        )
        self._link.subscribe(topics.ack, self._uplink.on_ack)
        self._link.subscribe(topics.feed_head("+"), self._downlink.on_head)
        self._link.subscribe(topics.feed_page("+"), self._downlink.on_page)
        self._link.on_up(self._link_up)
        self._link.on_down(self._link_down)

    def _make_till(self) -> None:
        gateway = self._config.gateway
        self._layouts = self._config.barcode.parsed()
        store = Store(
            store_id=gateway.store_id,
            name=gateway.store_name or gateway.store_id,
            currency=gateway.currency,
            locale=gateway.locale,
            layouts=self._layouts,
            codes=self._config.barcode.codes(),
        )
        self._status = status.StoreStatus(self._status_view)
        lanes = self._config.workstation
        self._printers = {
            printer: ReceiptPrinter(
                printer, self._ask(printer), self._ledger, store.name, self._clock.zone, self._status.changed
            )
            for printer in {table.printer for table in lanes.values() if table.printer}
        }
        self._workstations = {name: self._make_workstation(name, table, store) for name, table in lanes.items()}
        printer_of = {name: table.printer for name, table in lanes.items() if table.printer}
        self._posting = Posting(store, self._ledger, printer_of, self._wake_printer, self._no_room)
        self._disk.listen(self._disk_changed)
        self._lane_of = {scanner: name for name, table in lanes.items() for scanner in table.scanners}
        self._manager.listen(self._device_said)
        self._outbox.listen(self._moved)

    def _make_workstation(self, name: str, table: WorkstationTable, store: Store) -> Workstation:
        lane = Lane(
            workstation_id=name,
            scale=self._ask(table.scale) if table.scale else None,
            drawer=self._ask(table.drawer) if table.drawer else None,
            printer=table.printer,
        )
        printer = table.printer
        return Workstation(
            lane,
            store,
            self._catalogue,
            self._ledger,
            self._clock,
            lambda: self._wake_printer(printer) if printer else None,
            self._no_room,
        )

    def _ask(self, device: str) -> Ask:
        async def ask(request: Request, timeout_s: float) -> Any:
            return await self._manager.ask(device, request, timeout_s)

        return ask

    def _operations(self) -> list[Any]:
        return [
            *status.operations(self._status),
            *baskets.operations(self._workstations, self._stopping),
            *items.operations(self._catalogue, self._config.gateway.locale),
            *transactions.operations(self._posting, self._outbox),
            *devices.operations(self._manager.sessions, self._stopping),
        ]

    def _hosts(self) -> frozenset[str]:
        """The names a browser may use for this box."""
        loopback = {"127.0.0.1", "localhost", "::1"}
        if not self._config.api.guarded:
            return frozenset(loopback)
        return frozenset(loopback | {self._config.api.host} | set(self._config.api.names))

    # --- joints -----------------------------------------------------------------------------------------------------

    async def _next_session(self) -> int:
        session = int(self._outbox.recall("session") or "0") + 1
        await self._outbox.remember("session", str(session))
        return session

    def _will(self, session: int) -> Publication:
        return self._presence.will(session)

    async def _link_up(self, session: int) -> None:
        self._uplink.link_up()
        self._downlink.link_up()
        self._status.changed()
        await self._presence.link_up(session)

    def _link_down(self) -> None:
        self._uplink.link_down()
        self._presence.link_down()
        self._status.changed()

    def _moved(self) -> None:
        self._presence.moved()
        self._status.changed()

    def _no_room(self) -> str | None:
        return self._disk.trouble() if self._disk.level is Level.FULL else None

    def _disk_changed(self) -> None:
        """Called from the thread that looked."""
        self._loop.call_soon_threadsafe(self._moved)

    def _feed_changed(self, _feed: str) -> None:
        self._moved()

    def _wake_printer(self, printer: str) -> None:
        self._printers[printer].wake()

    def _device_said(self, device: str, entry: Any) -> None:
        if not isinstance(entry, Happened):
            return
        if isinstance(entry.event, PowerChanged):
            self._presence.moved()
            if device in self._printers:
                self._wake_printer(device)
        elif isinstance(entry.event, Scan) and device in self._lane_of:
            self._scans.put_nowait((self._lane_of[device], entry.event))

    async def _ring_scans(self) -> None:
        """Scans in the order they came; a refusal is on the screen already, and the next scan goes on."""
        while True:
            lane, scan = await self._scans.get()
            try:
                await self._workstations[lane].enter(scan.data, scan.symbology, "scanned")
            except BackroomError as refusal:
                log.info("scan refused: %s", refusal, extra={"workstation": lane})

    def _status_view(self) -> status.StatusView:
        position = self._outbox.position()
        age = position.oldest_unacked_age_s
        gateway = self._config.gateway
        return status.StatusView(
            gateway_id=gateway.id,
            store_id=gateway.store_id,
            store_name=gateway.store_name or gateway.store_id,
            software=SOFTWARE,
            online=self._link.connected,
            link_error=self._link.last_error,
            unacked=position.unacked,
            oldest_unacked_age_s=round(age) if age is not None else None,
            epoch=position.epoch,
            next_seq=position.next_seq,
            price_book_version=self._catalogue.version(),
            sales_today=self._ledger.day(self._report.business_day())[0],
            receipts_waiting=sum(self._ledger.receipts_waiting(printer) for printer in self._printers),
            disk_trouble=self._disk.trouble(),
            printer_trouble=[worker.trouble for worker in self._printers.values() if worker.trouble],
        )

    async def _prepare(self) -> None:
        """Load what the first scan will need now, and what the first receipt will need once a sale has begun."""
        await asyncio.to_thread(interpret, "4006381333931", "]E0", self._layouts, 2)
        health.give_memory_back()
        sale_began = asyncio.Event()
        unlisten = [workstation.listen(sale_began.set) for workstation in self._workstations.values()]
        await sale_began.wait()
        for stop_listening in unlisten:
            stop_listening()
        for table in self._config.device.values():
            prepare = load_driver(table.driver).prepare
            if prepare is not None:
                await asyncio.to_thread(prepare)
        health.give_memory_back()

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then end in order. What was answered with success is on disk."""
        self._loop = asyncio.get_running_loop()
        self._scans: asyncio.Queue[tuple[str, Scan]] = asyncio.Queue()
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
                    self._ring_scans(),
                    self._prepare(),
                    self._housekeeping.run(),
                    self._link.run(),
                    self._uplink.run(),
                    self._downlink.run(),
                    self._presence.run(),
                    *(worker.run() for worker in self._printers.values()),
                ]
                tasks = [group.create_task(part) for part in parts]
                serving = group.create_task(serve(self._app, self._listener, self._stopping))
                await stop.wait()
                self._stopping.event.set()
                await serving
                await self._presence.stopping()
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


def _text(path: object) -> str | None:
    return None if path is None else str(path)
