"""Lanes price, unit and line for a region: lines that share deals or limits with each other and with nobody else.

Lane by lane; in a lane the higher priority is solved to completion first; in a priority the customer's deals together,
then the rules that favour the shop, then those that stack, each by itself. Pure: the same lines give the same region.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from retail.promotions.basket import Line
from retail.promotions.candidates import Problem, problem
from retail.promotions.compiled import LINE, Compiled
from retail.promotions.deals import Deal, settle
from retail.promotions.groups import sorted_groups
from retail.promotions.occasion import Sale
from retail.promotions.rough import rough
from retail.promotions.shop import least
from retail.promotions.solve import NODE_BUDGET, Solution, solve
from retail.promotions.units import Article, Unit, kinds

#: moves tried only to find the first among equals, where sorting has found the largest saving already
TIE_BUDGET = 2_000
#: from so many moves on it pays to have a good answer before the search
MANY = 200
#: answered searches that a sale remembers
MOST_ANSWERS = 4_000


@dataclass(slots=True, eq=False)
class Entry:
    """A line in its place in the basket."""

    order: tuple[tuple[object, ...], int]  # by content, then by number within the sale
    line: Line
    article: Article
    pieces: int


@dataclass(slots=True)
class Trace:
    """What a search looked at."""

    lane: int
    priority: int
    rules: list[str]
    units: int
    candidates: int
    nodes: int
    saving: int
    bounded: bool


@dataclass(slots=True, eq=False)
class Region:
    """Entries in order, their units, the deals they got, and how."""

    entries: list[Entry]
    units: list[Unit] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    gross: int = 0
    net: int = 0
    links: frozenset[int] = frozenset()


def priced_region(sale: Sale, entries: Iterable[Entry], budget: int = NODE_BUDGET) -> Region:
    region = Region(sorted(entries, key=lambda entry: entry.order))
    for number, entry in enumerate(region.entries):
        article = entry.article
        region.units += [Unit(number, piece, article, article.gross) for piece in range(1, entry.pieces + 1)]
    for lane in range(LINE + 1):
        for rules in _by_priority(sale, region, lane):
            _level(sale, region, lane, rules, budget)
    region.links = frozenset(link for entry in region.entries for link in entry.article.links)
    region.gross = sum(unit.gross for unit in region.units)
    region.net = sum(unit.net for unit in region.units)
    return region


def _by_priority(sale: Sale, region: Region, lane: int) -> Iterator[list[Compiled]]:
    places = sorted({place for entry in region.entries for place in entry.article.hits[lane]})
    rules = [rule for rule in map(sale.index.rules.__getitem__, places) if rule.by_pattern or rule.each]
    if len({rule.rule.priority for rule in rules}) == 1:
        yield rules
        return
    for _, level in groupby(rules, key=lambda rule: rule.rule.priority):
        yield list(level)


def _level(sale: Sale, region: Region, lane: int, rules: list[Compiled], budget: int) -> None:
    customer = [rule for rule in rules if rule.together]
    for group, units in _components(region.units, _allowed(region, customer), lane):
        _solve(sale, region, lane, group, units, budget)
    if len(customer) == len(rules):
        return
    for rule in rules:
        if rule.together or not _allowed(region, [rule]):
            continue
        stack = rule.rule.concurrency == "stack"
        units = [u for u in region.units if not u.closed and (stack or u.lane != lane) and rule.place in u.article.bits]
        if units:
            _solve(sale, region, lane, [rule], units, budget)


def _allowed(region: Region, rules: list[Compiled]) -> list[Compiled]:
    """Without those that a rule already at work excludes."""
    if not any(rule.excludes for rule in rules):
        return rules
    used = {deal.rule.place for deal in region.deals}
    return [rule for rule in rules if not rule.excludes & used]


def _components(units: list[Unit], rules: list[Compiled], lane: int) -> list[tuple[list[Compiled], list[Unit]]]:
    """Split what is free into parts that share no rule, no limit and no exclusion."""
    free = [unit for unit in units if not unit.closed and unit.lane != lane]
    goods: dict[Article, int] = {}
    for unit in free:
        goods[unit.article] = goods.get(unit.article, 0) + 1
    there: dict[int, int] = {}
    sets: dict[int, int] = {}
    for article, count in goods.items():
        for place in article.hits[lane]:
            there[place] = there.get(place, 0) + count
            sets[place] = sets.get(place, 0) | article.bits[place]
    by_place = {
        rule.place: rule
        for rule in rules
        if there.get(rule.place, 0) >= rule.least and sets[rule.place] & rule.needs == rule.needs
    }
    if not by_place:
        return []
    parent = {place: place for place in by_place}

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    wanted: dict[Article, tuple[list[int], int]] = {}
    for article in goods:
        places = [place for place in article.hits[lane] if place in by_place]
        linked = [place for place in places if by_place[place].couples]
        for place in linked:
            parent[root(place)] = root(linked[0])
            for other in by_place[place].excludes & by_place.keys():
                parent[root(other)] = root(linked[0])
        wanted[article] = (places, linked[0] if linked else -1)
    parts: dict[int, tuple[set[int], list[Unit]]] = {}
    units_of: dict[Article, list[Unit]] = {}
    for article, (places, link) in wanted.items():
        if places:
            part = parts.setdefault(root(link) if link >= 0 else -1 - id(article), (set(), []))
            part[0].update(places)
            units_of[article] = part[1]
    for unit in free:
        if unit.article in units_of:
            units_of[unit.article].append(unit)
    return [([by_place[place] for place in sorted(places)], taken) for places, taken in parts.values()]


def _solve(sale: Sale, region: Region, lane: int, rules: list[Compiled], units: list[Unit], budget: int) -> None:
    groups, seen = kinds(units, rules)
    key = (rules[0].rule.favour, *[rule.place for rule in rules], *seen)
    known = sale.answers.get(key)
    if known is None:
        if len(sale.answers) >= MOST_ANSWERS:
            sale.answers.clear()
        ready = [one for rule in rules for one in sale.ready(rule.place)]
        given = Problem(groups, ready, least=any(kind.article.least for kind in groups))
        known = _solution(given, rules[0].rule.favour == "shop", budget)
        sale.answers[key] = known
    solution, searched = known
    searched.kinds = groups
    settle(searched, solution.moves, lane, region.deals)
    names = [rule.rule.id for rule in rules]
    priority = rules[0].rule.priority
    count = len(searched.candidates)
    region.traces.append(
        Trace(lane, priority, names, len(units), count, solution.nodes, solution.saving, solution.bounded)
    )


def _solution(given: Problem, shop: bool, budget: int) -> tuple[Solution, Problem]:
    """The answer, and the problem with the moves that were looked at."""
    by_sorting = None
    if len(given.rules) == 1 and not shop and not given.rules[0].need:
        by_sorting = sorted_groups(given)
    if by_sorting is None:
        searched = problem(given)
        if shop:
            return (least(searched) if searched.whole else rough(searched, shop=True)), searched
        known = rough(searched) if len(searched.candidates) > MANY or not searched.whole else None
        return solve(searched, budget, known), searched
    moves, first = by_sorting
    if not first:
        searched = problem(given)
        solution = solve(searched, min(budget, TIE_BUDGET))
        if not solution.bounded:
            return solution, searched
    saving = sum(move.saving for move in moves)
    return Solution([(move, move.saving) for move in moves], saving, len(moves), False), given
