"""Mettler-Toledo 8217 scales: Viva, Ariva, the 8213 family and their imitators.

Wire:   9600 7E1. The host sends W; the scale answers STX weight ['N'] CR, or STX '?' status CR without a legal weight.
        Z zeroes. Bit 7 is masked: a USB adapter or a pty set to 8 bits delivers the parity bit with the data.
Units:  kilograms WW.WWW or pounds WW.WW on the wire; whole grams everywhere else (1 lb = 453.59237 g, half up).
Source: Mettler-Toledo DIVA Service Manual 72191202, 05/2012, pages 41-61. That a sale may use only a stable frame
        taken after the goods were placed is the rule of NTEP and OIML as commonly told [MEM].

Three traps, and what this driver does about them:

- The status byte may be STX (over capacity, 0x02) or CR (0x0D): frames are read by position, not by searching for CR.
- An answer has no number, so a late one looks like a fresh one. Every W not yet answered is owed: answers are taken in
  order, and those owed from before a command are thrown away; after a silence the line must also be quiet for 0.25 s
  before the next W.
- Some scales send a weight once and then '?' with no bit set until it changes. A stored weight would be a guess about
  goods that may have been swapped, so there is none: the command ends as `same_weight`, and its text says to lift the
  goods. For the same reason the scale is not polled for its health by default: such a poll would take the weight away.
"""

from __future__ import annotations

import re

from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Line,
    Oddity,
    Output,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    ScaleStatus,
    Send,
    WakeAt,
    Weight,
    ZeroScale,
)

STX, CR, ASK = 0x02, 0x0D, 0x3F
MOTION, OVER, UNDER, OUTSIDE_ZERO, CENTRE_OF_ZERO, NET = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
#: 8213 scales send one more leading digit
PATTERNS = {"kg": re.compile(rb"0?([0-9]{2})\.([0-9]{3})(N?)"), "lb": re.compile(rb"0?([0-9]{2})\.([0-9]{2})(N?)")}
LONGEST_FRAME = 12
#: the first bit that is set decides; bit 0x40 is always set on 8213 scales and tells nothing
STATUS_BITS = (
    (MOTION, ScaleStatus.WEIGHT_UNSTABLE, "unstable"),
    (OVER, ScaleStatus.WEIGHT_OVERWEIGHT, "overweight"),
    (UNDER, ScaleStatus.WEIGHT_UNDER_ZERO, "under_zero"),
    (OUTSIDE_ZERO, ScaleStatus.NOT_READY, "outside_zero"),
    (CENTRE_OF_ZERO, ScaleStatus.WEIGHT_ZERO, "zero"),
)

AGAIN_S = 0.2  # between an answer and the next W
QUIET_S = 0.25
#: No scale keeps more answers back than this; one that was off for an hour must not have 700 thrown away.
MOST_OWED = 5
LOOK_AGAIN_S = (1.0, 2.0, 5.0)  # how long to wait before each next W to a silent scale

REFUSALS: dict[str, tuple[ErrorCode, str]] = {
    "unstable": (ErrorCode.TIMEOUT, "the weight does not settle; leave the goods alone, keep off the pan, weigh again"),
    "overweight": (ErrorCode.EXTENDED, "more than the scale's capacity; take goods off and weigh in two parts"),
    "under_zero": (ErrorCode.EXTENDED, "below zero; put the pan on, empty it, press zero"),
    "outside_zero": (ErrorCode.EXTENDED, "switched on with a load, so without a zero; empty the pan, press zero"),
    "same_weight": (ErrorCode.EXTENDED, "this weight was already read; lift the goods and put them down again"),
    "not_zeroed": (ErrorCode.EXTENDED, "it does not go to zero; empty the pan, wait, press zero again"),
    "garbled": (ErrorCode.FAILURE, "answers that make no sense; check baud, parity and the option unit"),
    "silent": (ErrorCode.TIMEOUT, "no answer; check the scale's power and cable"),
}


