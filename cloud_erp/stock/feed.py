"""Feed `stock`: what every store has of each item, made from the positions; only rows that differ travel."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cloud_erp.feeds import service as feeds
from cloud_erp.feeds.service import CHUNK
from cloud_erp.stock.model import position
from retail.wire.rows import STOCK, StockRow


def refresh(connection: Connection, since: datetime | None) -> int:
    """Take over the positions that moved since then (None: all of them); the feed's version."""
    query = select(position.c.item_id).distinct()
    if since is not None:
        query = query.where(position.c.moved_at >= since)
    moved = sorted(connection.execute(query).scalars())
    if not moved:
        return feeds.head(connection, STOCK).version
    feeds.lock(connection, STOCK)
    return feeds.put(connection, STOCK, dict(_rows(connection, moved)))


def _rows(connection: Connection, item_ids: list[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    for start in range(0, len(item_ids), CHUNK):
        query = select(position).where(position.c.item_id.in_(item_ids[start : start + CHUNK]))
        on_hand: dict[str, dict[str, int]] = {}
        as_of: dict[str, datetime] = {}
        for row in connection.execute(query):
            on_hand.setdefault(row.item_id, {})[row.store_id] = row.on_hand
            as_of[row.item_id] = max(row.moved_at, as_of.get(row.item_id, row.moved_at))
        for item_id, held in on_hand.items():
            yield item_id, StockRow(item_id=item_id, on_hand=held, as_of=as_of[item_id]).model_dump(mode="json")
