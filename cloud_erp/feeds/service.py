"""Feeds as the stores follow them: put what changed in one version, the head, and the pages of an answer.

Whoever puts rows into a feed locks it first, decides from what it reads under that lock, and writes the feed last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, select

from cloud_erp.bulk import insert_new, upsert
from cloud_erp.db import now_utc
from cloud_erp.feeds.model import feed, feed_row
from retail.wire.canonical import canonical
from retail.wire.feed import PAGE_ROWS, FeedHead, FeedPage, FeedPull, FeedRow, feed_sha256

EMPTY = feed_sha256([])
#: how many keys one statement asks for
CHUNK = 500


class FeedView(BaseModel):
    """A feed and the version in force."""

    name: str
    version: int
    rows: int
    sha256: str
    changed_at: datetime


def lock(connection: Connection, name: str) -> None:
    """Make the feed's row where missing, and hold it until the transaction ends: one writer of a feed at a time."""
    empty = {"name": name, "version": 0, "sha256": EMPTY, "rows": 0, "changed_at": now_utc()}
    insert_new(connection, feed, [empty])
    connection.execute(select(feed.c.version).where(feed.c.name == name).with_for_update()).one()


def put(connection: Connection, name: str, changes: Mapping[str, dict[str, Any] | None]) -> int:
    """Set rows (None: the key is gone) and raise the feed's version; return the version in force. lock() came before.

    A row that is as it was does not travel; where none differs, the version stays.
    """
    texts = {key: None if row is None else canonical(row).decode() for key, row in changes.items()}
    known = _texts(connection, name, list(texts))
    fresh = {key: text for key, text in texts.items() if known.get(key) != text}
    version = head(connection, name).version
    if not fresh:
        return version
    version += 1
    rows = [{"name": name, "key": key, "row": text, "version": version} for key, text in sorted(fresh.items())]
    upsert(connection, feed_row, rows, key=("name", "key"))
    whole = _feed_rows(connection, name, above_version=0)
    state = {
        "name": name,
        "version": version,
        "sha256": feed_sha256((key, row.encode()) for key, row in whole if row is not None),
        "rows": sum(row is not None for _, row in whole),
        "changed_at": now_utc(),
    }
    upsert(connection, feed, [state], key=("name",))
    return version


def heads(connection: Connection) -> dict[str, FeedHead]:
    """feed -> the version in force, as stores are told of it, of every feed that was ever filled."""
    rows = connection.execute(select(feed.c.name, feed.c.version, feed.c.sha256, feed.c.rows).where(feed.c.version > 0))
    return {row.name: FeedHead(version=row.version, sha256=row.sha256, rows=row.rows) for row in rows}


def head(connection: Connection, name: str) -> FeedHead:
    row = connection.execute(select(feed.c.version, feed.c.sha256, feed.c.rows).where(feed.c.name == name)).first()
    if row is None:
        return FeedHead(version=0, sha256=EMPTY, rows=0)
    return FeedHead(version=row.version, sha256=row.sha256, rows=row.rows)


def listed(connection: Connection) -> list[FeedView]:
    columns = [feed.c[name] for name in FeedView.model_fields]
    rows = connection.execute(select(*columns).order_by(feed.c.name)).mappings()
    return [FeedView.model_validate(row) for row in rows]


def known_rows(connection: Connection, name: str) -> dict[str, dict[str, Any]]:
    """key -> row of all that is in the feed."""
    query = select(feed_row.c.key, feed_row.c.row).where(feed_row.c.name == name, feed_row.c.row.is_not(None))
    return {key: json.loads(row) for key, row in connection.execute(query)}


def rows_of(connection: Connection, name: str, keys: list[str]) -> dict[str, dict[str, Any]]:
    """key -> row of those that are in the feed."""
    return {key: json.loads(text) for key, text in _texts(connection, name, keys).items() if text is not None}


def pages(connection: Connection, name: str, pull: FeedPull) -> list[FeedPage]:
    """The answer to a pull: the rows that changed since the store's version, at least one page.

    A store ahead of us (this database was restored from a backup) gets everything.
    """
    # Held against a writer in between, so that head and rows are of one version.
    connection.execute(select(feed.c.version).where(feed.c.name == name).with_for_update(read=True)).first()
    version = head(connection, name).version
    start = pull.from_version if pull.from_version <= version else 0
    rows = _feed_rows(connection, name, above_version=start)
    if start == 0:
        rows = [(key, row) for key, row in rows if row is not None]
    chunks = [rows[at : at + PAGE_ROWS] for at in range(0, len(rows), PAGE_ROWS)] or [[]]
    return [
        FeedPage(
            request_id=pull.request_id,
            from_version=start,
            version=version,
            page=number,
            pages=len(chunks),
            rows=[FeedRow(key=key, row=None if row is None else json.loads(row)) for key, row in chunk],
        )
        for number, chunk in enumerate(chunks, start=1)
    ]


def _feed_rows(connection: Connection, name: str, above_version: int) -> list[tuple[str, str | None]]:
    """(key, canonical row) in order of the key's UTF-8 bytes, which a database's collation need not be."""
    query = select(feed_row.c.key, feed_row.c.row).where(feed_row.c.name == name, feed_row.c.version > above_version)
    return sorted(((key, row) for key, row in connection.execute(query)), key=lambda pair: pair[0].encode())


def _texts(connection: Connection, name: str, keys: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for start in range(0, len(keys), CHUNK):
        query = select(feed_row.c.key, feed_row.c.row).where(
            feed_row.c.name == name, feed_row.c.key.in_(keys[start : start + CHUNK])
        )
        found.update(connection.execute(query).all())
    return found
