"""Receipt printers that speak ESC/POS: Epson TM and the many that follow it; USB, serial or TCP 9100.

Wire:   a job is ESC @, text, GS ( k for QR codes, GS k for bar codes, GS v 0 for pictures, GS V for the knife. Status:
        DLE EOT n (10 04 n), one byte back; automatic status (GS a), four bytes whenever something changes. All answers
        are told apart by their fixed bits; see escpos_status.py.
Units:  columns of font A; 48 on 80 mm paper, 32 on 58 mm.
Source: Epson ESC/POS command reference and TM-T88III specification, DLE EOT, DLE ENQ, GS a, GS r, GS ( H. The encoder
        is python-escpos 3.1 (MIT), imported by the first job only: it costs 18 MiB. What clones do with commands that
        they do not know is not written anywhere: `done` and `asb` switch each of those off.

What "printed" means here: DLE EOT is answered out of turn, while lines still wait in the printer's buffer. So a job
ends with something that is answered in its turn, after those lines; only then does an online printer with paper and a
closed cover count as done. That is GS ( H on printers that Epson lists for it (the id comes back when the paper shows
it), else GS r 1 (1D 72 01). Either is asked once at the beginning and used if an answer came; where none ever came, DLE
EOT after the last byte has to do, and paper may still run out in the last lines. Nothing is ever sent a second time:
what a printer holds when it stops, it prints by itself once there is paper, and after a jam of its knife when DLE ENQ
1 tells it to go on with the line where it stopped. That is sent when somebody opened and closed the cover, or when the
next job comes. Asked for the job that it still holds (Print.job), it sends nothing and waits for the end of that one.

DLE EOT answers carry no number. They are matched in the order asked; after a silence every one outstanding is given up,
and the line must have been heard and quiet again for 0.3 s before an answer is believed.
"""

from __future__ import annotations

import re

from gateway.drivers.printer.escpos_job import Look, prepare, render
from gateway.drivers.printer.escpos_questions import (
    DONE,
    ROUND,
    ROUND_WITH_CAUSE,
    EndOfJob,
    Passing,
    Questions,
    Round,
    query,
)
from gateway.drivers.printer.escpos_status import (
    PASSING,
    Automatic,
    Ear,
    Heard,
    InTurn,
    ProcessId,
    RealTime,
    Stray,
    automatic_status,
    cause_of,
    hindrance,
    status_of,
    words,
)
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
    Refusal,
    Send,
    WakeAt,
)

QUERY = re.compile(rb"\x10\x04([\x01-\x04])")
ASB_ON = b"\x1da\x0f"  # drawer, online, error, paper; ESC @ may switch it off, so every job ends with it
GO_ON = b"\x10\x05\x01"
REAL_TIME = re.compile(rb"(?:\x10\x04[\x01-\x04]|\x10\x14\x01..)*", re.DOTALL)
REPLY_S, QUIET_S, BUSY_S = 2.0, 0.3, 0.3
LOOK_AGAIN_S = (1.0, 2.0, 5.0)


