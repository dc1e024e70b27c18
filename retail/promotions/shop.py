"""Rules that favour the shop: one by one, after the customer's best deals, with the cheapest units that qualify.

Of the ways to apply, the one that saves least goes first; of equals the one that takes the dearest units along, so
that "buy one, get the cheaper at half price" over 20, 30, 70, 80 gives 10 and 15 off, not 10 and 35. Full multiples are
given all the same.
"""

from __future__ import annotations

from retail.promotions.candidates import Candidate, Problem
from retail.promotions.solve import Solution
from retail.promotions.state import Book


def least(problem: Problem) -> Solution:
    """Every full multiple, each with the least saving that is left."""
    kinds, book = problem.kinds, Book(problem)

    def order(number: int) -> tuple[int, int, int, int]:
        move = problem.candidates[number]
        worth = sum(kinds[kind].net * count for kind, count in move.takes)
        return (-move.size, move.saving, -worth, number)

    left = [kind.count for kind in kinds]
    extra = book.start
    chosen: list[tuple[Candidate, int]] = []
    nodes = 0
    for number in sorted(range(len(problem.candidates)), key=order):
        move = problem.candidates[number]
        nodes += 1
        while all(left[kind] >= count for kind, count in move.takes):
            after = book.after(extra, move)
            if after is None:
                break
            extra, saving, _ = after
            chosen.append((move, saving))
            for kind, count in move.takes:
                left[kind] -= count
    if not book.complete(extra):
        chosen = []
    return Solution(chosen, sum(saving for _, saving in chosen), nodes, not problem.whole)
