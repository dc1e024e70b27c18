"""The composition root: the only place that builds the parts of headquarters and joins them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from cloud_erp.audit import routes as audit_routes
from cloud_erp.cases import routes as case_routes
from cloud_erp.cases import service as case_service
from cloud_erp.catalog import routes as catalog_routes
from cloud_erp.config import CoreConfig
from cloud_erp.db import now_utc, open_database
from cloud_erp.errors import StartError
from cloud_erp.feeds import routes as feed_routes
from cloud_erp.feeds import wire as feeds
from cloud_erp.feeds.keeper import Keeper, Pace
from cloud_erp.fleet import inbound
from cloud_erp.fleet import routes as fleet_routes
from cloud_erp.fleet import service as fleet_service
from cloud_erp.intake import routes as intake_routes
from cloud_erp.intake.link import Link, LinkSettings, Message
from cloud_erp.intake.positions import Limits
from cloud_erp.intake.together import MOST_TOGETHER
from cloud_erp.intake.worker import LogIntake, Worker, ease_collector
from cloud_erp.journal import routes as journal_routes
from cloud_erp.journal import service as journal_service
from cloud_erp.stock import routes as stock_routes
from cloud_erp.tills import routes as till_routes
from cloud_erp.tills import service as till_service
from cloud_erp.web import routes as web_routes
from cloud_erp.web.live import Pulse
from cloud_erp.web.security import Door, Guard
from cloud_erp.web.shell import ROOT, Office, Pages
from retail.wire.presence import HqState
from retail.wire.topics import HQ_STATE, GatewayTopics

log = logging.getLogger(__name__)

LOG_FILTER = (f"$share/intake/{GatewayTopics('+').log}", 1)
CONCEPTS = (
    journal_routes, intake_routes, audit_routes, case_routes, till_routes, fleet_routes, stock_routes, catalog_routes,
    feed_routes, web_routes,
)  # fmt: skip
GRACE_S = 2
WORKER_GRACE_S = 1.5


class Core:
    """The parts that live as long as the process: database, broker link and workers."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        settings = link_settings(config)
        self.door = Door(config.web_token(), config.web.host)
        self.database = open_database(config.database_url)
        self.link = Link(settings, [LOG_FILTER, *inbound.FILTERS, *feeds.FILTERS], self._route, self._ready)
        self.feeds = feeds.Feeds(self.database, self.link.publish)
        self.keeper = Keeper(self.database, Pace(config.feeds.balances_s, config.feeds.stock_s))
        self.fleet = inbound.FleetInbound(self.database, self._publish, Limits(**config.alarms.model_dump()))
        self.sales_workers = [
            Worker(
                f"intake-{number}",
                LogIntake(self.database, self.link.publish).handle,
                self.database,
                most=MOST_TOGETHER,
            )
            for number in range(1, config.intake.workers + 1)
        ]
        self._told_life: str | None = None
        self.fleet_worker = Worker("fleet", self._fleet_message, self.database, idle=self._idle)

    def start(self) -> None:
        for worker in (*self.sales_workers, self.fleet_worker):
            worker.start()
        self.link.start()

    def stop(self) -> None:
        self._tell("paused")
        self.link.stop()
        workers = (*self.sales_workers, self.fleet_worker)
        for worker in workers:
            worker.stop()
        deadline = time.monotonic() + WORKER_GRACE_S
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        self.database.close()

    def _ready(self) -> None:
        """Each time the broker is there: say that intake is open, and announce the feeds again."""
        self._tell("open")
        self.feeds.forget()
        self.fleet.listening()

    def _tell(self, intake: str, only_if_new: bool = False) -> None:
        """Every store hears of it. only_if_new: the incarnation has changed since."""
        try:
            life = self.database.incarnation()
        except SQLAlchemyError:
            return  # the database is away: there is no incarnation to tell
        if only_if_new and life == self._told_life:
            return
        self._told_life = life
        state = HqState.model_validate({"intake": intake, "core_incarnation": life, "since": now_utc()})
        self.link.publish(HQ_STATE, state.model_dump_json().encode(), True)

    def _publish(self, topic: str, payload: bytes, retain: bool) -> bool:
        """A mark told to a store may come with a new incarnation: then headquarters' state is told as well."""
        self._tell("open", only_if_new=True)
        return self.link.publish(topic, payload, retain)

    def _route(self, message: Message) -> None:
        if not message.topic.endswith("/up/log"):
            self.fleet_worker.take(message)
            return
        # One gateway's batches stay in order, which spares its store from resending; nothing depends on it.
        place = zlib.crc32(message.topic.encode()) % len(self.sales_workers)
        self.sales_workers[place].take(message)

    def _fleet_message(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if "/up/feed/" in message.topic:
                self.feeds.handle(message.topic, message.payload)
            else:
                self.fleet.handle(message.topic, message.payload, fresh=not message.retained)

    def _idle(self) -> None:
        if self.link.connected:
            self.feeds.announce()
            self.fleet.look()
        self.keeper.look()


def link_settings(config: CoreConfig) -> LinkSettings:
    mqtt = config.mqtt
    return LinkSettings(
        mqtt.host,
        mqtt.port,
        mqtt.username,
        config.mqtt_password(),
        ca_file=mqtt.tls.ca_file if mqtt.tls else None,
        cert_file=mqtt.tls.cert_file if mqtt.tls else None,
        key_file=mqtt.tls.key_file if mqtt.tls else None,
    )


def build_web(core: Core, pulse: Pulse) -> FastAPI:
    """Every route of every concept, behind the door."""
    config = core.config
    pages = Pages(config.core.name, config.zone, guarded=core.door.token is not None)
    office = Office(core.database, pages, pulse, core.door, lambda: core.link.connected)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(pulse.run())
        yield
        pulse.stop()
        await watching

    web = FastAPI(
        title="Backroom headquarters",
        version=web_routes.software(),
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        lifespan=lifespan,
    )
    for concept in CONCEPTS:
        web.include_router(concept.router(office))
    web.mount("/static", StaticFiles(directory=ROOT / "web" / "static"), name="static")

    @web.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/v1/"):
            return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
        return pages.show(request, "error.html", error.status_code, code=error.status_code, text=error.detail)

    web.add_middleware(Guard, door=core.door)
    return web


class Server(uvicorn.Server):
    """Ends live streams as soon as a signal comes, so that no open tab delays the stop; then the process exits 0."""

    def __init__(self, config: uvicorn.Config, pulse: Pulse, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._pulse = pulse
        self._on_started = on_started
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._pulse.stop)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket.

    Raises:
        StartError: another program has the port, or the host is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # naming the protocol lets asyncio switch Nagle off: without it each small answer waits 40 ms
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise StartError(
            f"{host}:{port}: cannot listen there: {error.strerror}; stop the other program or change [web] port"
        ) from error
    return bound


def run(config: CoreConfig, ready_file: Path | None = None) -> None:
    """Run headquarters until SIGTERM or SIGINT.

    Raises:
        ConfigError: a secret's file cannot be read.
        StartError: the port is taken, or the database does not open.
    """
    bound = listen(config.web.host, config.web.port)
    try:
        core = Core(config)
        asyncio.run(_serve(core, bound, ready_file))
    finally:
        bound.close()


async def _serve(core: Core, bound: socket.socket, ready_file: Path | None) -> None:
    watched: dict[str, Callable[[Connection], str]] = {
        "sales": journal_service.change_mark,
        "fleet": fleet_service.change_mark,
        "cases": case_service.change_mark,
        "sessions": till_service.change_mark,
    }
    pulse = Pulse(core.database, watched)
    web = build_web(core, pulse)
    config = uvicorn.Config(
        web, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False, lifespan="on"
    )
    server = Server(config, pulse, on_started=lambda: _announce(core.config, ready_file))
    ease_collector()
    core.start()
    try:
        await server.serve([bound])
    finally:
        await asyncio.to_thread(core.stop)
        log.info("stopped")


def _announce(config: CoreConfig, ready_file: Path | None) -> None:
    """Say where to look once the pages answer; the broker may still be away then, and /v1/health tells."""
    host = f"[{config.web.host}]" if ":" in config.web.host else config.web.host
    url = f"http://{host}:{config.web.port}/"
    log.info("headquarters ready: %s", url)
    if ready_file is not None:
        part = ready_file.with_name(ready_file.name + ".part")
        part.write_text(json.dumps({"pid": os.getpid(), "url": url}) + "\n", encoding="utf-8")
        part.replace(ready_file)


def configure_log(level: str) -> None:
    """One line a fact on standard error; under systemd with its priority, and without the time the journal adds."""
    journal = "JOURNAL_STREAM" in os.environ
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(message)s" if journal else "%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn", "uvicorn.error", "asyncio", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
