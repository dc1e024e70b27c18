"""The store's rules, once compiled: from the keys of a line (item, tag, category, lot) to its rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from retail.promotions.basket import Line
from retail.promotions.compiled import Compiled, compiled
from retail.promotions.matching import belongs, is_plain, keys_of_line, keys_of_set
from retail.promotions.rules import Matcher, Rule


class Index:
    """Rules in their order (priority descending, id), and the inverted index over their sets."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        ordered = sorted(rules, key=lambda rule: (-rule.priority, rule.id))
        self.rules = [compiled(place, rule) for place, rule in enumerate(ordered)]
        self.by_id = {rule.rule.id: rule for rule in self.rules}
        self._sets: dict[str, list[tuple[int, int, Matcher | None]]] = {}
        for rule in self.rules:
            for number, matcher in enumerate(rule.matchers):
                more = None if is_plain(matcher) else matcher
                for key in keys_of_set(matcher):
                    self._sets.setdefault(key, []).append((rule.place, 1 << number, more))
            for name in rule.rule.excludes:
                if (other := self.by_id.get(name)) is not None and other is not rule:
                    rule.excludes.add(other.place)
                    other.excludes.add(rule.place)
                    rule.couples = other.couples = True
        self.link = [self._link(rule) for rule in self.rules]

    def _link(self, rule: Compiled) -> int:
        """One number for rules that exclude each other over any number of steps: they have to be solved together."""
        seen, todo = {rule.place}, [rule.place]
        while todo:
            fresh = self.rules[todo.pop()].excludes - seen
            seen |= fresh
            todo += fresh
        return min(seen)

    def hits(self, line: Line, today: date | None) -> list[tuple[Compiled, int]]:
        """The rules with a set that this line is in, in order, each with those sets as bits."""
        if not line.discountable:
            return []
        bits: dict[int, int] = {}
        for key in keys_of_line(line):
            for place, bit, more in self._sets.get(key, ()):
                if more is None or belongs(more, line, today):
                    bits[place] = bits.get(place, 0) | bit
        return [(self.rules[place], bits[place]) for place in sorted(bits)]
