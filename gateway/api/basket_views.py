"""An open sale as a screen and a shop's own program see it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from gateway.api.offer_views import BasketOffers, LineOffers, of_basket, of_line
from gateway.api.tender_views import BasketTenders, of_tenders
from gateway.till.basket import Line, State
from gateway.till.workstation import Workstation
from gateway.words import Words
from retail.units import Money, Quantity, Weight
from retail.wire.rows import OperatorRow


class LineView(LineOffers):
    line_number: int
    item_id: str
    description: str
    measure: str = Field(description="`3 x 1.19` or `0.450 kg x 2.49/kg`")
    quantity: int | None
    weight_grams: int | None
    unit_price_minor: int
    extended_amount_minor: int
    amount: str = Field(description="the extended amount, as people of the store's locale write it")
    entry_method: str
    void: bool
    regular_price_minor: int | None = Field(description="what the price book says, where the price was set by hand")
    age_limit: int | None
    waits_for_age: bool
    tare_grams: int | None


class NoticeView(BaseModel):
    kind: Literal["error", "hint"]
    reason: str
    text: str


class OperatorView(BaseModel):
    operator_id: str
    name: str
    role: str


class SessionBrief(BaseModel):
    session_id: str
    business_date: str
    opened_at: str


class CallView(BaseModel):
    """Somebody is called to this workstation. blocks: nothing is scanned or paid there before an attendant answered."""

    reason: str
    text: str
    since: str
    blocks: bool


class BasketView(BasketOffers, BasketTenders):
    """operator: who is signed on. sign_on_needed, session_needed: nothing is sold before that.

    training: nothing counts; the screen shows it so that nobody can miss it.
    """

    workstation_id: str
    kind: Literal["attended", "self-checkout"]
    operator: OperatorView | None
    sign_on_needed: bool
    training: bool
    session: SessionBrief | None
    session_needed: bool
    attention: CallView | None
    state: State
    currency: str
    lines: list[LineView]
    total_minor: int
    total: str
    pending_quantity: int | None
    pending_tare_grams: int | None
    weighing: bool
    notice: NoticeView | None


def view(workstation: Workstation, words: Words | None = None) -> BasketView:
    """The basket as a screen shows it. words: of whoever reads the prompts; None: the store's."""
    basket, locale = workstation.basket, workstation.store.locale
    notice = workstation.notice
    return BasketView(
        workstation_id=workstation.lane.workstation_id,
        kind="self-checkout" if workstation.lane.self_checkout else "attended",
        operator=_operator(workstation),
        sign_on_needed=workstation.people.needs_sign_on() and workstation.people.operator() is None,
        training=workstation.day.training.on,
        session=_session(workstation),
        session_needed=workstation.day.needs_session(),
        attention=call_view(workstation),
        state=basket.state,
        currency=basket.currency,
        lines=[_line(line, basket.currency, locale) for line in basket.lines],
        total_minor=basket.total().minor,
        total=basket.total().shown(locale),
        pending_quantity=basket.pending_quantity,
        pending_tare_grams=basket.pending_tare_grams,
        weighing=workstation.weighing,
        notice=NoticeView(kind=notice.kind, reason=notice.reason, text=notice.text) if notice else None,
        **of_tenders(workstation),
        **of_basket(workstation, words or Words(locale)),
    )


def call_view(workstation: Workstation) -> CallView | None:
    call = workstation.attention.call
    return CallView(reason=call.reason, text=call.text, since=call.since, blocks=call.blocks) if call else None


def _session(workstation: Workstation) -> SessionBrief | None:
    session = workstation.day.sessions.open_now
    if session is None:
        return None
    return SessionBrief(
        session_id=session.session_id,
        business_date=session.business_date.isoformat(),
        opened_at=session.opened_utc,
    )


def operator_view(operator: OperatorRow) -> OperatorView:
    return OperatorView(operator_id=operator.operator_id, name=operator.name, role=operator.role)


def _operator(workstation: Workstation) -> OperatorView | None:
    operator = workstation.people.operator()
    return operator_view(operator) if operator is not None else None


def _line(line: Line, currency: str, locale: str) -> LineView:
    price = Money(line.unit_price_minor, currency).plain()
    if line.weight_grams is not None:
        measure = f"{Weight(line.weight_grams).plain()} kg x {price}/kg"
    else:
        measure = f"{Quantity(line.quantity or 0).plain()} x {price}"
    return LineView(
        line_number=line.line_number,
        item_id=line.item_id,
        description=line.description,
        measure=measure,
        quantity=line.quantity,
        weight_grams=line.weight_grams,
        unit_price_minor=line.unit_price_minor,
        extended_amount_minor=line.amount(currency).minor,
        amount=line.amount(currency).shown(locale),
        entry_method=line.entry_method,
        void=line.void,
        regular_price_minor=line.price_override.regular_price_minor if line.price_override else None,
        age_limit=line.age_limit,
        waits_for_age=not line.void and line.age_limit is not None and line.age_confirmed is None,
        tare_grams=line.tare_grams,
        **of_line(line, currency, locale),
    )
