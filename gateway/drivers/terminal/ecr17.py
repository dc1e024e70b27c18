"""Payment terminals that speak ECR17 ("Protocollo 17"): Nexi, SIA and most others in Italy.

Wire:   TCP, the terminal listens on a configured port above 1024; RS-232 is deprecated. STX message ETX LRC, answered
        by ACK ETX LRC or NAK ETX LRC; SOH, 20 characters, EOT for progress, without an answer. A message begins with
        the terminal's eight digits, 0, and a letter: E receipts to the till, X or P payment, S reversal, s state, G
        last result, T totals, C close, R receipt again. Replies: E or V result, S receipt text, s, T, C.
Units:  euro cents in eight digits.
Source: developer.nexigroup.com/traditionalpos, read in padosoft/react-native-ecr17-protocol ("standard ECR17 -
        supported by Nexi Group terminals", a copy of 2026-05-27); the four ways of the LRC from rust-ecr17-protocol;
        serial settings stand in neither, so 9600 7E1 is general knowledge [MEM]; so are the waits for an ACK and for
        receipts, which are options.

There is no commit rule: what the host approved is booked, so KeepResult is answered at once. There is no abort and no
refund either: both are done at the terminal. And nothing names a payment: after a loss, G tells the last result, whose
STAN and amount are compared with the last one known before. That is why X is asked for, whose result has the amount.

The manual repeats any message up to three times, after NAK and when no ACK comes. A payment is repeated after NAK only,
for then the terminal surely did not take it: one whose ACK was lost may be running, and two of them would charge twice.
"""

from __future__ import annotations

import re

from gateway.drivers.terminal import ecr17_job, ecr17_results
from gateway.drivers.terminal.ecr17_job import Asking, Job
from gateway.drivers.terminal.ecr17_messages import ACK, LRC_BASE, NAK, Junk, Message, Names, Progress, Reader, control
from gateway.drivers.terminal.ecr17_messages import frame as framed
from gateway.peripherals import (
    AbortPayment,
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    EndOfDay,
    ErrorCode,
    HangUp,
    KeepResult,
    Line,
    Oddity,
    Output,
    Pay,
    PaymentPhase,
    PaymentProgress,
    Power,
    PowerChanged,
    Refusal,
    RepeatReceipt,
    ResolvePayment,
    Send,
    WakeAt,
)

REPEATS = 3
AGAIN_S = 0.2  # between NAK and the next try
LINGER_S = 0.2  # between the last acknowledgement and hanging up
QUIET_S = 1.0  # how long a line must be silent before an order after one that failed
PATIENCE = 4  # how many times ack_s a message waits that is not repeated


