"""Rules over amounts rather than slots: thresholds, coupons, manual discounts, gifts, tender offers, points.

One application is one deal over everything it rewards, rounded once. Rules of one priority that do not stack compete
for units: whatever order of them saves most is taken, within the budget of nodes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from retail.promotions.compiled import Compiled
from retail.promotions.deals import Deal, apply
from retail.promotions.occasion import Sale
from retail.promotions.rules import FULL, Reward, Threshold, Tier
from retail.promotions.units import Unit, floored
from retail.units import divide_half_up


@dataclass(slots=True, eq=False)
class Offer:
    """What a rule would do right now: take so much off these units, give gifts, give points."""

    rule: Compiled
    lane: int
    saving: int
    units: list[Unit]
    all_free: bool  # whether it leaves no free unit to others
    times: int
    gifts: list[tuple[str, int, int]]  # item, how many, how many of them are in the basket
    points: int

    def deal(self) -> Deal:
        """The offer taken: what each unit gets of it."""
        return apply(self.rule, self.lane, self.saving, self.units, [True] * len(self.units), True)


def offer(sale: Sale, rule: Compiled, lane: int, units: list[Unit], common: Collection[int] = ()) -> Offer | None:
    """What the rule gives over these units; None: nothing. common: rules with every set of which all units are."""
    reward = rule.reward
    stack = rule.rule.concurrency == "stack"
    free = [unit for unit in units if not unit.closed and (stack or unit.lane != lane)]
    unclosed = len(free)
    if reward.type == "points":
        free = units
    elif rule.rule.concurrency == "exclusive":
        free = [unit for unit in free if not unit.touched]
    counted = free if rule.place in common else in_sets(rule, counted_sets(rule), free)
    if reward.type == "gift":
        return _gifts(sale, rule, lane, counted, free)
    value, times = _reached(sale, rule, counted)
    if times == 0:
        return None
    if reward.type == "points":
        return _points(rule, reward, lane, counted, value, times)
    paid = _rewarded(rule, reward, counted, free)
    floors = floored(rule, [unit.article for unit in paid])
    if floors:
        paid = [unit for unit in paid if unit.article.floor(rule) is not None]
    saving = _saving(rule, reward, value, times, paid)
    left = sale.ready(rule.place)[0].amount
    if not floors:
        room = sum([unit.net for unit in paid])
    else:
        room = sum([max(0, unit.net - (unit.article.floor(rule) or 0)) for unit in paid])
    saving = max(0, min(saving, room, saving if left is None else left))
    if saving == 0:
        return None
    return Offer(rule, lane, saving, paid, len(paid) == unclosed, times, [], 0)


def counted_sets(rule: Compiled) -> tuple[str, ...]:
    threshold = rule.rule.threshold
    if threshold is not None and threshold.set is not None:
        return (threshold.set,)
    if rule.rule.kind == "addon_price":
        return ()
    return rule.sets[:1] if len(rule.sets) == 1 else ()


def in_sets(rule: Compiled, names: tuple[str, ...], units: list[Unit]) -> list[Unit]:
    """No names: every set of the rule; an add-on's threshold counts everything."""
    if not names and rule.rule.kind == "addon_price":
        return units
    place = rule.place
    if not names or len(names) == len(rule.sets):
        return [unit for unit in units if place in unit.article.bits]
    bits = rule.bits(names)
    return [unit for unit in units if unit.article.bits.get(place, 0) & bits]


def _reached(sale: Sale, rule: Compiled, units: list[Unit]) -> tuple[int, int]:
    """(value, full multiples): 0 multiples where the threshold or the lowest tier is not reached."""
    own = sale.value(rule)
    value = own if own is not None else rule.reward.value or 0
    if rule.rule.tiers:
        tiers = [tier for tier in rule.rule.tiers if measured(rule, tier, units) >= needed(tier)]
        if not tiers:
            return 0, 0
        value = max(tiers, key=needed).value
    threshold = rule.rule.threshold
    if threshold is None:
        return value, 1 if units else 0
    times = measured(rule, threshold, units) // needed(threshold)
    return value, _limited(sale, rule, times if threshold.repeat else min(times, 1))


