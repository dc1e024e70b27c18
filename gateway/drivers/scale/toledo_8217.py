"""Mettler-Toledo 8217 scales: Viva, Ariva, Diva, the 8213 family and imitators (Datalogic SASI, Ohaus, Baxtran).

Wire:   9600 7E1. The host sends W; the scale answers STX weight ['N'] CR, or STX '?' status CR without a legal weight.
        Z zeroes; T weighs a tare, T and five digits set one, C clears it; A starts a self-test (STX CR), B asks for its
        result; E begins an echo that F ends. Bit 7 is masked: a USB adapter or a pty set to 8 bits delivers the parity
        bit with the data.
Units:  kilograms WW.WWW or pounds WW.WW on the wire; whole grams everywhere else (1 lb = 453.59237 g, half up).
Source: Mettler-Toledo DIVA Service Manual 72191202, 05/2012, pages 39-45; what differs elsewhere: toledo_frames.py.
        Two things are not settled there and are options: whether a CR ends the T commands (its table can be read both
        ways, so `tare_end`), and how a maker counts the bits of B (`dialect`).
        That a sale may use only a stable frame taken after the goods were placed is the rule of NTEP and OIML as
        commonly told [MEM].

Five traps, and what this driver does about them:

- The status byte may be STX (over capacity, 0x02) or CR (0x0D): frames are read by position, not by searching for CR.
- An answer has no number, so a late one looks like a fresh one. Every letter not yet answered is owed: answers are
  taken in order, and those owed from before a command are thrown away; after a silence the line must also be quiet for
  0.25 s before the next letter.
- Some scales send a weight once and then '?' with no bit set until it changes. A stored weight would be a guess about
  goods that may have been swapped, so there is none: the command ends as `same_weight`, and its text says to lift the
  goods. For the same reason the scale is not polled for its health by default: such a poll would take the weight away.
- Z, T and C may be answered or not, and their status says little: what they did is read from the W after them.
- A scale that knows neither A nor B refuses both with 0x40, which is also Mettler's "all tests passed": a result counts
  only after the STX CR that answers A.
"""

from __future__ import annotations

from typing import ClassVar

from gateway.drivers.scale import toledo_frames as frames
from gateway.drivers.scale.asked import QUIET_S, AskedScale, Reading
from gateway.peripherals import (
    CheckHealth,
    ClearTare,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Line,
    Output,
    Power,
    ReadWeight,
    Refusal,
    Request,
    SelfTest,
    Send,
    TareScale,
    Weight,
    ZeroScale,
)

STX, CR = 0x02, 0x0D
LONGEST_FRAME = 12
#: what the echo probe sends and must get back before anything else is believed
HELLO = b"hello"
ECHOED = b"\x02E\r" + HELLO

TARE_S = 0.4  # the manual: the status after T and C comes 150 ms later
#: After so long nothing that was asked before can still be on its way.
FORGOTTEN_S = 10.0

REFUSALS: dict[str, tuple[ErrorCode, str]] = {
    "unstable": (ErrorCode.TIMEOUT, "the weight does not settle; leave the goods alone, keep off the pan, weigh again"),
    "overweight": (ErrorCode.EXTENDED, "more than the scale's capacity; take goods off and weigh in two parts"),
    "under_zero": (ErrorCode.EXTENDED, "below zero; put the pan on, empty it, press zero"),
    "outside_zero": (ErrorCode.EXTENDED, "switched on with a load, so without a zero; empty the pan, press zero"),
    "same_weight": (ErrorCode.EXTENDED, "this weight was already read; lift the goods and put them down again"),
    "not_zeroed": (ErrorCode.EXTENDED, "it does not go to zero; empty the pan, clear the tare, press zero again"),
    "not_tared": (
        ErrorCode.EXTENDED,
        "it took no tare; empty the pan, press zero, put the container on, let it rest, tare again; "
        "if that never helps, tare is switched off in the scale's set-up",
    ),
    "tare_stays": (ErrorCode.EXTENDED, "it keeps its tare; empty the pan, let it rest, clear the tare again"),
    "tare_too_big": (ErrorCode.ILLEGAL, "a tare has five digits on this scale; weigh the container on the pan instead"),
    "broken": (ErrorCode.FAILURE, "its self-test failed; take it out of use and call service:"),
    "no_self_test": (ErrorCode.ILLEGAL, "it gives no result of a self-test; this model may have none"),
    "garbled": (ErrorCode.FAILURE, "answers that make no sense; check baud, parity, the options unit and dialect"),
    "silent": (ErrorCode.TIMEOUT, "no answer; check the scale's power and cable"),
}


