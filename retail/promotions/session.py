"""A sale line by line: only the region that a scan touches is priced again; the answer is the whole one's."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

from retail.promotions.basket import Line, Manual
from retail.promotions.basketwide import Whole, manual_deal, price_whole
from retail.promotions.compiled import BASKET, LINE, Compiled, compiled
from retail.promotions.lanes import Entry, Region, priced_region
from retail.promotions.occasion import Sale
from retail.promotions.priced import Priced
from retail.promotions.prompts import Prompter, Shelf
from retail.promotions.regions import copied, split
from retail.promotions.rules import Matcher, Reward, Rule
from retail.promotions.solve import NODE_BUDGET

#: what a discount by hand goes by when it names no rule
BY_HAND = compiled(
    -1,
    Rule(
        id="manual",
        kind="manual_discount",
        lane="basket",
        concurrency="stack",
        match={"set": Matcher(all=True)},
        reward=Reward(type="percent_off", value=0),
    ),
)


class Session:
    """Lines in, priced basket out. The order of adding leaves no trace."""

    def __init__(
        self,
        sale: Sale,
        currency: str,
        manual: tuple[Manual, ...] = (),
        tax_rates: dict[str, int] | None = None,
        shelf: Shelf | None = None,
        refused: dict[str, int] | None = None,
        budget: int = NODE_BUDGET,
    ) -> None:
        self.sale, self.currency, self.manual, self.budget = sale, currency, manual, budget
        self.tax_rates = tax_rates or {}
        self.refused = dict(refused or {})
        self.entries: list[Entry] = []
        self._serial = 0
        self._region: dict[Entry, Region] = {}
        self._prompter = Prompter(sale, shelf, budget)

    def add(self, line: Line) -> Priced:
        """The basket with this line."""
        entry = self.entry(line)
        insort(self.entries, entry, key=lambda other: other.order)
        touched = self.touching(entry)
        members = [entry, *(other for region in touched for other in region.entries)]
        self._place(members)
        return self.priced()

    def add_all(self, lines: Iterable[Line]) -> Priced:
        """The basket with these lines, priced once."""
        new = [self.entry(line) for line in lines]
        self.entries = sorted([*self.entries, *new], key=lambda entry: entry.order)
        self._region = {}
        for members in split(self.entries):
            self._place(members)
        return self.priced()

    def remove(self, line: Line) -> Priced:
        """The basket without one such line.

        Raises:
            KeyError: there is no such line.
        """
        wanted = line.order()
        entry = next((entry for entry in self.entries if entry.order[0] == wanted), None)
        if entry is None:
            raise KeyError(f"no such line in the basket: {line.item}; remove a line as it was added")
        self.entries.remove(entry)
        region = self._region.pop(entry)
        for members in split([other for other in region.entries if other is not entry]):
            self._place(members)
        return self.priced()

    def refuse(self, rule_id: str) -> None:
        """The customer turned this prompt down; after the second time it stays away."""
        self.refused[rule_id] = self.refused.get(rule_id, 0) + 1

    def entry(self, line: Line) -> Entry:
        self._serial += 1  # tells lines of the same content apart; it is no part of the answer
        article = self.sale.article(line)
        return Entry((line.order_after(article.key), self._serial), line, article, line.pieces())

    def touching(self, entry: Entry) -> list[Region]:
        """The regions that share a rule with this line, each once, in order of their lines."""
        links = frozenset(entry.article.links)
        return [region for region in self.regions() if not links.isdisjoint(region.links)] if links else []

    def _place(self, members: list[Entry]) -> Region:
        region = priced_region(self.sale, members, self.budget)
        for entry in region.entries:
            self._region[entry] = region
        return region

    def regions(self) -> list[Region]:
        """Each once, in order of their first lines."""
        return list(dict.fromkeys(self._region[entry] for entry in self.entries if entry in self._region))

    def priced(self) -> Priced:
        regions = self.regions()
        whole = self._whole(regions)
        return Priced(self, self.entries.copy(), regions, whole)

    def prompts(self, priced: Priced) -> list[dict[str, object]]:
        return self._prompter.prompts(self, priced)

    def _whole(self, regions: list[Region]) -> Whole | None:
        """The lanes over the whole basket; None where no rule is in them."""
        by_hand = bool(self.manual) or any(entry.line.manual is not None for entry in self.entries)
        if not by_hand and not any(entry.article.whole for entry in self.entries):
            return None
        return self._priced_whole(regions, self.entries)

    def whole_with(self, entry: Entry) -> Whole:
        """The lanes over the whole basket with one line more, which must share no region with another."""
        regions = [*self.regions(), priced_region(self.sale, [entry], self.budget)]
        return self._priced_whole(regions, [*self.entries, entry])

    def _priced_whole(self, regions: list[Region], entries: list[Entry]) -> Whole:
        whole = Whole(*copied(regions, entries))

        def give(lane: int) -> None:
            if lane == LINE:
                for number, entry in enumerate(entries):
                    if entry.line.manual is not None and entry.line.discountable:
                        units = [unit for unit in whole.units if unit.line == number]
                        manual_deal(self._rule(entry.line.manual), entry.line.manual, lane, units, whole)
            elif lane == BASKET and self.manual:
                units = [unit for unit in whole.units if entries[unit.line].line.discountable]
                for manual in self.manual:
                    manual_deal(self._rule(manual), manual, lane, units, whole)

        price_whole(self.sale, whole, give)
        return whole

    def _rule(self, manual: Manual) -> Compiled:
        rule = self.sale.index.by_id.get(manual.rule or "")
        return rule if rule is not None and self.sale.holds(rule) else BY_HAND
