"""Prompts: "one more: 20 % off", "spend 1 more: 100 off". Only what it really saves, solved again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from retail.promotions.basket import Line
from retail.promotions.compiled import Compiled
from retail.promotions.lanes import Entry, Region, priced_region
from retail.promotions.matching import belongs
from retail.promotions.occasion import Sale
from retail.promotions.rules import LANES, Prompt, Threshold, Tier
from retail.promotions.units import Article
from retail.promotions.whole import counted_sets, in_sets, needed
from retail.units import Money

if TYPE_CHECKING:
    from retail.promotions.priced import Priced
    from retail.promotions.session import Session

MOST_PROMPTS = 2
MUTED_AFTER = 2
#: more missing units than this are no prompt
MOST_MISSING = 3
MOST_REMEMBERED = 1_000


class Shelf(Protocol):
    """What a store could add to a basket, for those who do not have all of it in memory."""

    def cheapest(self, rule: Compiled, number: int) -> Line | None:
        """One unit of this set of the rule, the cheapest that the store has; None: it has none."""
        ...


class Assortment:
    """A shelf of lines."""

    def __init__(self, lines: Iterable[Line], today: date | None) -> None:
        pieces = [line for line in lines if line.grams is None and line.discountable]
        self._lines = sorted(pieces, key=lambda line: (line.unit_price, line.order()))
        self._today = today

    def cheapest(self, rule: Compiled, number: int) -> Line | None:
        return next((line for line in self._lines if belongs(rule.matchers[number], line, self._today)), None)


class Prompter:
    """Prompts of one sale; remembers what it worked out for regions that have not changed.

    shelf: where missing units are looked for; None: among those of the basket itself.
    """

    def __init__(self, sale: Sale, shelf: Shelf | None, budget: int) -> None:
        self.sale, self.shelf, self.budget = sale, shelf, budget
        self._known: dict[tuple[object, ...], int] = {}
        self._cheapest: dict[tuple[int, int], Line | None] = {}

    def prompts(self, session: Session, priced: Priced) -> list[dict[str, Any]]:
        """At most two, the largest saving first; none that were refused twice."""
        places = {place for entry in priced.entries for place in entry.article.bits}
        found = []
        for place in sorted(places):
            rule = self.sale.index.rules[place]
            wanted = rule.rule.prompt
            if wanted is None or session.refused.get(rule.rule.id, 0) >= MUTED_AFTER:
                continue
            slots = rule.by_pattern or rule.each
            prompt = (
                self._over_slots(session, rule, wanted) if slots else self._over_amount(session, rule, wanted, priced)
            )
            if prompt is not None:
                found.append(prompt)
        found.sort(key=lambda prompt: (-prompt["saving"], prompt["rule"]))
        return found[:MOST_PROMPTS]

    def _over_slots(self, session: Session, rule: Compiled, prompt: Prompt) -> dict[str, Any] | None:
        """The fewest units more that make the rule save more; of those the largest saving."""
        lines = [(name, self._missing(session, rule, number)) for number, name in enumerate(rule.sets)]
        there = [(name, line) for name, line in lines if line is not None]
        for count in range(1, min(prompt.near, MOST_MISSING) + 1):
            best: tuple[int, list[tuple[str, Line]]] | None = None
            for chosen in itertools.combinations_with_replacement(there, count):
                saving = self._saving_with(session, rule, [line for _, line in chosen])
                if saving > 0 and (best is None or saving > best[0]):
                    best = saving, list(chosen)
            if best is not None:
                missing = {"units": [{"set": name, "item": line.item} for name, line in best[1]]}
                return _prompt(session, rule, missing, best[0], best[1][0][0])
        return None

    def _missing(self, session: Session, rule: Compiled, number: int) -> Line | None:
        """The cheapest unit of a set that the store has: of its assortment if we know it, else of the basket."""
        if self.shelf is None:
            lines = [entry.line for entry in session.entries if entry.line.grams is None]
            fitting = [line for line in lines if self._in_set(rule, number, line)]
            return min(fitting, key=lambda line: (line.unit_price, line.order()), default=None)
        key = rule.place, number
        if key not in self._cheapest:
            self._cheapest[key] = self.shelf.cheapest(rule, number)
        return self._cheapest[key]

    def _in_set(self, rule: Compiled, number: int, line: Line) -> bool:
        return line.discountable and belongs(rule.matchers[number], line, self.sale.today)

    def _saving_with(self, session: Session, rule: Compiled, lines: list[Line]) -> int:
        """What these units more would save, beyond what each of them saves by itself."""
        single = {"quantity": 1, "line": None, "manual": None}
        new = [session.entry(line.model_copy(update=single)) for line in lines]
        links: frozenset[int] = frozenset(link for entry in new for link in entry.article.links)
        touched = [region for region in session.regions() if not links.isdisjoint(region.links)]
        key = (rule.place, tuple(entry.order[0] for entry in new), tuple(touched))
        if key not in self._known:
            if len(self._known) > MOST_REMEMBERED:
                self._known.clear()
            members = [*new, *(entry for region in touched for entry in region.entries)]
            after = priced_region(self.sale, members, self.budget)
            before: list[Region] = [*touched, *(priced_region(self.sale, [entry], self.budget) for entry in new)]
            more = _given(rule, [after]) > _given(rule, touched)
            saving = after.gross - after.net - sum(region.gross - region.net for region in before)
            self._known[key] = saving if more else 0
        return self._known[key]

    def _over_amount(self, session: Session, rule: Compiled, prompt: Prompt, priced: Priced) -> dict[str, Any] | None:
        """How much more to spend for the next step of a threshold, and what the whole basket then costs less."""
        missing = _to_next_step(rule, priced)
        if missing is None or not 0 < missing <= prompt.near:
            return None
        hits = tuple((rule.place,) if lane == rule.lane else () for lane in range(len(LANES)))
        bits = {rule.place: rule.bits(counted_sets(rule)) or (1 << len(rule.sets)) - 1}
        article = Article(("missing",), missing, 0, None, "", hits, bits, whole=(rule.place,))
        line = Line(item="missing", unit_price=missing)
        with_it = session.whole_with(Entry((("~",), 0), line, article, 1))
        saving = sum(unit.gross - unit.net for unit in with_it.units) - priced.discount
        gifts = [gift["quantity"] for gift in with_it.gifts] != [gift["quantity"] for gift in priced.gifts]
        if saving <= 0 and not gifts:
            return None
        return _prompt(session, rule, {"amount": missing}, max(0, saving), "")


def _given(rule: Compiled, regions: list[Region]) -> int:
    return sum(deal.saving for region in regions for deal in region.deals if deal.rule is rule)


def _to_next_step(rule: Compiled, priced: Priced) -> int | None:
    """In minor units, by what the units cost when the rule's lane begins; None: there is no next step."""
    steps: list[Tier | Threshold] = [tier for tier in rule.rule.tiers if tier.amount]
    if rule.rule.threshold is not None and rule.rule.threshold.amount:
        steps = [rule.rule.threshold]
    reached = 0
    for unit in in_sets(rule, counted_sets(rule), priced.whole.units if priced.whole else []):
        earlier = sum(amount for lane, _, amount in unit.all_deals() if lane < rule.lane)
        reached += unit.gross - (0 if rule.rule.basis == "gross" else earlier)
    wanted = [needed(step) for step in steps]
    if rule.rule.threshold is not None and rule.rule.threshold.repeat and wanted:
        return wanted[0] - reached % wanted[0]
    return min((step - reached for step in wanted if step > reached), default=None)


def _prompt(session: Session, rule: Compiled, missing: dict[str, Any], saving: int, name: str) -> dict[str, Any]:
    amount = _shown(missing["amount"], session.currency) if "amount" in missing else str(len(missing["units"]))
    words = {"{set}": name, "{saving}": _shown(saving, session.currency), "{missing}": amount}
    texts = {}
    for language, text in (rule.rule.prompt.text if rule.rule.prompt else {}).items():
        shown = text
        for word, value in words.items():
            shown = shown.replace(word, value)
        texts[language] = shown
    return {"rule": rule.rule.id, "missing": missing, "saving": saving, "text": texts}


def _shown(minor: int, currency: str) -> str:
    try:
        return Money(minor, currency).plain()
    except ValueError:
        return str(minor)
