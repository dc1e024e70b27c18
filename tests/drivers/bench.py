"""A driver and a simulator on a bench: one clock that only the test moves, bytes carried by hand."""

from __future__ import annotations

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


class Bench:
    """`run` lets time pass; `ask` runs until the command ended. Steps happen exactly when somebody asked for them."""

    def __init__(self, name: str, **options: Any) -> None:
        self.codec: Codec = drivers.load(name).codec(**options)
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
        if data:
            self._from_device(self.device.on_bytes(data, self.now))

    def _from_device(self, outputs: list[Send | WakeAt]) -> None:
        for output in outputs:
            if isinstance(output, WakeAt):
                self._device_at = output.at
        for output in outputs:
            if isinstance(output, Send):
                self._from_codec(self.codec.on_bytes(output.data, self.now))
