"""Rules over amounts rather than slots: thresholds, coupons, manual discounts, gifts, tender offers, points.

One application is one deal over everything it rewards, rounded once. Rules of one priority that do not stack compete
for units: whatever order of them saves most is taken, within the budget of nodes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from retail.promotions.apportion import apportion
from retail.promotions.compiled import Compiled
from retail.promotions.deals import Deal, room_of
from retail.promotions.occasion import Sale
from retail.promotions.rules import FULL, Reward, Threshold, Tier
from retail.promotions.units import Free, Unit
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
    floors: bool = True  # whether one of the units may have a floor

    def deal(self) -> Deal:
        """The offer taken: what each unit gets of it."""
        room = room_of(self.rule, self.units, self.floors)
        shares = apportion(self.saving, [unit.article.gross for unit in self.units], room)
        return Deal(self.rule, self.lane, self.saving, self.units, shares, [True] * len(room))


class Moment:
    """What the rules of a lane find there at one moment: each sort of units, and what they come to, worked out once."""

    def __init__(self, units: list[Unit], lane: int, common: Collection[int], least: bool) -> None:
        """common: places of the rules of one set in which all units are. least: whether a unit has a least price."""
        self.lane, self.common, self.least = lane, common, least
        self.all = Free(units)
        self._unclosed: Free | None = None
        self._free: Free | None = None

    @property
    def unclosed(self) -> Free:
        if self._unclosed is None:
            self._unclosed = self.all.only([unit for unit in self.all.units if not unit.closed])
        return self._unclosed

    @property
    def free(self) -> Free:
        """Not taken by another rule of this lane either."""
        if self._free is None:
            lane = self.lane
            self._free = self.unclosed.only([unit for unit in self.unclosed.units if unit.lane != lane])
        return self._free

    def open_to(self, rule: Compiled) -> tuple[Free, int]:
        """The units that it may have, and how many there were without its wish to be alone."""
        if rule.reward.type == "points":
            return self.all, 0
        there = self.unclosed if rule.rule.concurrency == "stack" else self.free
        if rule.rule.concurrency == "exclusive":
            return there.only([unit for unit in there.units if not unit.touched]), len(there.units)
        return there, len(there.units)


def offer(sale: Sale, rule: Compiled, moment: Moment) -> Offer | None:
    """What the rule gives at this moment; None: nothing."""
    reward, lane = rule.reward, moment.lane
    free, there = moment.open_to(rule)
    counted = free if rule.place in moment.common else Free(in_sets(rule, counted_sets(rule), free.units))
    if reward.type == "gift":
        return _gifts(sale, rule, lane, counted, free.units)
    value, times = _reached(sale, rule, counted)
    if times == 0:
        return None
    if reward.type == "points":
        return _points(rule, reward, lane, counted, value, times)
    paid = _rewarded(rule, reward, counted, free, times)
    saving = _saving(rule, reward, value, times, paid)
    left = sale.ready(rule.place)[0].amount
    floors = moment.least or rule.floored
    room = sum(room_of(rule, paid.units, floors)) if floors else paid.net
    saving = max(0, min(saving, room, saving if left is None else left))
    if saving == 0:
        return None
    return Offer(rule, lane, saving, paid.units, len(paid.units) == there, times, [], 0, floors)


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


def _reached(sale: Sale, rule: Compiled, units: Free) -> tuple[int, int]:
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
        return value, 1 if units.units else 0
    times = measured(rule, threshold, units) // needed(threshold)
    return value, _limited(sale, rule, times if threshold.repeat else min(times, 1))


def _limited(sale: Sale, rule: Compiled, times: int) -> int:
    uses = sale.ready(rule.place)[0].uses
    return times if uses is None else min(times, uses)


def needed(measure: Threshold | Tier) -> int:
    return measure.amount or measure.qty or measure.grams or 1


def measured(rule: Compiled, measure: Threshold | Tier, units: Free) -> int:
    """Money by the net after earlier lanes unless the rule says gross; else pieces or grams."""
    if measure.qty is not None:
        return len(units.units)
    if measure.grams is not None:
        return units.grams
    return units.gross if rule.rule.basis == "gross" else units.net


def _rewarded(rule: Compiled, reward: Reward, counted: Free, free: Free, times: int) -> Free:
    """The units that it reduces; without those whose floor nobody knows."""
    first = reward.apply_to[0] if reward.apply_to else "all"
    paid = counted
    if rule.rule.kind == "addon_price":
        pool = in_sets(rule, tuple(rule.sets) if first in ("all", "last") else reward.apply_to, free.units)
        paid = Free(sorted(pool, key=lambda unit: (-unit.net, unit.line, unit.number)))
    elif first in ("cheapest", "dearest"):
        sign = 1 if first == "cheapest" else -1
        ordered = sorted(counted.units, key=lambda unit: (sign * unit.net, unit.line, unit.number))[: reward.count]
        paid = Free(sorted(ordered, key=lambda unit: (unit.line, unit.number)))
    elif first not in ("all", "last"):
        paid = Free(in_sets(rule, reward.apply_to, free.units))
    if rule.rule.limits.floor == "cost":
        paid = paid.only([unit for unit in paid.units if unit.article.floor(rule) is not None])
    if rule.rule.kind == "addon_price" and reward.type == "unit_price":
        paid = Free(sorted(paid.units[: reward.count * times], key=lambda unit: (unit.line, unit.number)))
    return paid


def _saving(rule: Compiled, reward: Reward, value: int, times: int, units: Free) -> int:
    if reward.type == "percent_off":
        return divide_half_up((units.gross if rule.rule.basis == "gross" else units.net) * value, FULL)
    if reward.type == "amount_off":
        return value * times
    if reward.type == "amount_off_each":
        return sum(min(value, unit.net) for unit in units.units)
    if reward.type == "unit_price":
        return sum(max(0, unit.net - unit.article.priced(value)) for unit in units.units)
    if reward.type == "bundle_price":
        return units.net - value
    return units.net


def _points(rule: Compiled, reward: Reward, lane: int, units: Free, value: int, times: int) -> Offer | None:
    """So many points for every full step of the amount; without a step, so many for reaching the threshold."""
    if reward.per is not None:
        times = (units.gross if rule.rule.basis == "gross" else units.net) // reward.per
    points = value * times
    maximum = rule.rule.limits.max_discount
    points = points if maximum is None else min(points, maximum)
    return Offer(rule, lane, 0, [], False, times, [], points) if points else None


def _gifts(sale: Sale, rule: Compiled, lane: int, counted: Free, free: list[Unit]) -> Offer | None:
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
        paid_for = Free([unit for unit in counted.units if unit not in given]) if given else counted
        if _reached(sale, rule, paid_for)[1] < times:
            continue
        given.sort(key=lambda unit: (unit.line, unit.number))
        saving = sum(max(0, unit.net - (unit.article.floor(rule) or 0)) for unit in given)
        left = sale.ready(rule.place)[0].amount
        saving = saving if left is None else min(saving, left)
        return Offer(rule, lane, saving, given, False, times, gifts, 0)
    return None
