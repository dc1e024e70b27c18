"""`/v1/devices`: what hangs on this box, how each device is, and the tests a technician runs."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from gateway.api.device_checks import check
from gateway.api.device_commands import COMMANDS, DeviceCommand
from gateway.api.device_tail import DeviceSession, Tail, as_json
from gateway.api.device_views import NAMES, DevicesView, DeviceView, WeightView, view, weight_view
from gateway.api.events import Stopping, stream
from gateway.api.operations import Call, NoSuchThing, Operation, within
from gateway.api.problems import Problem
from gateway.api.scopes import Scope
from gateway.devices.snapshot import weight_seen
from gateway.errors import DeviceSilent
from gateway.peripherals import (
    CheckHealth,
    DeviceClass,
    ErrorCode,
    ReadWeight,
    Request,
    TerminalReport,
    Weight,
)

log = logging.getLogger(__name__)

WEIGH_WITHIN_S = 5.0
HEALTH_WITHIN_S = 3.0
PRINT_WITHIN_S = 15.0


class Done(BaseModel):
    """The device said that it did it. took_ms: from the request to its answer.

    text, lines: what a payment terminal wants printed (its last receipt, the totals of its day), card numbers masked.
    """

    device: str
    done: bool = True
    took_ms: int
    text: str = ""
    lines: list[str] = []


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
        if wrong := _unless(session, (DeviceClass.SCALE,), "weigh"):
            return wrong
        weight = await session.ask(ReadWeight(), WEIGH_WITHIN_S)
        if not isinstance(weight, Weight):
            text = f"{call.path('device')}: answered without a weight; weigh again"
            raise DeviceSilent(text, reason="no_weight", code=ErrorCode.FAILURE)
        return weight_view(weight_seen(weight, self._monotonic()))

    async def test_print(self, call: Call) -> BaseModel | Response:
        return await self._check(call, "test-print", (DeviceClass.POS_PRINTER, DeviceClass.LABEL_PRINTER))

    async def test_show(self, call: Call) -> BaseModel | Response:
        return await self._check(call, "test-show", (DeviceClass.LINE_DISPLAY,))

    async def _check(self, call: Call, verb: str, classes: tuple[DeviceClass, ...]) -> BaseModel | Response:
        session = self._at(call)
        request = check(session.snapshot(), datetime.now(UTC))
        wrong = _unless(session, classes, verb)
        if wrong is not None or request is None:
            return wrong or Response(status_code=409)
        return await self._do(call, request, PRINT_WITHIN_S)

    def commanded(self, command: DeviceCommand) -> Callable[[Call], Any]:
        """The handler of one row of the commands."""

        async def handler(call: Call) -> BaseModel | Response:
            if wrong := _unless(self._at(call), command.device_classes, command.name):
                return wrong
            if command.name == "open-drawer":
                log.info("drawer opened by hand: %s", call.path("device"), extra={"device": call.path("device")})
            return await self._do(call, command.request(call.body), command.within_s)

        return handler

    async def check_health(self, call: Call) -> DeviceView:
        """The device was asked and answered just now; the view says what."""
        session = self._at(call)
        await session.ask(CheckHealth(), HEALTH_WITHIN_S)
        return view(session.snapshot())

    async def _do(self, call: Call, request: Request, timeout_s: float) -> Done:
        session, began = self._at(call), self._monotonic()
        result = await session.ask(request, timeout_s)
        report = result if isinstance(result, TerminalReport) else TerminalReport()
        return Done(
            device=call.path("device"),
            took_ms=round((self._monotonic() - began) * 1000),
            text=report.text,
            lines=[line for receipt in report.receipts for line in receipt.lines],
        )


def _unless(session: DeviceSession, wanted: Sequence[DeviceClass], verb: str) -> Response | None:
    """409 if the device is of another class, naming what it is."""
    seen = session.snapshot()
    if seen.device_class in wanted:
        return None
    able = " or ".join(NAMES[one] for one in wanted)
    text = f"{seen.device_id} is {NAMES[seen.device_class]} and does not know {verb!r}; ask {able}"
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

    commands = [
        Operation(
            "POST",
            f"{base}/{one.name}",
            one.summary,
            handlers.commanded(one),
            one.description,
            body=one.body,
            answer=Done,
            problems=(404, 409, 422, 503, 504),
            example=one.example,
        )
        for one in COMMANDS
    ]
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
        test(
            "test-print",
            "Print a test slip or label",
            handlers.test_print,
            Done,
            "Answers when the printer says it is done.",
        ),
        test("test-show", "Show two rows", handlers.test_show, Done, "Answers when the display took them."),
        test("check-health", "Ask a device how it is", handlers.check_health, DeviceView, "Answers with what it said."),
    ]
    return within(Scope.DEVICES, [*listed, *commands])
