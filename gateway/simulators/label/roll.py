"""What the pretend label printers have in common: a roll of labels, a queue of those to print, and how answers go out.

A printer that is hindered keeps what it was sent and prints it by itself once nothing hinders it any more.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

from gateway.peripherals import Send, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "head_open": "yes: the print head is open (default no)",
    "media_out": "yes: the roll is finished; no: a new one is in (default no)",
    "labels_on_roll": "so many labels are left, then media_out happens by itself; -1 is endless (default -1)",
    "ribbon_out": "yes: the ribbon is finished (default no)",
    "paused": "yes: somebody pressed its pause key (default no)",
    "hot": "yes: the head is too hot (default no)",
    "print_s": "seconds that one label takes (default 0)",
    "silent": "yes: receives, prints, answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
}
#: what a printer remembers here: enough for any test, and a demo may run for weeks
MOST_BYTES, MOST_LABELS = 4_000_000, 5_000


@dataclass(frozen=True, slots=True)
class Element:
    """One thing on a label, in dots. kind: text, bar code, qr or box; what: its symbology or font."""

    kind: str
    x: int
    y: int
    data: str = ""
    what: str = ""
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class PrintedLabel:
    width: int
    height: int
    elements: tuple[Element, ...] = field(default=())


class PretendRoll:
    """A language adds its KNOBS and turns bytes into labels (`_queue`) and answers (`_say`) in `_byte`."""

    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        self.received = bytearray()
        self.labels: deque[PrintedLabel] = deque(maxlen=MOST_LABELS)
        self.unknown: deque[str] = deque(maxlen=100)
        self.head_open = self.media_out = self.ribbon_out = self.paused = self.hot = False
        self.silent = self.garbage = False
        self.labels_on_roll = -1
        self.print_s = self.late = 0.0
        self._waiting: deque[PrintedLabel] = deque()
        self._out_at: float | None = None  # when the label under the head will be out
        self._later: list[tuple[float, bytes]] = []
        self._noise = random.Random(9100)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "labels_on_roll":
                self.labels_on_roll = knobs.whole(value, least=-1)
            case "print_s" | "late":
                setattr(self, knob, knobs.seconds(value))
            case _ if knob in self.KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, self.KNOBS)
        if knob == "media_out" and not self.media_out:
            self.labels_on_roll = -1
        return [WakeAt(0.0)] if self._waiting else []  # at once, whatever the time is

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self.received += data[: MOST_BYTES - len(self.received)]
        outputs: list[Send | WakeAt] = []
        for byte in data:
            outputs += self._byte(byte, now)
        self._print(now)
        return [*outputs, *self._wake()]

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        self._print(now)
        return [*due, *self._wake()]

    def _byte(self, byte: int, now: float) -> list[Send | WakeAt]:
        raise NotImplementedError

    def _say(self, answer: bytes, now: float) -> list[Send | WakeAt]:
        if self.silent:
            return []
        if self.garbage:
            answer = self._noise.randbytes(len(answer))
        if not self.late:
            return [Send(answer)]
        self._later.append((now + self.late, answer))
        return []

    def _wake(self) -> list[Send | WakeAt]:
        times = [at for at, _ in self._later[:1]]
        if self._out_at is not None:
            times.append(self._out_at)
        return [WakeAt(min(times))] if times else []

    # --- printing -------------------------------------------------------------------------------------------

    def hindered(self) -> bool:
        return self.head_open or self.media_out or self.ribbon_out or self.paused or self.hot

    def left(self) -> int:
        return len(self._waiting)

    def _queue(self, label: PrintedLabel, copies: int, now: float) -> None:
        self._waiting += [label] * min(copies, MOST_LABELS)
        self._print(now)

    def _print(self, now: float) -> None:
        while self._waiting and not self.hindered():
            if self._out_at is None:
                self._out_at = now + self.print_s
            if now < self._out_at:
                return
            self._out_at = None
            self.labels.append(self._waiting.popleft())
            if self.labels_on_roll > 0:
                self.labels_on_roll -= 1
            self.media_out = self.media_out or self.labels_on_roll == 0
        self._out_at = None
