"""The technician's page: every device of the box, live, the link to headquarters, the shop's programs. In English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.api.applications import Applications
from gateway.api.device_tail import DeviceSession, Tail
from gateway.api.device_views import NAMES
from gateway.api.device_words import in_words, label_printer_in_words, printable, printer_in_words
from gateway.api.pages.frame import Pages
from gateway.api.scopes import Scope
from gateway.devices.snapshot import Entry, Snapshot, Traffic
from gateway.peripherals import DeviceClass
from gateway.till.workstation import Workstation
from gateway.words import Words

#: ages on this page count on
AGES_S = 1.0
ENGLISH = Words("en")

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


class TechnicianPage:
    def __init__(
        self,
        pages: Pages,
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
            ENGLISH,
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
        return self._pages.part("link.html", ENGLISH, status=self._pages.status.view())

    def _programs(self) -> str:
        return self._pages.part("programs.html", ENGLISH, programs=self._applications.listed())

    def _card(self, seen: Snapshot) -> str:
        away_s = (datetime.now(UTC) - seen.since).total_seconds()
        printer = printer_in_words(seen.printer) if seen.printer else None
        label = label_printer_in_words(seen.label_printer) if seen.label_printer else None
        return self._pages.part(
            "device.html", ENGLISH, device=seen, away_s=away_s, printer=printer, label_printer=label
        )

    def _row(self, device_id: str, entry: Entry) -> str:
        facts: dict[str, Any] = {"device_id": device_id, "at": entry.at.astimezone(UTC)}
        if isinstance(entry, Traffic):
            rest = entry.size - len(entry.data)
            facts |= {"kind": entry.direction, "said": entry.data.hex(" "), "rest": rest}
            return self._pages.part("entry.html", ENGLISH, **facts, printable=printable(entry.data))
        return self._pages.part(
            "entry.html", ENGLISH, **facts, kind="event", said=in_words(entry.event), rest=0, printable=""
        )
