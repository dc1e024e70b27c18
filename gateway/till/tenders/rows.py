"""What was given for an open sale, and the payment that is with the terminal right now."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from gateway.peripherals import Pay, PaymentKind, PaymentOutcome, PaymentResult
from retail.sale import TenderType


class Tendered(BaseModel):
    """One tender of an open sale. Of a card only what the terminal gave masked.

    amount_minor below 0: paid out, for goods that came back. points: spent; below 0: given back.
    valid_until: of a voucher that goes out.
    """

    model_config = ConfigDict(extra="forbid")

    tender_type: TenderType
    amount_minor: int
    payment_id: str = ""
    card: str = ""
    card_scheme: str = ""
    approval_code: str = ""
    reference: str = ""
    terminal_id: str = ""
    wallet: str = ""
    voucher_id: str = ""
    points: int = 0
    valid_until: date | None = None


class OpenPayment(BaseModel):
    """A payment of this basket whose result does not stand in the basket yet. Its truth is the payment journal.

    reverses: the payment that this one takes back. alone: only that tender is taken back, the sale goes on.
    person: the terminal could not say what became of it. wallet: whose, where it is no card.
    """

    model_config = ConfigDict(extra="forbid")

    payment_id: str
    terminal: str
    kind: PaymentKind
    amount_minor: int
    currency: str
    original: str = ""
    reverses: str | None = None
    alone: bool = False
    person: bool = False
    why: str = ""
    wallet: str = ""
    brand: str = ""

    def to_pay(self) -> Pay:
        return Pay(self.payment_id, self.kind, self.amount_minor, self.currency, self.original, brand=self.brand)

    def not_done(self, reason: str) -> PaymentResult:
        return PaymentResult(self.payment_id, PaymentOutcome.NOT_DONE, self.amount_minor, self.currency, reason=reason)

    def tendered(self, result: PaymentResult) -> Tendered:
        """The tender that it became: money in for a sale, out for a refund."""
        return Tendered(
            tender_type="Wallet" if self.wallet else "Card",
            amount_minor=-self.amount_minor if self.kind is PaymentKind.REFUND else self.amount_minor,
            payment_id=self.payment_id,
            card=result.card[:40],
            card_scheme=result.card_scheme[:40],
            approval_code=result.approval_code[:40],
            reference=result.reference[:80],
            terminal_id=result.terminal_id[:40],
            wallet=self.wallet,
        )
