"""Where a search stands besides the units left: uses of limited rules, what they gave, exclusions."""

from __future__ import annotations

from dataclasses import dataclass

from retail.promotions.candidates import Candidate, Problem

Extra = tuple[int, ...]


@dataclass(slots=True)
class Tracker:
    """Two numbers of the extra state belong to one rule: its uses (or units joined), and what it gave."""

    at: int
    uses: int | None
    amount: int | None
    need: int
    excluded_by: list[int]  # places in the extra state whose being above 0 forbids this rule


class Book:
    """Keeps the extra state of a problem; rules without limits take no place in it."""

    def __init__(self, problem: Problem) -> None:
        rules = problem.rules
        places = {ready.place for ready in rules}
        capacity = sum([len(kind.units) for kind in problem.kinds])
        self.trackers: list[Tracker | None] = [None] * len(rules)
        self.start: Extra = ()
        #: whether one of the rules gives no more than so much: then it counts which of its moves came first
        self.capped = any(ready.amount is not None for ready in rules)
        watched = [
            (ready.uses is not None and ready.uses < capacity)
            or ready.amount is not None
            or ready.need > 0
            or bool(ready.rule.excludes & places)
            for ready in rules
        ]
        if not any(watched):
            return
        at = 0
        for number, (ready, wanted) in enumerate(zip(rules, watched, strict=True)):
            if wanted:
                self.trackers[number] = Tracker(at, ready.uses, ready.amount, ready.need, [])
                at += 2
        for ready, tracker in zip(rules, self.trackers, strict=True):
            if tracker is not None:
                tracker.excluded_by = [
                    other.at
                    for rival, other in zip(rules, self.trackers, strict=True)
                    if other is not None and rival.place in ready.rule.excludes
                ]
        self.start = (0,) * at

    def after(self, extra: Extra, move: Candidate) -> tuple[Extra, int, int] | None:
        """(extra state, saving, deals more) after this move; None: a limit or an exclusion forbids it."""
        tracker = self.trackers[move.rule]
        if tracker is None:
            return extra, move.saving, 1
        if tracker.excluded_by and any(extra[place] for place in tracker.excluded_by):
            return None
        at = tracker.at
        uses, given = extra[at], extra[at + 1]
        more = 0 if move.join and uses else 1
        if not move.join and tracker.uses is not None and uses >= tracker.uses:
            return None
        saving = move.saving if tracker.amount is None else min(move.saving, tracker.amount - given)
        if saving <= 0:
            return None
        used = min(uses + move.join, tracker.need) if move.join else uses + 1
        return (*extra[:at], used, 0 if tracker.amount is None else given + saving, *extra[at + 2 :]), saving, more

    def complete(self, extra: Extra) -> bool:
        """Whether every rule "from n on" has its n, or nothing."""
        return not extra or all(
            tracker is None or not tracker.need or extra[tracker.at] in (0, tracker.need) for tracker in self.trackers
        )
