"""What scales have in common that are asked, answer once, and number nothing: NCI, SMA, CAS, MT-SICS.

A protocol adds its questions and its frames; how a weight becomes an answer stands here, as in toledo_8217.py:

- An answer has no number, so a late one looks like a fresh one. Every question not yet answered is owed: answers are
  taken in order, and those owed from before a command are thrown away; after a silence the line must also be quiet
  for QUIET_S before the next question.
- A command asks again until the scale gives a legal weight, or until its time is up; nothing is kept for later.
- An idle scale is not asked, unless the option poll_s says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    ErrorCode,
    Oddity,
    Output,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    Request,
    ScaleStatus,
    Send,
    WakeAt,
    Weight,
)

AGAIN_S = 0.2  # between an answer and the next question
QUIET_S = 0.25
#: No scale keeps more answers back than this; one that was off for an hour must not have 700 thrown away.
MOST_OWED = 5
LOOK_AGAIN_S = (1.0, 2.0, 5.0)  # how long to wait before each next question to a silent scale

NUMBER = re.compile(rb"([0-9]{1,7})(?:\.([0-9]{1,5}))?")
#: one unit in grams, as a fraction; the avoirdupois pound is 453.59237 g by treaty
UNITS = {b"kg": (1000, 1), b"g": (1, 1), b"lb": (45_359_237, 100_000), b"oz": (45_359_237, 1_600_000)}

REFUSALS: dict[str, tuple[ErrorCode, str]] = {
    "unstable": (ErrorCode.TIMEOUT, "the weight does not settle; leave the goods alone, keep off the pan, weigh again"),
    "overweight": (ErrorCode.EXTENDED, "more than the scale's capacity; take goods off and weigh in two parts"),
    "under_zero": (ErrorCode.EXTENDED, "below zero; put the pan on, empty it, press zero"),
    "outside_zero": (ErrorCode.EXTENDED, "it found no zero when it was switched on; empty the pan, press zero"),
    "not_zeroed": (ErrorCode.EXTENDED, "it does not go to zero; empty the pan, wait, press zero again"),
    "not_tared": (
        ErrorCode.EXTENDED,
        "it does not take the tare; put one container on the pan, wait, tare again",
    ),
    "no_weight": (ErrorCode.EXTENDED, "it answers without a weight; look at its display, empty the pan, weigh again"),
    "broken": (ErrorCode.FAILURE, "the scale reports a fault of its own; switch it off and on, then call service"),
    "not_understood": (ErrorCode.FAILURE, "the scale does not know this command; check its protocol setting"),
    "garbled": (ErrorCode.FAILURE, "answers that make no sense; check baud, parity and the scale's protocol setting"),
    "silent": (ErrorCode.TIMEOUT, "no answer; check the scale's power and cable"),
}
#: waiting does not mend these: a person must do something
AT_ONCE = ("overweight", "under_zero", "outside_zero", "broken", "not_understood")


def grams_of(number: bytes, unit: bytes) -> int | None:
    """Whole grams, half up; exact for kilograms of three decimals. None: not a plain number, or no unit known here."""
    found = NUMBER.fullmatch(number)
    fraction = UNITS.get(unit.lower())
    if not found or not fraction:
        return None
    decimals = found[2] or b""
    numerator: int = int(found[1] + decimals) * fraction[0]
    denominator: int = 10 ** len(decimals) * fraction[1]
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one frame says; reason is why it does not end its command well, "" if it does.

    weight: None where the frame is only a yes or no.
    """

    weight: Weight | None
    reason: str = ""


def legal(grams: int, net: bool, at: float) -> Reading:
    """A weight that may be sold by."""
    status = ScaleStatus.STABLE_WEIGHT if grams else ScaleStatus.WEIGHT_ZERO
    return Reading(Weight(grams, stable=True, net=net, status=status, at=at))


def illegal(reason: str, at: float, net: bool = False) -> Reading:
    """A frame with a reason why there is no weight to sell by."""
    status = {
        "unstable": ScaleStatus.WEIGHT_UNSTABLE,
        "overweight": ScaleStatus.WEIGHT_OVERWEIGHT,
        "under_zero": ScaleStatus.WEIGHT_UNDER_ZERO,
    }.get(reason, ScaleStatus.NOT_READY)
    return Reading(Weight(None, stable=False, net=net, status=status, at=at), reason)


