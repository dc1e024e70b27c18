"""Items: applying an import to the catalogue and to feed `items`, and looking at them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from cloud_erp.bulk import upsert
from cloud_erp.catalog.model import barcode, item
from cloud_erp.feeds import service as feeds
from retail.wire.canonical import canonical
from retail.wire.rows import ITEMS, Item

#: how many values one statement carries
CHUNK = 500
#: those of an item's fields that are columns of their own
COLUMNS = ("item_id", "description", "unit", "price_minor", "currency", "tax_code", "tax_rate_basis_points", "category")


class ItemView(Item):
    """An item; version: of the feed that changed it last."""

    version: int


def known_items(connection: Connection) -> dict[str, dict[str, Any]]:
    """item_id -> its row of the feed, of those that are sold."""
    rows = connection.execute(select(item.c.item_id, item.c.row).where(~item.c.gone))
    return {item_id: json.loads(row) for item_id, row in rows}


def all_units(connection: Connection) -> dict[str, str]:
    """item_id -> unit, also of items that are gone: their stock is counted in it."""
    return dict(connection.execute(select(item.c.item_id, item.c.unit)).all())


def all_currencies(connection: Connection) -> dict[str, str]:
    """item_id -> currency, also of items that are gone."""
    return dict(connection.execute(select(item.c.item_id, item.c.currency)).all())


def apply(connection: Connection, written: Sequence[Item], gone: Sequence[str] = ()) -> int:
    """Write items as they now are, take others away, raise the feed's version; return the version in force.

    The feed is locked (feeds.service.lock).
    """
    if not written and not gone:
        return feeds.head(connection, ITEMS).version
    version = feeds.head(connection, ITEMS).version + 1
    upsert(connection, item, [_item_row(one, version) for one in written], key=("item_id",))
    ids = [*(one.item_id for one in written), *gone]
    for start in range(0, len(ids), CHUNK):
        connection.execute(delete(barcode).where(barcode.c.item_id.in_(ids[start : start + CHUNK])))
    codes = [{"barcode": code, "item_id": one.item_id} for one in written for code in one.barcodes]
    if codes:
        connection.execute(insert(barcode), codes)
    for start in range(0, len(gone), CHUNK):
        mine = item.c.item_id.in_(gone[start : start + CHUNK])
        connection.execute(update(item).where(mine).values(gone=True, version=version))
    rows: dict[str, dict[str, Any] | None] = {one.item_id: one.model_dump(mode="json") for one in written}
    return feeds.put(connection, ITEMS, rows | dict.fromkeys(gone))


def units(connection: Connection, item_ids: Sequence[str]) -> dict[str, str]:
    """item_id -> unit of those that exist."""
    found: dict[str, str] = {}
    for start in range(0, len(item_ids), CHUNK):
        query = select(item.c.item_id, item.c.unit).where(item.c.item_id.in_(item_ids[start : start + CHUNK]))
        found.update(connection.execute(query).all())
    return found


def listed(connection: Connection, words: str | None = None, limit: int = 2000) -> list[ItemView]:
    """Items by id; `words` filters by id, description, category or a whole bar code."""
    query = select(item.c.row, item.c.version).where(~item.c.gone).order_by(item.c.item_id).limit(limit)
    if words:
        text = [item.c.item_id, item.c.description, item.c.category]
        coded = select(barcode.c.item_id).where(barcode.c.barcode == words.strip().lstrip("0"))
        query = query.where(
            or_(*(column.icontains(words.strip(), autoescape=True) for column in text), item.c.item_id.in_(coded))
        )
    return [ItemView(**json.loads(row), version=version) for row, version in connection.execute(query)]


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(item).where(~item.c.gone)).scalar_one()


def _item_row(one: Item, version: int) -> dict[str, Any]:
    row = one.model_dump(mode="json")
    columns = {name: row[name] for name in COLUMNS}
    return {**columns, "row": canonical(row).decode(), "version": version, "gone": False}
