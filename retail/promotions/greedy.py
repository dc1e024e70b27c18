"""A good answer at once: what the exact search has to reach, and the answer where its budget does not suffice."""

from __future__ import annotations

from dataclasses import dataclass

from retail.promotions.candidates import Problem
from retail.promotions.packed import Packed
from retail.promotions.state import Book


@dataclass(slots=True)
class Incumbent:
    value: int
    moves: tuple[tuple[int, int], ...]


def greedy(problem: Problem, book: Book, packed: Packed, cost: list[int], weight: int) -> Incumbent:
    """The best of a few orders: largest saving first, largest share per unit first, least loss against the prices.

    cost: per move, the prices of what it takes. weight: of one minor unit against a deal.
    """
    moves = problem.candidates
    numbers = range(len(moves))
    savings = [-move.saving for move in moves]
    shares = [-move.saving * 5040 // move.size for move in moves]
    losses = [(taken + saving * weight, saving) for taken, saving in zip(cost, savings, strict=True)]
    by_saving = sorted(numbers, key=savings.__getitem__)
    orders = [by_saving, sorted(numbers, key=shares.__getitem__), sorted(numbers, key=losses.__getitem__)]
    joins = [number for number in numbers if moves[number].join]
    if joins:
        others = [number for number in by_saving if not moves[number].join]
        orders += [joins + others, others + joins]
    best = Incumbent(0, ())
    for order in orders:
        found = _in_order(order, problem, book, packed, weight)
        if found is not None and found.value > best.value:
            best = found
    return best


def _in_order(order: list[int], problem: Problem, book: Book, packed: Packed, weight: int) -> Incumbent | None:
    left, guards = packed.full, packed.guards
    extra, value = book.start, 0
    chosen: list[tuple[int, int]] = []
    for number in order:
        move, taken = problem.candidates[number], packed.taken[number]
        while (rest := left - taken) & guards == guards:
            after = book.after(extra, move)
            if after is None:
                break
            extra, saving, deals = after
            value += saving * weight - deals
            chosen.append((number, saving))
            left = rest
    return Incumbent(value, tuple(chosen)) if book.complete(extra) else None
