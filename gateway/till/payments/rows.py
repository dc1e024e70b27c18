"""A payment as the journal's rows hold it, and the terminal's last word on it as JSON, masked once more."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from gateway.drivers.terminal.masking import cleaned
from gateway.peripherals import Pay, PaymentKind, PaymentOutcome, PaymentReceipt, PaymentResult

State = Literal["intent", "accepted", "held", "unknown", "approved", "declined", "aborted", "reversed", "not_done"]
#: states in which nobody knows the end yet
OPEN = ("intent", "accepted", "held", "unknown")
COLUMNS = (
    "payment_id, terminal, workstation_id, basket_key, reverses, kind, amount_minor, currency, original, asked_at,"
    " last_reference, state, reference, decided, result, settled"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose payment it is: a workstation's and its basket's, or a shop's own POS (None).

    reverses: the payment that this one takes back.
    """

    workstation_id: str | None = None
    basket_key: str | None = None
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """A payment as the journal has it. result: the terminal's last word, None before the first."""

    number: int
    payment_id: str
    terminal: str
    origin: Origin
    pay: Pay
    state: State
    last_reference: str
    reference: str
    decided: bool
    settled: Literal["booked", "reversed"] | None
    result: PaymentResult | None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a payment's history."""

    at_utc: str
    entry: str
    facts: dict[str, Any]


def masked(result: PaymentResult) -> PaymentResult:
    receipts = tuple(
        PaymentReceipt(receipt.copy, tuple(cleaned(line) for line in receipt.lines)) for receipt in result.receipts
    )
    return replace(result, card=cleaned(result.card), reason=cleaned(result.reason), receipts=receipts)


def facts_of(result: PaymentResult) -> dict[str, Any]:
    facts = {"outcome": result.outcome.value, "reference": result.reference, "reason": result.reason}
    return {name: value for name, value in facts.items() if value}


def as_json(result: PaymentResult) -> str:
    return json.dumps(asdict(result), ensure_ascii=False)


def _result(stored: str | None) -> PaymentResult | None:
    if stored is None:
        return None
    facts = json.loads(stored)
    facts["outcome"] = PaymentOutcome(facts["outcome"])
    facts["receipts"] = tuple(PaymentReceipt(one["copy"], tuple(one["lines"])) for one in facts["receipts"])
    return PaymentResult(**facts)


def known_payment(row: sqlite3.Row) -> KnownPayment:
    pay = Pay(
        row["payment_id"],
        PaymentKind(row["kind"]),
        row["amount_minor"],
        row["currency"],
        row["original"],
        row["asked_at"],
    )
    return KnownPayment(
        number=row["number"],
        payment_id=row["payment_id"],
        terminal=row["terminal"],
        origin=Origin(row["workstation_id"], row["basket_key"], row["reverses"]),
        pay=pay,
        state=row["state"],
        last_reference=row["last_reference"],
        reference=row["reference"],
        decided=bool(row["decided"]),
        settled=row["settled"],
        result=_result(row["result"]),
    )
