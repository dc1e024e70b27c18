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
from retail.promotions.packed import Packed
from retail.promotions.state import Book, Extra

#: moves tried in one search; the till and headquarters must use the same number
NODE_BUDGET = 20_000
#: moves times units up to which nothing is bounded
SMALL = 24


@dataclass(slots=True)
class Solution:
    """The moves with what each of them saves, in order."""

    moves: list[tuple[Candidate, int]]
    saving: int
    nodes: int
    bounded: bool


#: numbers of candidates with what each of them saves
Moves = tuple[tuple[int, int], ...]
#: (units left of every kind, packed; limits; saving x weight - deals; the most that the units left could add; moves)
State = tuple[int, Extra, int, int, Moves]
#: by the units left and the limits
States = dict[tuple[int, Extra], State]


def solve(problem: Problem, budget: int = NODE_BUDGET, known: Solution | None = None) -> Solution:
    """The largest saving; among equals the fewest deals; then the first in lexicographic order.

    known: an answer that somebody has already; the search need not look at anything that cannot reach it.
    """
    if not problem.candidates:
        return known or Solution([], 0, 0, not problem.whole)
    if len(problem.kinds) == 1 and all(move.size == 1 for move in problem.candidates):
        single = _of_one_kind(problem)
        if single is not None:
            return single
    return Search(problem, budget).run(known)


def _of_one_kind(problem: Problem) -> Solution | None:
    """Units that are all the same, one a move: each gets the best there is; None where limits have a say."""
    if any(tracker is not None for tracker in Book(problem).trackers):
        return None
    best = min(problem.candidates, key=lambda move: -move.saving)  # the first among equals
    count = len(problem.kinds[0].units)
    return Solution([(best, best.saving)] * count, best.saving * count, len(problem.candidates), not problem.whole)


class Search:
    def __init__(self, problem: Problem, budget: int) -> None:
        self.problem, self.budget = problem, budget
        self.book = Book(problem)
        self.counts = [len(kind.units) for kind in problem.kinds]
        moves = problem.candidates
        self.packed = Packed(self.counts, moves)
        #: one minor unit weighs more than all deals together, so that fewer deals decide only between equals
        self.weight = sum(self.counts) + 1
        #: so little that trying everything takes less time than bounding it
        joins = sum([1 for move in moves if move.join])  # which leave many states
        self.small = (len(moves) + joins) * (self.weight - 1) <= SMALL
        #: per move what it adds to the value, where no limit has a say
        self.gains = [move.saving * self.weight - 1 for move in moves]
        self.prices, self.cost = [0] * len(self.counts), [0] * len(moves)
        if not self.small:
            values = [gain + 1 if move.join else gain for gain, move in zip(self.gains, moves, strict=True)]
            prices = self.prices = shadow_prices(values, moves, self.counts)
            self.cost = [sum([prices[kind] * count for kind, count in move.takes]) for move in moves]
        #: per kind the moves whose first kind it is; and whether limits have a say in them
        self.first: list[list[tuple[int, bool]]] = [[] for _ in self.counts]
        for number, move in enumerate(moves):
            self.first[move.takes[0][0]].append((number, self.book.trackers[move.rule] is not None))
        self.nodes = 0

    def run(self, known: Solution | None) -> Solution:
        found = self._run(known)
        if found.bounded and known is not None and known.saving > found.saving:
            return Solution(known.moves, known.saving, found.nodes, True)
        return found

    def _run(self, known: Solution | None) -> Solution:
        incumbent, self.goal = Incumbent(0, ()), 0
        if not self.small:
            incumbent = greedy(self.problem, self.book, self.packed, self.cost, self.weight)
            self.goal = incumbent.value
        if known is not None and self.problem.whole:
            self.goal = max(self.goal, known.saving * self.weight - len(known.moves))
        bound = sum([price * count for price, count in zip(self.prices, self.counts, strict=True)])
        states: list[State] = [(self.packed.full, self.book.start, 0, bound, ())]
        for kind, first in enumerate(self.first):
            reached = self._stage(kind, first, states)
            if reached is None:
                return self._answer(incumbent.moves, bounded=True)
            states = reached
        best: State | None = None
        for state in states:
            if self.book.complete(state[1]) and (best is None or better(state, best)):
                best = state
        return self._answer(best[4] if best is not None else incumbent.moves, bounded=not self.problem.whole)

    def _answer(self, moves: Moves, bounded: bool) -> Solution:
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

    def _stage(self, kind: int, moves: list[tuple[int, bool]], states: list[State]) -> list[State] | None:
        """All states after this kind; None: the budget is spent."""
        shift, field = self.packed.shifts[kind], self.packed.field
        waiting: list[States] = [{} for _ in range(self.counts[kind] + 1)]
        for state in states:
            _keep(waiting[state[0] >> shift & field], state)
        # One move after the other: in what order the moves of a kind are made counts only where a discount is capped.
        for together in [moves] if self.book.capped else [[move] for move in moves]:
            for some in reversed(waiting[1:]):
                self.nodes += len(some) * len(together)
                if self.nodes > self.budget:
                    return None
                for number, limited in together if some else ():
                    for following in self._following(some, number, limited):
                        _keep(waiting[following[0] >> shift & field], following)
        done = waiting[0]
        for count in range(self.counts[kind], 0, -1):
            less, out = self.prices[kind] * count, count << shift
            for left, extra, value, bound, made in waiting[count].values():
                if value + bound - less >= self.goal:
                    _keep(done, (left - out, extra, value, bound - less, made))
        return list(done.values())

    def _following(self, states: States, number: int, limited: bool) -> list[State]:
        """What comes of these states by one move, where it can be made and may lead to the goal."""
        move, taken, guards = self.problem.candidates[number], self.packed.taken[number], self.packed.guards
        gain, cost, goal, saving = self.gains[number], self.cost[number], self.goal, move.saving
        found = []
        for left, limits, value, bound, made in states.values():
            rest, extra = left - taken, limits
            if rest & guards != guards:
                continue
            if limited:
                after = self.book.after(limits, move)
                if after is None:
                    continue
                extra, saving, deals = after
                gain = saving * self.weight - deals
            if value + gain + bound - cost >= goal:
                found.append((rest, extra, value + gain, bound - cost, (*made, (number, saving))))
        return found


def _keep(states: States, state: State) -> None:
    key = state[:2]
    known = states.get(key)
    if known is None or better(state, known):
        states[key] = state


def better(state: State, known: State) -> bool:
    """Whether it is the better of two ways to the same state."""
    if state[2] != known[2]:
        return state[2] > known[2]
    return sorted([number for number, _ in state[4]]) < sorted([number for number, _ in known[4]])
