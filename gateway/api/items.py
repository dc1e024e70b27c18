"""`/v1/items`: the price book in force, searched by part of a name; one article, its stock, what is on its way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from pydantic import BaseModel, Field

from gateway.api.operations import Call, NoSuchThing, Operation
from retail.units import Money
from retail.wire.rows import Item, StockRow, SupplyRow

#: fewer than a screen of them is what a cashier can read
LIMIT = 8
LIMIT_MOST = 50
WORDS_MOST = 100
UNITS = ("each", "kg")


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
    """Goods on their way to this store."""

    reference: str
    quantity: int
    due: date
    supplier: str


class SuppliesView(BaseModel):
    expected: list[ExpectedView]
    as_of: datetime
    age_s: int = Field(description="how old the figures are")


class ArticleView(ItemView):
    """price_until: when the price in force ends. coming: prices that begin later. stock, supplies null: not known."""

    category: str
    tags: list[str]
    age_limit: int | None
    discountable: bool
    price_until: datetime | None
    coming: list[PeriodView]
    stock: StockView | None
    supplies: SuppliesView | None


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


class _Items:
    """local: the store's own time; wall: UTC."""

    def __init__(
        self,
        catalogue: Searchable,
        locale: str,
        store_id: str,
        local: Callable[[], datetime],
        wall: Callable[[], datetime],
    ) -> None:
        self._catalogue, self._locale, self._store_id = catalogue, locale, store_id
        self._local, self._wall = local, wall

    async def search(self, call: Call) -> ItemsView:
        asked = call.request.query_params
        words = asked.get("q", "").strip()[:WORDS_MOST]
        unit = asked.get("unit", "") if asked.get("unit", "") in UNITS else ""
        limit = asked.get("limit", "")
        most = min(max(int(limit), 1), LIMIT_MOST) if limit.isdecimal() and len(limit) < 4 else LIMIT
        found = self._catalogue.search(words, most, unit) if words or unit else []
        at = self._local()
        return ItemsView(
            price_book_version=self._catalogue.version(), items=[view(item, self._locale, at) for item in found]
        )

    async def one(self, call: Call) -> ArticleView:
        code = call.path("item_id")
        item = self._catalogue.looked_up(code)
        if item is None:
            raise NoSuchThing(f"there is no item {code[:64]}; search with /v1/items?q=")
        at = self._local()
        period = item.period_at(at)
        return ArticleView(
            **view(item, self._locale, at).model_dump(),
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
                    price=Money(one.price_minor, item.currency).shown(self._locale),
                )
                for one in sorted(item.prices, key=lambda one: one.valid_from)
                if one.valid_from > at
            ],
            stock=self._stock(item.item_id),
            supplies=self._supplies(item.item_id),
        )

    def _stock(self, item_id: str) -> StockView | None:
        row = self._catalogue.stock(item_id)
        if row is None:
            return None
        return StockView(
            here=row.on_hand.get(self._store_id),
            elsewhere={store: count for store, count in sorted(row.on_hand.items()) if store != self._store_id},
            as_of=row.as_of,
            age_s=self._age_s(row.as_of),
        )

    def _supplies(self, item_id: str) -> SuppliesView | None:
        row = self._catalogue.supplies(item_id)
        if row is None:
            return None
        expected = [
            ExpectedView(reference=one.reference, quantity=one.quantity, due=one.due, supplier=one.supplier)
            for one in sorted(row.expected, key=lambda one: one.due)
            if one.store_id in (None, self._store_id)
        ]
        return SuppliesView(expected=expected, as_of=row.as_of, age_s=self._age_s(row.as_of))

    def _age_s(self, as_of: datetime) -> int:
        return max(0, int((self._wall() - as_of).total_seconds()))


def operations(
    catalogue: Searchable,
    locale: str,
    store_id: str,
    local: Callable[[], datetime],
    wall: Callable[[], datetime],
) -> list[Operation]:
    items = _Items(catalogue, locale, store_id, local, wall)
    return [
        Operation(
            "GET",
            "/v1/items",
            "Search the price book",
            items.search,
            description="Items whose description holds the words, of that unit. Nothing is found for neither.",
            answer=ItemsView,
            query={
                "q": "part of a description",
                "unit": "`each` or `kg`",
                "limit": f"1 to {LIMIT_MOST}, {LIMIT} unless told",
            },
        ),
        Operation(
            "GET",
            "/v1/items/{item_id:path}",  # bar codes may hold a slash
            "One article, its stock and what is on its way",
            items.one,
            description="By item number or bar code. Stock and supplies are as headquarters said last; `age_s` says"
            " how long ago. It works without the line, too.",
            answer=ArticleView,
            problems=(404,),
        ),
    ]