class Ecr17Terminal:
    def __init__(
        self,
        *,
        terminal_id: str = "00000000",
        till_id: str = "00000001",
        lrc: str = "std",
        request: str = "X",
        card: str = "0",
        print: str = "till",
        ack_s: float = 2.0,
        receipt_s: float = 3.0,
        keep_open: bool = False,
    ) -> None:
        if not re.fullmatch("[0-9]{8}", terminal_id) or not re.fullmatch("[0-9]{8}", till_id):
            raise ValueError("terminal_id and till_id have eight digits each")
        if lrc not in LRC_BASE:
            raise ValueError(f"lrc {lrc!r} is none of {', '.join(LRC_BASE)}")
        if request not in ("X", "P"):
            raise ValueError(f"request {request!r} is neither X nor P")
        if card not in ("0", "1", "2", "3"):
            raise ValueError(f"card {card!r} is none of 0 (any), 1 (debit), 2 (credit), 3 (other)")
        if print not in ("till", "terminal"):
            raise ValueError(f"print {print!r} is neither till nor terminal")
        self._names, self._lrc = Names(terminal_id, till_id), lrc
        self._code, self._card, self._till_prints = request, card, print == "till"
        self.ack_s, self.receipt_s, self.keep_open = ack_s, receipt_s, keep_open
        self._reader = Reader(lrc)
        self._job: Job | None = None
        self._last_result = b""
        self._quiet_from: float | None = None  # set after a failure: the line must be silent first
        self._hang_up_at: float | None = None
        self._power = Power.UNKNOWN
        self._told: float | None = None

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case KeepResult():
                outputs: list[Output] = [Answer(command.number)]  # it is booked already
            case AbortPayment():
                text = "this terminal takes no abort; press the red key on it, then wait for the result"
                outputs = [Refusal(command.number, ErrorCode.ILLEGAL, "at_the_terminal", text)]
            case Pay() | ResolvePayment() | RepeatReceipt() | EndOfDay() | CheckHealth():
                outputs = self._ordered(command, now)
            case _:
                return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a payment terminal cannot do this")]
        return outputs + self._wake()

    def _ordered(self, command: Command, now: float) -> list[Output]:
        if self._job is not None:
            text = "still busy with the order before; wait for its end"
            return [Refusal(command.number, ErrorCode.BUSY, "busy", text)]
        request = command.request
        try:
            if isinstance(request, Pay) and request.currency != "EUR":
                raise ValueError(f"the terminal takes euros only, not {request.currency}")
            todo = ecr17_job.todo(request, self._names, self._code, self._card, self._till_prints)
        except ValueError as problem:
            return [Refusal(command.number, ErrorCode.ILLEGAL, "impossible", str(problem))]
        self._hang_up_at = None
        job = self._job = Job(command, todo, now + command.timeout_s)
        return self._ask_next(job, now) if self._quiet_from is None else []

    def _ask_next(self, job: Job, now: float) -> list[Output]:
        job.asking, job.tries, job.refused, job.acknowledged = job.todo.pop(0), 0, 0, False
        return self._ask(job, job.asking, now)

    def _ask(self, job: Job, asking: Asking, now: float) -> list[Output]:
        job.tries += 1
        job.by = now + self.ack_s * (PATIENCE if asking.money else 1)
        return [Send(framed(asking.message, self._lrc))]

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        if self._quiet_from is not None:
            self._quiet_from = now  # answers to an order that failed
            return self._wake()
        outputs: list[Output] = []
        for item in self._reader.feed(data):
            match item:
                case Junk():
                    outputs.append(Oddity("bytes that are no frame of ECR17"))
                case Message():
                    outputs += self._message(item, now)
                case Progress():
                    outputs += self._progress(item, now)
                case _:
                    outputs += self._acknowledged(now) if item.ack else self._refused(now)
            if self._failed():
                break
        return outputs + self._wake()

    def _failed(self) -> bool:
        """Whether the order failed over what was just heard: what comes behind it in the line is not looked at."""
        return self._quiet_from is not None

    def _acknowledged(self, now: float) -> list[Output]:
        job = self._job
        if job is None or job.asking is None or job.acknowledged:
            return []
        job.acknowledged = True
        outputs = self._power_is(Power.ONLINE)
        if job.asking.money and isinstance(job.command.request, Pay):
            outputs.append(PaymentProgress(job.command.request.payment_id, PaymentPhase.ACCEPTED))
        job.by = job.deadline
        return outputs if job.asking.reply else outputs + self._answered(job, b"", now)

    def _refused(self, now: float) -> list[Output]:
        job = self._job
        if job is None or job.asking is None or job.acknowledged or job.refused == job.tries:
            return []
        job.refused += 1
        if job.tries <= REPEATS:
            job.by = now + AGAIN_S
            return []
        if job.asking.optional and job.todo:
            return self._ask_next(job, now)
        return self._end(job, ecr17_job.not_taken(job), now)

    def _progress(self, item: Progress, now: float) -> list[Output]:
        job = self._job
        if job is None or not isinstance(job.command.request, Pay) or not job.begun:
            return []
        accepted = self._acknowledged(now)  # it goes on, so it has it
        return [*accepted, PaymentProgress(job.command.request.payment_id, ecr17_results.phase(item.text), item.text)]

    def _message(self, item: Message, now: float) -> list[Output]:
        if not item.valid:
            return [Oddity("a message with a wrong LRC"), Send(control(NAK, self._lrc))]
        outputs: list[Output] = [Send(control(ACK, self._lrc))]
        job = self._job
        if job is None or job.asking is None or job.told or not self._is_reply(job.asking, item):
            if job is not None and item.code == "S":
                return outputs + self._receipt(job, item, now)
            return [*outputs, Oddity(f"a message {item.code} that nobody asked for")]
        if job.asking.money and ecr17_results.stan_of(item.data) and item.data == self._last_result:
            return [*outputs, Oddity("the result before this payment once more")]
        outputs += self._acknowledged(now)
        if job.asking.money:
            self._last_result = item.data
        return outputs + self._answered(job, item.data, now)

    def _is_reply(self, asking: Asking, item: Message) -> bool:
        return bool(item.code) and item.code in asking.reply and asking.reply != "S"

    def _receipt(self, job: Job, item: Message, now: float) -> list[Output]:
        job.receipts.take(item.data)
        waiting = job.told or (job.asking is not None and job.asking.reply == "S")
        if not waiting:
            return []
        if job.receipts.ended and not job.told:
            return self._answered(job, b"", now)
        job.by = now + (AGAIN_S if job.receipts.ended else self.receipt_s)
        return []

    def _answered(self, job: Job, reply: bytes, now: float) -> list[Output]:
        """What was asked is answered: ask the next, wait for receipts, or end."""
        if job.asking is not None:
            job.replies[job.asking.reply] = reply
        if job.todo:
            return self._ask_next(job, now)
        job.told = True
        receipts_follow = isinstance(job.command.request, Pay | EndOfDay) and self._till_prints
        # A second copy may follow the first at once.
        wait_s = AGAIN_S if job.receipts.ended or not receipts_follow else self.receipt_s
        if receipts_follow or isinstance(job.command.request, RepeatReceipt):
            job.by = now + wait_s
            return []
        return self._finish(job, now)

    def _finish(self, job: Job, now: float) -> list[Output]:
        end = ecr17_job.end(job, self._till_prints)
        return self._end(job, end, now) if end is not None else self._lost(job, now)

    # --- ends -----------------------------------------------------------------------------------------------

    def _end(self, job: Job, end: Answer | Refusal, now: float) -> list[Output]:
        self._job = None
        if not self.keep_open:
            self._hang_up_at = now + LINGER_S
        return [end]

    def _lost(self, job: Job, now: float) -> list[Output]:
        """No answer in time, or one that makes no sense: whatever comes now belongs to an order that is over."""
        end = ecr17_job.lost(job)
        self._job, self._quiet_from = None, now
        self._reader.reset()
        outputs: list[Output] = [end]
        if not end.begun:
            outputs += self._power_is(Power.OFF)
        return outputs if self.keep_open else [*outputs, HangUp()]

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        self._told = None  # that alarm has rung; the same second may be wanted once more
        outputs: list[Output] = []
        job = self._job
        if self._hang_up_at is not None and now >= self._hang_up_at:
            self._hang_up_at = None
            outputs.append(HangUp())
        if job is None:
            return outputs + self._wake()
        if job.told and now >= min(job.by, job.deadline):
            outputs += self._finish(job, now)  # printing never changes what became of the money
        elif now >= job.deadline:
            outputs += self._lost(job, now)
        elif job.asking is None:
            if self._quiet_from is not None and now >= self._quiet_from + QUIET_S:
                self._quiet_from = None
                outputs += self._ask_next(job, now)
        elif now >= job.by:
            outputs += self._late(job, job.asking, now)
        return outputs + self._wake()

    def _late(self, job: Job, asking: Asking, now: float) -> list[Output]:
        """No ACK in time, or the pause after a NAK is over."""
        if job.acknowledged:
            return self._finish(job, now)  # the rest of a receipt does not come
        refused = job.refused == job.tries
        if refused or (not asking.money and job.tries <= REPEATS):
            return self._ask(job, asking, now)
        return self._lost(job, now)

    def _wake(self) -> list[Output]:
        timers = [self._hang_up_at]
        if self._job is not None:
            timers.append(self._job.deadline)
            if self._job.asking is not None:
                timers.append(self._job.by)
            elif self._quiet_from is not None:
                timers.append(self._quiet_from + QUIET_S)
        at = min((timer for timer in timers if timer is not None), default=None)
        if at == self._told:
            return []
        self._told = at
        return [WakeAt(at)] if at is not None else []


DRIVER = Driver(
    name="terminal-ecr17",
    device_class=DeviceClass.PAYMENT_TERMINAL,
    codec=Ecr17Terminal,
    line=Line(9600, 7, "E"),
    options={
        "terminal_id": "eight digits of the terminal; 00000000 speaks to any (default 00000000)",
        "till_id": "eight digits that name this till (default 00000001)",
        "lrc": "what the check byte counts besides the text: std, stx, noext or stx_noext (default std)",
        "request": "X (result with the amount) or P, for terminals without X: then a loss stays unknown (default X)",
        "card": "0 any card, 1 debit only, 2 credit only, 3 others only (default 0)",
        "print": "who prints receipts: till or terminal (default till)",
        "ack_s": "seconds to wait for an ACK (default 2.0)",
        "receipt_s": "seconds to wait for the next piece of a receipt (default 3.0)",
        "keep_open": "keep the line open between orders (default false)",
    },
    on_demand=True,
    private=True,
)