class EscPosPrinter:
    def __init__(
        self,
        *,
        profile: str = "default",
        columns: int = 0,
        charset: str = "none",
        font: str = "",
        logo: str = "",
        qr: str = "auto",
        cut: bool = True,
        asb: bool = True,
        done: str = "auto",
        poll_s: float = 5.0,
    ) -> None:
        if done not in DONE:
            raise ValueError(f"done {done!r} is none of {', '.join(DONE)}")
        self.look = Look(profile, columns, cut, charset, font, logo, qr)
        self.asb, self.done, self.poll_s = asb, done, poll_s
        self.status: PrinterStatus | None = None
        self._cause = "error"
        self._explains: bool | None = None  # does it answer DLE EOT 3? False: it was asked and has not
        self._cover_was_opened = self._told_to_go_on = False
        self._power = Power.UNKNOWN
        self._ear = Ear()
        self._questions = Questions()
        self._end = EndOfJob(done, profile)
        self._command: Command | None = None
        self._deadline = 0.0
        self._job_sent = self._resumed = False
        self._held = ""  # the name of a job that this printer has got and has not told the end of
        self._ask_at: float | None = 0.0  # the first on_time asks whether a printer is there
        self._lost = False  # answers and questions no longer go together; see the docstring
        self._quiet_at: float | None = None
        self._silences = 0
        self._odd = False
        self._notes: set[str] = set()
        self._introduced = False

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case Forward(data=data):
                return self._forward(command, data, now) + self._wake()
            case Print() | CheckHealth() as request:
                self._command, self._deadline = command, now + command.timeout_s
                # The job that it holds already is not sent again, only its end is waited for.
                self._resumed = isinstance(request, Print) and request.job != "" and request.job == self._held
                self._job_sent, self._told_to_go_on = self._resumed, False
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
        explain = bool(self.status and self.status.error and self._explains is not False)
        if explain and self._explains is None:
            self._explains = False  # until it answers
        asked = Round(purpose, now + reply_s, ROUND_WITH_CAUSE if explain else ROUND)
        self._ask_at = None
        first = b"" if self._introduced else self._introduction()
        return [Send(first + self._questions.ask(asked))]

    def _introduction(self) -> bytes:
        self._introduced = True
        self._ear.expects_id = self._end.asks_ids
        return self._end.introduction() + (ASB_ON if self.asb else b"")

    def _forward(self, command: Command, data: bytes, now: float) -> list[Output]:
        if self._lost:
            text = "no answer; check its power and cable"
            return [Refusal(command.number, ErrorCode.TIMEOUT, "silent", text)]
        if (reason := hindrance(self.status, self._cause) if self.status else "") and not REAL_TIME.fullmatch(data):
            # An offline printer keeps a drawer's pulse and plays it when somebody closes the cover, minutes later.
            text = f"not ready: {words(reason, begun=False).split(',')[0]}"
            return [Refusal(command.number, ErrorCode.OFFLINE, reason, text)]
        asked = tuple(found[0] for found in QUERY.findall(data))
        if not asked:
            return [Send(data), Answer(command.number)]
        self._questions.ask(Passing(command, now + command.timeout_s, asked))
        return [Send(data)]

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if late := self._questions.without_cause(now):
            outputs += self._round_done(late, now)
        elif any(now >= deadline for deadline in self._questions.deadlines):
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
        for passing in self._questions.give_up():
            outputs.append(Refusal(passing.command.number, ErrorCode.TIMEOUT, "silent", text))
        self._end.give_up()
        self._lost, self._introduced, self._held = True, False, ""
        self._ask_at = now + LOOK_AGAIN_S[0]
        return outputs + self._power_is(Power.OFF)

    def _late(self, command: Command) -> list[Output]:
        """The end of a command without an answer: what is known about the paper decides what is said."""
        self._command = None
        reason = hindrance(self.status, self._cause) if self.status and not self._lost else ""
        if reason:
            text = words(reason, self._job_sent)
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

    def _wake(self) -> list[Output]:
        timers = self._questions.deadlines
        timers += [timer for timer in (self._ask_at, self._quiet_at) if timer is not None]
        if self._command:
            timers.append(self._deadline)
        return [WakeAt(min(timers))] if timers else []

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            for heard in self._ear.hear(byte):
                outputs += self._heard(heard, now)
        return outputs + self._wake()

    def _heard(self, heard: Heard, now: float) -> list[Output]:
        match heard:
            case RealTime(byte=byte):
                return self._answered(byte, now)
            case Automatic(block=block):
                return self._told(block, now)
            case InTurn(byte=byte):
                return self._came(self._end.came_in_turn(), bytes([byte]), now)
            case ProcessId(number=number):
                return self._came(self._end.came_id(number), number, now)
            case Stray(byte=byte):
                return self._odd_once("not an answer of a printer", bytes([byte]))

    def _came(self, expected: bool, data: bytes, now: float) -> list[Output]:
        """An answer in its turn; if it is the end of the job, the last look follows at once."""
        if not expected:
            return self._odd_once("an answer in turn that nobody asked for", data)
        if self._job_sent and self._command and not self._questions.rounds and not self._end.is_awaited:
            self._ask_at = now
        return []

    def _odd_once(self, text: str, data: bytes) -> list[Output]:
        # One is enough: queued answers and status blocks for other programs are many bytes, and harmless.
        if self._odd:
            return []
        self._odd = True
        return [Oddity(text, data)]

    def _told(self, block: bytes, now: float) -> list[Output]:
        """Automatic status. It is news, not an answer: a command that waits looks for itself, now."""
        if self._lost:
            self._heard_again(now)
            return []
        self._cause = cause_of(block[1])
        outputs = self._status_is(automatic_status(block))
        if outputs and self._command and not self._questions.rounds:
            self._ask_at = now
        return outputs

    def _heard_again(self, now: float) -> None:
        if self._silences:
            self._quiet_at = now + QUIET_S

    def _answered(self, byte: int, now: float) -> list[Output]:
        if self._lost:
            self._heard_again(now)
            return []
        if not self._questions:
            return self._odd_once("an answer that nobody asked for", bytes([byte]))
        self._silences, self._odd = 0, False
        complete = self._questions.answered(byte)
        if isinstance(complete, Passing):
            return [Forwarded(bytes(complete.answers)), Answer(complete.command.number)]
        return self._round_done(complete, now) if complete else []

    def _round_done(self, done: Round, now: float) -> list[Output]:
        status = status_of(done.answers)
        outputs = self._status_is(status)
        if (bits := done.answers.get(3)) is not None:
            self._explains, self._cause = True, cause_of(bits)
        elif status.error and self._explains is not False:
            return outputs + self._ask(done.purpose, now)
        if self._ask_at is None:
            self._ask_at = now + self.poll_s
        outputs += self._mended(status, now)
        if self._command and done.purpose != "idle":
            outputs += self._advance(self._command, done.purpose, status, now)
        return outputs

    def _status_is(self, status: PrinterStatus) -> list[Output]:
        outputs = self._power_is(Power.ONLINE if status.online else Power.OFFLINE)
        if status != self.status:
            self.status = status
            outputs.append(status)
        return outputs

    def _mended(self, status: PrinterStatus, now: float) -> list[Output]:
        """Whoever opened and closed the cover of a jammed printer wants it to go on where it stopped."""
        if not status.error or status.cover_open:
            self._cover_was_opened = status.error and status.cover_open
            return []
        if not self._cover_was_opened:
            return []
        self._cover_was_opened = False
        self._ask_at = now + BUSY_S
        return [Send(GO_ON)]

    def _advance(self, command: Command, purpose: str, status: PrinterStatus, now: float) -> list[Output]:
        """One step of the command: health ends here, a job goes out after `before` and ends after `after`."""
        reason = hindrance(status, self._cause)
        if isinstance(command.request, CheckHealth):
            self._command = None
            return [Answer(command.number, status)]
        if reason in PASSING or (purpose == "after" and not reason and self._end.is_awaited):
            # Busy, hot, or its feed button is held: nothing that a person could mend, so look again until the time
            # is over. Or the lines are still in its buffer.
            self._ask_at = now + BUSY_S
            return []
        mended = purpose == "before" or self._resumed  # as far as whoever asks again can tell
        if reason in ("knife_jammed", "error") and mended and not self._told_to_go_on:
            self._told_to_go_on = True
            self._ask_at = now + BUSY_S
            return [Send(GO_ON)]
        if reason:
            self._command = None
            begun = purpose == "after"
            return [Refusal(command.number, ErrorCode.EXTENDED, reason, words(reason, begun), begun=begun)]
        if isinstance(command.request, Print) and purpose == "before":
            return self._send_job(command, command.request, now)
        self._command, self._held = None, ""
        return [Answer(command.number, status)]

    def _send_job(self, command: Command, request: Print, now: float) -> list[Output]:
        try:
            job = render(request.lines, self.look)
        except ValueError as problem:
            self._command = None
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unprintable", str(problem))]
        news = [note for note in job.notes if note not in self._notes]
        self._notes.update(news)
        self._job_sent, self._held = True, request.job
        data = job.data + (ASB_ON if self.asb else b"") + self._end.tail()
        outputs: list[Output] = [Oddity(note) for note in news]
        return [*outputs, Send(data), *self._ask("after", now, reply_s=self._deadline - now)]

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
        "profile": "the printer's name in python-escpos' list: its columns, dots, code pages, knife "
        "(default default, the generic one)",
        "columns": "characters of font A on one line: 48 on 80 mm paper, 42 on some, 32 on 58 mm; 0: as listed "
        "(default 0)",
        "charset": "Chinese or Japanese in the printer's own font: none, big5, gb18030 or shift_jis (default none)",
        "font": "font file for lines that the printer has no characters for, #2 for its third face (default Debian's "
        "Noto Sans Mono CJK)",
        "logo": "the shop's picture: a file, or nv:XX for the one stored in the printer under that key (default none)",
        "qr": "QR codes made by the printer (native), as a picture (raster), or as its profile says (default auto)",
        "cut": "false for a printer without a knife (default true)",
        "asb": "false for a printer that does not know automatic status, GS a (default true)",
        "done": "how the end of a job is told: process-id, gs-r, status, or auto for what it answers (default auto)",
        "poll_s": "seconds between two looks at cover and paper while nothing prints (default 5.0)",
    },
    forwards=True,
    prepare=prepare,
)
