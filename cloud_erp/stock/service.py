"""What can be done with stock: move it, and look at it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Connection, or_, select

from cloud_erp.bulk import upsert
from cloud_erp.catalog.model import item
from cloud_erp.stock.model import position
from retail.sale import RetailTransaction


class StockView(BaseModel):
    """One position: on_hand in pieces, or in grams where unit is kg."""

    store_id: str
    item_id: str
    description: str
    unit: str
    on_hand: int
    moved_at: datetime


def taken_by(sale: RetailTransaction) -> dict[str, int]:
    """What leaves the shop with a sale: item_id -> pieces or grams, below 0 where more came back, fit to be sold again.

    A training sale takes nothing.
    """
    taken: dict[str, int] = {}
    if sale.training_flag:
        return taken
    for line in sale.sales():
        amount = line.weight_grams if line.weight_grams is not None else line.quantity or 0
        taken[line.item_id] = taken.get(line.item_id, 0) + amount
    for back in sale.returns():
        if back.restock:
            amount = back.weight_grams if back.weight_grams is not None else back.quantity or 0
            taken[back.item_id] = taken.get(back.item_id, 0) - amount
    return taken


def move(connection: Connection, moves: Mapping[tuple[str, str], int], at: datetime) -> None:
    """Add to positions by (store_id, item_id); sorted, so that two workers never deadlock."""
    rows = [
        {"store_id": store_id, "item_id": item_id, "on_hand": change, "moved_at": at}
        for (store_id, item_id), change in sorted(moves.items())
        if change
    ]
    upsert(connection, position, rows, key=("store_id", "item_id"), add=("on_hand",))


def positions(
    connection: Connection, store_id: str | None = None, words: str | None = None, limit: int = 1000
) -> list[StockView]:
    """Positions of one store or all; `words` filters by item id or description."""
    query = (
        select(
            position.c.store_id, position.c.item_id, item.c.description, item.c.unit,
            position.c.on_hand, position.c.moved_at,
        )
        .join(item, item.c.item_id == position.c.item_id)
        .order_by(position.c.store_id, position.c.item_id)
        .limit(limit)
    )  # fmt: skip
    if store_id:
        query = query.where(position.c.store_id == store_id)
    if words:
        query = query.where(
            or_(item.c.item_id.icontains(words, autoescape=True), item.c.description.icontains(words, autoescape=True))
        )
    return [StockView.model_validate(row) for row in connection.execute(query).mappings()]


def stores(connection: Connection) -> list[str]:
    """The stores that have positions."""
    return list(connection.execute(select(position.c.store_id).distinct().order_by(position.c.store_id)).scalars())
