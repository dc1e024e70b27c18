"""Deals of a member's day that open sales hold: two lanes that sell to one member at once never both give the last one.

In memory, for all lanes of a box are in one process, and each takes what it holds in the same step in which it is
priced. A lane that starts holds what its sale on disk was given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Held:
    """used: rule -> how often it gives something in this sale; only of rules with a limit per member and day."""

    member_id: str
    day: date
    used: dict[str, int] = field(default_factory=dict)


class HeldDeals:
    """By lane: it has one open sale. A sale that is set aside holds nothing; it is priced again when it is resumed."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._listeners: dict[str, Callable[[str], None]] = {}

    def listen(self, lane: str, freed: Callable[[str], None]) -> None:
        """Call `freed` with a member's number when another lane holds nothing of his any more."""
        self._listeners[lane] = freed

    def hold(self, lane: str, held: Held | None) -> None:
        """This lane holds these, and nothing else any more."""
        before = self._held.pop(lane, None)
        if held is not None and held.used:
            self._held[lane] = held
        now = self._held.get(lane)
        if before is not None and (now is None or now.member_id != before.member_id):
            for other, freed in self._listeners.items():
                if other != lane:
                    freed(before.member_id)

    def of_others(self, lane: str, member_id: str, day: date) -> Counter[str]:
        """rule -> how often the other lanes hold it for this member on this day."""
        found: Counter[str] = Counter()
        for other, held in self._held.items():
            if other != lane and (held.member_id, held.day) == (member_id, day):
                found.update(held.used)
        return found
