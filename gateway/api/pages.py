"""The pages: a cashier's screen per workstation and one page for the technician.

Rendered here and kept up to date by server-sent events that carry HTML. Each piece of a page that can change is an
element with `data-part`; live.js puts a new one in the place of the old one. Only text that autoescape has seen gets
into these pieces, and nothing is inline: the content security policy is default-src 'self'.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.api.applications import Applications
from gateway.api.basket_views import view as basket_view
from gateway.api.device_tail import DeviceSession, Tail
from gateway.api.device_views import NAMES
from gateway.api.device_words import in_words, label_printer_in_words, printable, printer_in_words
from gateway.api.events import Stopping, Unlisten, stream
from gateway.api.items import Searchable
from gateway.api.scopes import Scope
from gateway.api.status import StoreStatus
from gateway.devices.snapshot import Entry, Snapshot, Traffic
from gateway.peripherals import DeviceClass
from gateway.till.workstation import Notice, Workstation
from retail.units import Money, exponent

HERE = Path(__file__).parent
#: a beat at least so often; a page that hears none for three times as long knows that its line is dead
BEAT_S = 5.0
#: ages on the technician's page count on
AGES_S = 1.0

#: class -> (operation, label) of its tests
TESTS = {
    DeviceClass.SCANNER: [],
    DeviceClass.SCALE: [("weigh", "Weigh"), ("check-health", "Check health")],
    DeviceClass.POS_PRINTER: [("test-print", "Test print"), ("check-health", "Check health")],
    DeviceClass.CASH_DRAWER: [("open-drawer", "Open drawer"), ("check-health", "Check health")],
    DeviceClass.LINE_DISPLAY: [("test-show", "Show a test"), ("clear", "Clear")],
    DeviceClass.PAYMENT_TERMINAL: [("check-health", "Check health"), ("repeat-receipt", "Last receipt again")],
    DeviceClass.LABEL_PRINTER: [("test-print", "Test label"), ("check-health", "Check health")],
}


def duration(seconds: float) -> str:
    """How long ago or for how long, in its two largest units: `3 min 12 s`."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def count(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["duration"] = duration
    environment.globals["count"] = count
    return environment


class _Static(StaticFiles):
    """Browsers ask each time whether a file changed: an update must not meet yesterday's script."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class _Pages:
    def __init__(self, status: StoreStatus, stopping: Stopping) -> None:
        self.status = status
        self.stopping = stopping
        self._templates = _environment()

    def part(self, template: str, **facts: Any) -> str:
        return self._templates.get_template(template).render(facts)

    def page(self, template: str, status_code: int = 200, **facts: Any) -> HTMLResponse:
        body = self.part(template, **facts)
        return HTMLResponse(body, status_code, headers={"Cache-Control": "no-store"})

    def live(
        self,
        listens: Sequence[Callable[[Callable[[], None]], Unlisten]],
        render: Callable[[], list[tuple[str, str]]],
        refresh_s: float,
    ) -> Response:
        """A stream that hears of several things, with a beat: the software's version and a number that goes on."""
        beats = itertools.count()
        software = self.status.view().software

        def listen(heard: Callable[[], None]) -> Unlisten:
            stops = [one(heard) for one in listens]

            def unlisten() -> None:
                for stop in stops:
                    stop()

            return unlisten

        def with_beat() -> list[tuple[str, str]]:
            return [*render(), ("beat", f"{software} {next(beats)}")]

        return stream(listen, with_beat, self.stopping, refresh_s)