class AskedScale:
    """A protocol says in `questions` what it can be asked, and cuts its frames in `_byte`, which hands each to
    `_answered` (or to `_odd`)."""

    #: the request's class -> the bytes that ask; asked again until it is done
    questions: ClassVar[dict[type[Request], bytes]]
    #: for the technician's page: whose answers these should have been
    maker: ClassVar[str]

    def __init__(self, *, poll_s: float = 0.0, reply_s: float = 1.0) -> None:
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

    # --- what a protocol may change -------------------------------------------------------------------------

    def _byte(self, byte: int, now: float) -> list[Output]:
        raise NotImplementedError

    def _question(self, request: Request) -> bytes | None:
        """The bytes that ask for this, or None: the protocol cannot do it."""
        return self.questions.get(type(request))

    def _verdict(self, request: Request, reading: Reading) -> str:
        """Why this reading does not end the request well; "" if it does, "other" if it answers something else."""
        return "" if isinstance(request, CheckHealth) and reading.weight else reading.reason

    def _ask(self, now: float) -> list[Output]:
        request = self._command.request if self._command else CheckHealth()
        self._owed += 1
        self._ask_at, self._reply_by = None, now + self.reply_s
        return [Send(self._question(request) or b"")]

    # --- commands and time ----------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        if self._question(command.request) is None:
            text = "a scale of this protocol cannot do this"
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", text)]
        self._command, self._deadline, self._worst = command, now + command.timeout_s, "silent"
        self._reply_by = None
        self._forget()
        if self._stale:
            self._ask_at = now + QUIET_S
            return self._wake()
        return self._ask(now) + self._wake()

    def _forget(self) -> None:
        """Whatever is still owed answers a question that no longer stands."""
        self._stale = self._owed = min(self._owed, MOST_OWED)

    def on_time(self, now: float) -> list[Output]:
        self._told = None  # that alarm has rung; the same second may be wanted once more
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
        self._rest(now)
        outputs: list[Output] = [Refusal(command.number, code, reason, text)]
        return outputs + (self._silence(now) if reason == "silent" else [])

    def _rest(self, now: float) -> None:
        self._ask_at = now + self.poll_s if self.poll_s else None

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
            outputs += self._byte(byte, now)
        if self._stale and self._ask_at is not None and self._command:
            self._ask_at = now + QUIET_S
        return outputs + self._wake()

    def _odd(self, data: bytes) -> list[Output]:
        if self._worst == "silent":
            self._worst = "garbled"
        return [Oddity(f"not an answer of {self.maker}", data)]

    def _answered(self, reading: Reading, body: bytes, now: float) -> list[Output]:
        """One whole frame: count it, and use it only if it answers the present question."""
        if self._owed == 0:
            return [Oddity("an answer that nobody asked for", body)]
        self._owed -= 1
        if self._stale:
            self._stale -= 1
            if self._reply_by is not None:
                # Perhaps the old answer was lost and this was the new one: ask once more rather than guess.
                self._reply_by, self._ask_at = None, now + AGAIN_S
            return []
        self._reply_by, self._silences = None, 0
        outputs = self._power_is(Power.ONLINE)
        if reading.weight:
            outputs.append(reading.weight)
        if self._command:
            return outputs + self._use(self._command, reading, now)
        self._rest(now)
        return outputs

    def _use(self, command: Command, reading: Reading, now: float) -> list[Output]:
        """End the command with this frame, or ask again while the deadline allows."""
        reason = self._verdict(command.request, reading)
        if not reason:
            self._command = None
            self._rest(now)
            return [Answer(command.number, reading.weight)]
        if reason in AT_ONCE and (isinstance(command.request, ReadWeight) or reason in ("broken", "not_understood")):
            return self._refuse(command, reason, now)
        if reason != "other":
            self._worst = reason
        self._ask_at = now + AGAIN_S
        return []
