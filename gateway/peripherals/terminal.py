"""Payment terminals: what one is asked, what it says on the way, and the one result.

A payment goes intent -> accepted -> result, or from accepted to unknown -> resolved. The intent is the till's (it is on
disk before Pay goes out). Pay goes out once. `accepted` says that the terminal has it: from then on a lost answer is
unknown, and only ResolvePayment may ask what became of it. Amounts are in the currency's minor unit.

Source: UnifiedPOS 1.16, chapter CAT (CenterResultCode, ApprovalCode, SequenceNumber, SlipNumber); the class is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class PaymentKind(StrEnum):
    SALE = "sale"
    REFUND = "refund"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Pay:
    """Take money (sale), give it back (refund), or undo an earlier payment (reversal).

    payment_id: the till's own, unique, at most 36 characters; a driver maps it to what its protocol has room for.
    original:   for a reversal (and where the protocol wants it, a refund): the reference of the payment it concerns.
    asked_at:   when it was sent, UTC, RFC 3339: some protocols carry the till's time, and find the payment by it again.
    brand:      the wallet that shall pay, as the terminal calls it; "" for any card. Where a protocol has no room for
                it, the customer or the cashier chooses it at the terminal.
    """

    payment_id: str
    kind: PaymentKind
    amount_minor: int
    currency: str
    original: str = ""
    asked_at: str = ""
    brand: str = ""


@dataclass(frozen=True, slots=True)
class ResolvePayment:
    """Ask the terminal what became of this payment, without ever repeating it.

    last_reference: the reference of the last result known before it: protocols that only know "the last transaction"
    compare with it. asked_at: when the payment was sent, UTC, RFC 3339, where the protocol finds payments by time.
    """

    payment_id: str
    kind: PaymentKind
    amount_minor: int
    currency: str
    last_reference: str = ""
    asked_at: str = ""


@dataclass(frozen=True, slots=True)
class AbortPayment:
    """Ask the terminal to give up the payment that is under way. Its result still comes, and may be `approved`."""

    payment_id: str


@dataclass(frozen=True, slots=True)
class KeepResult:
    """The result is on disk (keep) or cannot be kept (not keep): the terminal books it, or takes it back.

    Only protocols with a commit rule wait for it; the others answer at once.
    """

    payment_id: str
    keep: bool = True


@dataclass(frozen=True, slots=True)
class RepeatReceipt:
    """The receipt of the last payment once more; nothing is booked."""


@dataclass(frozen=True, slots=True)
class EndOfDay:
    """Close the terminal's books with its host; the answer carries the totals as receipt text."""


class PaymentPhase(StrEnum):
    """What the cashier sees while it goes on."""

    ACCEPTED = "accepted"
    INSERT_CARD = "insert_card"
    REMOVE_CARD = "remove_card"
    ENTER_PIN = "enter_pin"
    WRONG_PIN = "wrong_pin"
    CONTACTING_HOST = "contacting_host"
    PLEASE_WAIT = "please_wait"
    APPROVED = "approved"
    DECLINED = "declined"
    REVERSING = "reversing"


@dataclass(frozen=True, slots=True)
class PaymentProgress:
    """text: the terminal's own words where it sent some."""

    payment_id: str
    phase: PaymentPhase
    text: str = ""


class PaymentOutcome(StrEnum):
    """approved: the money moves. declined, aborted: it does not, and the terminal said so. reversed: it did and was
    taken back. not_done: the terminal never had it, or undid it by itself. unknown: nobody can say yet."""

    APPROVED = "approved"
    DECLINED = "declined"
    ABORTED = "aborted"
    REVERSED = "reversed"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PaymentReceipt:
    """Lines as the terminal wants them printed, every card number in them masked."""

    copy: Literal["customer", "merchant"]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """The one result of a payment.

    reference: how the terminal finds it again (trace number, STAN, service id)
    card:      masked: at most the first six and the last four digits
    at:        the terminal's own date and time, local, RFC 3339 without zone, "" where it sent none
    reason:    why not, in words, with what to do next; "" if approved
    held:      the terminal waits for KeepResult before it books
    """

    payment_id: str
    outcome: PaymentOutcome
    amount_minor: int
    currency: str
    reference: str = ""
    approval_code: str = ""
    card: str = ""
    card_scheme: str = ""
    terminal_id: str = ""
    at: str = ""
    reason: str = ""
    receipts: tuple[PaymentReceipt, ...] = ()
    held: bool = False


@dataclass(frozen=True, slots=True)
class TerminalReport:
    """The answer to RepeatReceipt and EndOfDay: text to print, cleaned of card numbers."""

    receipts: tuple[PaymentReceipt, ...] = ()
    text: str = ""
