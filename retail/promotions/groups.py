"""One rule with one pattern and nobody to compete with: the best grouping follows from sorting, without a search.

Each case below is one where sorting is provably as good as trying everything, ties included; for everything else
`sorted_groups` answers None and the search has to do it.
"""

from __future__ import annotations

from itertools import pairwise

from retail.promotions.candidates import Candidate, Problem, candidate
from retail.promotions.compiled import Pattern
from retail.promotions.rules import FULL
from retail.promotions.savings import Ready
from retail.promotions.units import Kind

Row = list[int]  # kinds, one entry a unit
Group = list[Row]  # per slot, the kinds it takes


def sorted_groups(given: Problem) -> tuple[list[Candidate], bool] | None:
    """The moves of a best answer, in order, and whether it is the first among equals; None: no proof."""
    kinds, ready = given.kinds, given.rules[0]
    if given.least or not _plain(kinds, ready):
        return None
    pattern = ready.rule.patterns[0]
    value = pattern.value if ready.value is None else ready.value
    rows = [
        [n for n, kind in enumerate(kinds) if kind.article.bits.get(ready.place, 0) & slot.bit for _ in kind.units]
        for slot in pattern.slots
    ]
    one_set = len({slot.bit for slot in pattern.slots}) == 1
    if one_set:
        groups = _of_one_set(kinds, pattern, value, rows[0], ready.uses)
    elif len(set().union(*rows)) == sum(len(set(row)) for row in rows):
        groups = _of_several_sets(kinds, pattern, value, rows, ready.uses)
    else:
        groups = None  # sets that share units compete with themselves
    if groups is None:
        return None
    moves = [candidate(0, ready, pattern, tuple(map(tuple, group)), kinds, floors=False) for group in groups]
    if any(move is None for move in moves):
        return None
    ordered = sorted([move for move in moves if move], key=lambda move: sorted(kind for kind, _ in move.picks))
    # Equal units let "cheapest free" be grouped in several ways that save the same: (9, 7), (7, 5) or (9, 5), (7, 7).
    ties = one_set and len(kinds) > 1 and any(len(kind.units) > 1 for kind in kinds)
    return ordered, not (ties and _cheapest_rewarded(pattern) is not None)


def _plain(kinds: list[Kind], ready: Ready) -> bool:
    rule = ready.rule
    if len(rule.patterns) != 1 or ready.amount is not None:
        return False
    if rule.floored:
        return False
    if rule.patterns[0].gross or any(slot.items != "any" for slot in rule.patterns[0].slots):
        return False
    touched = rule.rule.concurrency == "exclusive" and any(kind.units[0].deals for kind in kinds)
    return not touched and not any(kind.article.values for kind in kinds)


def _of_one_set(kinds: list[Kind], pattern: Pattern, value: int, row: Row, uses: int | None) -> list[Group] | None:
    dearest = sorted(row, key=lambda kind: (-kinds[kind].net, kind))
    size = pattern.size
    groups = [dearest[start : start + size] for start in range(0, len(row) - size + 1, size)][:uses]
    last = _cheapest_rewarded(pattern)
    if last is not None:
        if pattern.reward == "nth":
            value = pattern.nth[-1]
        if not _strict(kinds, pattern, value, row, last):
            return None
        return [_by_slot(pattern, group) for group in groups]
    if not _sum_counts(kinds, pattern, value, row):
        return None
    if pattern.reward == "bundle_price":
        groups = [group for group in groups if sum(kinds[kind].net for kind in group) > value]
    used = sorted(kind for group in groups for kind in group)
    again = [used[start : start + size] for start in range(0, len(used), size)]
    if any(_short(kinds, pattern, value, group) for group in again):
        return None
    return [_by_slot(pattern, group) for group in again]


def _cheapest_rewarded(pattern: Pattern) -> int | None:
    """How many of the cheapest of a group are rewarded; None where the whole group is, or something else."""
    if pattern.reward == "nth":
        return 1 if not any(pattern.nth[:-1]) else None
    if pattern.choose == "cheapest":
        return pattern.count if pattern.count < pattern.size and len(pattern.slots) == 1 else None
    return None