class ToledoScale(AskedScale):
    maker = "an 8217 scale"
    #: Z, T, C and A go before these; what they did is then read from the answer
    questions: ClassVar[dict[type[Request], bytes]] = {
        ReadWeight: b"W",
        CheckHealth: b"W",
        ZeroScale: b"W",
        TareScale: b"W",
        ClearTare: b"W",
        SelfTest: b"B",
    }

    def __init__(
        self,
        *,
        unit: str = "kg",
        dialect: str = "mettler",
        probe: str = "weight",
        tare_end: str = "none",
        poll_s: float = 0.0,
        reply_s: float = 1.0,
    ) -> None:
        for name, value, known in (
            ("unit", unit, frames.UNITS),
            ("dialect", dialect, tuple(frames.DIALECTS)),
            ("probe", probe, ("weight", "echo")),
            ("tare_end", tare_end, ("none", "cr")),
        ):
            if value not in known:
                raise ValueError(f"{name} {value!r} is none of {', '.join(known)}")
        super().__init__(poll_s=poll_s, reply_s=reply_s)
        self.unit, self.dialect = unit, frames.DIALECTS[dialect]
        self.tare_end = b"\r" if tare_end == "cr" else b""
        self._echo: bytearray | None = None if probe == "weight" else bytearray()
        self._sent_at = 0.0
        self._test_begun = False  # the STX CR that answers A was seen
        self._failed: list[str] = []

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        request = command.request
        if self._question(request) is None:
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a scale cannot do this")]
        act = self._act_of(request)
        if act is None:
            return [Refusal(command.number, *_refusal("tare_too_big"))]
        self._command, self._deadline, self._worst = command, now + command.timeout_s, "silent"
        self._reply_by, self._test_begun = None, False
        if now - self._sent_at > FORGOTTEN_S:
            self._owed = 0
        self._forget()
        outputs: list[Output] = self._leave_echo()
        if act:
            # The manual lets a scale answer Z, T and C or not. Counting an answer that never comes costs one W; the
            # other mistake would take an old weight for a new one.
            outputs.append(Send(act))
            self._sent_at = now
            self._owed += 1
            self._stale = self._owed
            self._ask_at = now + (TARE_S if isinstance(request, TareScale | ClearTare) else QUIET_S)
        elif self._stale or outputs:
            self._ask_at = now + QUIET_S
        else:
            outputs += self._ask(now)
        return outputs + self._wake()

    def _act_of(self, request: Request) -> bytes | None:
        """What is sent before the question that reads the result: b"" for nothing, None for an impossible tare."""
        match request:
            case ZeroScale():
                return b"Z"
            case ClearTare():
                return b"C"
            case SelfTest():
                return b"A"
            case TareScale(grams=None):
                return b"T" + self.tare_end
            case TareScale(grams=int(grams)):
                digits = frames.tare_digits(grams, self.unit)
                return b"T" + digits + self.tare_end if digits else None
        return b""

    def _ask(self, now: float) -> list[Output]:
        if self._echo is not None and not self._command:
            self._ask_at, self._reply_by = None, now + self.reply_s
            self._echo.clear()
            return [Send(b"E" + HELLO)]
        self._sent_at = now
        return super()._ask(now)

    def _leave_echo(self) -> list[Output]:
        """The end of the echo probe: whatever it was about, a scale that echoes weighs nothing."""
        if self._echo is None:
            return []
        self._echo = None
        return [Send(b"F")]

    def _refuse(self, command: Command, reason: str, now: float) -> list[Output]:
        self._command, self._reply_by = None, None
        self._forget()
        self._rest(now)
        code, reason, text = _refusal(reason)
        if reason == "broken":
            text = f"{text} {', '.join(self._failed)}"
        outputs: list[Output] = [Refusal(command.number, code, reason, text)]
        return outputs + (self._silence(now) if reason == "silent" else [])

    # --- bytes ----------------------------------------------------------------------------------------------

    def _byte(self, byte: int, now: float) -> list[Output]:
        byte &= 0x7F
        if self._echo is not None:
            return self._echoed(self._echo, byte)
        frame = self._frame
        if not frame:
            if byte == STX:
                frame.append(byte)
            return []
        is_status = len(frame) == 2 and frame[1] == frames.ASK
        if byte == STX and not is_status:
            return self._junk(bytes([STX]))
        frame.append(byte)
        if byte == CR and not is_status:
            body = bytes(frame[1:-1])
            frame.clear()
            return self._body(body, now)
        return self._junk(b"") if len(frame) > LONGEST_FRAME else []

    def _echoed(self, echo: bytearray, byte: int) -> list[Output]:
        """A byte while the probe runs: the scale is there when it says `STX E CR hello`."""
        echo.append(byte)
        del echo[: -len(ECHOED)]
        if bytes(echo) != ECHOED:
            return []
        self._silences, self._reply_by = 0, None
        return [*self._leave_echo(), *self._power_is(Power.ONLINE)]

    def _junk(self, begins_with: bytes) -> list[Output]:
        junk, self._frame = bytes(self._frame), bytearray(begins_with)
        return self._odd(junk)

    def _body(self, body: bytes, now: float) -> list[Output]:
        """What stood between STX and CR."""
        if self._command and isinstance(self._command.request, SelfTest):
            return self._result(body, now)
        found = frames.reading(body, self.dialect, self.unit, now)
        return self._odd(body) if found is None else self._answered(Reading(*found), body, now)

    def _result(self, body: bytes, now: float) -> list[Output]:
        """While a self-test runs: the bare frame that answers A, or the result that answers B."""
        if len(body) > 2 and frames.reading(body, self.dialect, self.unit, now) is None:
            return self._odd(body)
        if not body and self._owed:
            self._test_begun = True
        failed = frames.confidence(body, self.dialect) if self._test_begun else None
        if not self._stale:
            self._failed = failed or []
        reason = "no_self_test" if failed is None else "broken" if failed else ""
        return self._answered(Reading(None, reason), body, now)

    def _verdict(self, request: Request, reading: Reading) -> str:
        if isinstance(request, SelfTest) or reading.weight is None:
            return reading.reason
        done, reason = _outcome(request, reading.weight, reading.reason)
        return "" if done else reason


