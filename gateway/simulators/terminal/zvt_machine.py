"""The inside of a pretend ZVT terminal: its knobs, its line, and one deed after the other with real pauses between.

Source: PA00P016 04: T3, five seconds for an answer, after which nothing that was said counts.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from gateway.peripherals import Send, WakeAt
from gateway.simulators import knobs
from gateway.simulators.terminal.zvt_messages import Booking
from gateway.simulators.terminal.zvt_serial import SerialLine

POINTS = (
    "before_registration", "before_registration_ack", "after_registration_ack", "after_registration_completion",
    "before_order", "before_ack", "after_ack", "after_intermediate", "before_status", "after_status", "after_keep",
    "before_receipt", "after_receipt", "before_completion", "after_completion",
)  # fmt: skip
KNOBS = {
    "decline": "error code in hexadecimal with which payments are refused, such as 6C (default none)",
    "cut": f"where the line is cut, one of {', '.join(POINTS)} (default nowhere)",
    "pin_wrong": "how many wrong PINs are entered first; three end the payment (default 0)",
    "card_delay": "seconds until the card is there (default 0.5)",
    "host_delay": "seconds that the host takes (default 1)",
    "busy": "yes: refuses orders with 84 9C (default no)",
    "waits": "how many 84 9C it bears before it takes the payment back (default 20)",
    "p2pe": "yes: refuses orders that carry card data with A5 (default no)",
    "pan": "number of the card (default 4111111111111111)",
    "clear_pan": "yes: sends the number unmasked in 04 0F (default no)",
    "full_pan_on_receipt": "yes: prints the number unmasked (default no)",
    "password": "six digits (default 000000)",
    "framing": "tcp or serial (default tcp)",
    "wrong_checksum": "how many frames are sent with a wrong check sum (default 0)",
    "lost_ack": "how many frames are not acknowledged though received (default 0)",
    "silent": "yes: answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
}
T3_S = 5.0
SERIAL_T3_S = 25.0  # with the repeats of both sides
#: what is done next: wait so many seconds, or do something; True asks to wait for the till's answer
Deed = float | Callable[[], bool]


class Machine(ABC):
    def __init__(self) -> None:
        self.ledger: list[Booking] = []
        self.decline = 0
        self.cut = ""
        self.pin_wrong = 0
        self.card_delay, self.host_delay, self.late = 0.5, 1.0, 0.0
        self.waits = 20
        self.pan, self.password, self.framing = "4111111111111111", "000000", "tcp"
        self.busy = self.p2pe = self.clear_pan = self.full_pan_on_receipt = False
        self.silent = self.garbage = False
        self.is_cut = False
        self._trace = self._receipt = 0
        self._config, self._blocks = 0, False
        self._line = SerialLine()
        self._in = bytearray()
        self._out = b""
        self._deeds: deque[Deed] = deque()
        self._until: float | None = None  # a pause
        self._answer_by: float | None = None  # the till must answer
        self._on_answer: Callable[[int], None] = lambda code: None
        self._pending: Booking | None = None
        self._reverses: Booking | None = None
        self._waited = 0
        self._later: list[tuple[float, bytes]] = []
        self._now = 0.0
        self._noise = random.Random(20007)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "decline":
                self.decline = _code(value)
            case "cut":
                if value and value not in POINTS:
                    raise ValueError(f"cut {value!r} is none of {', '.join(POINTS)}")
                self.cut, self.is_cut = value, False
                self._later.clear()
                self._in.clear()
                self._line.forget()
            case "pin_wrong" | "waits":
                setattr(self, knob, knobs.whole(value))
            case "wrong_checksum" | "lost_ack":
                setattr(self._line, knob, knobs.whole(value))
            case "card_delay" | "host_delay" | "late":
                setattr(self, knob, knobs.seconds(value))
            case "pan" | "password":
                if not value.isascii() or not value.isdigit():
                    raise ValueError(f"{knob} {value!r} is not a number")
                setattr(self, knob, value)
            case "framing":
                if value not in ("tcp", "serial"):
                    raise ValueError(f"framing {value!r} is neither tcp nor serial")
                self.framing = value
            case _ if knob in KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []

    # --- the line -------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self._now, self._out = now, b""
        if self.is_cut:
            return self._flush()
        if self.framing == "serial":
            messages, reply = self._line.heard(data, now)
            self._out += reply
        else:
            self._in += data
            messages = self._whole_messages()
        for one in messages:
            if not self.is_cut:
                self._heard(one)
        return self._flush()

    def on_time(self, now: float) -> list[Send | WakeAt]:
        self._now, self._out = now, b""
        if self._until is not None and now >= self._until:
            self._until = None
            self._go_on()
        elif self._answer_by is not None and now >= self._answer_by:
            self._answer_by = None
            self._deeds.clear()
            self._take_back()
        if self.framing == "serial" and not self.is_cut:
            self._out += self._line.on_time(now)
        return self._flush()

    def _flush(self) -> list[Send | WakeAt]:
        """What is said now, or later; and when to be woken."""
        said, self._out = self._out, b""
        outputs: list[Send | WakeAt] = []
        if said and not self.silent:
            if self.garbage:
                said = self._noise.randbytes(9)
            self._later.append((self._now + self.late, said))
        while self._later and self._later[0][0] <= self._now:
            outputs.append(Send(self._later.pop(0)[1]))
        timers = [self._until, self._answer_by, *(at for at, _ in self._later[:1])]
        timers += [self._line.resend_at()] if self.framing == "serial" and not self.is_cut else []
        at = min((timer for timer in timers if timer is not None), default=None)
        return outputs if at is None else [*outputs, WakeAt(at)]

    def _whole_messages(self) -> list[bytes]:
        found = []
        while len(self._in) >= 3:
            long = self._in[2] == 0xFF
            if long and len(self._in) < 5:
                break
            end = 5 + int.from_bytes(self._in[3:5], "little") if long else 3 + self._in[2]
            if len(self._in) < end:
                break
            found.append(bytes(self._in[:end]))
            del self._in[:end]
        return found

    def _say(self, data: bytes) -> None:
        if not self.is_cut:
            self._out += self._line.wrap(data, self._now) if self.framing == "serial" else data

    def _reach(self, point: str) -> None:
        """The cable is pulled here, if that is the knob's wish."""
        if point and self.cut == point:
            self.is_cut = True

    # --- deeds, one after the other -------------------------------------------------------------------------

    def _go_on(self) -> None:
        while self._deeds and self._until is None and self._answer_by is None:
            deed = self._deeds.popleft()
            if isinstance(deed, float):
                self._until = self._now + deed
            elif deed():
                self._answer_by = self._now + (T3_S if self.framing == "tcp" else SERIAL_T3_S)

    def _asks(self, data: bytes, before: str = "", after: str = "") -> Deed:
        """Say something that the till must answer by 80 00 00."""

        def deed() -> bool:
            self._reach(before)
            self._say(data)
            self._reach(after)
            self._on_answer = lambda code: None
            return True

        return deed

    def _does(self, what: Callable[[], None]) -> Deed:
        def deed() -> bool:
            what()
            return False

        return deed

    @abstractmethod
    def _heard(self, data: bytes) -> None:
        """One whole message of the till."""

    @abstractmethod
    def _take_back(self, tell: bool = True) -> None:
        """Nobody kept the result that waits, if one does."""


def _code(value: str) -> int:
    """A ZVT error code of two hexadecimal digits; "" is none."""
    if len(value) > 2:
        raise ValueError(f"{value!r} is no code of two hexadecimal digits")
    return int(value, 16) if value else 0
