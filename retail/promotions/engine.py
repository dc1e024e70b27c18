"""The promotion engine: rules compiled once a revision, then priced against any number of baskets. No clock, no I/O.

engine = Engine.compile(read_rules(data))
priced = engine.price(basket, at=datetime(2026, 11, 22, 10, 0))

session = engine.session(basket)
priced = session.add(line)          # the same bytes as engine.price of all lines so far
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from retail.promotions.basket import Basket, Line, Member
from retail.promotions.index import Index
from retail.promotions.occasion import Sale
from retail.promotions.priced import Priced
from retail.promotions.prompts import Assortment, Shelf
from retail.promotions.reading import checked
from retail.promotions.rules import Rule
from retail.promotions.session import Session
from retail.promotions.solve import NODE_BUDGET
from retail.promotions.validity import Occasion, steady


class Engine:
    """A store's rules, indexed."""

    def __init__(self, index: Index, budget: int = NODE_BUDGET) -> None:
        self.index, self.budget = index, budget

    @classmethod
    def compile(cls, rules: Iterable[Rule], budget: int = NODE_BUDGET) -> Engine:
        """Make rules ready; their order does not matter. The till and headquarters must use the same budget.

        Raises:
            PromotionError: a rule's parts do not belong together.
        """
        return cls(Index(checked(rule) for rule in rules), budget)

    def steady(self, at: datetime) -> tuple[datetime, datetime]:
        """From when until when (exclusive) the same rules hold as at this moment; at most one day of the calendar."""
        return steady([rule.rule.when for rule in self.index.rules if rule.rule.when is not None], at)

    def price(self, basket: Basket, lines: Iterable[Line] = (), **occasion: Any) -> Priced:
        """The whole basket at once. occasion: at, member, coupons, tenders instead of the basket's own."""
        return self.session(basket, **occasion).add_all([*basket.lines, *lines])

    def session(
        self,
        basket: Basket | None = None,
        *,
        at: datetime | None = None,
        member: Member | None = None,
        coupons: Iterable[str] | None = None,
        tenders: Iterable[str] | None = None,
        assortment: Iterable[Line] | None = None,
        shelf: Shelf | None = None,
    ) -> Session:
        """A sale to add lines to, one by one. It takes over everything of the basket but its lines.

        assortment, shelf: what the store has besides, for prompts.
        """
        basket = basket or Basket()
        who = member or basket.member
        occasion = Occasion(
            at=_local(at or basket.at),
            store=basket.store,
            groups=frozenset(basket.groups),
            channel=basket.channel,
            member=who.id if who else None,
            tier=who.tier if who else "",
            coupons=frozenset(basket.coupons if coupons is None else coupons),
            tenders=frozenset(basket.tenders if tenders is None else tenders),
            used=basket.used,
        )
        there = tuple(basket.assortment if assortment is None else assortment)
        sale = Sale(self.index, occasion)
        if shelf is None and there:
            shelf = Assortment(there, sale.today)
        return Session(
            sale,
            basket.currency,
            basket.manual,
            basket.tax_rates,
            shelf,
            basket.refused,
            self.budget,
        )


def _local(at: datetime | None) -> datetime | None:
    """The store's own time: an offset says nothing here, the hands of the clock do."""
    return at.replace(tzinfo=None) if at is not None else None
