"""The rules as this sale sees them: which hold, what is left of their limits, what they are worth to this member."""

from __future__ import annotations

from typing import Any

from retail.pricing import weighed_minor
from retail.promotions.basket import Line
from retail.promotions.compiled import LINE, Compiled
from retail.promotions.index import Index
from retail.promotions.rules import LANES
from retail.promotions.savings import Ready
from retail.promotions.units import Article
from retail.promotions.validity import Occasion, uses_left, why_not


class Sale:
    """One occasion over one index; remembers what it worked out, for it never changes."""

    def __init__(self, index: Index, occasion: Occasion) -> None:
        self.index, self.occasion = index, occasion
        self.today = occasion.at.date() if occasion.at else None
        self.refusals: dict[int, str] = {}
        self._articles: dict[tuple[object, ...], Article] = {}
        self._ready: dict[int, list[Ready]] = {}
        #: searches of this sale that were answered before: the same rules over the same kinds of units
        self.answers: dict[tuple[object, ...], Any] = {}

    def holds(self, rule: Compiled) -> bool:
        if rule.always:
            return True
        reason = self.refusals.get(rule.place)
        if reason is None:
            reason = self.refusals[rule.place] = why_not(rule.rule, self.occasion)
        return not reason

    def article(self, line: Line) -> Article:
        key = line.article()
        article = self._articles.get(key)
        if article is None:
            article = self._articles[key] = self._looked_up(line, key)
        return article

    def _looked_up(self, line: Line, key: tuple[object, ...]) -> Article:
        lanes: list[list[int]] = [[] for _ in LANES]
        bits: dict[int, int] = {}
        values: dict[int, int] = {}
        links: set[int] = set()
        whole: list[int] = []
        for rule, sets in self.index.hits(line, self.today):
            if not (rule.always or self.holds(rule)):
                continue
            place = rule.place
            lanes[rule.lane].append(place)
            bits[place] = sets
            if rule.whole and rule.lane >= LINE:
                whole.append(place)
            elif rule.couples and rule.lane <= LINE and (rule.by_pattern or rule.each):
                links.add(self.index.link[place])  # they may share a deal, or a limit, with other units
            if rule.by_days:
                values[place] = self._by_days(rule, line)
        cost = line.cost if line.cost is None or line.grams is None else weighed_minor(line.cost, line.grams)
        least = line.floor if line.grams is None else weighed_minor(line.floor, line.grams)
        return Article(
            key,
            line.unit_gross(),
            line.grams or 0,
            cost,
            line.item,
            tuple(map(tuple, lanes)),
            bits,
            values,
            tuple(sorted(links)),
            tuple(whole),
            least,
        )

    def _by_days(self, rule: Compiled, line: Line) -> int:
        """What a rule with tiers of days gives this lot: the tier with the fewest days that still covers it."""
        if self.today is None or line.expiry is None:
            return 0
        days = (line.expiry - self.today).days
        fitting = [(tier.days, tier.value) for tier in rule.rule.tiers if tier.days is not None and days <= tier.days]
        return min(fitting)[1] if fitting else 0

    def ready(self, place: int) -> list[Ready]:
        """The rule with its limits; a rule "from n on, each" once for every tier."""
        known = self._ready.get(place)
        if known is None:
            known = self._ready[place] = self._made_ready(self.index.rules[place])
        return known

    def _made_ready(self, rule: Compiled) -> list[Ready]:
        uses, amount = uses_left(rule.rule, self.occasion), rule.rule.limits.max_discount
        if rule.each:
            return [
                Ready(rule, uses, amount, tier.value, tier.qty or tier.grams or 1, tier.qty is None)
                for tier in rule.rule.tiers
            ]
        return [Ready(rule, uses, amount, self.value(rule))]

    def value(self, rule: Compiled) -> int | None:
        return rule.reward.by_tier.get(self.occasion.tier)