def grams_of(whole: bytes, fraction: bytes, unit: str) -> int:
    """Exact for kilograms; pounds round half up to the gram."""
    thousandths_or_hundredths = int(whole + fraction)
    if unit == "kg":
        return thousandths_or_hundredths
    return (thousandths_or_hundredths * 45_359_237 + 5_000_000) // 10_000_000


class ToledoScale:
    def __init__(self, *, unit: str = "kg", poll_s: float = 0.0, reply_s: float = 1.0) -> None:
        if unit not in PATTERNS:
            raise ValueError(f"unit {unit!r} is neither kg nor lb")
        self.unit = unit
        self.poll_s = poll_s
        self.reply_s = reply_s
        self._frame = bytearray()
        self._command: Command | None = None
        self._deadline = 0.0
        self._worst = "silent"
        self._ask_at: float | None = 0.0  # the first on_time asks whether a scale is there
        self._reply_by: float | None = None
        self._owed = 0
        self._stale = 0
        self._power = Power.UNKNOWN
        self._silences = 0
        self._told: float | None = None

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        if not isinstance(command.request, ReadWeight | ZeroScale | CheckHealth):
            text = "a scale cannot do this"
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", text)]
        self._command, self._deadline, self._worst = command, now + command.timeout_s, "silent"
        self._reply_by = None
        self._forget()
        outputs: list[Output] = []
        if isinstance(command.request, ZeroScale):
            outputs.append(Send(b"Z"))
            # The manual lets a scale answer Z or not. Counting an answer that never comes costs one W; the other
            # mistake would take an old weight for a new one.
            self._owed += 1
            self._stale = self._owed
            self._ask_at = now + QUIET_S
        elif self._stale:
            self._ask_at = now + QUIET_S
        else:
            outputs += self._ask(now)
        return outputs + self._wake()

    def _ask(self, now: float) -> list[Output]:
        self._owed += 1
        self._ask_at, self._reply_by = None, now + self.reply_s
        return [Send(b"W")]

    def _forget(self) -> None:
        """Whatever is still owed answers a question that no longer stands."""
        self._stale = self._owed = min(self._owed, MOST_OWED)

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self._command and now >= self._deadline:
            outputs += self._refuse(self._command, self._worst, now)
        elif self._reply_by is not None and now >= self._reply_by:
            outputs += self._unanswered(now)
        elif self._ask_at is not None and now >= self._ask_at:
            outputs += self._ask(now)
        return outputs + self._wake()

    def _unanswered(self, now: float) -> list[Output]:
        self._reply_by = None
        if self._command:
            return self._ask(now)
        self._forget()
        return self._silence(now)

    def _silence(self, now: float) -> list[Output]:
        self._ask_at = now + LOOK_AGAIN_S[min(self._silences, len(LOOK_AGAIN_S) - 1)]
        self._silences += 1
        return self._power_is(Power.OFF)

    def _refuse(self, command: Command, reason: str, now: float) -> list[Output]:
        code, text = REFUSALS[reason]
        self._command, self._reply_by = None, None
        self._forget()
        self._ask_at = now + self.poll_s if self.poll_s else None
        outputs: list[Output] = [Refusal(command.number, code, reason, text)]
        return outputs + (self._silence(now) if reason == "silent" else [])

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        """One WakeAt for the earliest of what is awaited, if it is not the one already told."""
        timers = (self._ask_at, self._reply_by, self._deadline if self._command else None)
        at = min((timer for timer in timers if timer is not None), default=None)
        if at is None or at == self._told:
            return []
        self._told = at
        return [WakeAt(at)]

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            outputs += self._byte(byte & 0x7F, now)
        if self._stale and self._ask_at is not None and self._command:
            self._ask_at = now + QUIET_S
        return outputs + self._wake()

    def _byte(self, byte: int, now: float) -> list[Output]:
        frame = self._frame
        if not frame:
            if byte == STX:
                frame.append(byte)
            return []
        is_status = len(frame) == 2 and frame[1] == ASK
        if byte == STX and not is_status:
            return self._junk(bytes([STX]))
        frame.append(byte)
        if byte == CR and not is_status:
            body = bytes(frame[1:-1])
            frame.clear()
            return self._answered(body, now)
        return self._junk(b"") if len(frame) > LONGEST_FRAME else []

    def _junk(self, begins_with: bytes) -> list[Output]:
        junk, self._frame = bytes(self._frame), bytearray(begins_with)
        return self._odd(junk)

    def _odd(self, data: bytes) -> list[Output]:
        if self._worst == "silent":
            self._worst = "garbled"
        return [Oddity("not an answer of an 8217 scale", data)]

    def _answered(self, body: bytes, now: float) -> list[Output]:
        """One whole frame between STX and CR: count it, and use it only if it answers the present question."""
        reading = self._reading(body, now)
        if reading is None:
            return self._odd(body)
        if self._owed == 0:
            return [Oddity("an answer that nobody asked for", body)]
        self._owed -= 1
        if self._stale:
            self._stale -= 1
            if self._reply_by is not None:
                # Perhaps the old answer was lost and this was the new one: ask once more rather than guess.
                self._reply_by, self._ask_at = None, now + AGAIN_S
            return []
        weight, reason = reading
        self._reply_by, self._silences = None, 0
        outputs = [*self._power_is(Power.ONLINE), weight]
        if self._command:
            return outputs + self._use(self._command, weight, reason, now)
        self._ask_at = now + self.poll_s if self.poll_s else None
        return outputs

    def _reading(self, body: bytes, now: float) -> tuple[Weight, str] | None:
        """The weight, and the reason to refuse it ("" for a legal one); None for a frame that is not one of ours."""
        if number := PATTERNS[self.unit].fullmatch(body):
            grams = grams_of(number[1], number[2], self.unit)
            status = ScaleStatus.STABLE_WEIGHT if grams else ScaleStatus.WEIGHT_ZERO
            return Weight(grams, stable=True, net=number[3] == b"N", status=status, at=now), ""
        if len(body) != 2 or body[0] != ASK:
            return None
        bits = body[1]
        status, reason = next(
            ((status, reason) for bit, status, reason in STATUS_BITS if bits & bit),
            (ScaleStatus.NOT_READY, "same_weight"),
        )
        return Weight(None, stable=reason == "zero", net=bool(bits & NET), status=status, at=now), reason

    def _use(self, command: Command, weight: Weight, reason: str, now: float) -> list[Output]:
        """End the command with this frame, or ask again while the deadline allows."""
        zeroed = weight.grams == 0 or reason == "zero"
        match command.request:
            case CheckHealth():
                done = True
            case ZeroScale():
                done, reason = zeroed, reason or "not_zeroed"
            case _:
                done = weight.grams is not None
        if done:
            self._command = None
            self._ask_at = now + self.poll_s if self.poll_s else None
            return [Answer(command.number, weight)]
        if isinstance(command.request, ZeroScale) and reason == "same_weight":
            reason = "not_zeroed"
        self._worst = "same_weight" if reason == "zero" else reason
        if reason in ("overweight", "outside_zero", "under_zero") and isinstance(command.request, ReadWeight):
            return self._refuse(command, reason, now)
        self._ask_at = now + AGAIN_S
        return []


DRIVER = Driver(
    name="scale-toledo-8217",
    device_class=DeviceClass.SCALE,
    codec=ToledoScale,
    line=Line(9600, 7, "E"),
    options={
        "unit": "kg (WW.WWW) or lb (WW.WW), as the scale is set (default kg)",
        "poll_s": "ask for the weight every so many seconds while nobody weighs; 0 is never (default 0)",
        "reply_s": "seconds after which an unanswered W is asked again (default 1.0)",
    },
)
