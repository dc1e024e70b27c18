"""The search: which moves together save most. Exact within a budget of nodes, else the best found, marked so.

Kind after kind, in order: some of its units go into moves whose first kind it is, the rest stays out. States that
leave the same units and limits are one state; of two ways there the better is kept: larger saving, fewer deals, then
the moves in lexicographic order. A state whose saving and shadow prices cannot reach the greedy answer is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from retail.promotions.candidates import Candidate, Problem
from retail.promotions.duals import shadow_prices
from retail.promotions.greedy import Incumbent, greedy
from retail.promotions.state import Book, Extra

#: moves tried in one search; the till and headquarters must use the same number
NODE_BUDGET = 20_000
#: moves and units up to which nothing is bounded
SMALL = 8


@dataclass(slots=True)
class Solution:
    """The moves with what each of them saves, in order."""

    moves: list[tuple[Candidate, int]]
    saving: int
    nodes: int
    bounded: bool


@dataclass(slots=True, eq=False)
class State:
    left: tuple[int, ...]
    extra: Extra
    value: int  # saving x weight - deals
    bound: int  # the most that the units left could add
    moves: tuple[tuple[int, int], ...]  # (number of the candidate, its saving)


def solve(problem: Problem, budget: int = NODE_BUDGET, known: Solution | None = None) -> Solution:
    """The largest saving; among equals the fewest deals; then the first in lexicographic order.

    known: an answer that somebody has already; the search need not look at anything that cannot reach it.
    """
    if not problem.candidates:
        return known or Solution([], 0, 0, not problem.whole)
    return Search(problem, budget).run(known)


class Search:
    def __init__(self, problem: Problem, budget: int) -> None:
        self.problem, self.budget = problem, budget
        self.book = Book(problem)
        self.counts = [kind.count for kind in problem.kinds]
        #: one minor unit weighs more than all deals together, so that fewer deals decide only between equals
        self.weight = sum(self.counts) + 1
        #: so little that trying everything takes less time than bounding it
        self.small = len(problem.candidates) <= SMALL and self.weight <= SMALL
        self.prices = [0] * len(self.counts)
        if not self.small:
            values = [move.saving * self.weight - (0 if move.join else 1) for move in problem.candidates]
            self.prices = shadow_prices(values, problem.candidates, self.counts)
        self.first: list[list[int]] = [[] for _ in self.counts]
        for number, move in enumerate(problem.candidates):
            self.first[move.takes[0][0]].append(number)
        self.nodes = 0

    def run(self, known: Solution | None) -> Solution:
        found = self._run(known)
        if found.bounded and known is not None and known.saving > found.saving:
            return Solution(known.moves, known.saving, found.nodes, True)
        return found

    def _run(self, known: Solution | None) -> Solution:
        incumbent = Incumbent(0, ())
        if not self.small:
            incumbent = greedy(self.problem, self.book, self.prices, self.weight)
        self.goal = incumbent.value
        if known is not None and self.problem.whole:
            self.goal = max(self.goal, known.saving * self.weight - len(known.moves))
        left = tuple(self.counts)
        bound = sum(price * count for price, count in zip(self.prices, self.counts, strict=True))
        states = [State(left, self.book.start, 0, bound, ())]
        for kind in range(len(self.counts)):
            reached = self._stage(kind, states)
            if reached is None:
                return self._answer(incumbent.moves, bounded=True)
            states = reached
        final = [state for state in states if self.book.complete(state.extra)]
        best = None
        for state in final:
            if best is None or better(state.value, state.moves, best.value, best.moves):
                best = state
        moves = best.moves if best is not None else incumbent.moves
        return self._answer(moves, bounded=not self.problem.whole)

    def _answer(self, moves: tuple[tuple[int, int], ...], bounded: bool) -> Solution:
        """In order; where a rule's discount is capped, the cap falls on its last deals."""
        extra = self.book.start
        chosen: list[tuple[Candidate, int]] = []
        for number, _ in sorted(moves):
            move = self.problem.candidates[number]
            after = self.book.after(extra, move)
            if after is not None:
                extra = after[0]
                chosen.append((move, after[1]))
            elif move.join:
                chosen.append((move, 0))
        return Solution(chosen, sum(saving for _, saving in chosen), self.nodes, bounded)

    def _stage(self, kind: int, states: list[State]) -> list[State] | None:
        """All states after this kind; None: the budget is spent."""
        waiting: list[dict[tuple[tuple[int, ...], Extra], State]] = [{} for _ in range(self.counts[kind] + 1)]
        for state in states:
            self._keep(waiting[state.left[kind]], state)
        price = self.prices[kind]
        for count in range(self.counts[kind], 0, -1):
            for state in waiting[count].values():
                for number in self.first[kind]:
                    self.nodes += 1
                    following = self._apply(state, number)
                    if following is not None:
                        self._keep(waiting[following.left[kind]], following)
                if self.nodes > self.budget:
                    return None
                bound = state.bound - price * count
                if self.small or state.value + bound >= self.goal:
                    left = (*state.left[:kind], 0, *state.left[kind + 1 :])
                    self._keep(waiting[0], State(left, state.extra, state.value, bound, state.moves))
        return list(waiting[0].values())

    def _apply(self, state: State, number: int) -> State | None:
        move = self.problem.candidates[number]
        for kind, count in move.takes:
            if state.left[kind] < count:
                return None
        after = self.book.after(state.extra, move)
        if after is None:
            return None
        extra, saving, deals = after
        left = list(state.left)
        bound = state.bound
        for kind, count in move.takes:
            left[kind] -= count
            bound -= self.prices[kind] * count
        value = state.value + saving * self.weight - deals
        if value + bound < self.goal and not self.small:
            return None
        return State(tuple(left), extra, value, bound, (*state.moves, (number, saving)))

    @staticmethod
    def _keep(states: dict[tuple[tuple[int, ...], Extra], State], state: State) -> None:
        key = (state.left, state.extra)
        known = states.get(key)
        if known is None or better(state.value, state.moves, known.value, known.moves):
            states[key] = state


def better(value: int, moves: tuple[tuple[int, int], ...], than: int, others: tuple[tuple[int, int], ...]) -> bool:
    """Whether the first is the better of two ways to the same state."""
    if value != than:
        return value > than
    return sorted(number for number, _ in moves) < sorted(number for number, _ in others)
