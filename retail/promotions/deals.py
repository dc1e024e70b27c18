"""From the moves of a search to deals on real units: who takes part, and what each of them gets."""

from __future__ import annotations

from dataclasses import dataclass, field

from retail.promotions.apportion import apportion
from retail.promotions.candidates import Candidate, Problem
from retail.promotions.compiled import Compiled
from retail.promotions.units import Unit


@dataclass(slots=True, eq=False)
class Deal:
    """One application of a rule, with what it gave each unit."""

    rule: Compiled
    lane: int
    saving: int
    units: list[Unit]
    shares: list[int]
    rewarded: list[bool]
    note: dict[str, object] = field(default_factory=dict)


def settle(problem: Problem, moves: list[tuple[Candidate, int]], lane: int, deals: list[Deal]) -> None:
    """Give the moves their units, first units first, and write the deals onto them."""
    at = [0] * len(problem.kinds)
    joined: dict[int, list[tuple[Unit, int]]] = {}
    for move, saving in moves:
        units = []
        for kind, _ in move.picks:
            units.append(problem.kinds[kind].units[at[kind]])
            at[kind] += 1
        rule = problem.rules[move.rule].rule
        if move.join:
            joined.setdefault(move.rule, []).append((units[0], saving))
        else:
            gets = [gets for _, gets in move.picks]
            floors = problem.least or rule.floored
            deals.append(book(_deal(rule, lane, saving, units, gets, move.spread, floors), len(deals)))
    for number, taken in sorted(joined.items()):
        taken.sort(key=lambda pair: (pair[0].line, pair[0].number))
        units, shares = [unit for unit, _ in taken], [share for _, share in taken]
        rule = problem.rules[number].rule
        deals.append(book(Deal(rule, lane, sum(shares), units, shares, [True] * len(units)), len(deals)))


def _deal(
    rule: Compiled, lane: int, saving: int, units: list[Unit], gets: list[bool], spread: bool, floors: bool
) -> Deal:
    if len(units) == 1:  # the search gave it no more than the unit can bear
        return Deal(rule, lane, saving, units, [saving], gets)
    order = sorted(range(len(units)), key=lambda number: (units[number].line, units[number].number))
    units, gets = [units[number] for number in order], [gets[number] for number in order]
    return apply(rule, lane, saving, units, gets, spread, floors)


def apply(
    rule: Compiled, lane: int, saving: int, units: list[Unit], gets: list[bool], spread: bool, floors: bool = True
) -> Deal:
    """floors: whether one of the units may have a floor."""
    room = room_of(rule, units, floors)
    if not spread:
        room = [most if wanted else 0 for most, wanted in zip(room, gets, strict=True)]
    return Deal(rule, lane, saving, units, apportion(saving, [unit.article.gross for unit in units], room), gets)


def room_of(rule: Compiled, units: list[Unit], floors: bool) -> list[int]:
    """How much each unit can bear."""
    if floors:
        return [max(0, unit.net - (unit.article.floor(rule) or 0)) for unit in units]
    return [unit.net for unit in units]


def book(deal: Deal, number: int) -> Deal:
    """Write a deal onto its units: each keeps what the lane gave it."""
    concurrency, lane = deal.rule.rule.concurrency, deal.lane
    exclusive, stack = concurrency == "exclusive", concurrency == "stack"
    for unit, share in zip(deal.units, deal.shares, strict=True):
        unit.net -= share
        unit.deals.append((lane, number, share))
        if exclusive:
            unit.closed = True
        if not stack:
            unit.lane = lane
    return deal
