"""What devices did since a stream looked last: bytes and decoded events, as JSON and as words for a technician."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Protocol

from gateway.api.events import Unlisten
from gateway.clock import rfc3339
from gateway.devices.snapshot import Entry, Snapshot, Traffic
from gateway.peripherals import (
    Answer,
    DrawerStatus,
    Event,
    Forwarded,
    Oddity,
    PowerChanged,
    PrinterStatus,
    Refusal,
    Request,
    Scan,
    Weight,
)

#: a browser that is slower than this many entries misses the oldest; the gap in `n` tells
MOST = 400
#: a scale that is polled talks all day: a page draws it ten times a second at the most
GATHER_S = 0.1


class DeviceSession(Protocol):
    """What the API needs of gateway.devices.session.Session."""

    def snapshot(self) -> Snapshot: ...

    def recent(self) -> list[Entry]: ...

    def listen(self, callback: Callable[[str, Entry], None], /) -> Unlisten: ...

    async def ask(
        self, request: Request, timeout_s: float | None = None
    ) -> Weight | PrinterStatus | DrawerStatus | None: ...


class Tail:
    """One stream's view of some devices. replay: begin with what they did before, which a program must never get:
    it would sell yesterday's scans."""

    def __init__(self, sessions: Iterable[DeviceSession], replay: bool = False) -> None:
        self._sessions = list(sessions)
        self._waiting: deque[tuple[int, str, Entry]] = deque(maxlen=MOST)
        self._count = 0
        self._replay = replay

    def listen(self, heard: Callable[[], None]) -> Unlisten:
        """Call `heard` soon after something happened, once for all that happened meanwhile.

        The replay is taken here and not before: what happens between a request and its stream would be in neither.
        """
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None
        if self._replay:
            old = [(session.snapshot().device_id, entry) for session in self._sessions for entry in session.recent()]
            for device_id, entry in sorted(old, key=lambda pair: pair[1].at):
                self._keep(device_id, entry)

        def ring() -> None:
            nonlocal timer
            timer = None
            heard()

        def on_entry(device_id: str, entry: Entry) -> None:
            nonlocal timer
            self._keep(device_id, entry)
            if timer is None:
                timer = loop.call_later(GATHER_S, ring)

        stops = [session.listen(on_entry) for session in self._sessions]

        def unlisten() -> None:
            for stop in stops:
                stop()
            if timer is not None:
                timer.cancel()

        return unlisten

    def _keep(self, device_id: str, entry: Entry) -> None:
        self._count += 1
        self._waiting.append((self._count, device_id, entry))

    def take(self) -> list[tuple[int, str, Entry]]:
        """(number, device id, entry), oldest first; the next call gives what came after."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


def as_json(number: int, entry: Entry) -> dict[str, Any]:
    """n counts the entries of this stream; one that is missing was dropped because the reader was too slow."""
    head: dict[str, Any] = {"n": number, "at": rfc3339(entry.at)}
    if isinstance(entry, Traffic):
        return {**head, "direction": entry.direction, "hex": entry.data.hex(" "), "size": entry.size}
    return {**head, "kind": type(entry.event).__name__, **_plain(asdict(entry.event))}


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Bytes as hex; a weight's monotonic second means nothing outside this process."""
    plain: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "at":
            continue
        plain[name] = (
            _plain(value) if isinstance(value, dict) else value.hex(" ") if isinstance(value, bytes) else value
        )
    return plain


def printable(data: bytes) -> str:
    """The bytes as a person reads them: ASCII as it is, a dot for the rest."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in data)


def in_words(event: Event) -> str:
    """One line for the technician."""
    match event:
        case Scan():
            return f"scan {event.data!r} {event.symbology or '(no AIM identifier)'}"
        case Answer(number=number, result=result):
            return f"command {number} done" + (f": {in_words(result)}" if result is not None else "")
        case Refusal():
            return f"command {event.number} failed: {event.text} ({event.reason}, {int(event.code)} {event.code.name})"
        case PowerChanged(power=power):
            return f"power: {power.value}"
        case Oddity(text=text, data=data):
            return f"not understood: {text}" + (f" ({data[:32].hex(' ')})" if data else "")
        case Forwarded(data=data):
            return f"passed on: {data[:32].hex(' ')}"
        case Weight() | PrinterStatus() | DrawerStatus():
            return _status_in_words(event)


def _status_in_words(status: Weight | PrinterStatus | DrawerStatus) -> str:
    match status:
        case Weight(grams=grams):
            shown = f"{grams} g" if grams is not None else "no legal weight"
            return f"weight: {shown}, {status.status.value.replace('_', ' ')}{', net' if status.net else ''}"
        case PrinterStatus():
            return f"printer: {printer_in_words(status)}"
        case DrawerStatus(opened=opened):
            return "drawer: " + {True: "open", False: "closed", None: "has no sensor"}[opened]


def printer_in_words(status: PrinterStatus) -> str:
    """Everything that is wrong with it, or that it is ready."""
    wrong = [
        word
        for word, is_so in (
            ("cover open", status.cover_open),
            ("paper out", status.paper_out),
            ("paper near its end", status.paper_near_end),
            ("knife or head error", status.error),
            ("offline", not status.online),
        )
        if is_so
    ]
    return ", ".join(wrong) or "ready"
