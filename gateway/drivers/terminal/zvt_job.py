"""An order to a ZVT terminal from its command to its end: how far it is, and which end the terminal's words give it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from gateway.drivers.terminal import zvt_orders as orders
from gateway.drivers.terminal import zvt_words
from gateway.drivers.terminal.masking import cleaned
from gateway.drivers.terminal.zvt_apdu import (
    TLV,
    Apdu,
    StatusInformation,
    bitmaps,
    text_of,
    tlv_values,
    totals_in_words,
)
from gateway.drivers.terminal.zvt_receipt import Receipts
from gateway.peripherals import (
    Answer,
    Command,
    EndOfDay,
    ErrorCode,
    Pay,
    PaymentOutcome,
    PaymentProgress,
    Refusal,
    RepeatReceipt,
    ResolvePayment,
    Result,
    TerminalReport,
)


class Step(Enum):
    """How far an order is. From SENT on, a payment may have begun."""

    QUIET = auto()
    REGISTER = auto()
    REGISTERED = auto()
    SENT = auto()
    RUNNING = auto()
    HELD = auto()  # 04 0F lies here unanswered
    WAITING = auto()  # 84 9C was sent: 04 0F comes again
    KEPT = auto()
    TAKEN_BACK = auto()


NOT_BEGUN = (Step.QUIET, Step.REGISTER, Step.REGISTERED)


@dataclass(slots=True, eq=False)
class Job:
    """An order from its command to its end."""

    command: Command
    todo: list[Apdu]
    deadline: float
    step: Step = Step.QUIET
    by: float = 0.0  # T3 or T4: when the terminal must have spoken
    status: StatusInformation | None = None
    decision: bool | None = None
    receipts: Receipts = field(default_factory=Receipts)

    @property
    def pay_id(self) -> str:
        """The payment that is under way, "" if this is no payment."""
        request = self.command.request
        return request.payment_id if isinstance(request, Pay) else ""


@dataclass(slots=True, eq=False)
class Asides:
    """KeepResult and AbortPayment while they wait for the terminal: the command, and until when it may take."""

    abort: tuple[Command, float] | None = None
    keep: tuple[Command, float] | None = None

    def answered(self, code: int) -> list[Answer | Refusal]:
        """80 00 00 or 84 xx came to the abort; empty if none was sent."""
        if self.abort is None:
            return []
        (command, _), self.abort = self.abort, None
        return [too_late(command) if code else Answer(command.number)]

    def carried_out(self) -> list[Answer | Refusal]:
        """The terminal was told what to do with the result."""
        (kept, self.keep) = (self.keep, None)
        return [Answer(kept[0].number)] if kept else []

    def end(self) -> list[Answer | Refusal]:
        """What waits beside an order ends with it."""
        outputs: list[Answer | Refusal] = [Answer(self.abort[0].number)] if self.abort else []
        outputs += [no_payment(self.keep[0])] if self.keep else []
        self.abort = self.keep = None
        return outputs

    def late(self, now: float) -> list[Answer | Refusal]:
        outputs: list[Answer | Refusal] = []
        if self.abort and now >= self.abort[1]:
            text = "the terminal does not answer the abort; wait for the payment's result"
            outputs.append(Refusal(self.abort[0].number, ErrorCode.TIMEOUT, "silent", text, begun=True))
            self.abort = None
        if self.keep and now >= self.keep[1]:
            text = "the terminal did not ask again for the result; ask what became of the payment"
            outputs.append(Refusal(self.keep[0].number, ErrorCode.TIMEOUT, "unknown", text, begun=True))
            self.keep = None
        return outputs

    def timers(self) -> list[float]:
        return [aside[1] for aside in (self.abort, self.keep) if aside]


def paid(job: Job, pay: Pay) -> Result | None:
    """The result of a payment at 06 0F; None if the terminal never said what came of it, or did not wait for us."""
    if job.step is Step.KEPT:
        return orders.result(pay, PaymentOutcome.APPROVED, job.status, receipts=job.receipts.all())
    if job.step is Step.TAKEN_BACK:
        return _reversed(job, pay)
    if job.step is Step.RUNNING and job.status is not None and job.status.result:
        return orders.refused(pay, job.status.result, job.status)
    return None


def given_up(job: Job, pay: Pay, code: int) -> Result | None:
    """The result of a payment at 06 1E; None if the result was kept before, so that it may be booked all the same."""
    match job.step:
        case Step.KEPT:
            return None
        case Step.TAKEN_BACK:
            return _reversed(job, pay)
        case Step.HELD | Step.WAITING:
            reason = "the terminal did not wait and took the payment back; start it again"
            return orders.result(pay, PaymentOutcome.NOT_DONE, job.status, reason=reason)
    if job.status is not None and job.status.result:
        code = job.status.result
    return orders.refused(pay, code, job.status)


def _reversed(job: Job, pay: Pay) -> Result:
    reason = "the result could not be kept, so the terminal took the payment back; start it again"
    return orders.result(pay, PaymentOutcome.REVERSED, job.status, reason=reason, receipts=job.receipts.all())


def busy_yet(request: ResolvePayment) -> Result:
    reason = "the terminal is still at it; wait until its display is idle, then ask again"
    return orders.result(request, PaymentOutcome.UNKNOWN, reason=reason)


def result(job: Job, currency: str) -> Result | None:
    """What the order's answer carries once the terminal said that it is done."""
    match job.command.request:
        case Pay() as pay:
            return paid(job, pay)
        case ResolvePayment() as asked:
            return orders.resolved(asked, job.status)
        case EndOfDay() | RepeatReceipt():
            return _report(job, currency)
        case _:
            return None


