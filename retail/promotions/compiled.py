"""A rule made ready for the search: its sets as bits, its slots as patterns, its place in the one order of rules."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_

from retail.promotions.rules import FULL, LANES, Matcher, Reward, Rule
from retail.promotions.validity import always

PRICE, UNIT, LINE, BASKET, TENDER = range(len(LANES))


@dataclass(frozen=True, slots=True)
class PatternSlot:
    bit: int  # of the set, among the sets of its rule
    qty: int
    items: str  # any, same, different


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to apply a rule: what it takes, and which of that it rewards."""

    slots: tuple[PatternSlot, ...]
    reward: str  # a RewardType, or "nth"
    value: int  # minor units or basis points; the occasion or the unit may know a better one
    choose: str  # all, cheapest, dearest or slots
    count: int = 1  # how many cheapest or dearest
    rewarded: frozenset[int] = frozenset()  # numbers of the rewarded slots, for "slots"
    nth: tuple[int, ...] = ()  # basis points by place, dearest first
    gross: bool = False
    spread: bool = True  # the saving goes over all units, not only over the rewarded

    @property
    def size(self) -> int:
        return sum(slot.qty for slot in self.slots)


@dataclass(slots=True, eq=False)
class Compiled:
    """`place` is the rule's number in (priority descending, id): the order of everything."""

    place: int
    rule: Rule
    reward: Reward
    lane: int
    sets: tuple[str, ...]
    matchers: tuple[Matcher, ...]
    patterns: tuple[Pattern, ...]
    excludes: set[int] = field(default_factory=set)

    by_pattern: bool = False
    #: from a quantity on every unit, wherever and however many there are
    each: bool = False
    #: over an amount rather than slots: it belongs to the lanes over the whole basket
    whole: bool = False
    #: what it gives one unit depends on other units; exclusions come to it later
    couples: bool = False
    #: whether it looks at prices before discounts, at which item a unit is, at a floor of its own
    gross: bool = False
    by_item: bool = False
    floored: bool = False
    #: its value goes by the days that a lot still has
    by_days: bool = False
    #: solved together with others of its priority, for the most that the customer can save
    together: bool = False
    #: it holds for every occasion
    always: bool = False
    #: it takes no fewer units than this, and some of each of these sets, as bits
    least: int = 1
    needs: int = 0

    def bits(self, names: tuple[str, ...]) -> int:
        return sum(1 << self.sets.index(name) for name in names if name in self.sets)


def compiled(place: int, rule: Rule) -> Compiled:
    sets = tuple(rule.match)
    lane = LANES.index(rule.lane or "unit")
    reward = rule.reward or Reward(type="percent_off", value=0)
    patterns = tuple(_patterns(rule, sets))
    ready = Compiled(place, rule, reward, lane, sets, tuple(rule.match.values()), patterns)
    ready.by_pattern, ready.each = bool(patterns), rule.tier_mode == "each"
    ready.whole = not (patterns or ready.each or rule.kind == "manual_discount")
    ready.couples = _couples(rule, patterns)
    ready.together = rule.favour == "customer" and rule.concurrency != "stack"
    ready.by_days = any(tier.days is not None for tier in rule.tiers)
    ready.always = always(rule)
    ready.gross = rule.basis == "gross" or any(pattern.gross for pattern in patterns)
    ready.by_item = any(slot.items != "any" for pattern in patterns for slot in pattern.slots)
    ready.floored = rule.limits.floor != "none"
    if patterns:
        ready.least = min(pattern.size for pattern in patterns)
        sets_of = [reduce(or_, [slot.bit for slot in pattern.slots]) for pattern in patterns]
        ready.needs = reduce(and_, sets_of)
    elif ready.each:
        ready.least = min(tier.qty or 1 for tier in rule.tiers)
    return ready


def _couples(rule: Rule, patterns: tuple[Pattern, ...]) -> bool:
    limits = rule.limits
    limited = (limits.per_basket, limits.per_member_day, limits.max_discount, rule.trigger) != (None,) * 4
    return limited or rule.tier_mode == "each" or any(pattern.size > 1 for pattern in patterns)


def _patterns(rule: Rule, sets: tuple[str, ...]) -> list[Pattern]:
    reward = rule.reward
    if reward is None or rule.tier_mode == "each":
        return []
    if rule.kind == "qty_tier":
        tiers = [(_slots_of_tier(rule, sets, tier.qty or 1), tier.value) for tier in rule.tiers]
        return [_pattern(rule, reward, slots, value) for slots, value in tiers]
    if rule.kind == "nth_unit":
        return _nth_patterns(rule, sets)
    if not rule.slots:
        return []
    ranges = [range(slot.min or slot.qty, slot.qty + 1) for slot in rule.slots]
    return [
        _pattern(rule, reward, _slots(rule, sets, sizes), reward.value or 0) for sizes in itertools.product(*ranges)
    ]


def _slots(rule: Rule, sets: tuple[str, ...], sizes: tuple[int, ...]) -> tuple[PatternSlot, ...]:
    return tuple(
        PatternSlot(1 << sets.index(slot.set), size, slot.items) for slot, size in zip(rule.slots, sizes, strict=True)
    )


def _slots_of_tier(rule: Rule, sets: tuple[str, ...], qty: int) -> tuple[PatternSlot, ...]:
    slot = rule.slots[0] if rule.slots else None
    return (PatternSlot(1 << sets.index(slot.set if slot else sets[0]), qty, slot.items if slot else "any"),)


def _nth_patterns(rule: Rule, sets: tuple[str, ...]) -> list[Pattern]:
    """Groups end where a unit gets something: "2nd half price, 3rd free" makes groups of two and of three."""
    slot = rule.slots[0]
    given = {nth.n: nth.value for nth in rule.nth}
    ends = {slot.qty} if slot.qty > max(given) else set(given)
    return [
        Pattern(
            (PatternSlot(1 << sets.index(slot.set), size, slot.items),),
            "nth",
            0,
            "all",
            nth=tuple(given.get(place, 0) for place in range(1, size + 1)),
            gross=rule.basis == "gross",
            spread=rule.reward is None or rule.reward.distribute == "all",
        )
        for size in sorted(ends)
    ]


def _pattern(rule: Rule, reward: Reward, slots: tuple[PatternSlot, ...], value: int) -> Pattern:
    choose, rewarded = "all", frozenset[int]()
    first = reward.apply_to[0] if reward.apply_to else "all"
    if first in ("cheapest", "dearest"):
        choose = first
    elif first == "last":
        choose, rewarded = "slots", frozenset((len(slots) - 1,))
    elif first != "all":
        bits = {1 << list(rule.match).index(name) for name in reward.apply_to}
        choose, rewarded = "slots", frozenset(number for number, slot in enumerate(slots) if slot.bit in bits)
        if len(rewarded) == len(slots):
            choose = "all"
    same = len({slot.bit for slot in slots}) == 1 and all(slot.items == "any" for slot in slots)
    count = reward.count
    if choose == "slots" and same:  # of one set the cheapest are the rewarded, whichever slot they are in
        choose, count = "cheapest", slots[-1].qty
        slots = (PatternSlot(slots[0].bit, sum(slot.qty for slot in slots), "any"),)
    kind, worth = (reward.type, value) if reward.type != "free" else ("percent_off", FULL)
    gross, spread = rule.basis == "gross", reward.distribute == "all"
    return Pattern(slots, kind, worth, choose, count, rewarded, (), gross, spread)
