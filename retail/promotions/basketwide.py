"""The lanes over the whole basket: what is left of lane line, then basket, then tender; points are counted last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain, groupby

from retail.promotions.basket import Manual
from retail.promotions.compiled import BASKET, LINE, TENDER, Compiled
from retail.promotions.deals import Deal, apply, book
from retail.promotions.lanes import Trace
from retail.promotions.occasion import Sale
from retail.promotions.rules import FULL
from retail.promotions.units import Unit
from retail.promotions.whole import Moment, Offer, offer
from retail.units import divide_half_up

#: orders of competing rules that are tried
MOST_ORDERS = 2_000


@dataclass(slots=True, eq=False)
class Whole:
    """The units of the whole basket, the deals of all lanes, gifts and points."""

    units: list[Unit]
    deals: list[Deal]
    traces: list[Trace] = field(default_factory=list)
    gifts: list[dict[str, object]] = field(default_factory=list)
    points: list[dict[str, object]] = field(default_factory=list)
    common: frozenset[int] = frozenset()  # rules of one set that want every unit
    least: bool = False  # whether a unit has a least price

    def moment(self, lane: int) -> Moment:
        return Moment(self.units, lane, self.common, self.least)


def price_whole(sale: Sale, whole: Whole, by_hand: Callable[[int], None]) -> None:
    """Lane by lane. by_hand(lane) gives the manual discounts of a lane, after its rules."""
    articles = list({id(unit.article): unit.article for unit in whole.units}.values())
    wanted = Counter(chain.from_iterable([article.whole for article in articles]))
    whole.least = any(article.least for article in articles)
    rules = [sale.index.rules[place] for place in sorted(wanted)]
    whole.common = frozenset(
        [rule.place for rule in rules if len(rule.sets) == 1 and wanted[rule.place] == len(articles)]
    )
    for lane in (LINE, BASKET, TENDER):
        here = [rule for rule in rules if rule.lane == lane and rule.rule.kind != "points_earn"]
        for _, level in groupby(here, key=lambda rule: rule.rule.priority):
            _level(sale, whole, lane, list(level))
        by_hand(lane)
    for rule in rules:
        if rule.rule.kind == "points_earn" and _free_to(rule, whole):
            found = offer(sale, rule, whole.moment(TENDER))
            if found is not None:
                whole.points.append({"rule": rule.rule.id, "rev": rule.rule.rev, "points": found.points})


def _free_to(rule: Compiled, whole: Whole) -> bool:
    return not rule.excludes or not any(deal.rule.place in rule.excludes for deal in whole.deals)


def _level(sale: Sale, whole: Whole, lane: int, rules: list[Compiled]) -> None:
    best = [rule for rule in rules if rule.rule.concurrency != "stack"]
    saving, nodes, bounded = 0, len(best), False
    if best:
        search = _Orders(sale, lane, whole)
        search.look([rule for rule in best if _free_to(rule, whole)], (), 0)
        nodes, bounded = search.nodes, search.nodes >= MOST_ORDERS
        if search.alone is not None:
            saving += _taken(whole, search.alone)
        else:
            saving += sum([_take(sale, whole, lane, rule) for rule in search.order])
    for rule in rules:
        if rule not in best:
            nodes += 1
            saving += _take(sale, whole, lane, rule)
    names = [rule.rule.id for rule in rules]
    whole.traces.append(
        Trace(lane, rules[0].rule.priority, names, len(whole.units), len(rules), nodes, saving, bounded)
    )


def _take(sale: Sale, whole: Whole, lane: int, rule: Compiled) -> int:
    found = offer(sale, rule, whole.moment(lane)) if _free_to(rule, whole) else None
    return 0 if found is None else _taken(whole, found)


def _taken(whole: Whole, found: Offer) -> int:
    if found.gifts:
        whole.gifts += [
            {"rule": found.rule.rule.id, "item": item, "quantity": quantity, "in_basket": there}
            for item, quantity, there in found.gifts
        ]
    deal = found.deal()
    deal.note["times"] = found.times
    whole.deals.append(book(deal, len(whole.deals)))
    return deal.saving


@dataclass(slots=True)
class _Orders:
    """Depth first over the orders of competing rules; what they leave is put back after each."""

    sale: Sale
    lane: int
    whole: Whole
    nodes: int = 0
    saving: int = -1
    order: tuple[Compiled, ...] = ()
    alone: Offer | None = None  # the one offer that leaves nothing to the others, where it comes to that

    def look(self, rules: list[Compiled], taken: tuple[Compiled, ...], saving: int) -> None:
        if self._rank(saving, taken) < self._rank(self.saving, self.order):
            self.saving, self.order = saving, taken
        moment = self.whole.moment(self.lane)
        offers = [offer(self.sale, rule, moment) for rule in rules]
        found = [given for given in offers if given is not None]
        found.sort(key=lambda given: (-given.saving, given.rule.place))
        if found and all(given.all_free for given in found):
            found = found[:1]  # whichever is taken leaves nothing to the others
            if not taken:
                self.nodes, self.alone = 1, found[0]
                return
        for given in found:
            rule = given.rule
            if self.nodes >= MOST_ORDERS:
                return
            self.nodes += 1
            before = [(unit, unit.net, unit.lane, unit.closed, len(unit.deals)) for unit in given.units]
            if not given.all_free:
                book(given.deal(), 0)
            rest = [other for other in rules if other is not rule and other.place not in rule.excludes]
            self.look([] if given.all_free else rest, (*taken, rule), saving + given.saving)
            for unit, net, lane, closed, deals in before:
                unit.net, unit.lane, unit.closed = net, lane, closed
                del unit.deals[deals:]

    @staticmethod
    def _rank(saving: int, order: tuple[Compiled, ...]) -> tuple[int, int, list[int]]:
        return -saving, len(order), sorted(rule.place for rule in order)


def manual_deal(rule: Compiled, manual: Manual, lane: int, units: list[Unit], whole: Whole) -> None:
    """A discount by hand over these units, within what they can bear."""
    free = [unit for unit in units if not unit.closed and unit.article.floor(rule) is not None]
    net = sum(unit.net for unit in free)
    wanted = manual.amount if manual.amount is not None else divide_half_up(net * (manual.value or 0), FULL)
    room = sum(max(0, unit.net - (unit.article.floor(rule) or 0)) for unit in free)
    limit = rule.rule.limits.max_discount
    saving = min(wanted, room, wanted if limit is None else limit)
    if saving <= 0:
        return
    deal = apply(rule, lane, saving, free, [True] * len(free), True)
    deal.note["reason"] = manual.reason
    whole.deals.append(book(deal, len(whole.deals)))
