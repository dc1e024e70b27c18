"""How long acknowledged records stay: for the core's backup window, so that a restored core can be filled again.

The window is counted in business days that had records, not by a clock: a box that wakes in the wrong year prunes
nothing early. Only acknowledged records go, oldest first, in small batches between sales, outside trading hours; the
newest record always stays, and the one before the first that is still to be sent, since the next is chained to it. What
headquarters has not booked is never touched.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from gateway.queue import mark
from gateway.queue.database import Database

log = logging.getLogger(__name__)

WINDOW_DAYS = 90
#: when the disk is nearly full
SHORT_WINDOW_DAYS = 7
BATCH = 500
#: local hours in which a shop is closed
FROM_HOUR, TO_HOUR = 2, 5

Prune = Callable[[sqlite3.Connection, list[str]], None]


def due(local: datetime, clock_is_set: bool) -> bool:
    """Whether this is a time to prune: at night, by a clock that knows the night."""
    return clock_is_set and FROM_HOUR <= local.hour < TO_HOUR


class Retention:
    """also: prunes what other rooms keep beside these records, in the same transaction, given their keys."""

    def __init__(self, database: Database, also: Prune) -> None:
        self._database = database
        self._also = also

    async def prune(self, days: int, pause: Callable[[], Awaitable[Any]]) -> int:
        """Remove acknowledged records older than the newest `days` business days; how many went."""
        limit = self._first_seq_to_stay(days)
        if limit is None:
            return 0
        gone = 0
        while True:
            batch = await self._database.write(lambda connection: self._batch(connection, limit))
            gone += batch
            if batch < BATCH:
                break
            await pause()
        if gone:
            log.info("%d acknowledged records of more than %d business days ago pruned", gone, days)
        return gone

    def _first_seq_to_stay(self, days: int) -> int | None:
        rows = self._database.read(
            "SELECT min(first_seq) AS seq, count(*) AS days FROM"
            " (SELECT first_seq FROM business_day ORDER BY business_date DESC LIMIT ?)",
            days,
        )
        enough = self._database.read("SELECT count(*) AS days FROM business_day")[0]["days"] > days
        return int(rows[0]["seq"]) if enough else None

    def _batch(self, connection: sqlite3.Connection, limit: int) -> int:
        rows = connection.execute(
            "SELECT seq, idempotency_key FROM record WHERE seq < ? AND seq < (SELECT max(seq) FROM record)"  # noqa: S608
            f" AND seq < {mark.HERE} AND seq NOT IN (SELECT seq FROM rejected WHERE epoch = {mark.NOW})"
            " ORDER BY seq LIMIT ?",
            (limit, BATCH),
        ).fetchall()
        connection.executemany("DELETE FROM record WHERE seq = ?", [(row["seq"],) for row in rows])
        self._also(connection, [row["idempotency_key"] for row in rows])
        return len(rows)
