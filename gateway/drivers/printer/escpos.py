"""Receipt printers that speak ESC/POS: Epson TM and the many that follow it; USB-serial, RS-232 or TCP 9100.

Wire:   a job is ESC @, text, GS ( k for QR codes, GS V for the knife. Status: DLE EOT n (10 04 n), one byte back, told
        from everything else by its fixed bits (mask 0x93 -> 0x12). n=1 printer, 2 why offline, 4 paper.
Units:  columns of font A; 48 on 80 mm paper, 32 on 58 mm.
Source: Epson ESC/POS command reference, DLE EOT, GS a, GS r, GS ( k, GS V. The encoder is python-escpos 3.1 (MIT),
        imported by the first job only: it costs 18 MiB.

What "printed" means here: DLE EOT is answered out of turn, while lines still wait in the printer's buffer. So a job
ends with GS r 1, which is answered in its turn, after those lines (1D 72 01; mask 0xF0 -> 0x00); only then does an
online printer with paper and a closed cover count as done. Some printers do not know GS r: it is asked once at the
beginning, and where no answer ever came, DLE EOT after the last byte has to do, and paper may still run out in the last
lines. Those print by themselves once there is a new roll. Nothing is ever printed a second time by us.

DLE EOT answers carry no number. They are matched in the order asked; after a silence every one outstanding is given up,
and the line must have been heard and quiet again for 0.3 s before an answer is believed.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from gateway.drivers.printer.escpos_job import prepare, render
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Forward,
    Forwarded,
    Line,
    Oddity,
    Output,
    Power,
    PowerChanged,
    Print,
    PrinterStatus,
    PrintLine,
    Refusal,
    Send,
    WakeAt,
)

QUERY = re.compile(rb"\x10\x04([\x01-\x04])")
IN_TURN = b"\x1dr\x01"
REAL_TIME = re.compile(rb"(?:\x10\x04[\x01-\x04]|\x10\x14\x01..)*", re.DOTALL)
FLOW_CONTROL = (0x11, 0x13)  # XON and XOFF of a serial line
ROUND = (1, 2, 4)
REPLY_S, QUIET_S, BUSY_S = 2.0, 0.3, 0.3
LOOK_AGAIN_S = (1.0, 2.0, 5.0)

#: reason -> what a person does before the job, and what is to be said if it happened while the job was printing
REFUSALS = {
    "cover_open": ("cover open; close it, nothing was printed", "cover opened while printing; close it and read on"),
    "paper_out": (
        "no paper; put in a new roll, nothing was printed",
        "paper ran out while printing; put in a new roll",
    ),
    "error": (
        "it reports an error (knife or head); clear it, then switch it off and on",
        "an error (knife or head) while printing; clear it",
    ),
    "offline": (
        "it is offline without saying why; press its feed button",
        "it went offline while printing; press its feed button",
    ),
}
CAUTION = "; the rest may print by itself: look at the paper before printing again"


@dataclass(slots=True, eq=False)
class Round:
    """DLE EOT 1, 2 and 4 asked together; purpose: idle, health, before (a job) or after (it)."""

    purpose: str
    deadline: float
    answers: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Passing:
    """Bytes of a drawer under way, and the answers that will be handed back to it."""

    command: Command
    deadline: float
    missing: int
    answers: bytearray = field(default_factory=bytearray)


def query(n: int) -> bytes:
    return bytes([0x10, 0x04, n])


def status_of(answers: dict[int, int]) -> PrinterStatus:
    printer, cause, paper = (answers[n] for n in ROUND)
    return PrinterStatus(
        online=not printer & 0x08,
        cover_open=bool(cause & 0x04),
        paper_out=bool(cause & 0x20 or paper & 0x60),
        paper_near_end=bool(paper & 0x0C),
        error=bool(cause & 0x40),
        drawer_pin_high=bool(printer & 0x04),
    )


def hindrance(status: PrinterStatus) -> str:
    """Why this printer would not print now, as one word; "" if it would."""
    if status.cover_open:
        return "cover_open"
    if status.paper_out:
        return "paper_out"
    if status.error:
        return "error"
    return "" if status.online else "offline"


class EscPosPrinter:
    def __init__(
        self, *, columns: int = 48, profile: str = "", poll_s: float = 5.0, cut: bool = True, cjk: str = "none"
    ) -> None:
        if columns < 16:
            raise ValueError("columns: a receipt needs 16 at least")
        if cjk not in ("none", "big5", "gb18030"):
            raise ValueError(f"cjk {cjk!r} is none of none, big5, gb18030")
        self.columns, self.profile, self.poll_s, self.cut, self.cjk = columns, profile, poll_s, cut, cjk
        self.status: PrinterStatus | None = None
        self._power = Power.UNKNOWN
        self._awaited: deque[tuple[int, Round | Passing]] = deque()
        self._rounds: list[Round] = []
        self._passing: list[Passing] = []
        self._command: Command | None = None
        self._deadline = 0.0
        self._job_sent = False
        self._ask_at: float | None = 0.0  # the first on_time asks whether a printer is there
        self._lost = False  # answers and questions no longer go together; see the docstring
        self._quiet_at: float | None = None
        self._silences = 0
        self._odd = False
        self._in_turn_asked = False
        self._in_turn_known = False  # it has answered GS r at least once
        self._in_turn_owed = 0

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case Forward(data=data):
                return self._forward(command, data, now) + self._wake()
            case Print() | CheckHealth():
                self._command, self._deadline, self._job_sent = command, now + command.timeout_s, False
                outputs = self._begin(now) if not self._lost else self._probe(now)
                return outputs + self._wake()
            case _:
                return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a printer cannot do this")]

    def _begin(self, now: float) -> list[Output]:
        if self._job_sent:
            # Never "before" again: that would print the job a second time.
            return self._ask("after", now)
        return self._ask("before" if self._command and isinstance(self._command.request, Print) else "health", now)

    def _ask(self, purpose: str, now: float, reply_s: float = REPLY_S) -> list[Output]:
        asked = Round(purpose, now + reply_s)
        self._rounds.append(asked)
        self._awaited.extend((n, asked) for n in ROUND)
        self._ask_at = None
        first = b"" if self._in_turn_asked else self._ask_in_turn()
        return [Send(first + b"".join(query(n) for n in ROUND))]

    def _ask_in_turn(self) -> bytes:
        self._in_turn_asked = True
        self._in_turn_owed += 1
        return IN_TURN

    def _forward(self, command: Command, data: bytes, now: float) -> list[Output]:
        if self._lost:
            text = "no answer; check its power and cable"
            return [Refusal(command.number, ErrorCode.TIMEOUT, "silent", text)]
        if (reason := hindrance(self.status) if self.status else "") and not REAL_TIME.fullmatch(data):
            # An offline printer keeps a drawer's pulse and plays it when somebody closes the cover, minutes later.
            text = f"not ready: {REFUSALS[reason][0].split(',')[0]}"
            return [Refusal(command.number, ErrorCode.OFFLINE, reason, text)]
        asked = [found[0] for found in QUERY.findall(data)]
        passing = Passing(command, now + command.timeout_s, len(asked))
        self._awaited.extend((n, passing) for n in asked)
        if not asked:
            return [Send(data), Answer(command.number)]
        self._passing.append(passing)
        return [Send(data)]

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if any(now >= deadline for deadline in self._deadlines()):
            outputs += self._silent(now)
        if self._command and now >= self._deadline:
            outputs += self._late(self._command)
        if self._quiet_at is not None and now >= self._quiet_at:
            self._lost, self._quiet_at = False, None
            outputs += self._begin(now) if self._command else self._ask("idle", now)
        elif self._ask_at is not None and now >= self._ask_at:
            outputs += self._due(now)
        return outputs + self._wake()

    def _due(self, now: float) -> list[Output]:
        if self._lost:
            return self._probe(now)
        return self._begin(now) if self._command else self._ask("idle", now)

    def _silent(self, now: float) -> list[Output]:
        """An answer is overdue: give up all that is awaited, for the answers may no longer fit the questions."""
        outputs: list[Output] = []
        if self._command:
            outputs += self._late(self._command)
        text = "no answer; check its power and cable"
        for passing in self._passing:
            outputs.append(Refusal(passing.command.number, ErrorCode.TIMEOUT, "silent", text))
        self._passing.clear()
        self._rounds.clear()
        self._awaited.clear()
        self._lost, self._in_turn_asked, self._in_turn_owed = True, False, 0
        self._ask_at = now + LOOK_AGAIN_S[0]
        return outputs + self._power_is(Power.OFF)

    def _late(self, command: Command) -> list[Output]:
        """The end of a command without an answer: what is known about the paper decides what is said."""
        self._command = None
        reason = hindrance(self.status) if self.status and not self._lost else ""
        if reason:
            text = REFUSALS[reason][1] + CAUTION if self._job_sent else REFUSALS[reason][0]
            return [Refusal(command.number, ErrorCode.OFFLINE, reason, text, begun=self._job_sent)]
        if self._job_sent:
            text = "no answer after the job was sent; look at the paper before printing again"
            return [Refusal(command.number, ErrorCode.TIMEOUT, "unknown", text, begun=True)]
        text = "no answer; check the printer's power and cable, nothing was printed"
        return [Refusal(command.number, ErrorCode.TIMEOUT, "silent", text)]

    def _probe(self, now: float) -> list[Output]:
        self._ask_at = now + LOOK_AGAIN_S[min(self._silences, len(LOOK_AGAIN_S) - 1)]
        self._silences += 1
        return [Send(query(1))]

    def _deadlines(self) -> list[float]:
        return [*(asked.deadline for asked in self._rounds), *(passing.deadline for passing in self._passing)]

    def _wake(self) -> list[Output]:
        timers = self._deadlines()
        timers += [timer for timer in (self._ask_at, self._quiet_at) if timer is not None]
        if self._command:
            timers.append(self._deadline)
        return [WakeAt(min(timers))] if timers else []

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            if byte & 0x93 == 0x12:
                outputs += self._answered(byte, now)
            elif byte & 0xF0 == 0 and self._in_turn_owed and not self._lost:
                self._in_turn_known = True
                self._in_turn_owed -= 1
                if self._job_sent and self._command and not self._rounds:
                    self._ask_at = now
            elif byte not in FLOW_CONTROL and not self._odd:
                # One is enough: queued answers and ASB blocks of other programs are many bytes, and harmless.
                self._odd = True
                outputs.append(Oddity("not an answer to DLE EOT", bytes([byte])))
        return outputs + self._wake()

    def _answered(self, byte: int, now: float) -> list[Output]:
        if self._lost:
            if self._silences:
                self._quiet_at = now + QUIET_S
            return []
        if not self._awaited:
            if self._odd:
                return []
            self._odd = True
            return [Oddity("an answer that nobody asked for", bytes([byte]))]
        self._silences, self._odd = 0, False
        n, waiting = self._awaited.popleft()
        if isinstance(waiting, Passing):
            return self._passed(waiting, byte)
        waiting.answers[n] = byte
        if len(waiting.answers) < len(ROUND):
            return []
        self._rounds.remove(waiting)
        return self._round_done(waiting, now)

    def _passed(self, passing: Passing, byte: int) -> list[Output]:
        passing.answers.append(byte)
        passing.missing -= 1
        if passing.missing:
            return []
        self._passing.remove(passing)
        return [Forwarded(bytes(passing.answers)), Answer(passing.command.number)]

    def _round_done(self, done: Round, now: float) -> list[Output]:
        status = status_of(done.answers)
        outputs: list[Output] = self._power_is(Power.ONLINE if status.online else Power.OFFLINE)
        if status != self.status:
            self.status = status
            outputs.append(status)
        if self._ask_at is None:
            self._ask_at = now + self.poll_s
        if self._command and done.purpose != "idle":
            outputs += self._advance(self._command, done.purpose, status, now)
        return outputs

    def _advance(self, command: Command, purpose: str, status: PrinterStatus, now: float) -> list[Output]:
        """One step of the command: health ends here, a job goes out after `before` and ends after `after`."""
        reason = hindrance(status)
        if isinstance(command.request, CheckHealth):
            self._command = None
            return [Answer(command.number, status)]
        if reason == "offline":
            # Busy, or its feed button is held: no cause a person could mend, so look again until the time is over.
            self._ask_at = now + BUSY_S
            return []
        if purpose == "after" and not reason and self._in_turn_known and self._in_turn_owed:
            self._ask_at = now + BUSY_S  # the lines are still in its buffer
            return []
        if reason:
            self._command = None
            text = REFUSALS[reason][1] + CAUTION if purpose == "after" else REFUSALS[reason][0]
            return [Refusal(command.number, ErrorCode.EXTENDED, reason, text, begun=purpose == "after")]
        if isinstance(command.request, Print) and purpose == "before":
            return self._send_job(command, command.request.lines, now)
        self._command = None
        return [Answer(command.number, status)]

    def _send_job(self, command: Command, lines: tuple[PrintLine, ...], now: float) -> list[Output]:
        try:
            job = render(lines, self.columns, self.profile, self.cut, self.cjk)
        except ValueError as problem:
            self._command = None
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unprintable", str(problem))]
        self._job_sent = True
        if self._in_turn_known:
            job += self._ask_in_turn()
        return [Send(job), *self._ask("after", now, reply_s=self._deadline - now)]

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]


DRIVER = Driver(
    name="printer-escpos",
    device_class=DeviceClass.POS_PRINTER,
    codec=EscPosPrinter,
    line=Line(9600),
    options={
        "columns": "characters of font A on one line: 48 on 80 mm paper, 42 on some, 32 on 58 mm (default 48)",
        "profile": "the printer's name in python-escpos' list, for its code pages and knife (default the generic one)",
        "poll_s": "seconds between two looks at cover and paper while nothing prints (default 5.0)",
        "cut": "false for a printer without a knife (default true)",
        "cjk": "Chinese characters in the printer's own font: none, big5 or gb18030, as its firmware is (default none)",
    },
    forwards=True,
    prepare=prepare,
)
