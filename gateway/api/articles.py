"""An article as a till shows it: price, stock here and elsewhere, what is on its way; its cost to whom may see that.

Stock and supplies are as headquarters said last, with their age: with the line or without, they are no promise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from pydantic import BaseModel, Field

from gateway.words import Words
from retail.units import Money, Weight
from retail.wire.rows import Expected, Item, StockRow, SupplyRow


class Searchable(Protocol):
    """What this needs of gateway.till.catalogue.Catalogue."""

    def search(self, words: str, limit: int = ..., unit: str = ..., /) -> list[Item]: ...

    def version(self) -> int: ...

    def looked_up(self, code: str, /) -> Item | None: ...

    def stock(self, item_id: str, /) -> StockRow | None: ...

    def supplies(self, item_id: str, /) -> SupplyRow | None: ...


class ItemView(BaseModel):
    item_id: str
    description: str
    barcodes: list[str]
    unit: str = Field(description="`each` or `kg`")
    price_minor: int | None = Field(description="in force now; null: headquarters has set none, it cannot be sold")
    currency: str
    price: str = Field(description="as people of the store's locale write it; empty without a price")


class ItemsView(BaseModel):
    price_book_version: int
    items: list[ItemView]


class PeriodView(BaseModel):
    """An effective-dated price, in the store's own time; valid_until null: until another begins."""

    valid_from: datetime
    valid_until: datetime | None
    price_minor: int
    price: str


class StockView(BaseModel):
    """Pieces, or grams of an article by weight. here null: nobody said. elsewhere: store id -> how many."""

    here: int | None
    elsewhere: dict[str, int]
    as_of: datetime
    age_s: int = Field(description="how old the figures are")


class ExpectedView(BaseModel):
    """Goods on their way to this store. text: in the store's language, such as `PO 123, 40 pcs, ETA 24 Nov`.

    quantity: pieces, or grams of an article by weight. cost_minor: null, too, for whom may not see it.
    """

    reference: str
    quantity: int
    due: date
    supplier: str
    lead_time_days: int | None
    cost_minor: int | None
    cost: str
    text: str


class SuppliesView(BaseModel):
    expected: list[ExpectedView]
    as_of: datetime
    age_s: int = Field(description="how old the figures are")


class ArticleView(ItemView):
    """price_until: when the price in force ends. coming: prices that begin later. stock, supplies null: not known.

    cost_minor: what one piece or kilogram costs the shop; null, too, for whom may not see it.
    """

    category: str
    tags: list[str]
    age_limit: int | None
    discountable: bool
    price_until: datetime | None
    coming: list[PeriodView]
    stock: StockView | None
    supplies: SuppliesView | None
    cost_minor: int | None
    cost: str


def view(item: Item, locale: str, at: datetime) -> ItemView:
    """at: the store's own time, whose price is shown."""
    minor = item.price_at(at)
    price = Money(minor, item.currency).shown(locale) if minor is not None else ""
    return ItemView(
        item_id=item.item_id,
        description=item.description,
        barcodes=item.barcodes,
        unit=item.unit,
        price_minor=minor,
        currency=item.currency,
        price=f"{price}/kg" if price and item.unit == "kg" else price,
    )


class Articles:
    """Of one store. local: the store's own time; wall: UTC."""

    def __init__(
        self,
        catalogue: Searchable,
        locale: str,
        store_id: str,
        local: Callable[[], datetime],
        wall: Callable[[], datetime],
    ) -> None:
        self.catalogue, self.locale, self.local = catalogue, locale, local
        self._store_id, self._wall = store_id, wall

    def version(self) -> int:
        """Of the price book in force."""
        return self.catalogue.version()

    def found(self, code: str, costs: bool, words: Words | None = None) -> ArticleView | None:
        """The article of this number or bar code. costs: whether who asks may see them. words: None: the store's."""
        item = self.catalogue.looked_up(code)
        if item is None:
            return None
        at = self.local()
        period = item.period_at(at)
        return ArticleView(
            **view(item, self.locale, at).model_dump(),
            category=item.category,
            tags=item.tags,
            age_limit=item.age_limit,
            discountable=not item.not_discountable,
            price_until=period.valid_until if period is not None else None,
            coming=[
                PeriodView(
                    valid_from=one.valid_from,
                    valid_until=one.valid_until,
                    price_minor=one.price_minor,
                    price=Money(one.price_minor, item.currency).shown(self.locale),
                )
                for one in sorted(item.prices, key=lambda one: one.valid_from)
                if one.valid_from > at
            ],
            stock=self._stock(item.item_id),
            supplies=self._supplies(item, costs, words or Words(self.locale)),
            cost_minor=item.cost_minor if costs else None,
            cost=self._shown(item.cost_minor if costs else None, item.currency),
        )

    def _shown(self, minor: int | None, currency: str) -> str:
        return Money(minor, currency).shown(self.locale) if minor is not None else ""

    def _stock(self, item_id: str) -> StockView | None:
        row = self.catalogue.stock(item_id)
        if row is None:
            return None
        return StockView(
            here=row.on_hand.get(self._store_id),
            elsewhere={store: count for store, count in sorted(row.on_hand.items()) if store != self._store_id},
            as_of=row.as_of,
            age_s=self._age_s(row.as_of),
        )

    def _supplies(self, item: Item, costs: bool, words: Words) -> SuppliesView | None:
        row = self.catalogue.supplies(item.item_id)
        if row is None:
            return None
        mine = [one for one in row.expected if one.store_id in (None, self._store_id)]
        expected = [self._expected(one, item, costs, words) for one in sorted(mine, key=lambda one: one.due)]
        return SuppliesView(expected=expected, as_of=row.as_of, age_s=self._age_s(row.as_of))

    def _expected(self, one: Expected, item: Item, costs: bool, words: Words) -> ExpectedView:
        facts = {"reference": one.reference, "day": words.short_day(one.due)}
        if item.unit == "kg":
            said = words.text("{reference}, {weight} kg, ETA {day}", weight=Weight(one.quantity).plain(), **facts)
        else:
            said = words.text("{reference}, {number} pcs, ETA {day}", number=one.quantity, **facts)
        cost = one.cost_minor if costs else None
        return ExpectedView(
            reference=one.reference,
            quantity=one.quantity,
            due=one.due,
            supplier=one.supplier,
            lead_time_days=one.lead_time_days,
            cost_minor=cost,
            cost=self._shown(cost, item.currency),
            text=said,
        )

    def _age_s(self, as_of: datetime) -> int:
        return max(0, int((self._wall() - as_of).total_seconds()))
