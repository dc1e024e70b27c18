"""A good answer at once: what the exact search has to reach, and the answer where its budget does not suffice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retail.promotions.candidates import Problem
from retail.promotions.state import Book


@dataclass(slots=True)
class Incumbent:
    value: int
    moves: tuple[tuple[int, int], ...]


def greedy(problem: Problem, book: Book, prices: list[int], weight: int) -> Incumbent:
    """The best of a few orders: largest saving first, largest share per unit first, least loss against the prices."""
    moves = problem.candidates
    numbers = range(len(moves))

    def loss(number: int) -> int:
        taken = sum(prices[kind] * count for kind, count in moves[number].takes)
        return taken - moves[number].saving * weight

    orders: list[Iterable[int]] = [
        sorted(numbers, key=lambda number: (-moves[number].saving, number)),
        sorted(numbers, key=lambda number: (-moves[number].saving * 5040 // moves[number].size, number)),
        sorted(numbers, key=lambda number: (loss(number), -moves[number].saving, number)),
    ]
    joins = [number for number in numbers if moves[number].join]
    if joins:
        orders.append(joins + [number for number in orders[0] if not moves[number].join])
        orders.append([number for number in orders[0] if not moves[number].join] + joins)
    best = Incumbent(0, ())
    for order in orders:
        found = _in_order(order, problem, book, weight)
        if found is not None and found.value > best.value:
            best = found
    return best


def _in_order(order: Iterable[int], problem: Problem, book: Book, weight: int) -> Incumbent | None:
    left = [kind.count for kind in problem.kinds]
    extra, value = book.start, 0
    chosen: list[tuple[int, int]] = []
    for number in order:
        move = problem.candidates[number]
        while all(left[kind] >= count for kind, count in move.takes):
            after = book.after(extra, move)
            if after is None:
                break
            extra, saving, deals = after
            value += saving * weight - deals
            chosen.append((number, saving))
            for kind, count in move.takes:
                left[kind] -= count
    return Incumbent(value, tuple(chosen)) if book.complete(extra) else None
