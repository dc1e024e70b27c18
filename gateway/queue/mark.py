"""How far headquarters has acknowledged each log: one small row an epoch, and the few records that it holds back.

An acknowledgement is cumulative, so a record's state follows from its seq: behind the mark it is unacked; up to the
mark it is acked, unless headquarters put it in quarantine, which stands in `rejected`. No record is written again when
it is acknowledged, and none has to be listed as waiting when it is put.

The mark carries the chain value of its record. It is believed only where that is the value which stands in the log, or
to which the next record is chained where that one was pruned: a mark that was spoilt must not let sales pass for
booked. Where it is in doubt, all is sent again; headquarters knows what it has. Only records up to the mark may ever
go, so the mark also says where the numbers and the chain go on when the log is empty (records.head).
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable

from gateway.queue.records import COLUMNS
from retail.wire.log import GENESIS, chain_link

log = logging.getLogger(__name__)

#: SQL for the epoch of this file, as of this transaction
NOW = "(SELECT value FROM meta WHERE key = 'epoch')"
#: SQL for the mark of this epoch
HERE = f"coalesce((SELECT acked.seq FROM acked WHERE acked.epoch = {NOW}), 0)"  # noqa: S608  names of our own

TABLES = (
    "CREATE TABLE IF NOT EXISTS acked (epoch TEXT PRIMARY KEY, seq INTEGER NOT NULL, chain TEXT) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS rejected (epoch TEXT NOT NULL, seq INTEGER NOT NULL, code TEXT NOT NULL,"
    " quarantine_id TEXT NOT NULL, PRIMARY KEY (epoch, seq)) STRICT, WITHOUT ROWID",
)


def stated(table: str, epoch: str) -> str:
    """SQL for the records of a log, each with state, rejected_code and quarantine_id. epoch: an SQL expression."""
    mark = f"coalesce((SELECT acked.seq FROM acked WHERE acked.epoch = {epoch}), 0)"  # noqa: S608  names of our own
    held = f"FROM rejected WHERE rejected.epoch = {epoch} AND rejected.seq = log.seq"
    return (
        f"SELECT {', '.join(COLUMNS)}, CASE WHEN log.seq > {mark} THEN 'unacked'"  # noqa: S608  names of our own
        f" WHEN EXISTS (SELECT 1 {held}) THEN 'rejected' ELSE 'acked' END AS state,"
        f" (SELECT code {held}) AS rejected_code, (SELECT quarantine_id {held}) AS quarantine_id"
        f' FROM "{table}" AS log'
    )


def stated_of(table: str) -> str:
    """The same for the current log (`record`) or for one that was put aside (`outbox_<epoch>`)."""
    return stated(table, NOW if table == "record" else f"'{table.removeprefix('outbox_')}'")


#: what people and tools read: the current log with its states
VIEW = f"CREATE VIEW IF NOT EXISTS outbox AS {stated_of('record')}"


def of(connection: sqlite3.Connection, epoch: str) -> int:
    """The last seq of that epoch which headquarters has acknowledged; 0: none."""
    row = connection.execute("SELECT seq FROM acked WHERE epoch = ?", (epoch,)).fetchone()
    return int(row[0]) if row else 0


def advance(
    connection: sqlite3.Connection, epoch: str, seq: int, chain: str | None, rejected: dict[int, tuple[str, str]]
) -> int:
    """Headquarters has all up to seq, whose chain value is `chain`, and holds `rejected`; how many are new to it."""
    new = seq - of(connection, epoch)
    if new > 0:
        connection.execute("INSERT OR REPLACE INTO acked VALUES (?, ?, ?)", (epoch, seq, chain))
    connection.executemany(
        "INSERT OR IGNORE INTO rejected SELECT ?1, seq, ?3, ?4 FROM record WHERE seq = ?2",
        [(epoch, one, *why) for one, why in rejected.items() if one <= seq],
    )
    return max(0, new)


def lower(connection: sqlite3.Connection, epoch: str, seq: int, chain: str | None) -> int:
    """Headquarters has lost what came after seq, whose chain value it says; how many of those are still kept here."""
    before = of(connection, epoch)
    if before <= seq:
        return 0
    connection.execute("DELETE FROM rejected WHERE epoch = ? AND seq > ?", (epoch, seq))
    connection.execute(
        "UPDATE acked SET seq = ?1, chain = coalesce((SELECT chain FROM record WHERE seq = ?1), ?2) WHERE epoch = ?3",
        (seq, chain, epoch),
    )
    if seq == 0:
        connection.execute("DELETE FROM acked WHERE epoch = ?", (epoch,))
    again = connection.execute("SELECT count(*) FROM record WHERE seq > ? AND seq <= ?", (seq, before)).fetchone()
    return int(again[0])


def first_kept_behind(connection: sqlite3.Connection, seq: int) -> int:
    """Where the log goes on behind seq, if not at seq + 1: records between were pruned. Rejected ones never are."""
    end = connection.execute(f"SELECT max({HERE}, coalesce(max(seq), 0)) + 1 FROM record").fetchone()[0]  # noqa: S608
    first = connection.execute(
        f"SELECT coalesce(min(seq), ?2) FROM record WHERE seq > ?1"  # noqa: S608  names of our own
        f" AND seq NOT IN (SELECT seq FROM rejected WHERE epoch = {NOW})",
        (seq, end),
    ).fetchone()[0]
    between = "SELECT count(*) FROM record WHERE seq > ? AND seq < ?"
    there = connection.execute(between, (seq, first)).fetchone()[0]
    return seq + 1 if there == first - seq - 1 else int(first)


#: the record of a seq and the one behind it
NEIGHBOURS = "SELECT seq, chain, body_sha256 FROM record WHERE seq IN (?1, ?1 + 1) ORDER BY seq"


def agrees(neighbours: Iterable[sqlite3.Row], epoch: str, seq: int, chain: str | None) -> bool | None:
    """Whether the log has that chain value at seq, given NEIGHBOURS; None where neither of them is left to say."""
    rows = {row["seq"]: row for row in neighbours}
    try:
        if seq in rows:
            return bool(rows[seq]["chain"] == chain)
        if seq + 1 in rows:
            before = bytes.fromhex(chain or "") if seq else GENESIS
            behind = bytes.fromhex(rows[seq + 1]["body_sha256"])
            return bool(chain_link(before, epoch, seq + 1, behind).hex() == rows[seq + 1]["chain"])
    except ValueError:
        return False  # no chain value at all
    return None


def in_doubt(connection: sqlite3.Connection, epoch: str) -> str | None:
    """What is wrong with the mark, in words; None: its record stands in the log as it says, or the log is empty."""
    row = connection.execute("SELECT seq, chain FROM acked WHERE epoch = ?", (epoch,)).fetchone()
    if row is None or agrees(connection.execute(NEIGHBOURS, (row[0],)), epoch, row[0], row[1]):
        return None
    if connection.execute("SELECT 1 FROM record LIMIT 1").fetchone() is None:
        return None
    return f"headquarters is said to have all up to seq {row[0]}, with a chain value that is not this log's"


def check(connection: sqlite3.Connection, epoch: str) -> None:
    """Take back a mark that is in doubt: then all is sent again, and headquarters says anew what it has."""
    doubt = in_doubt(connection, epoch)
    if doubt is not None:
        log.error("%s: not believed; all that is kept is sent again", doubt)
        connection.execute("DELETE FROM acked WHERE epoch = ?", (epoch,))
        connection.execute("DELETE FROM rejected WHERE epoch = ?", (epoch,))
