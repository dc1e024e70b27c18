"""A money file as an earlier release laid it out is brought up to date when it is opened; each sale stays in its place.

Layout 1: the log was the table `outbox` with each record's state in a column. Layout 2: the table is `record`, the
state follows from the mark (gateway/queue/mark.py), and `outbox` is a view of both.

One short transaction, so a power cut leaves one layout or the other. No record is written again: a card may be slow,
and too full for a second copy of ninety days of sales. So the former columns stay in a file of layout 1 until its next
epoch; nobody reads them.
"""

from __future__ import annotations

import logging
import sqlite3

from gateway.errors import QueueError
from gateway.queue import mark, records

log = logging.getLogger(__name__)

LAYOUT = "2"


def is_former(connection: sqlite3.Connection) -> bool:
    """Whether this file is of layout 1."""
    row = connection.execute("SELECT type FROM sqlite_schema WHERE name = 'outbox'").fetchone()
    return row is not None and row[0] == "table"


def bring_up_to_date(connection: sqlite3.Connection, epoch: str | None, former_logs: list[str]) -> None:
    """epoch: of the log, None where the file never got one. SCHEMA must have been run over the file.

    Raises:
        QueueError: the file is of both layouts, which no release makes.
    """
    if not is_former(connection):
        return
    if connection.execute("SELECT 1 FROM record LIMIT 1").fetchone() is not None:
        raise QueueError("the money file holds the log twice, as outbox and as record; keep it and call support")
    for table, of_epoch in [*((name, name.removeprefix("outbox_")) for name in former_logs), ("outbox", epoch)]:
        if of_epoch is not None and _has_states(connection, table):
            _take_over(connection, table, of_epoch)
    connection.execute("DROP TABLE record")
    connection.execute("DROP INDEX IF EXISTS outbox_unacked")
    connection.execute("ALTER TABLE outbox RENAME TO record")
    for statement in (*records.TABLE, mark.VIEW):
        connection.execute(statement)
    connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (LAYOUT,))
    log.info("the money file was laid out as in an earlier release and is up to date now")


def _has_states(connection: sqlite3.Connection, table: str) -> bool:
    return any(row["name"] == "state" for row in connection.execute(f'PRAGMA table_info("{table}")'))


def _take_over(connection: sqlite3.Connection, table: str, epoch: str) -> None:
    """The mark of a log and its rejected records, out of its column `state`."""
    first, last = connection.execute(
        f"SELECT min(seq) FILTER (WHERE state = 'unacked'), max(seq) FROM \"{table}\""  # noqa: S608  a name of ours
    ).fetchone()
    acked = (last or 0) if first is None else first - 1
    if not acked:
        return
    connection.execute(
        f'INSERT OR REPLACE INTO acked VALUES (?1, ?2, (SELECT chain FROM "{table}" WHERE seq = ?2))',  # noqa: S608
        (epoch, acked),
    )
    connection.execute(
        "INSERT OR IGNORE INTO rejected"  # noqa: S608  a name of ours
        " SELECT ?, seq, coalesce(rejected_code, 'unknown'), coalesce(quarantine_id, '')"
        f" FROM \"{table}\" WHERE state = 'rejected' AND seq <= ?",
        (epoch, acked),
    )
