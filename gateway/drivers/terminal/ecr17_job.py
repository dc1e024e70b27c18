"""An order to an ECR17 terminal: the messages it takes, how far it is, and its ends.

Source: developer.nexigroup.com/traditionalpos; the order of E, X and S messages is that of its "Payment with receipt
        managed by ECR".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.drivers.terminal import ecr17_messages as messages
from gateway.drivers.terminal import ecr17_results as results
from gateway.drivers.terminal.ecr17_messages import Names
from gateway.drivers.terminal.ecr17_receipt import Receipts
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    EndOfDay,
    ErrorCode,
    Pay,
    PaymentKind,
    PaymentOutcome,
    Refusal,
    RepeatReceipt,
    ResolvePayment,
    TerminalReport,
)


@dataclass(frozen=True, slots=True)
class Asking:
    """One message and what answers it: an ACK alone (""), a message with one of these codes, or receipts ("S").

    money: sent once; a terminal that does not acknowledge it may have it all the same. optional: may be refused.
    """

    message: bytes = field(repr=False)
    reply: str = ""
    money: bool = False
    optional: bool = False


@dataclass(slots=True, eq=False)
class Job:
    command: Command
    todo: list[Asking]
    deadline: float
    asking: Asking | None = None  # None: waits for the line to be quiet
    tries: int = 0
    refused: int = 0  # how many of them were answered by NAK
    acknowledged: bool = False
    by: float = 0.0  # for the ACK; then for the next try; then for the receipts
    replies: dict[str, bytes] = field(default_factory=dict)
    receipts: Receipts = field(default_factory=Receipts)
    told: bool = False  # the last reply is here, receipts may follow

    @property
    def begun(self) -> bool:
        """Money may move: the message went out, and was not refused each time."""
        return self.asking is not None and self.asking.money and self.refused < self.tries


def todo(request: object, names: Names, code: str, card: str, till_prints: bool) -> list[Asking]:
    """The messages of a request.

    Raises:
        ValueError: it cannot be asked for; the text says why.
    """
    printing = Asking(messages.receipts_to_till(names, till_prints), optional=True)
    state = Asking(messages.status(names), "s")
    match request:
        case Pay():
            return [printing, Asking(_money(request, names, code, card), "EV", money=True)]
        case ResolvePayment():
            return [state, Asking(messages.last_result(names), "EV")]
        case RepeatReceipt():
            return [Asking(messages.reprint(names, till_prints), "S" if till_prints else "")]
        case EndOfDay():
            return [
                Asking(messages.totals(names), "T", optional=True),
                printing,
                Asking(messages.close(names), "C"),
            ]
        case _:
            return [state]


def _money(pay: Pay, names: Names, code: str, card: str) -> bytes:
    match pay.kind:
        case PaymentKind.SALE if 0 < pay.amount_minor <= messages.LARGEST_AMOUNT:
            return messages.payment(names, code, pay.amount_minor, card)
        case PaymentKind.SALE:
            raise ValueError(f"an amount of {pay.amount_minor} cannot be sent; it must be 1 to 99999999 cents")
        case PaymentKind.REVERSAL if re.fullmatch("[0-9]{6}", pay.original) and pay.original != "000000":
            return messages.reversal(names, pay.original)  # 000000 would reverse whatever came last
        case PaymentKind.REVERSAL:
            raise ValueError("a reversal needs the STAN of the last payment; reverse it at the terminal")
        case _:
            raise ValueError("this protocol knows no refund; make it at the terminal")


def end(job: Job, till_prints: bool) -> Answer | Refusal | None:
    """The end of a job whose last reply is here; None if the reply makes no sense."""
    command, receipts = job.command, job.receipts.all()
    reply = job.replies.get(job.asking.reply if job.asking else "", b"")
    match command.request:
        case Pay() as pay:
            result = results.paid(pay, reply, receipts)
            return Answer(command.number, result) if result else None
        case ResolvePayment() as asked:
            return Answer(command.number, results.resolved(asked, reply))
        case CheckHealth():
            word, text = results.STATES.get(messages.value(reply, "status", "status"), ("", ""))
            return Refusal(command.number, ErrorCode.EXTENDED, word, text) if word else Answer(command.number)
        case EndOfDay():
            good, text = results.closing(job.replies.get("T", b""), reply)
            if good:
                return Answer(command.number, TerminalReport(receipts, text))
            text = f"the terminal did not close its day ({text}); try again, or close it at the terminal"
            return Refusal(command.number, ErrorCode.EXTENDED, "close_refused", text, begun=True)
        case _:
            text = "\n".join(line for receipt in receipts for line in receipt.lines)
            return Answer(command.number, TerminalReport(receipts, text if till_prints else ""))


def not_taken(job: Job) -> Answer | Refusal:
    """NAK each time: the terminal is busy, does not know the message, or takes it for spoilt. Nothing was done."""
    if isinstance(job.command.request, ResolvePayment):
        reason = "the terminal does not answer now; wait until its display is idle, then ask again"
        return Answer(job.command.number, results.result(job.command.request, PaymentOutcome.UNKNOWN, reason=reason))
    text = "the terminal refuses the message; wait until its display is idle, else check terminal_id and lrc"
    return Refusal(job.command.number, ErrorCode.BUSY, "refused", text)


def lost(job: Job) -> Refusal:
    if job.begun:
        text = "nobody knows whether the payment went through; ask what became of it, do not repeat it"
        return Refusal(job.command.number, ErrorCode.TIMEOUT, "unknown", text, begun=True)
    text = "no answer; check the terminal's power, cable and address"
    closing = job.asking is not None and job.asking.reply == "C"
    return Refusal(job.command.number, ErrorCode.TIMEOUT, "silent", text, begun=closing)
