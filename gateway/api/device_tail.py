"""What devices did since a stream looked last: bytes and decoded events, as JSON."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, Protocol

from gateway.api.events import Unlisten
from gateway.clock import rfc3339
from gateway.devices.snapshot import Entry, Snapshot, Traffic
from gateway.peripherals import Request, Result

#: a browser that is slower than this many entries misses the oldest; the gap in `n` tells
MOST = 400
#: a scale that is polled talks all day: a page draws it ten times a second at the most
GATHER_S = 0.1


class DeviceSession(Protocol):
    """What the API needs of gateway.devices.session.Session."""

    def snapshot(self) -> Snapshot: ...

    def recent(self) -> list[Entry]: ...

    def listen(self, callback: Callable[[str, Entry], None], /) -> Unlisten: ...

    async def ask(self, request: Request, timeout_s: float | None = None) -> Result | None: ...


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
