"""Saying something after a while. Knobs are turned without a clock, so the while begins when the clock is next seen."""

from __future__ import annotations

from gateway.peripherals import Send, WakeAt


class Later:
    def __init__(self) -> None:
        self._new: list[tuple[float, bytes]] = []
        self._waiting: list[tuple[float, bytes]] = []

    def say(self, data: bytes, late_s: float) -> list[Send | WakeAt]:
        if not late_s:
            return [Send(data)]
        self._new.append((late_s, data))
        return [WakeAt(0.0)]

    def on_time(self, now: float) -> list[Send | WakeAt]:
        self._waiting += [(now + late_s, data) for late_s, data in self._new]
        self._new.clear()
        self._waiting.sort(key=lambda entry: entry[0])
        said: list[Send | WakeAt] = []
        while self._waiting and self._waiting[0][0] <= now:
            said.append(Send(self._waiting.pop(0)[1]))
        return [*said, WakeAt(self._waiting[0][0])] if self._waiting else said
