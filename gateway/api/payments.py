"""`/v1/payments`: the payment journal, and card payments for a shop's own POS: each goes to the terminal once."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from gateway.api.operations import Call, NoSuchThing, Operation, within
from gateway.api.problems import Problem
from gateway.api.scopes import Scope
from gateway.peripherals import PaymentKind
from gateway.till.payments.loose import LoosePayments, Wanted
from gateway.till.payments.rows import KnownPayment, State

PAYMENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,36}")
PAGE = 50
LARGEST_AMOUNT = 10**12 - 1


class PaymentWanted(BaseModel):
    """kind `refund` gives money to a card; `reversal` takes the payment `reverses` back."""

    model_config = ConfigDict(extra="forbid")

    terminal: str = Field(max_length=64, examples=["terminal-1"])
    kind: PaymentKind = PaymentKind.SALE
    amount_minor: int = Field(ge=1, le=LARGEST_AMOUNT, examples=[1299])
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$", description="none: the store's")
    reverses: str | None = Field(default=None, max_length=36, description="payment_id of an earlier payment")


class Decision(BaseModel):
    """paid: the terminal or its slip shows that the payment went through. who and why are kept."""

    model_config = ConfigDict(extra="forbid")

    paid: bool
    who: str = Field(default="", max_length=200, examples=["Anna"])
    why: str = Field(default="", max_length=500, examples=["the slip says approved, trace 000042"])
    reference: str = Field(default="", max_length=80, description="of a wallet with a device of its own: what it shows")

    @model_validator(mode="after")
    def _somebody_says_so(self) -> Decision:
        if not self.reference and not (self.who and self.why):
            raise ValueError("say who decides and why; or the reference that the wallet's own device shows")
        return self


class HistoryView(BaseModel):
    at_utc: str
    entry: str
    facts: dict[str, str | int | bool]


class PaymentView(BaseModel):
    """A payment as the journal has it. Card numbers are masked.

    state: intent, accepted, held and unknown are open: nobody knows yet what becomes of it.
    settled: `booked` in a sale of this till, or `reversed`; always none for a shop's own POS, which books it itself.
    """

    payment_id: str
    terminal: str
    kind: PaymentKind
    amount_minor: int
    currency: str
    state: State
    open: bool
    settled: Literal["booked", "reversed"] | None
    decided_by_hand: bool
    workstation_id: str | None
    reverses: str | None
    asked_at: str
    reason: str = Field(description="why not, and what to do next")
    reference: str
    approval_code: str
    card: str
    card_scheme: str
    terminal_id: str
    customer_receipt: list[str]
    merchant_receipt: list[str]
    history: list[HistoryView] = []


class PaymentList(BaseModel):
    """The newest first. next_before: ask for `?before=` this number to see earlier ones; none at the end."""

    payments: list[PaymentView]
    next_before: int | None


class PaymentProblem(Problem):
    """504: the terminal could not say. Nothing is asked of it again; GET the payment to see what became of it."""

    state: State
    payment: PaymentView


def view(known: KnownPayment, history: list[HistoryView] | None = None) -> PaymentView:
    result, pay = known.result, known.pay
    receipts = result.receipts if result else ()
    slips = {one.copy: list(one.lines) for one in receipts}
    return PaymentView(
        payment_id=known.payment_id,
        terminal=known.terminal,
        kind=pay.kind,
        amount_minor=pay.amount_minor,
        currency=pay.currency,
        state=known.state,
        open=known.is_open,
        settled=known.settled,
        decided_by_hand=known.decided,
        workstation_id=known.origin.workstation_id,
        reverses=known.origin.reverses,
        asked_at=pay.asked_at,
        reason=result.reason if result else "",
        reference=known.reference,
        approval_code=result.approval_code if result else "",
        card=result.card if result else "",
        card_scheme=result.card_scheme if result else "",
        terminal_id=result.terminal_id if result else "",
        customer_receipt=slips.get("customer", []),
        merchant_receipt=slips.get("merchant", []),
        history=history or [],
    )


class _Payments:
    def __init__(self, payments: LoosePayments, currency: str) -> None:
        self._payments, self._currency = payments, currency

    async def page(self, call: Call) -> PaymentList:
        before = call.request.query_params.get("before", "")
        found = self._payments.book.newest(PAGE, int(before) if before.isascii() and before.isdigit() else None)
        more = found[-1].number if len(found) == PAGE else None
        return PaymentList(payments=[view(known) for known in found], next_before=more)

    async def show(self, call: Call) -> PaymentView:
        payment_id = call.path("payment_id")
        known = self._payments.book.find(payment_id)
        if known is None:
            raise NoSuchThing(f"no payment {payment_id} was ever asked of a terminal here")
        return view(known, self._history(payment_id))

    def _history(self, payment_id: str) -> list[HistoryView]:
        return [
            HistoryView(at_utc=one.at_utc, entry=one.entry, facts=one.facts)
            for one in self._payments.book.history(payment_id)
        ]

    async def pay(self, call: Call) -> BaseModel | Response:
        payment_id = call.request.headers.get("idempotency-key", "")
        if not PAYMENT_ID.fullmatch(payment_id):
            text = "send the header Idempotency-Key: a new id of at most 36 letters, digits and -._: for each payment"
            return Problem(title="Idempotency-Key", status=400, detail=text, reason="no_idempotency_key").response()
        wanted, currency = call.body, call.body.currency or self._currency
        known = await self._payments.pay(
            Wanted(payment_id, wanted.terminal, wanted.kind, wanted.amount_minor, currency, wanted.reverses)
        )
        return self._unknown(known).response() if known.is_open else view(known)

    def _unknown(self, known: KnownPayment) -> PaymentProblem:
        return PaymentProblem(
            title="Outcome unknown",
            status=504,
            detail=f"nobody knows yet what became of payment {known.payment_id}: do not repeat it under another id;"
            f" the terminal is asked on, GET /v1/payments/{known.payment_id} shows the end",
            reason="unknown_payment",
            state="unknown",
            payment=view(known),
        )

    async def decide(self, call: Call) -> PaymentView:
        said = call.body
        known = await self._payments.decide(call.path("payment_id"), said.paid, said.who, said.why, said.reference)
        return view(known, self._history(known.payment_id))


def operations(payments: LoosePayments, currency: str) -> list[Operation]:
    asked = _Payments(payments, currency)
    listed = [
        Operation(
            "GET",
            "/v1/payments",
            "The payment journal, newest first",
            asked.page,
            answer=PaymentList,
            query={"before": "the number `next_before` of the page before this one"},
        ),
        Operation(
            "POST",
            "/v1/payments",
            "Pay by card",
            asked.pay,
            description="For a shop's own POS. Answers when the terminal is done, which takes as long as the customer"
            " takes. The same Idempotency-Key asks the terminal once, however often it is posted; 409 `unknown_payment`"
            " and `busy` mean that it was not begun.",
            body=PaymentWanted,
            answer=PaymentView,
            headers={"Idempotency-Key": "the payment's id: 1 to 36 letters, digits and -._: ; a UUIDv7 is a good one"},
            problems=(400, 409, 422, 503, 504),
            example={"terminal": "terminal-1", "amount_minor": 1299},
        ),
        Operation(
            "GET",
            "/v1/payments/{payment_id}",
            "What became of a payment",
            asked.show,
            answer=PaymentView,
            problems=(404,),
        ),
        Operation(
            "POST",
            "/v1/payments/{payment_id}/decide",
            "Say what became of a payment that no basket holds",
            asked.decide,
            description="Only where the terminal could not say. Look at it and at its slip first: it is logged,"
            " and headquarters is told.",
            body=Decision,
            answer=PaymentView,
            problems=(404, 409, 422),
            example={"paid": True, "who": "Anna", "why": "the slip says approved"},
        ),
    ]
    return within(Scope.PAY, listed)
