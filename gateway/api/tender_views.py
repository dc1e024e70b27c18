"""How an open sale is paid, what goes back, and its end, as a screen and a shop's own program see it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from gateway.peripherals import PaymentKind, PaymentPhase
from gateway.till.lane import Finished
from gateway.till.returns.originals import Original
from gateway.till.returns.proposal import proposed
from gateway.till.returns.rows import Returning
from gateway.till.tenders.rows import Tendered
from gateway.till.workstation import Workstation
from gateway.words import message
from retail.sale import TenderType
from retail.units import Money

#: where the terminal says no words of its own
PHASES = {
    PaymentPhase.ACCEPTED: message("The terminal has begun"),
    PaymentPhase.INSERT_CARD: message("Insert or hold the card"),
    PaymentPhase.REMOVE_CARD: message("Remove the card"),
    PaymentPhase.ENTER_PIN: message("Enter the PIN"),
    PaymentPhase.WRONG_PIN: message("Wrong PIN"),
    PaymentPhase.CONTACTING_HOST: message("Asking the bank"),
    PaymentPhase.PLEASE_WAIT: message("Please wait"),
    PaymentPhase.APPROVED: message("Approved"),
    PaymentPhase.DECLINED: message("Declined"),
    PaymentPhase.REVERSING: message("Taking the payment back"),
}


class TenderView(BaseModel):
    """card: its masked number. amount below 0: paid out. number: as take-back-tender counts, from 1."""

    number: int
    tender_type: TenderType
    amount_minor: int
    amount: str
    card: str
    wallet: str = ""
    voucher_id: str = ""
    points: int = 0


class DueView(BaseModel):
    """What this kind of tender may come to now, without a sign: what is due, in cash to the smallest coin.

    Points: as many as the member has.
    """

    tender_type: TenderType
    due_minor: int
    due: str


class RefundTo(BaseModel):
    """Where the money goes back to, if nobody wants it otherwise: as the sale was paid, a card before cash."""

    tender_type: TenderType
    amount_minor: int
    amount: str
    wallet: str = ""


class ReturnView(BaseModel):
    """Goods that come back, and what is paid back for them. receipt: "" without one; unverified: not looked up."""

    line_number: int
    item_id: str
    description: str
    quantity: int | None
    weight_grams: int | None
    amount_minor: int
    amount: str
    reason_code: str
    reason: str
    receipt: str
    unverified: bool
    restock: bool
    void: bool


class ReturnableLine(BaseModel):
    """A line of a receipt: what was sold on it, and how many units can still come back."""

    line_number: int
    item_id: str
    description: str
    quantity: int | None
    weight_grams: int | None
    net_minor: int
    net: str
    left: int


class ReturnFrom(BaseModel):
    """A receipt that was scanned, with what of it can come back."""

    receipt: str
    business_day_date: str
    lines: list[ReturnableLine]


class PaymentUnderWay(BaseModel):
    """A payment whose result does not stand in the basket yet. kind `reversal`: a tender is taken back.

    text: what the terminal does, or says. ask_a_person: it could not say what became of the payment: look at it, then
    POST decide-payment. wallet: whose; with a device of its own (by_hand) the cashier keys the reference it shows.
    """

    payment_id: str
    terminal: str
    kind: PaymentKind
    amount_minor: int
    amount: str
    phase: str
    text: str
    ask_a_person: bool
    why: str
    wallet: str
    by_hand: bool


class FinishedView(BaseModel):
    """The sale that was just finished: on disk, whatever the printer and the line to headquarters do."""

    number: str
    seq: int
    total_minor: int
    change_minor: int
    rounding_minor: int
    total: str
    tendered: str
    change: str
    tenders: list[TenderView]


class BasketTenders(BaseModel):
    """due: by anything but cash; below 0 the shop owes. refund_due: what it owes, without a sign."""

    tendered_minor: int
    tenders: list[TenderView]
    due_minor: int
    due: str
    cash_due_minor: int = Field(description="rounded to the smallest coin; below 0: to pay out")
    cash_due: str
    refund_due_minor: int
    refund_due: str
    due_per_tender: list[DueView]
    wallets: list[str] = Field(description="wallets that are taken here")
    returns: list[ReturnView]
    returned_minor: int
    refund_to: list[RefundTo]
    return_from: ReturnFrom | None
    payment: PaymentUnderWay | None
    finished: FinishedView | None


def of_tenders(workstation: Workstation) -> dict[str, Any]:
    """The fields of BasketTenders."""
    basket, locale = workstation.basket, workstation.store.locale
    settlement, finished = basket.settlement(), workstation.last
    owed = max(0, -settlement.due)

    def shown(minor: int) -> str:
        return Money(minor, basket.currency).shown(locale)

    return {
        "tendered_minor": basket.tendered_minor,
        "tenders": [_tender(at, one, shown(one.amount_minor)) for at, one in enumerate(basket.tenders, 1)],
        "due_minor": settlement.due,
        "due": shown(settlement.due),
        "cash_due_minor": settlement.cash_due,
        "cash_due": shown(settlement.cash_due),
        "refund_due_minor": owed,
        "refund_due": shown(owed),
        "due_per_tender": [
            DueView(tender_type=kind, due_minor=minor, due=shown(minor)) for kind, minor in _dues(workstation)
        ],
        "wallets": workstation.tenders.wallets(),
        "returns": [_returning(one, shown(one.line.extended_amount_minor)) for one in basket.returns],
        "returned_minor": basket.returned().minor,
        "refund_to": [
            RefundTo(tender_type=kind, amount_minor=minor, amount=shown(minor), wallet=wallet)
            for kind, minor, wallet in proposed(basket.returns, owed)
        ],
        "return_from": return_from(workstation.returns.opened, locale) if workstation.returns.opened else None,
        "payment": _under_way(workstation),
        "finished": _finished(finished, locale) if finished else None,
    }


def _dues(workstation: Workstation) -> list[tuple[TenderType, int]]:
    settlement = workstation.basket.settlement()
    due = abs(settlement.due)
    dues: list[tuple[TenderType, int]] = [("Cash", abs(settlement.cash_due))]
    if workstation.tenders.has_terminal():
        dues.append(("Card", due))
    if workstation.tenders.wallets():
        dues.append(("Wallet", due))
    points = workstation.tenders.stored.points_there()
    if points is not None:
        worth = workstation.tenders.stored.means.points.worth(max(points, 0))
        dues.append(("Points", due if settlement.due < 0 else min(due, worth)))
    dues.append(("Voucher", due))
    if settlement.due > 0:
        dues.append(("Coupon", due))
    return dues if due or settlement.cash_due else []


def _tender(number: int, one: Tendered, amount: str) -> TenderView:
    return TenderView(
        number=number,
        tender_type=one.tender_type,
        amount_minor=one.amount_minor,
        amount=amount,
        card=one.card,
        wallet=one.wallet,
        voucher_id=one.voucher_id,
        points=one.points,
    )


def _returning(one: Returning, amount: str) -> ReturnView:
    line, at = one.line, one.line.original
    return ReturnView(
        line_number=line.line_number,
        item_id=line.item_id,
        description=line.description,
        quantity=line.quantity,
        weight_grams=line.weight_grams,
        amount_minor=line.extended_amount_minor,
        amount=amount,
        reason_code=line.reason_code,
        reason=line.reason or "",
        receipt=f"{at.store_id}/{at.workstation_id}/{at.sequence_number}" if at is not None else "",
        unverified=bool(one.unverified),
        restock=line.restock,
        void=one.void,
    )


def return_from(original: Original, locale: str) -> ReturnFrom:
    sale = original.sale
    return ReturnFrom(
        receipt=f"{sale.store_id}/{sale.workstation_id}/{sale.sequence_number}",
        business_day_date=sale.business_day_date.isoformat(),
        lines=[
            ReturnableLine(
                line_number=line.line_number,
                item_id=line.item_id,
                description=line.description,
                quantity=line.quantity,
                weight_grams=line.weight_grams,
                net_minor=line.net_minor,
                net=Money(line.net_minor, sale.currency).shown(locale),
                left=sum(original.reckoning.left(line).values()),
            )
            for line in sale.sales()
        ],
    )


def _finished(finished: Finished, locale: str) -> FinishedView:
    return FinishedView(
        number=finished.number,
        seq=finished.seq,
        total_minor=finished.total.minor,
        change_minor=finished.change.minor,
        rounding_minor=finished.rounding.minor if finished.rounding else 0,
        total=finished.total.shown(locale),
        tendered=finished.tendered.shown(locale),
        change=finished.change.shown(locale),
        tenders=[
            TenderView(
                number=number,
                tender_type=one.tender_type,
                amount_minor=one.amount.minor,
                amount=one.amount.shown(locale),
                card=one.card,
                wallet=one.wallet,
                voucher_id=one.voucher_id,
                points=one.points,
            )
            for number, one in enumerate(finished.paid, 1)
        ],
    )


def _under_way(workstation: Workstation) -> PaymentUnderWay | None:
    payment = workstation.basket.payment
    if payment is None:
        return None
    progress = workstation.card.progress if workstation.card is not None else None
    return PaymentUnderWay(
        payment_id=payment.payment_id,
        terminal=payment.terminal,
        kind=payment.kind,
        amount_minor=payment.amount_minor,
        amount=Money(payment.amount_minor, payment.currency).shown(workstation.store.locale),
        phase=progress.phase if progress else "",
        text=(progress.text or PHASES[progress.phase]) if progress else "",
        ask_a_person=payment.person,
        why=payment.why,
        wallet=payment.wallet,
        by_hand=workstation.card is not None and workstation.card.is_by_hand(payment.terminal),
    )
