"""Every way in which the rules of one search can apply once: the moves of the search."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import comb

from retail.promotions.compiled import Pattern, PatternSlot
from retail.promotions.savings import Ready, saving, saving_of_one
from retail.promotions.units import Kind

#: more moves than this are not listed; then only neighbours in price are put together, and the result says `bounded`
MOST_CANDIDATES = 3_000


@dataclass(slots=True, eq=False)
class Candidate:
    """One application: of which rule, what it takes (kind, count), what it saves."""

    rule: int  # number among the rules of the search, which stand in order
    takes: tuple[tuple[int, int], ...]
    saving: int
    picks: tuple[tuple[int, bool], ...]  # (kind, whether it is rewarded), unit by unit
    spread: bool = True
    join: int = 0  # in a deal that takes any number: what this unit adds, in pieces or grams
    size: int = 0


@dataclass(slots=True, eq=False)
class Problem:
    """Kinds, rules and moves of one search."""

    kinds: list[Kind]
    rules: list[Ready]
    candidates: list[Candidate] = field(default_factory=list)
    whole: bool = True  # every move is listed
    least: bool = False  # one of the kinds has a least price


def problem(given: Problem) -> Problem:
    """The same with its moves, and without the rules that have none."""
    kinds, rules = given.kinds, given.rules
    found: dict[tuple[int, tuple[tuple[int, int], ...]], Candidate] = {}
    whole = True
    members, there = _members(kinds, rules)
    for number, ready in enumerate(rules):
        mine, units = members[ready.place], there[ready.place]
        if ready.need and (ready.by_grams or units >= ready.need):
            for joining in _joins(number, ready, kinds, mine):
                found[number, joining.takes] = joining
        if units < ready.rule.least:
            continue
        floors = given.least or ready.rule.floored
        for pattern in ready.rule.patterns:
            pools = _pools(pattern, kinds, mine)
            if not pools:
                continue
            listed = _how_many(pattern, pools) + len(found) <= MOST_CANDIDATES
            whole &= listed
            choices = _all_choices(pattern, pools, kinds) if listed else _neighbours(pattern, pools, kinds)
            for choice in choices:
                move = candidate(number, ready, pattern, choice, kinds, floors)
                if move is None:
                    continue
                known = found.get((number, move.takes))
                if known is None or known.saving < move.saving:
                    found[number, move.takes] = move
    ordered = sorted(found.values(), key=lambda move: (move.rule, sorted([kind for kind, _ in move.picks])))
    if not whole:
        return Problem(kinds, rules, ordered, whole, given.least)
    return Problem(kinds, *_without_the_idle(rules, ordered), whole, given.least)


def _members(kinds: list[Kind], rules: list[Ready]) -> tuple[dict[int, list[tuple[int, int]]], dict[int, int]]:
    """Per place of a rule: the kinds that it wants, and their sets as bits; and how many units these are."""
    members: dict[int, list[tuple[int, int]]] = {ready.place: [] for ready in rules}
    there = dict.fromkeys(members, 0)
    for number, kind in enumerate(kinds):
        count = len(kind.units)
        for place, bits in kind.article.bits.items():
            if place in members:
                members[place].append((number, bits))
                there[place] += count
    return members, there


def _without_the_idle(rules: list[Ready], moves: list[Candidate]) -> tuple[list[Ready], list[Candidate]]:
    """Without the rules that have no move; the others keep their order."""
    busy = sorted({move.rule for move in moves})
    if len(busy) < len(rules):
        renumbered = {number: place for place, number in enumerate(busy)}
        for move in moves:
            move.rule = renumbered[move.rule]
    return [rules[number] for number in busy], moves


def _pools(pattern: Pattern, kinds: list[Kind], members: list[tuple[int, int]]) -> list[list[int]]:
    """The kinds for each slot; none at all where there are too few for one of them."""
    pools = []
    for slot in pattern.slots:
        bit, qty = slot.bit, slot.qty
        pool = [number for number, bits in members if bits & bit]
        if not pool or (qty > 1 and sum([len(kinds[number].units) for number in pool]) < qty):
            return []
        pools.append(pool)
    return pools


def _how_many(pattern: Pattern, pools: list[list[int]]) -> int:
    total = 1
    for slot, pool in zip(pattern.slots, pools, strict=True):
        total *= comb(len(pool) + slot.qty - 1, slot.qty)
    return total


def _all_choices(pattern: Pattern, pools: list[list[int]], kinds: list[Kind]) -> Iterator[tuple[tuple[int, ...], ...]]:
    per_slot = [
        [
            combination
            for combination in _combinations(pool, slot.qty, kinds)
            if slot.items == "any" or _fits_slot(slot, combination, kinds)
        ]
        for slot, pool in zip(pattern.slots, pools, strict=True)
    ]
    return itertools.product(*per_slot)


def _combinations(pool: list[int], qty: int, kinds: list[Kind]) -> Iterable[tuple[int, ...]]:
    """The ways to take so many of these kinds, each once; some may take more of a kind than there is."""
    if qty == 1:
        return [(number,) for number in pool]
    row = [number for number in pool for _ in range(min(len(kinds[number].units), qty))]
    if comb(len(row), qty) <= comb(len(pool) + qty - 1, qty):
        return dict.fromkeys(itertools.combinations(row, qty))
    return itertools.combinations_with_replacement(pool, qty)


def _fits_slot(slot: PatternSlot, combination: tuple[int, ...], kinds: list[Kind]) -> bool:
    if slot.qty == 1 or slot.items == "any":
        return True
    items = {kinds[number].article.item for number in combination}
    return len(items) == (1 if slot.items == "same" else slot.qty)


def _neighbours(pattern: Pattern, pools: list[list[int]], kinds: list[Kind]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Only units that are next to each other in price, and the i-th of one set with the i-th of another."""
    rows = []
    for slot, pool in zip(pattern.slots, pools, strict=True):
        dearest = sorted(pool, key=lambda number: (-kinds[number].net, number))
        row = [number for number in dearest for _ in range(min(kinds[number].count, slot.qty))]
        windows = [tuple(sorted(row[start : start + slot.qty])) for start in range(len(row) - slot.qty + 1)]
        windows = [window for window in dict.fromkeys(windows) if _fits_slot(slot, window, kinds)]
        if not windows:
            return
        rows.append(windows[: MOST_CANDIDATES // 4])
    for number in range(max(map(len, rows))):
        yield tuple(row[min(number, len(row) - 1)] for row in rows)
        last = [len(row) - 1 for row in rows]
        yield tuple(
            row[max(0, end - number) if side else min(number, end)]
            for side, (row, end) in enumerate(zip(rows, last, strict=True))
        )


def candidate(
    number: int,
    ready: Ready,
    pattern: Pattern,
    choice: tuple[tuple[int, ...], ...],
    kinds: list[Kind],
    floors: bool,
) -> Candidate | None:
    """The move that takes these kinds, slot by slot; None where it cannot be, or saves nothing.

    floors: whether one of the kinds has a floor under this rule.
    """
    picked = choice[0] if len(choice) == 1 else tuple(itertools.chain.from_iterable(choice))
    takes = _counted(picked)
    for kind, count in takes:
        if count > len(kinds[kind].units):
            return None
    if ready.rule.rule.concurrency == "exclusive" and any(kinds[kind].units[0].deals for kind, _ in takes):
        return None
    saved, rewarded = saving(ready, pattern, choice, kinds, floors)
    if saved <= 0:
        return None
    return Candidate(number, takes, saved, tuple(zip(picked, rewarded, strict=True)), pattern.spread, size=len(picked))


def _counted(picked: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    first = picked[0]
    if picked.count(first) == len(picked):
        return ((first, len(picked)),)
    return tuple([(kind, picked.count(kind)) for kind in sorted(set(picked))])


def _joins(number: int, ready: Ready, kinds: list[Kind], members: list[tuple[int, int]]) -> Iterator[Candidate]:
    """A rule "from n on, each": every unit joins by itself; the search sees to it that n come together."""
    pool = [(index, kinds[index]) for index, _ in members]
    if ready.by_grams and sum([len(kind.units) * kind.article.grams for _, kind in pool]) < ready.need:
        return
    for index, kind in pool:
        if (saved := saving_of_one(ready, kind)) > 0:
            weight = kind.article.grams if ready.by_grams else 1
            yield Candidate(number, ((index, 1),), saved, ((index, True),), join=weight, size=1)
