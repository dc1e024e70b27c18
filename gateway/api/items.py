"""`/v1/items`: the price book in force, searched by part of a name."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, Field

from gateway.api.operations import Call, Operation
from retail.units import Money
from retail.wire.rows import Item

#: fewer than a screen of them is what a cashier can read
LIMIT = 8
LIMIT_MOST = 50
WORDS_MOST = 100


class Searchable(Protocol):
    """What this needs of gateway.till.catalogue.Catalogue."""

    def search(self, words: str, limit: int = ..., /) -> list[Item]: ...

    def version(self) -> int: ...


class ItemView(BaseModel):
    item_id: str
    description: str
    barcodes: list[str]
    unit: str = Field(description="`each` or `kg`")
    price_minor: int | None = Field(description="null: headquarters has set no price, it cannot be sold")
    currency: str
    price: str = Field(description="as people of the store's locale write it; empty without a price")


class ItemsView(BaseModel):
    price_book_version: int
    items: list[ItemView]


def view(item: Item, locale: str) -> ItemView:
    price = Money(item.price_minor, item.currency).shown(locale) if item.price_minor is not None else ""
    return ItemView(
        item_id=item.item_id,
        description=item.description,
        barcodes=item.barcodes,
        unit=item.unit,
        price_minor=item.price_minor,
        currency=item.currency,
        price=f"{price}/kg" if price and item.unit == "kg" else price,
    )


def operations(catalogue: Searchable, locale: str = "en") -> list[Operation]:
    async def search(call: Call) -> ItemsView:
        asked = call.request.query_params
        words = asked.get("q", "").strip()[:WORDS_MOST]
        limit = asked.get("limit", "")
        most = min(max(int(limit), 1), LIMIT_MOST) if limit.isdecimal() and len(limit) < 4 else LIMIT
        found = catalogue.search(words, most) if words else []
        return ItemsView(price_book_version=catalogue.version(), items=[view(item, locale) for item in found])

    return [
        Operation(
            "GET",
            "/v1/items",
            "Search the price book",
            search,
            description="Items whose description holds the words. Nothing is found for no words.",
            answer=ItemsView,
            query={"q": "part of a description", "limit": f"1 to {LIMIT_MOST}, {LIMIT} unless told"},
        )
    ]