def _refusal(reason: str) -> tuple[ErrorCode, str, str]:
    code, text = REFUSALS[reason]
    return code, reason, text


def _outcome(request: Request, weight: Weight, reason: str) -> tuple[bool, str]:
    """Whether this frame ends the request well, and if not, what to say when time runs out."""
    match request:
        case CheckHealth():
            return True, ""
        case ZeroScale():
            zeroed = weight.grams == 0 or reason == "zero"
            return zeroed, "not_zeroed" if reason in ("", "same_weight") else reason
        case TareScale(grams=grams):
            # With the container still on the pan, a tare that was weighed shows zero; a known one may show anything.
            taken = weight.net and (grams is not None or weight.grams == 0 or reason == "zero")
            return taken, "not_tared" if reason in ("", "same_weight", "zero") else reason
        case ClearTare():
            return not weight.net, "tare_stays"
    return weight.grams is not None, "same_weight" if reason == "zero" else reason


DRIVER = Driver(
    name="scale-toledo-8217",
    device_class=DeviceClass.SCALE,
    codec=ToledoScale,
    line=Line(9600, 7, "E"),
    options={
        "unit": "kg (WW.WWW) or lb (WW.WW), as the scale is set (default kg)",
        "dialect": "whose scale: mettler, datalogic (SASI), ohaus or baxtran (five digits, no point) (default mettler)",
        "probe": "how a scale is looked for: weight (W) or echo (E, which an 8217 gives back) (default weight)",
        "tare_end": "what follows T: none or cr; try cr if the scale takes no tare (default none)",
        "poll_s": "ask for the weight every so many seconds while nobody weighs; 0 is never (default 0)",
        "reply_s": "seconds after which an unanswered W is asked again (default 1.0)",
    },
)