def _worth(kind: Kind, pattern: Pattern, value: int) -> int:
    """What rewarding this one unit saves."""
    if pattern.reward in ("percent_off", "nth"):
        return (2 * kind.net * value + FULL) // (2 * FULL)
    if pattern.reward == "unit_price":
        return max(0, kind.net - kind.article.priced(value))
    return min(value, kind.net)


def _strict(kinds: list[Kind], pattern: Pattern, value: int, row: Row, rewarded: int) -> bool:
    """Whether a dearer unit saves more, for certain, and every one saves something."""
    one_by_one = pattern.reward in ("unit_price", "amount_off_each") or value == FULL
    if not one_by_one and (rewarded > 1 or pattern.reward not in ("percent_off", "nth")):
        return False
    ordered = sorted(set(row), key=lambda kind: kinds[kind].net)
    worth = [_worth(kinds[kind], pattern, value) for kind in ordered]
    return all(kinds[a].net < kinds[b].net for a, b in pairwise(ordered)) and all(
        low < high for low, high in pairwise([0, *worth])
    )


def _sum_counts(kinds: list[Kind], pattern: Pattern, value: int, row: Row) -> bool:
    """Whether only the sum of what is taken counts, not who goes with whom."""
    if pattern.choose != "all" or pattern.reward not in ("bundle_price", "percent_off"):
        return False
    return pattern.reward == "bundle_price" or all(
        kinds[kind].net * value % FULL == 0 < kinds[kind].net for kind in row
    )


def _short(kinds: list[Kind], pattern: Pattern, value: int, group: Row) -> bool:
    return pattern.reward == "bundle_price" and sum(kinds[kind].net for kind in group) <= value


def _by_slot(pattern: Pattern, group: Row) -> Group:
    """Dearest first into the slots, so that the cheapest come last; a rewarded slot is the last."""
    taken, at = [], 0
    for slot in pattern.slots:
        taken.append(group[at : at + slot.qty])
        at += slot.qty
    return taken


def _of_several_sets(
    kinds: list[Kind], pattern: Pattern, value: int, rows: list[Row], uses: int | None
) -> list[Group] | None:
    gets = [pattern.choose == "all" or slot in pattern.rewarded for slot in range(len(rows))]
    if pattern.choose not in ("all", "slots"):
        return None
    rewarded = [kind for row, wanted in zip(rows, gets, strict=True) if wanted for kind in row]
    if pattern.reward in ("unit_price", "amount_off_each") or (
        pattern.reward == "percent_off" and sum(s.qty for s, g in zip(pattern.slots, gets, strict=True) if g) == 1
    ):
        if not all(_worth(kinds[kind], pattern, value) for kind in rewarded):
            return None
    elif not (pattern.reward == "bundle_price" and all(gets)) and not (
        pattern.reward == "percent_off"
        and all(kinds[kind].net * value % FULL == 0 < kinds[kind].net for kind in rewarded)
    ):
        return None
    ordered = [
        sorted(row, key=lambda kind: (-_rank(kinds[kind], pattern, value), kind)) if wanted else sorted(row)
        for row, wanted in zip(rows, gets, strict=True)
    ]
    most = min(len(row) // slot.qty for row, slot in zip(rows, pattern.slots, strict=True))
    most = most if uses is None else min(most, uses)
    if pattern.reward == "bundle_price":
        most = next((n for n in range(most) if _short(kinds, pattern, value, _nth_group(ordered, pattern, n))), most)
    used = [sorted(row[: most * slot.qty]) for row, slot in zip(ordered, pattern.slots, strict=True)]
    groups = [_slices(used, pattern, number) for number in range(most)]
    if any(_short(kinds, pattern, value, [kind for taken in group for kind in taken]) for group in groups):
        return None
    return groups


def _rank(kind: Kind, pattern: Pattern, value: int) -> int:
    return kind.net if pattern.reward == "bundle_price" else _worth(kind, pattern, value)


def _slices(rows: list[Row], pattern: Pattern, number: int) -> Group:
    return [row[number * slot.qty : (number + 1) * slot.qty] for row, slot in zip(rows, pattern.slots, strict=True)]


def _nth_group(rows: list[Row], pattern: Pattern, number: int) -> Row:
    return [kind for taken in _slices(rows, pattern, number) for kind in taken]
