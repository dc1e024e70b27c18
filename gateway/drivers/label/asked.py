"""What label printers have in common: ask, print, ask until nothing is left; a language adds its words.

What "printed" means: the printer itself says that nothing is left to print. A job is sent once. Answers carry no
number: every question not yet answered is owed, and what was owed from before a command is thrown away.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.drivers.label.layout import CannotPrint
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    ErrorCode,
    LabelPrinterStatus,
    Oddity,
    Output,
    Power,
    PowerChanged,
    PrintLabels,
    Refusal,
    Send,
    WakeAt,
)

AGAIN_S, QUIET_S = 0.3, 0.3
MOST_OWED = 5
LOOK_AGAIN_S = (1.0, 2.0, 5.0)
MOST_COPIES = 9999

#: reason -> what a person does
HINDRANCES = {
    "head_open": "the print head is open; close it",
    "media_out": "no labels; put in a new roll and close the head",
    "ribbon_out": "no ribbon; put in a new one and close the head",
    "jammed": "labels are jammed; open the head, take them out, close it",
    "over_temperature": "the print head is too hot; wait until it has cooled down",
    "paused": "it is paused; press its pause key",
}
NOTHING = ", nothing was printed"
CAUTION = "; the rest may print by itself: look at the labels before printing again"
SILENT = "no answer; look at the printer: head open, no labels, no ribbon, too hot, off, or its cable"


def hindrance(status: LabelPrinterStatus) -> str:
    """Why this printer would not print now, as one word; "" if it would."""
    return next((reason for reason in HINDRANCES if getattr(status, reason)), "" if status.online else "offline")


class AskedPrinter:
    """A language gives `_render` and `_question`, cuts its answers in `_byte`, and hands each to `_status`."""

    def __init__(self, *, poll_s: float, reply_s: float) -> None:
        self.poll_s, self.reply_s = poll_s, reply_s
        self.status: LabelPrinterStatus | None = None
        self._frame = bytearray()
        self._power = Power.UNKNOWN
        self._command: Command | None = None
        self._deadline = 0.0
        self._job: bytes | None = None
        self._job_sent_at: float | None = None
        self._ask_at: float | None = 0.0  # the first on_time asks whether a printer is there
        self._reply_by: float | None = None
        self._owed = self._stale = self._silences = 0
        self._odd = False

    # --- what a language gives ------------------------------------------------------------------------------

    def _render(self, request: PrintLabels) -> bytes:
        raise NotImplementedError

    def _question(self) -> bytes:
        raise NotImplementedError

    def _byte(self, byte: int, now: float) -> list[Output]:
        raise NotImplementedError

    def _finished(self, status: LabelPrinterStatus, now: float) -> bool:
        """Does this status, after the job, say that nothing is left?"""
        return status.labels_left == 0

    # --- commands and time ----------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case PrintLabels(labels=labels, copies=copies):
                if not labels or not 1 <= copies <= MOST_COPIES:
                    text = f"give one label at least, and 1 to {MOST_COPIES} copies"
                    return [Refusal(command.number, ErrorCode.ILLEGAL, "no_labels", text)]
                try:
                    self._job = self._render(command.request)
                except CannotPrint as cannot:
                    return [Refusal(command.number, ErrorCode.ILLEGAL, "unprintable", f"{cannot}{NOTHING}")]
            case CheckHealth():
                self._job = None
            case _:
                return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a label printer cannot do this")]
        self._command, self._deadline, self._job_sent_at = command, now + command.timeout_s, None
        self._odd, self._reply_by = False, None
        self._forget()
        if self._stale:
            self._ask_at = now + QUIET_S
            return self._wake()
        return self._ask(now) + self._wake()

    def _ask(self, now: float) -> list[Output]:
        self._owed += 1
        self._ask_at, self._reply_by = None, now + self.reply_s
        return [Send(self._question())]

    def _forget(self) -> None:
        """Whatever is still owed answers a question that no longer stands."""
        self._stale = self._owed = min(self._owed, MOST_OWED)

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self._command and now >= self._deadline:
            outputs += self._late(self._command, now)
        elif self._reply_by is not None and now >= self._reply_by:
            self._reply_by = None
            if self._command:
                outputs += self._ask(now)
            else:
                self._forget()
                outputs += self._silence(now)
        elif self._ask_at is not None and now >= self._ask_at:
            outputs += self._ask(now)
        return outputs + self._wake()

    def _silence(self, now: float) -> list[Output]:
        self._ask_at = now + LOOK_AGAIN_S[min(self._silences, len(LOOK_AGAIN_S) - 1)]
        self._silences += 1
        self.status = None
        return self._power_is(Power.OFF)

    def _late(self, command: Command, now: float) -> list[Output]:
        """The time is up: what was heard last decides what is said."""
        answered = self._reply_by is None and not self._stale and self.status is not None
        self._command, self._reply_by = None, None
        self._forget()
        self._rest(now)
        begun = self._job_sent_at is not None
        if answered and begun and self.status:
            left = f"{self.status.labels_left} labels are" if self.status.labels_left else "the job is"
            text = f"{left} not printed yet{CAUTION}"
            return [Refusal(command.number, ErrorCode.TIMEOUT, "still_printing", text, begun=True)]
        text = SILENT + (CAUTION if begun else NOTHING)
        refusal = Refusal(command.number, ErrorCode.TIMEOUT, "unknown" if begun else "silent", text, begun=begun)
        return [refusal, *self._silence(now)]

    def _rest(self, now: float) -> None:
        self._job = None
        self._ask_at = now + self.poll_s if self.poll_s else None

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        timers = (self._ask_at, self._reply_by, self._deadline if self._command else None)
        at = min((timer for timer in timers if timer is not None), default=None)
        return [] if at is None else [WakeAt(at)]

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            outputs += self._byte(byte, now)
        if self._stale and self._ask_at is not None and self._command:
            self._ask_at = now + QUIET_S
        return outputs + self._wake()

    def _strange(self, data: bytes) -> list[Output]:
        if self._odd:
            return []  # one is enough until the next command: a wrong baud rate never stops
        self._odd = True
        return [Oddity("not a status of this printer", data)]

    def _status(self, status: LabelPrinterStatus, body: bytes, now: float) -> list[Output]:
        """One whole answer: count it, and use it only if it answers the present question."""
        if self._owed == 0:
            return self._strange(body)
        self._owed -= 1
        if self._stale:
            self._stale -= 1
            if self._reply_by is not None:
                # Perhaps the old answer was lost and this was the new one: ask once more rather than guess.
                self._reply_by, self._ask_at = None, now + AGAIN_S
            return []
        self._reply_by, self._silences = None, 0
        return self._learn(status) + self._go_on(status, now)

    def _learn(self, status: LabelPrinterStatus) -> list[Output]:
        outputs = self._power_is(Power.OFFLINE if hindrance(status) else Power.ONLINE)
        known = self.status
        self.status = status
        if known is None or replace(known, labels_left=0) != replace(status, labels_left=0):
            outputs.append(status)
        return outputs

    def _go_on(self, status: LabelPrinterStatus, now: float) -> list[Output]:
        command, reason = self._command, hindrance(status)
        if command is None:
            self._rest(now)
            return []
        if isinstance(command.request, CheckHealth):
            return self._answer(command, status, now)
        if reason:
            return self._hindered(command, reason, now)
        if self._job_sent_at is None:
            self._job_sent_at, job = now, self._job or b""
            self._ask_at = now + AGAIN_S
            return [Send(job)]
        if self._finished(status, now):
            return self._answer(command, status, now)
        self._ask_at = now + AGAIN_S
        return []

    def _answer(self, command: Command, status: LabelPrinterStatus, now: float) -> list[Output]:
        self._command = None
        self._rest(now)
        return [Answer(command.number, status)]

    def _hindered(self, command: Command, reason: str, now: float) -> list[Output]:
        begun = self._job_sent_at is not None
        what = HINDRANCES.get(reason, "it is offline without saying why; switch it off and on")
        self._command, self._reply_by = None, None
        self._forget()
        self._rest(now)
        text = what + (CAUTION if begun else NOTHING)
        return [Refusal(command.number, ErrorCode.OFFLINE, reason, text, begun=begun)]
