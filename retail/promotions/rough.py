"""A good answer without a proof, where there is too much to search: one rule after the other, units by price.

The customer's way takes the dearest units into each application, so that the cheapest of a group is as dear as it can
be; the shop's way rewards the cheapest there are and takes the dearest along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from retail.promotions.candidates import Candidate, Problem, candidate
from retail.promotions.compiled import Pattern
from retail.promotions.savings import Ready
from retail.promotions.solve import Solution
from retail.promotions.state import Book, Extra

#: up to so many rules, every order of them is tried; beyond, each rule first once
MOST_PERMUTED = 4


def rough(problem: Problem, shop: bool = False) -> Solution:
    """The best of the orders of rules; always marked as without proof."""
    best = Solution([], 0, 0, True)
    for nodes, order in enumerate(_orders(len(problem.rules)), 1):
        attempt = _Attempt(problem, shop)
        for number in order:
            attempt.take(number)
        found = attempt.solution(nodes)
        if (found.saving, -len(found.moves)) > (best.saving, -len(best.moves)):
            best = found
    return best


def _orders(count: int) -> Iterator[Sequence[int]]:
    if count <= MOST_PERMUTED:
        return iter(permutations(range(count)))
    return iter([[first, *(other for other in range(count) if other != first)] for first in range(count)])


class _Attempt:
    def __init__(self, problem: Problem, shop: bool) -> None:
        self.problem, self.shop, self.book = problem, shop, Book(problem)
        self.left = [kind.count for kind in problem.kinds]
        self.extra: Extra = self.book.start
        self.moves: list[tuple[Candidate, int]] = []

    def take(self, number: int) -> None:
        """Apply one rule as often as it goes, its largest pattern first."""
        ready = self.problem.rules[number]
        if ready.need:
            self._join(number)
        floors = self.problem.least or ready.rule.floored
        for pattern in sorted(ready.rule.patterns, key=lambda pattern: -pattern.size):
            skipped: set[int] = set()
            while (choice := self._choice(ready, pattern, skipped)) is not None:
                move = candidate(number, ready, pattern, choice, self.problem.kinds, floors)
                if move is not None and self._apply(move):
                    continue
                if not self.shop:
                    break
                skipped.add(min((kind for slot in choice for kind in slot), key=self._net))  # too cheap to be a deal

    def solution(self, nodes: int) -> Solution:
        if not self.book.complete(self.extra):
            return Solution([], 0, nodes, True)
        return Solution(self.moves, sum(saving for _, saving in self.moves), nodes, True)

    def _net(self, kind: int) -> tuple[int, int]:
        return self.problem.kinds[kind].net, kind

    def _join(self, number: int) -> None:
        moves = [move for move in self.problem.candidates if move.rule == number and move.join]
        if sum(move.join * self.left[move.takes[0][0]] for move in moves) >= self.problem.rules[number].need:
            for move in moves:
                while self.left[move.takes[0][0]] and self._apply(move):
                    pass

    def _apply(self, move: Candidate) -> bool:
        after = self.book.after(self.extra, move)
        if after is None:
            return False
        self.extra = after[0]
        self.moves.append((move, after[1]))
        for kind, count in move.takes:
            self.left[kind] -= count
        return True

    def _choice(self, ready: Ready, pattern: Pattern, skipped: set[int]) -> tuple[tuple[int, ...], ...] | None:
        """Units for one application, slot by slot; None: too few are left."""
        left = list(self.left)
        chosen = []
        for number, slot in enumerate(pattern.slots):
            pool = [
                kind
                for kind, there in enumerate(self.problem.kinds)
                if kind not in skipped and there.article.bits.get(ready.place, 0) & slot.bit
            ]
            pool.sort(key=lambda kind: (-self._net(kind)[0], kind))
            taken = self._from(pool, left, slot.qty, slot.items, self._cheap(pattern, number, slot.qty))
            if taken is None:
                return None
            for kind in taken:
                left[kind] -= 1
            chosen.append(tuple(sorted(taken)))
        return tuple(chosen)

    def _cheap(self, pattern: Pattern, number: int, qty: int) -> int:
        """How many of a slot's units are taken from the cheap end."""
        if not self.shop:
            return 0
        if pattern.reward == "nth":
            return sum(1 for off in pattern.nth if off)
        if pattern.choose == "cheapest":
            return min(pattern.count, qty)
        return qty if pattern.choose == "all" or number in pattern.rewarded else 0

    def _from(self, pool: list[int], left: list[int], qty: int, items: str, cheap: int) -> list[int] | None:
        """qty units out of a pool that stands dearest first, so many of them from its end."""
        if items == "any":
            row = [kind for kind in pool for _ in range(min(left[kind], qty))]
        elif items == "different":
            row = [kind for kind in pool if left[kind]]
        else:
            row = next(([kind] * qty for kind in pool if left[kind] >= qty), [])
        if len(row) < qty:
            return None
        return row[: qty - cheap] + (row[-cheap:] if cheap else [])
