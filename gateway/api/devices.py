"""`/v1/devices`: what hangs on this box, how each device is, and the tests a technician runs."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from gateway.api.device_tail import DeviceSession, Tail, as_json
from gateway.api.events import Stopping, stream
from gateway.api.operations import Call, NoSuchThing, Operation, within
from gateway.api.problems import Problem
from gateway.api.scopes import Scope
from gateway.clock import rfc3339
from gateway.devices.snapshot import Snapshot, WeightSeen, weight_seen
from gateway.errors import DeviceSilent
from gateway.peripherals import (
    CheckHealth,
    Columns,
    Cut,
    DeviceClass,
    ErrorCode,
    OpenDrawer,
    Power,
    Print,
    PrinterStatus,
    PrintLine,
    Qr,
    ReadWeight,
    Request,
    Rule,
    ScaleStatus,
    Text,
    Weight,
)

log = logging.getLogger(__name__)

WEIGH_WITHIN_S = 5.0
DRAWER_WITHIN_S = 3.0
HEALTH_WITHIN_S = 3.0
PRINT_WITHIN_S = 15.0

NAMES = {
    DeviceClass.SCANNER: "a scanner",
    DeviceClass.SCALE: "a scale",
    DeviceClass.POS_PRINTER: "a receipt printer",
    DeviceClass.CASH_DRAWER: "a cash drawer",
}


class WeightView(BaseModel):
    """grams is null wherever the scale gave no legal weight: moving, under zero, over its capacity."""

    grams: int | None
    stable: bool
    net: bool
    status: ScaleStatus
    age_ms: int


class PrinterView(BaseModel):
    online: bool
    cover_open: bool
    paper_out: bool
    paper_near_end: bool
    error: bool


class DrawerView(BaseModel):
    opened: bool | None = Field(description="null: this drawer has no sensor")


class DeviceView(BaseModel):
    """since: when power became what it is. last_error: what broke last and what to do, "" if nothing ever did."""

    id: str
    device_class: DeviceClass
    driver: str
    url: str
    power: Power
    since: str
    last_error: str
    statistics: dict[str, int] = Field(description="counters by their UnifiedPOS names")
    weight: WeightView | None = Field(description="a scale's last reading while it is fresh; never one to sell by")
    printer: PrinterView | None
    drawer: DrawerView | None


class DevicesView(BaseModel):
    devices: list[DeviceView]


class Done(BaseModel):
    """The device said that it did it. took_ms: from the request to its answer."""

    device: str
    done: bool = True
    took_ms: int


def view(seen: Snapshot) -> DeviceView:
    return DeviceView(
        id=seen.device_id,
        device_class=seen.device_class,
        driver=seen.driver,
        url=seen.url,
        power=seen.power,
        since=rfc3339(seen.since),
        last_error=seen.last_error,
        statistics=dict(seen.statistics),
        weight=_weight(seen.weight) if seen.weight else None,
        printer=_printer(seen.printer) if seen.printer else None,
        drawer=DrawerView(opened=seen.drawer.opened) if seen.drawer else None,
    )


def _weight(seen: WeightSeen) -> WeightView:
    return WeightView(grams=seen.grams, stable=seen.stable, net=seen.net, status=seen.status, age_ms=seen.age_ms)


def _printer(status: PrinterStatus) -> PrinterView:
    return PrinterView(
        online=status.online,
        cover_open=status.cover_open,
        paper_out=status.paper_out,
        paper_near_end=status.paper_near_end,
        error=status.error,
    )


def check_lines(device_id: str, driver: str, at: datetime) -> tuple[PrintLine, ...]:
    """A short slip that shows every thing a receipt is made of."""
    return (
        Text("Backroom", align="center", bold=True, double=True),
        Text("test print, not a receipt", align="center"),
        Rule(),
        Columns("Device", device_id),
        Columns("Driver", driver),
        Columns("Time", rfc3339(at)),
        Columns("TOTAL", "0.00", bold=True, double=True),
        Rule(),
        Qr(f"backroom:test-print:{device_id}"),
        Cut(),
    )


class _Devices:
    def __init__(
        self, devices: Mapping[str, DeviceSession], stopping: Stopping, monotonic: Callable[[], float]
    ) -> None:
        self._devices, self._stopping, self._monotonic = devices, stopping, monotonic

    def _at(self, call: Call) -> DeviceSession:
        name = call.path("device")
        if name not in self._devices:
            known = ", ".join(self._devices) or "none"
            raise NoSuchThing(f"there is no device {name}; the configuration has {known}")
        return self._devices[name]

    async def index(self, _call: Call) -> DevicesView:
        return DevicesView(devices=[view(session.snapshot()) for session in self._devices.values()])

    async def show(self, call: Call) -> DeviceView:
        return view(self._at(call).snapshot())

    async def events(self, call: Call) -> Response:
        session = self._at(call)
        tail = Tail([session])

        def render() -> list[tuple[str, str]]:
            happened = [
                ("event" if "kind" in shown else "traffic", json.dumps(shown))
                for shown in (as_json(number, entry) for number, _, entry in tail.take())
            ]
            return [("state", view(session.snapshot()).model_dump_json()), *happened]

        return stream(tail.listen, render, self._stopping)

    async def weigh(self, call: Call) -> BaseModel | Response:
        session = self._at(call)
        if wrong := _unless(session, DeviceClass.SCALE, "weigh"):
            return wrong
        weight = await session.ask(ReadWeight(), WEIGH_WITHIN_S)
        if not isinstance(weight, Weight):
            text = f"{call.path('device')}: answered without a weight; weigh again"
            raise DeviceSilent(text, reason="no_weight", code=ErrorCode.FAILURE)
        return _weight(weight_seen(weight, self._monotonic()))

    async def test_print(self, call: Call) -> BaseModel | Response:
        session = self._at(call)
        seen = session.snapshot()
        lines = check_lines(seen.device_id, seen.driver, datetime.now(UTC))
        return _unless(session, DeviceClass.POS_PRINTER, "print") or await self._do(call, Print(lines), PRINT_WITHIN_S)

    async def open_drawer(self, call: Call) -> BaseModel | Response:
        if wrong := _unless(self._at(call), DeviceClass.CASH_DRAWER, "open"):
            return wrong
        log.info("drawer opened by hand: %s", call.path("device"), extra={"device": call.path("device")})
        return await self._do(call, OpenDrawer(), DRAWER_WITHIN_S)

    async def check_health(self, call: Call) -> DeviceView:
        """The device was asked and answered just now; the view says what."""
        session = self._at(call)
        await session.ask(CheckHealth(), HEALTH_WITHIN_S)
        return view(session.snapshot())

    async def _do(self, call: Call, request: Request, timeout_s: float) -> Done:
        session, began = self._at(call), self._monotonic()
        await session.ask(request, timeout_s)
        return Done(device=call.path("device"), took_ms=round((self._monotonic() - began) * 1000))


def _unless(session: DeviceSession, wanted: DeviceClass, verb: str) -> Response | None:
    """409 if the device is of another class, naming what it is."""
    seen = session.snapshot()
    if seen.device_class is wanted:
        return None
    text = f"{seen.device_id} is {NAMES[seen.device_class]} and cannot {verb}; ask {NAMES[wanted]}"
    problem = Problem(title="Wrong device", status=409, detail=text, reason="wrong_class", code=int(ErrorCode.ILLEGAL))
    return problem.response()


def operations(
    devices: Mapping[str, DeviceSession], stopping: Stopping, monotonic: Callable[[], float] = time.monotonic
) -> list[Operation]:
    """monotonic: the clock that the sessions stamp their weights with."""
    handlers = _Devices(devices, stopping, monotonic)
    base = "/v1/devices/{device}"

    def test(name: str, summary: str, handler: Any, answer: type[BaseModel], description: str) -> Operation:
        problems = (404, 409, 503, 504)
        return Operation("POST", f"{base}/{name}", summary, handler, description, answer=answer, problems=problems)

    listed = [
        Operation("GET", "/v1/devices", "All devices", handlers.index, answer=DevicesView),
        Operation("GET", base, "One device", handlers.show, answer=DeviceView, problems=(404,)),
        Operation(
            "GET",
            f"{base}/events",
            "A device as it works",
            handlers.events,
            description="Server-sent events: `state` (the device, as GET gives it), `event` (decoded: `kind` and its"
            " fields) and `traffic` (bytes in hex). `n` counts events and traffic: a gap means that the reader was"
            " too slow. It begins now: nothing from before is repeated.",
            streams=True,
            problems=(404,),
        ),
        test(
            "weigh",
            "Weigh now",
            handlers.weigh,
            WeightView,
            "Asks the scale for a fresh weight. A scale that is silent is a 504 with its UnifiedPOS error code.",
        ),
        test("test-print", "Print a test slip", handlers.test_print, Done, "Answers when the printer says it is done."),
        test("open-drawer", "Open the drawer", handlers.open_drawer, Done, "Sends the pulse once."),
        test("check-health", "Ask a device how it is", handlers.check_health, DeviceView, "Answers with what it said."),
    ]
    return within(Scope.DEVICES, listed)
