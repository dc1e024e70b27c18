"""From the engine's answer to the lines of the open sale: modifiers by deal, nets per unit, points, gifts.

Deals of one rule over the same lines are one deal here, so that three times "two for 99" is one line on the receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.till.offers.rows import ByHand, GiftDue, Offers, PointsEarned
from retail.lines import MOST_MODIFIERS, NetUnits, PriceModifier

if TYPE_CHECKING:
    from gateway.till.basket import Basket, Line
    from retail.promotions import Priced

#: the engine's name for a discount by hand that names no rule
BY_HAND = "manual"
NAME_MOST = 200


@dataclass(slots=True)
class Dealt:
    """What one rule gave over one set of lines, however often. amounts: line number -> what it took off that line.

    units: line number -> units that took part. times: how often it was applied.
    """

    number: int
    rule_id: str
    rev: int
    name: Mapping[str, str]
    kind: str
    lane: str
    times: int = 0
    saving: int = 0
    amounts: dict[int, int] = field(default_factory=dict)
    units: dict[int, int] = field(default_factory=dict)
    reason: str = ""


def named(names: Mapping[str, str], locale: str, otherwise: str) -> str:
    """A rule's name for people of this locale: `zh_TW` is `zh-TW`, then `zh`; else English; else any at all."""
    wanted = locale.replace("_", "-")
    for language in (wanted, wanted.split("-", maxsplit=1)[0], "en"):
        if names.get(language):
            return names[language]
    return next((name for name in names.values() if name), otherwise)


def dealt(priced: Priced) -> list[Dealt]:
    """The deals, those of one rule over the same lines together, numbered from 1 in the engine's order."""
    refs = [int(line["ref"]) for line in priced.lines]
    found: dict[tuple[Any, ...], Dealt] = {}
    for deal in priced.deals:
        lines = {refs[unit["line"] - 1] for unit in deal["units"]}
        key = (deal["rule"], deal["lane"], deal.get("reason"), *sorted(lines))
        one = found.get(key)
        if one is None:
            one = found[key] = Dealt(
                len(found) + 1, deal["rule"], deal["rev"], deal["name"], deal["kind"], deal["lane"]
            )
            one.reason = deal.get("reason", "")
        one.times += deal.get("times", 1)
        one.saving += deal["saving"]
        for unit in deal["units"]:
            line = refs[unit["line"] - 1]
            one.amounts[line] = one.amounts.get(line, 0) + unit["amount"]
            one.units[line] = one.units.get(line, 0) + 1
    return list(found.values())


def write(priced: Priced, basket: Basket, offers: Offers, locale: str) -> None:
    """Write the answer onto the basket's lines and into `offers`."""
    deals = dealt(priced)
    units = {int(line["ref"]): line["units"] for line in priced.lines}
    for line in basket.lines:
        line.price_modifiers = _modifiers(line, deals, basket, locale) if line.line_number in units else []
        line.net_units = _net_units(units[line.line_number]) if line.price_modifiers else []
    offers.bounded = priced.bounded
    offers.points = [PointsEarned(rule_id=one["rule"], points=one["points"]) for one in priced.points]
    offers.gifts = [
        GiftDue(
            rule_id=one["rule"],
            item_id=one["item"],
            quantity=one["quantity"],
            in_basket=one["in_basket"],
        )
        for one in priced.gifts
    ]
    offers.used, offers.effective = _counted(priced, deals)


def clear(basket: Basket) -> None:
    """Every line at its plain price."""
    for line in basket.lines:
        line.price_modifiers, line.net_units = [], []


def _modifiers(line: Line, deals: list[Dealt], basket: Basket, locale: str) -> list[PriceModifier]:
    mine = [(deal, deal.amounts[line.line_number]) for deal in deals if deal.amounts.get(line.line_number)]
    if len(mine) > MOST_MODIFIERS:
        mine = _by_rule(mine)
    return [_modifier(deal, amount, line, basket, locale) for deal, amount in mine]


def _by_rule(mine: list[tuple[Dealt, int]]) -> list[tuple[Dealt, int]]:
    """A line of very many pieces, each in a deal with another line: one modifier a rule says it as well."""
    found: dict[str, tuple[Dealt, int]] = {}
    for deal, amount in mine:
        first, so_far = found.get(deal.rule_id, (deal, 0))
        found[deal.rule_id] = (first, so_far + amount)
    return list(found.values())


def _modifier(deal: Dealt, amount: int, line: Line, basket: Basket, locale: str) -> PriceModifier:
    hand = _hand(deal, line, basket)
    if deal.rule_id == BY_HAND:
        reason = hand.reason if hand is not None else deal.reason
        return PriceModifier(
            name=reason[:NAME_MOST],
            deal=deal.number,
            amount_minor=amount,
            reason=reason[:NAME_MOST],
            authorised_by=hand.authorised_by if hand is not None else None,
        )
    return PriceModifier(
        rule_id=deal.rule_id,
        rule_rev=max(0, deal.rev),
        name=named(deal.name, locale, deal.rule_id)[:NAME_MOST],
        deal=deal.number,
        amount_minor=amount,
    )


def _hand(deal: Dealt, line: Line, basket: Basket) -> ByHand | None:
    return line.by_hand if deal.lane == "line" else basket.by_hand


def _net_units(units: list[dict[str, Any]]) -> list[NetUnits]:
    counts: dict[int, int] = {}
    for unit in units:
        counts[unit["net"]] = counts.get(unit["net"], 0) + 1
    return [NetUnits(count=count, net_minor=net) for net, count in counts.items()]


def _counted(priced: Priced, deals: list[Dealt]) -> tuple[dict[str, int], list[str]]:
    """How often rules that are limited per member and day gave something; the coupons that opened a rule that did."""
    index = priced.sale.index
    times: dict[str, int] = {}
    for deal in deals:
        times[deal.rule_id] = times.get(deal.rule_id, 0) + deal.times
    for one in [*priced.points, *priced.gifts]:
        times.setdefault(one["rule"], 1)
    used, effective = {}, set()
    for rule_id, count in sorted(times.items()):
        known = index.by_id.get(rule_id)
        if known is None:
            continue
        if known.rule.limits.per_member_day is not None:
            used[rule_id] = count
        if known.rule.trigger is not None and known.rule.trigger.coupon is not None:
            effective.add(known.rule.trigger.coupon)
    return used, sorted(effective)
