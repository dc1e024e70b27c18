"""Units: one piece, or one weighed line. Units that no rule can tell apart are searched as one kind with a count."""

from __future__ import annotations

from dataclasses import dataclass, field

from retail.pricing import weighed_minor
from retail.promotions.compiled import Compiled

Given = tuple[int, int]  # number of the deal in its region or basket, amount


@dataclass(slots=True, eq=False)
class Article:
    """What units of the same goods at the same price share: the rules that want them, resolved for this occasion."""

    key: tuple[object, ...]
    gross: int
    grams: int
    cost: int | None  # of the whole unit
    item: str
    hits: tuple[tuple[int, ...], ...]  # per lane: places of rules in order
    bits: dict[int, int]  # place of a rule: its sets that these units are in
    values: dict[int, int] = field(default_factory=dict)  # place: the value of this article where it is its own
    links: tuple[int, ...] = ()  # rules through which these units may share a deal or a limit with others
    whole: tuple[int, ...] = ()  # places of rules over the whole basket that want them
    least: int = 0  # what the whole unit costs at the least, under any rule

    def floor(self, rule: Compiled) -> int | None:
        """The least that this unit may cost under this rule; None: its cost is unknown, so the rule leaves it alone."""
        floor = rule.rule.limits.floor
        if floor == "none":
            return self.least
        if floor == "cost":
            return None if self.cost is None else max(self.cost, self.least)
        return max(weighed_minor(floor, self.grams) if self.grams else floor, self.least)

    def priced(self, value: int) -> int:
        """A price per unit for this unit: for a weighed one a price per kilogram."""
        return weighed_minor(value, self.grams) if self.grams else value


@dataclass(slots=True, eq=False)
class Unit:
    """One unit in the course of its pricing."""

    line: int  # number of its line in its region or basket
    number: int  # within the line, from 1
    article: Article
    net: int
    deals: list[tuple[int, int, int]] = field(default_factory=list)  # lane, number of the deal, amount
    closed: bool = False  # an exclusive deal has it
    lane: int = -1  # the lane whose deal it feeds, of those that take it for themselves
    origin: Unit | None = None  # in the lanes over the whole basket: this unit in its region
    offset: int = 0  # and how many deals the regions before that one have

    @property
    def gross(self) -> int:
        return self.article.gross

    @property
    def touched(self) -> bool:
        return bool(self.deals) or (self.origin is not None and bool(self.origin.deals))

    def all_deals(self) -> list[tuple[int, int, int]]:
        """Those of its region, numbered for the basket, and those over the whole basket."""
        if self.origin is None:
            return self.deals
        return [(lane, number + self.offset, amount) for lane, number, amount in self.origin.deals] + self.deals


class Free:
    """Units that one rule after the other looks at as a whole."""

    __slots__ = ("net", "units")

    def __init__(self, units: list[Unit]) -> None:
        self.units = units
        self.net = sum([unit.net for unit in units])

    @property
    def gross(self) -> int:
        return sum([unit.article.gross for unit in self.units])

    @property
    def grams(self) -> int:
        return sum([unit.article.grams for unit in self.units])

    def only(self, units: list[Unit]) -> Free:
        """These of them; itself where that is all."""
        return self if len(units) == len(self.units) else Free(units)


@dataclass(slots=True, eq=False)
class Kind:
    """Units that are the same to every rule of one search."""

    units: list[Unit]
    net: int
    gross: int
    article: Article

    @property
    def count(self) -> int:
        return len(self.units)


def kinds(units: list[Unit], rules: list[Compiled]) -> tuple[list[Kind], tuple[object, ...]]:
    """Group units by what these rules see of them, in the order of first units; and all that they see, as one value."""
    found: dict[tuple[object, ...], Kind] = {}
    gross, by_item, floors, exclusive = False, False, False, False
    for rule in rules:
        gross |= rule.gross
        by_item |= rule.by_item
        floors |= rule.floored
        exclusive |= rule.rule.concurrency == "exclusive"
    floors = floors or any(unit.article.least for unit in units)
    places = [rule.place for rule in rules]
    article: Article | None = None
    seen: tuple[object, ...] = ()
    for unit in units:
        if unit.article is not article:
            article = unit.article
            seen = _seen(article, places, gross, by_item, floors)
        key = (unit.net, bool(unit.deals) if exclusive else False, *seen)
        kind = found.get(key)
        if kind is None:
            found[key] = Kind([unit], unit.net, article.gross, article)
        else:
            kind.units.append(unit)
    return list(found.values()), (*found, *[len(kind.units) for kind in found.values()])


def _seen(article: Article, places: list[int], gross: bool, by_item: bool, floors: bool) -> tuple[object, ...]:
    """What rules see of an article."""
    bits, values = article.bits, article.values
    return (
        article.gross if gross else 0,
        article.grams,
        article.item if by_item else "",
        article.least,
        article.cost if floors else None,
        tuple([bits.get(place, 0) for place in places]),
        tuple([values.get(place, -1) for place in places]) if values else (),
    )