def _report(job: Job, currency: str) -> TerminalReport:
    receipts = job.receipts.all()
    totals = totals_in_words(job.status.totals, currency) if job.status else ""
    text = cleaned(totals) or "\n".join(line for receipt in receipts for line in receipt.lines)
    return TerminalReport(receipts, text)


def rejected(job: Job, code: int) -> Refusal:
    """84 xx, or an abort of something that is not a payment: surely nothing was done."""
    error, word, text = zvt_words.error(code)
    return Refusal(job.command.number, error, word, text)


def lost(job: Job, why: str) -> Refusal:
    """No answer in time ("silent", "garbled"), or one that makes no sense ("unknown")."""
    number = job.command.number
    if why == "garbled":
        text = "the terminal does not understand the line; check baud rate, stop bits and cable"
        return Refusal(number, ErrorCode.FAILURE, "garbled", text)
    if isinstance(job.command.request, Pay) and job.step not in NOT_BEGUN:
        text = "nobody knows whether the payment went through; ask what became of it, do not repeat it"
        return Refusal(number, ErrorCode.TIMEOUT, "unknown", text, begun=True)
    text = "no answer; check the terminal's power, cable and address"
    return Refusal(number, ErrorCode.TIMEOUT, "silent", text)


def no_payment(command: Command) -> Refusal:
    text = "no such payment is under way; ask what became of it"
    return Refusal(command.number, ErrorCode.ILLEGAL, "no_payment", text)


def too_late(command: Command) -> Refusal:
    text = "the terminal can no longer be stopped; wait for the result, then reverse the payment"
    return Refusal(command.number, ErrorCode.ILLEGAL, "too_late", text)


def progress(job: Job, apdu: Apdu) -> list[PaymentProgress]:
    """04 FF, in the terminal's own words (TLV 24, lines in 07) if it sends some."""
    if not job.pay_id or not apdu.data:
        return []
    phase, text = zvt_words.state(apdu.data[0])
    own = [value for tag, value in tlv_values(bitmaps(apdu.data[2:]).get(TLV, b"")) if tag == 0x07]
    said = cleaned(" ".join(text_of(line) for line in own if text_of(line)))
    return [PaymentProgress(job.pay_id, phase, said or text)]
