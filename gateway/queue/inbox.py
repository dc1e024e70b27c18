"""The inbox: master data from headquarters, kept as feeds; each new version replaces the last in one switch.

A feed's rows are JSON objects by key. Where a row lists codes (an item its bar codes), they are indexed, so that a scan
is one look-up. Pages of a version wait in memory until the last one is there, the hash of the resulting whole is what
the head promised, and one SQL transaction applies them; else nothing changes (retail/wire/feed.py).

This is not the money file: losing it costs a download.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.errors import FeedRefused
from gateway.queue.database import Database
from retail.wire.canonical import canonical
from retail.wire.feed import FeedHead, FeedRow, feed_sha256

SCHEMA = """
CREATE TABLE IF NOT EXISTS feed (
    name TEXT PRIMARY KEY, version INTEGER NOT NULL, sha256 TEXT NOT NULL, rows INTEGER NOT NULL,
    applied_utc TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS feed_row (
    name TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feed_code (
    name TEXT NOT NULL, code TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (name, code, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS feed_code_key ON feed_code (name, key);
"""


@dataclass(frozen=True, slots=True)
class FeedVersion:
    version: int
    sha256: str
    rows: int
    applied_utc: str


class Inbox:
    """codes: feed name -> the field of its rows that lists codes to find them by."""

    def __init__(self, database: Database, codes: dict[str, str]) -> None:
        self._database = database
        self._codes = codes

    def version(self, feed: str) -> FeedVersion | None:
        rows = self._database.read("SELECT version, sha256, rows, applied_utc FROM feed WHERE name = ?", feed)
        return FeedVersion(**dict(rows[0])) if rows else None

    def versions(self) -> dict[str, int]:
        return {row["name"]: row["version"] for row in self._database.read("SELECT name, version FROM feed")}

    def row(self, feed: str, key: str) -> dict[str, Any] | None:
        rows = self._database.read("SELECT body FROM feed_row WHERE name = ? AND key = ?", feed, key)
        return json.loads(rows[0]["body"]) if rows else None

    def rows(self, feed: str) -> list[dict[str, Any]]:
        """All rows of a small feed, in order of key."""
        rows = self._database.read("SELECT body FROM feed_row WHERE name = ? ORDER BY key", feed)
        return [json.loads(row["body"]) for row in rows]

    def pages(self, feed: str, page: int = 500) -> Iterator[tuple[str, dict[str, Any]]]:
        """(key, row) of a whole feed in order of key, read page by page; from any thread."""
        last = ""
        while True:
            found = self._database.read(
                "SELECT key, body FROM feed_row WHERE name = ? AND key > ? ORDER BY key LIMIT ?", feed, last, page
            )
            for row in found:
                yield row["key"], json.loads(row["body"])
            if len(found) < page:
                return
            last = found[-1]["key"]

    def by_code(self, feed: str, code: str) -> list[dict[str, Any]]:
        rows = self._database.read(
            "SELECT body FROM feed_code JOIN feed_row USING (name, key) WHERE name = ? AND code = ? ORDER BY key",
            feed,
            code,
        )
        return [json.loads(row["body"]) for row in rows]

    def search(self, feed: str, words: str, limit: int, unit: str = "") -> list[dict[str, Any]]:
        """Rows whose JSON holds the words, for a person who types part of a name; unit: only those sold by it."""
        pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        rows = self._database.read(
            "SELECT body FROM feed_row WHERE name = ? AND json_extract(body, '$.description') LIKE ? ESCAPE '\\'"
            " AND (? = '' OR json_extract(body, '$.unit') = ?) ORDER BY key LIMIT ?",
            feed,
            pattern,
            unit,
            unit,
            limit,
        )
        return [json.loads(row["body"]) for row in rows]

    async def apply(self, feed: str, head: FeedHead, from_version: int, rows: list[FeedRow], applied_utc: str) -> None:
        """Switch to the head's version, all or nothing.

        Raises:
            FeedRefused: the rows do not lead to what the head promised; ask again from version 0.
        """
        await self._database.write(
            lambda connection: self._apply(connection, feed, head, from_version, rows, applied_utc)
        )

    def _apply(
        self,
        connection: sqlite3.Connection,
        feed: str,
        head: FeedHead,
        from_version: int,
        rows: list[FeedRow],
        applied_utc: str,
    ) -> None:
        have = connection.execute("SELECT version FROM feed WHERE name = ?", (feed,)).fetchone()
        if from_version == 0:
            connection.execute("DELETE FROM feed_row WHERE name = ?", (feed,))
            connection.execute("DELETE FROM feed_code WHERE name = ?", (feed,))
        elif have is None or have["version"] != from_version:
            raise FeedRefused(f"feed {feed}: changes start from version {from_version}, which is not in force here")
        self._write_rows(connection, feed, rows)
        count, sha256 = _whole(connection, feed)
        if (count, sha256) != (head.rows, head.sha256):
            raise FeedRefused(
                f"feed {feed} version {head.version}: {count} rows with hash {sha256[:12]}, promised {head.rows} rows"
                f" with {head.sha256[:12]}; the version in force stays"
            )
        connection.execute(
            "INSERT OR REPLACE INTO feed VALUES (?, ?, ?, ?, ?)", (feed, head.version, sha256, count, applied_utc)
        )

    def _write_rows(self, connection: sqlite3.Connection, feed: str, rows: Iterable[FeedRow]) -> None:
        code_field = self._codes.get(feed)
        for row in rows:
            connection.execute("DELETE FROM feed_code WHERE name = ? AND key = ?", (feed, row.key))
            if row.row is None:
                connection.execute("DELETE FROM feed_row WHERE name = ? AND key = ?", (feed, row.key))
                continue
            connection.execute(
                "INSERT OR REPLACE INTO feed_row VALUES (?, ?, ?)", (feed, row.key, canonical(row.row).decode())
            )
            codes = row.row.get(code_field, []) if code_field else []
            connection.executemany(
                "INSERT OR IGNORE INTO feed_code VALUES (?, ?, ?)", [(feed, str(code), row.key) for code in codes]
            )


def _whole(connection: sqlite3.Connection, feed: str) -> tuple[int, str]:
    count = 0

    def pairs() -> Iterable[tuple[str, bytes]]:
        nonlocal count
        # BINARY collation orders UTF-8 text by its bytes, as the hash wants it
        for row in connection.execute("SELECT key, body FROM feed_row WHERE name = ? ORDER BY key", (feed,)):
            count += 1
            yield row["key"], row["body"].encode()

    sha256 = feed_sha256(pairs())
    return count, sha256
