"""Items and the feed that carries them down: applying an import, the head, and the pages of an answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, delete, func, insert, or_, select

from cloud_erp.bulk import insert_new, upsert
from cloud_erp.catalog.model import barcode, feed, item
from cloud_erp.db import now_utc
from retail.wire.canonical import canonical
from retail.wire.feed import PAGE_ROWS, FeedHead, FeedPage, FeedPull, FeedRow, feed_sha256
from retail.wire.rows import ITEMS, Item

EMPTY = feed_sha256([])


class ItemView(BaseModel):
    item_id: str
    description: str
    barcodes: list[str]
    unit: str
    price_minor: int | None
    currency: str
    tax_code: str
    tax_rate_basis_points: int
    category: str
    tags: list[str]
    version: int


@dataclass(slots=True)
class Difference:
    """What an import would change, or has changed."""

    new: list[Item] = field(default_factory=list)
    changed: list[tuple[Item, Item]] = field(default_factory=list)
    unchanged: int = 0
    not_in_file: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.new or self.changed)


def known_items(connection: Connection) -> dict[str, Item]:
    rows = connection.execute(select(item.c.item_id, item.c.row))
    return {item_id: Item.model_validate_json(row) for item_id, row in rows}


def difference(known: dict[str, Item], wanted: Sequence[Item]) -> Difference:
    result = Difference(not_in_file=len(known.keys() - {item.item_id for item in wanted}))
    for new in wanted:
        old = known.get(new.item_id)
        if old is None:
            result.new.append(new)
        elif old != new:
            result.changed.append((old, new))
        else:
            result.unchanged += 1
    return result


def lock_feed(connection: Connection) -> None:
    """Make the feed's row where missing, and hold it: one import at a time."""
    empty = {"name": ITEMS, "version": 0, "sha256": EMPTY, "rows": 0, "changed_at": now_utc()}
    insert_new(connection, feed, [empty])
    connection.execute(select(feed.c.version).where(feed.c.name == ITEMS).with_for_update()).one()


def apply(connection: Connection, change: Difference) -> int:
    """Write new and changed items, raise the feed's version; return the version in force. lock_feed() came before."""
    version = head(connection).version
    if not change.anything:
        return version
    version += 1
    written = [*change.new, *(new for _, new in change.changed)]
    upsert(connection, item, [_item_row(one, version) for one in written], key=("item_id",))
    ids = [new.item_id for _, new in change.changed]
    for start in range(0, len(ids), PAGE_ROWS):
        connection.execute(delete(barcode).where(barcode.c.item_id.in_(ids[start : start + PAGE_ROWS])))
    codes = [{"barcode": code, "item_id": one.item_id} for one in written for code in one.barcodes]
    if codes:
        connection.execute(insert(barcode), codes)
    rows = _feed_rows(connection, above_version=0)
    whole = {
        "name": ITEMS,
        "version": version,
        "sha256": feed_sha256((key, row.encode()) for key, row in rows),
        "rows": len(rows),
        "changed_at": now_utc(),
    }
    upsert(connection, feed, [whole], key=("name",))
    return version


def head(connection: Connection) -> FeedHead:
    """The version in force, as stores are told of it."""
    row = connection.execute(select(feed.c.version, feed.c.sha256, feed.c.rows).where(feed.c.name == ITEMS)).first()
    if row is None:
        return FeedHead(version=0, sha256=EMPTY, rows=0)
    return FeedHead(version=row.version, sha256=row.sha256, rows=row.rows)


def pages(connection: Connection, pull: FeedPull) -> list[FeedPage]:
    """The answer to a pull: the rows that changed since the store's version, at least one page.

    A store ahead of us (this database was restored from a backup) gets everything.
    """
    # Held against an import in between, so that head and rows are of one version.
    connection.execute(select(feed.c.version).where(feed.c.name == ITEMS).with_for_update(read=True)).first()
    version = head(connection).version
    start = pull.from_version if pull.from_version <= version else 0
    rows = _feed_rows(connection, above_version=start)
    chunks = [rows[at : at + PAGE_ROWS] for at in range(0, len(rows), PAGE_ROWS)] or [[]]
    return [
        FeedPage(
            request_id=pull.request_id,
            from_version=start,
            version=version,
            page=number,
            pages=len(chunks),
            rows=[FeedRow(key=key, row=json.loads(row)) for key, row in chunk],
        )
        for number, chunk in enumerate(chunks, start=1)
    ]


def units(connection: Connection, item_ids: Sequence[str]) -> dict[str, str]:
    """item_id -> unit of those that exist."""
    found: dict[str, str] = {}
    for start in range(0, len(item_ids), PAGE_ROWS):
        query = select(item.c.item_id, item.c.unit).where(item.c.item_id.in_(item_ids[start : start + PAGE_ROWS]))
        found.update(connection.execute(query).all())
    return found


def listed(connection: Connection, words: str | None = None, limit: int = 2000) -> list[ItemView]:
    """Items by id; `words` filters by id, description, category or a whole bar code."""
    query = select(item.c.row, item.c.version).order_by(item.c.item_id).limit(limit)
    if words:
        text = [item.c.item_id, item.c.description, item.c.category]
        coded = select(barcode.c.item_id).where(barcode.c.barcode == words.strip().lstrip("0"))
        query = query.where(
            or_(*(column.icontains(words.strip(), autoescape=True) for column in text), item.c.item_id.in_(coded))
        )
    return [ItemView(**json.loads(row), version=version) for row, version in connection.execute(query)]


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(item)).scalar_one()


def _feed_rows(connection: Connection, above_version: int) -> list[tuple[str, str]]:
    """(key, canonical row) in order of the key's UTF-8 bytes, which a database's collation need not be."""
    rows = connection.execute(select(item.c.item_id, item.c.row).where(item.c.version > above_version))
    return sorted(((key, row) for key, row in rows), key=lambda pair: pair[0].encode())


def _item_row(one: Item, version: int) -> dict[str, Any]:
    columns = one.model_dump(exclude={"barcodes", "tags"})
    return {**columns, "row": canonical(one.model_dump()).decode(), "version": version}