class _Till:
    """The cashier's screen of each workstation."""

    def __init__(self, pages: _Pages, workstations: Mapping[str, Workstation], catalogue: Searchable) -> None:
        self._pages, self._workstations, self._catalogue = pages, workstations, catalogue
        self._notices: dict[str, tuple[Notice | None, int]] = {}

    async def first(self, _request: Request) -> Response:
        first = next(iter(self._workstations), None)
        return RedirectResponse(f"/till/{first}" if first is not None else "/technician", status_code=303)

    async def show(self, request: Request) -> Response:
        workstation = self._workstations.get(request.path_params["workstation"])
        if workstation is None:
            return self._missing(request)
        currency = workstation.store.currency
        return self._pages.page(
            "till.html",
            workstation_id=workstation.lane.workstation_id,
            others=[name for name in self._workstations if name != workstation.lane.workstation_id],
            currency=currency,
            decimals=exponent(currency),
            point="," if "," in Money(111, currency).shown(workstation.store.locale) else ".",
            has_terminal=workstation.lane.terminal is not None,
            software=self._pages.status.view().software,
            basket_parts=self._basket(workstation),
            status_parts=self._status(workstation),
        )

    async def events(self, request: Request) -> Response:
        workstation = self._workstations.get(request.path_params["workstation"])
        if workstation is None:
            return self._missing(request)

        def render() -> list[tuple[str, str]]:
            return [("basket", self._basket(workstation)), ("status", self._status(workstation))]

        return self._pages.live([workstation.listen, self._pages.status.listen], render, BEAT_S)

    def _missing(self, request: Request) -> Response:
        name = request.path_params["workstation"]
        return self._pages.page("missing.html", 404, name=name, workstations=list(self._workstations))

    def _basket(self, workstation: Workstation) -> str:
        basket = basket_view(workstation)
        currency, locale = workstation.store.currency, workstation.store.locale
        sold = [line for line in basket.lines if not line.void]
        return self._pages.part(
            "basket.html",
            basket=basket,
            notice_number=self._number_of(workstation),
            pieces=sum(line.quantity if line.quantity is not None else 1 for line in sold),
            tendered=Money(basket.tendered_minor, currency).shown(locale),
            has_prices=self._catalogue.version() > 0,
            paid_cash=basket.finished is not None and any(one.tender_type == "Cash" for one in basket.finished.tenders),
        )

    def _status(self, workstation: Workstation) -> str:
        lane = workstation.lane
        works = ["scanning", "prices", "cash"]
        works += ["weighing"] if lane.scale is not None else []
        works += ["receipts"] if lane.printer is not None else []
        return self._pages.part("status.html", status=self._pages.status.view(), lane=lane, works=works)

    def _number_of(self, workstation: Workstation) -> int:
        """Counts notices: the same mistake made twice reads the same, and must beep twice."""
        name, notice = workstation.lane.workstation_id, workstation.notice
        before, number = self._notices.get(name, (None, 0))
        if notice is not before:
            number += notice is not None
            self._notices[name] = (notice, number)
        return number


class _Technician:
    """Every device of the box, live, and the link to headquarters."""

    def __init__(
        self,
        pages: _Pages,
        devices: Mapping[str, DeviceSession],
        workstations: Mapping[str, Workstation],
        applications: Applications,
    ) -> None:
        self._pages, self._devices, self._workstations = pages, devices, workstations
        self._applications = applications

    async def show(self, _request: Request) -> Response:
        snapshots = [session.snapshot() for session in self._devices.values()]
        return self._pages.page(
            "technician.html",
            software=self._pages.status.view().software,
            link_part=self._link(),
            devices=[(seen, self._card(seen), TESTS[seen.device_class]) for seen in snapshots],
            names=NAMES,
            workstations=list(self._workstations),
            scopes=list(Scope),
            programs_part=self._programs(),
        )

    async def events(self, _request: Request) -> Response:
        sessions = list(self._devices.values())
        tail = Tail(sessions, replay=True)

        def render() -> list[tuple[str, str]]:
            cards = [(f"device-{seen.device_id}", self._card(seen)) for seen in (one.snapshot() for one in sessions)]
            rows = [("entry", self._row(device_id, entry)) for _, device_id, entry in tail.take()]
            return [("link", self._link()), ("programs", self._programs()), *cards, *rows]

        return self._pages.live([tail.listen, self._pages.status.listen], render, AGES_S)

    def _link(self) -> str:
        return self._pages.part("link.html", status=self._pages.status.view())

    def _programs(self) -> str:
        return self._pages.part("programs.html", programs=self._applications.listed())

    def _card(self, seen: Snapshot) -> str:
        away_s = (datetime.now(UTC) - seen.since).total_seconds()
        printer = printer_in_words(seen.printer) if seen.printer else None
        label = label_printer_in_words(seen.label_printer) if seen.label_printer else None
        return self._pages.part("device.html", device=seen, away_s=away_s, printer=printer, label_printer=label)

    def _row(self, device_id: str, entry: Entry) -> str:
        facts: dict[str, Any] = {"device_id": device_id, "at": entry.at.astimezone(UTC)}
        if isinstance(entry, Traffic):
            rest = entry.size - len(entry.data)
            facts |= {"kind": entry.direction, "text": entry.data.hex(" "), "rest": rest}
            return self._pages.part("entry.html", **facts, printable=printable(entry.data))
        return self._pages.part("entry.html", **facts, kind="event", text=in_words(entry.event), rest=0, printable="")


def routes(
    workstations: Mapping[str, Workstation],
    devices: Mapping[str, DeviceSession],
    status: StoreStatus,
    catalogue: Searchable,
    applications: Applications,
    stopping: Stopping,
) -> list[BaseRoute]:
    pages = _Pages(status, stopping)
    till = _Till(pages, workstations, catalogue)
    technician = _Technician(pages, devices, workstations, applications)
    return [
        Route("/", till.first),
        Route("/till/{workstation}", till.show),
        Route("/till/{workstation}/events", till.events),
        Route("/technician", technician.show),
        Route("/technician/events", technician.events),
        Mount("/static", _Static(directory=HERE / "static"), name="static"),
    ]
