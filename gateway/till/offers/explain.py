"""Why a line of the open sale costs what it costs: its price, what each deal took off, and which rules gave nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.till.offers.answer import Dealt, dealt, named

if TYPE_CHECKING:
    from gateway.till.basket import Basket, Line
    from gateway.till.workstation import Workstation


@dataclass(frozen=True, slots=True)
class Reduced:
    """One deal on the line. units: of this line; times: how often the rule was applied; others: lines it shares."""

    rule_id: str | None
    rev: int | None
    name: str
    kind: str
    deal: int
    units: int
    times: int
    amount_minor: int
    saving_minor: int
    others: tuple[int, ...]
    reason: str
    authorised_by: str | None


@dataclass(frozen=True, slots=True)
class NotGiven:
    rule_id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """at: the store's own time that the rules were asked for. complete: whether the rules not given could be told."""

    line: Line
    at: datetime | None
    rules_version: int
    deals: tuple[Reduced, ...]
    not_given: tuple[NotGiven, ...]
    complete: bool


def explain(till: Workstation, line_number: int) -> Explanation | None:
    """None: there is no such line."""
    basket = till.basket
    line = next((line for line in basket.lines if line.line_number == line_number), None)
    if line is None:
        return None
    offers = basket.offers
    deals, not_given = _asked_again(till, basket, line)
    reduced = tuple(_reduced(line, number, deals) for number in range(len(line.price_modifiers)))
    version = offers.rules_version if offers is not None else 0
    return Explanation(line, basket.rung_at, version, reduced, tuple(not_given or ()), not_given is not None)


def _asked_again(till: Workstation, basket: Basket, line: Line) -> tuple[list[Dealt], list[NotGiven] | None]:
    """What the engine says of it now; nothing where other rules are in force by now than it was priced by."""
    offers, pricing = basket.offers, till.offers.pricing
    if offers is None or offers.failed or offers.pending or offers.rules_version != pricing.rules_version():
        return [], None
    priced = pricing.priced(basket, offers.tender)
    if priced is None or line.void:
        return [], []
    from retail.promotions.explaining import without_effect  # noqa: PLC0415  only where there are rules

    locale = till.store.locale
    not_given = [
        NotGiven(rule.rule.id, named(rule.rule.name, locale, rule.rule.id), reason)
        for rule, reason in without_effect(priced, line.line_number)
    ]
    return dealt(priced), not_given


def _reduced(line: Line, number: int, deals: list[Dealt]) -> Reduced:
    modifier = line.price_modifiers[number]
    deal = next((deal for deal in deals if deal.number == modifier.deal), None)
    return Reduced(
        rule_id=modifier.rule_id,
        rev=modifier.rule_rev,
        name=modifier.name,
        kind=deal.kind if deal is not None else "",
        deal=modifier.deal,
        units=deal.units.get(line.line_number, 0) if deal is not None else 0,
        times=deal.times if deal is not None else 0,
        amount_minor=modifier.amount_minor,
        saving_minor=deal.saving if deal is not None else modifier.amount_minor,
        others=tuple(sorted(other for other in deal.units if other != line.line_number)) if deal is not None else (),
        reason=modifier.reason or "",
        authorised_by=modifier.authorised_by,
    )
