"""A driver and a simulator on a bench: one clock that only the test moves, bytes carried by hand."""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from gateway import drivers, simulators
from gateway.peripherals import (
    Answer,
    Codec,
    Command,
    Event,
    HangUp,
    Output,
    Refusal,
    Request,
    Send,
    SimulatedDevice,
    WakeAt,
)


def events(outputs: list[Output]) -> list[Event]:
    return [output for output in outputs if not isinstance(output, Send | WakeAt | HangUp)]


def sent(outputs: list[Output]) -> bytes:
    return b"".join(output.data for output in outputs if isinstance(output, Send))


@functools.cache
def frames() -> Mapping[str, list[bytes]]:
    """Real answers and real rubbish of all protocols, by the folder of their class, which keeps them in frames.py."""
    folders = [path.parent.name for path in sorted(Path(__file__).parent.glob("*/frames.py"))]
    return {folder: importlib.import_module(f"tests.drivers.{folder}.frames").FRAMES for folder in folders}


def held_bytes(thing: object, deepest: int = 12, seen: set[int] | None = None) -> int:
    """How much an object keeps: the lengths of all strings and containers in it, in its helpers, and in theirs."""
    seen = set() if seen is None else seen
    if isinstance(thing, bytes | bytearray | str | memoryview):
        return len(thing)
    if id(thing) in seen or deepest == 0 or isinstance(thing, int | float | type | ModuleType | None):
        return 0
    seen.add(id(thing))
    own = len(thing) if isinstance(thing, Mapping | list | tuple | set | frozenset | deque) else 0
    return own + sum(held_bytes(part, deepest - 1, seen) for part in _parts(thing))


def _parts(thing: object) -> Iterator[object]:
    match thing:
        case Mapping():
            yield from thing.keys()
            yield from thing.values()
        case list() | tuple() | set() | frozenset() | deque():
            yield from thing
        case functools.partial():
            yield from (thing.func, thing.args, thing.keywords)
        case MethodType():
            yield thing.__self__
        case FunctionType():
            for cell in thing.__closure__ or ():
                with contextlib.suppress(ValueError):  # a cell that was not filled yet
                    yield cell.cell_contents
        case _:
            yield from getattr(thing, "__dict__", {}).values()
            for base in type(thing).__mro__:
                slots = base.__dict__.get("__slots__", ())
                for slot in [slots] if isinstance(slots, str) else slots:
                    yield getattr(thing, slot, None)


class Bench:
    """`run` lets time pass; `ask` runs until the command ended. Steps happen exactly when somebody asked for them.

    Where the codec hangs up, the next command finds a new line with a fresh codec, as a session opens one; what the
    device says in between is lost.
    """

    def __init__(self, name: str, **options: Any) -> None:
        self._new_codec = functools.partial(drivers.load(name).codec, **options)
        self.codec: Codec = self._new_codec()
        self._hung_up = False
        self.device: SimulatedDevice = simulators.load(name).device()
        self.now = 0.0
        self.seen: list[Event] = []
        self.wire = b""
        self._codec_at: float | None = 0.0
        self._device_at: float | None = None
        self._number = 0

    def set(self, **settings: object) -> None:
        for knob, value in settings.items():
            self._from_device(self.device.set(knob, str(value)))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while (step := self._next()) <= until:
            self.now = max(self.now, step)
            self._tick()
        self.now = until

    def begin(self, request: Request, timeout_s: float = 3.0) -> int:
        """Give the codec a command; returns its number."""
        if self._hung_up:
            self._hung_up, self.codec = False, self._new_codec()
            self._from_codec(self.codec.on_time(self.now))
        self._number += 1
        self._from_codec(self.codec.on_command(Command(self._number, request, timeout_s), self.now))
        return self._number

    def ask(self, request: Request, timeout_s: float = 3.0) -> Answer | Refusal:
        number = self.begin(request, timeout_s)
        limit = self.now + timeout_s + 1
        while (end := self.ended(number)) is None:
            step = self._next()
            assert step <= limit, f"{request} never ended"
            self.now = max(self.now, step)
            self._tick()
        return end

    def ended(self, number: int) -> Answer | Refusal | None:
        ends = [event for event in self.seen if isinstance(event, Answer | Refusal) and event.number == number]
        assert len(ends) < 2, "a command ends once"
        return ends[0] if ends else None

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.seen if isinstance(event, kind)]

    def _next(self) -> float:
        return min(at for at in (self._codec_at, self._device_at, float("inf")) if at is not None)

    def _tick(self) -> None:
        if self._device_at is not None and self.now >= self._device_at:
            self._device_at = None
            self._from_device(self.device.on_time(self.now))
        if self._codec_at is not None and self.now >= self._codec_at:
            self._codec_at = None
            self._from_codec(self.codec.on_time(self.now))

    def _from_codec(self, outputs: list[Output]) -> None:
        # All outputs first, then the line: a session too finishes with one list before the next bytes arrive.
        data = sent(outputs)
        self.wire += data
        self.seen += events(outputs)
        for output in outputs:
            if isinstance(output, WakeAt):
                self._codec_at = output.at
        if any(isinstance(output, HangUp) for output in outputs):
            self._hung_up, self._codec_at = True, None
        if data:
            self._from_device(self.device.on_bytes(data, self.now))

    def _from_device(self, outputs: list[Send | WakeAt]) -> None:
        for output in outputs:
            if isinstance(output, WakeAt):
                self._device_at = output.at
        for output in outputs:
            if isinstance(output, Send) and not self._hung_up:
                self._from_codec(self.codec.on_bytes(output.data, self.now))
