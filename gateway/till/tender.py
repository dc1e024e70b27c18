"""What was given for an open sale, and the payment that is with the terminal right now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.peripherals import Pay, PaymentKind, PaymentOutcome, PaymentResult
from retail.sale import TenderLine


class Tendered(BaseModel):
    """One tender of an open sale. Of a card only what the terminal gave masked."""

    model_config = ConfigDict(extra="forbid")

    tender_type: Literal["Cash", "Card"]
    amount_minor: int
    payment_id: str = ""
    card: str = ""
    card_scheme: str = ""
    approval_code: str = ""
    reference: str = ""
    terminal_id: str = ""


class OpenPayment(BaseModel):
    """A payment of this basket whose result does not stand in the basket yet. Its truth is the payment journal.

    reverses: the payment that this one takes back. person: the terminal could not say what became of it.
    """

    model_config = ConfigDict(extra="forbid")

    payment_id: str
    terminal: str
    kind: PaymentKind
    amount_minor: int
    currency: str
    original: str = ""
    reverses: str | None = None
    person: bool = False
    why: str = ""

    def to_pay(self) -> Pay:
        return Pay(self.payment_id, self.kind, self.amount_minor, self.currency, self.original)

    def not_done(self, reason: str) -> PaymentResult:
        return PaymentResult(self.payment_id, PaymentOutcome.NOT_DONE, self.amount_minor, self.currency, reason=reason)


def paid_by_card(payment: OpenPayment, result: PaymentResult) -> Tendered:
    return Tendered(
        tender_type="Card",
        amount_minor=payment.amount_minor,
        payment_id=payment.payment_id,
        card=result.card[:40],
        card_scheme=result.card_scheme[:40],
        approval_code=result.approval_code[:40],
        reference=result.reference[:80],
        terminal_id=result.terminal_id[:40],
    )


def tender_lines(tenders: Sequence[Tendered], total_minor: int, first_number: int) -> list[TenderLine]:
    """A row each; what was given too much goes back out of the last cash."""
    change = sum(tender.amount_minor for tender in tenders) - total_minor
    last_cash = max((place for place, tender in enumerate(tenders) if tender.tender_type == "Cash"), default=None)
    return [
        TenderLine(
            line_number=first_number + place,
            tender_type=tender.tender_type,
            amount_minor=tender.amount_minor,
            change_minor=change if place == last_cash else 0,
            payment_id=tender.payment_id or None,
            card=tender.card or None,
            card_scheme=tender.card_scheme or None,
            approval_code=tender.approval_code or None,
            reference=tender.reference or None,
            terminal_id=tender.terminal_id or None,
        )
        for place, tender in enumerate(tenders)
    ]