def _limited(sale: Sale, rule: Compiled, times: int) -> int:
    uses = sale.ready(rule.place)[0].uses
    return times if uses is None else min(times, uses)


def needed(measure: Threshold | Tier) -> int:
    return measure.amount or measure.qty or measure.grams or 1


def measured(rule: Compiled, measure: Threshold | Tier, units: list[Unit]) -> int:
    """Money by the net after earlier lanes unless the rule says gross; else pieces or grams."""
    if measure.qty is not None:
        return len(units)
    if measure.grams is not None:
        return sum(unit.article.grams for unit in units)
    return sum([unit.gross for unit in units] if rule.rule.basis == "gross" else [unit.net for unit in units])


def _rewarded(rule: Compiled, reward: Reward, counted: list[Unit], free: list[Unit]) -> list[Unit]:
    first = reward.apply_to[0] if reward.apply_to else "all"
    if rule.rule.kind == "addon_price":
        pool = in_sets(rule, tuple(rule.sets) if first in ("all", "last") else reward.apply_to, free)
        return sorted(pool, key=lambda unit: (-unit.net, unit.line, unit.number))
    if first in ("cheapest", "dearest"):
        sign = 1 if first == "cheapest" else -1
        ordered = sorted(counted, key=lambda unit: (sign * unit.net, unit.line, unit.number))[: reward.count]
        return sorted(ordered, key=lambda unit: (unit.line, unit.number))
    return counted if first in ("all", "last") else in_sets(rule, reward.apply_to, free)


def _saving(rule: Compiled, reward: Reward, value: int, times: int, units: list[Unit]) -> int:
    bases = [unit.gross if rule.rule.basis == "gross" else unit.net for unit in units]
    if reward.type == "percent_off":
        return divide_half_up(sum(bases) * value, FULL)
    if reward.type == "amount_off":
        return value * times
    if reward.type == "amount_off_each":
        return sum(min(value, unit.net) for unit in units)
    if reward.type == "unit_price":
        if rule.rule.kind == "addon_price":
            del units[reward.count * times :]
            units.sort(key=lambda unit: (unit.line, unit.number))
        return sum(max(0, unit.net - unit.article.priced(value)) for unit in units)
    if reward.type == "bundle_price":
        return sum(unit.net for unit in units) - value
    return sum(unit.net for unit in units)


def _points(rule: Compiled, reward: Reward, lane: int, units: list[Unit], value: int, times: int) -> Offer | None:
    """So many points for every full step of the amount; without a step, so many for reaching the threshold."""
    if reward.per is not None:
        times = sum(unit.gross if rule.rule.basis == "gross" else unit.net for unit in units) // reward.per
    points = value * times
    maximum = rule.rule.limits.max_discount
    points = points if maximum is None else min(points, maximum)
    return Offer(rule, lane, 0, [], False, times, [], points) if points else None


def _gifts(sale: Sale, rule: Compiled, lane: int, counted: list[Unit], free: list[Unit]) -> Offer | None:
    """Gifts that were scanned become free; what they would have cost does not count towards the threshold."""
    reward = rule.reward
    _, most = _reached(sale, rule, counted)
    for times in range(most, 0, -1):
        given: list[Unit] = []
        gifts = []
        for gift in reward.items:
            there = [unit for unit in free if unit.article.item == gift.item][: gift.qty * times]
            there = [unit for unit in there if unit.article.floor(rule) is not None]
            gifts.append((gift.item, gift.qty * times, len(there)))
            given += there
        paid_for = [unit for unit in counted if unit not in given] if given else counted
        if _reached(sale, rule, paid_for)[1] < times:
            continue
        given.sort(key=lambda unit: (unit.line, unit.number))
        saving = sum(max(0, unit.net - (unit.article.floor(rule) or 0)) for unit in given)
        left = sale.ready(rule.place)[0].amount
        saving = saving if left is None else min(saving, left)
        return Offer(rule, lane, saving, given, False, times, gifts, 0)
    return None
