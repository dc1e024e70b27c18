"""A damaged money file: put aside under a new name, never deleted; what can be read goes over into a new epoch.

Rows are read one by one by seq, so that one bad page costs the rows on it and no others; a row counts only if its body
matches its hash. What was not acknowledged goes over under its idempotency keys, so nothing is booked twice. The new
log begins with an audit record that says what was found and which seqs could not be read.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gateway.clock import Clock
from gateway.queue import epoch, mark, records
from gateway.queue.database import Database

log = logging.getLogger(__name__)

Salvage = Callable[[sqlite3.Connection, sqlite3.Connection], None]

#: seqs are tried one by one behind the last one that was read, up to so many misses in a row
MISSES_MOST = 5_000
SIDE_FILES = ("", "-wal", "-shm")


@dataclass(slots=True)
class Found:
    """What a damaged file still says."""

    epoch: str | None = None
    rows: list[sqlite3.Row] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)

    @property
    def waiting(self) -> list[sqlite3.Row]:
        return [row for row in self.rows if row["state"] == "unacked"]


def put_aside(path: Path) -> Path:
    """Rename a money file and its side files; the new path of the main one."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
    for ending in SIDE_FILES:
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside


def reading(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def read(path: Path) -> Found:
    """All that can be read of a money file, damaged or not; the file is not changed."""
    found = Found()
    connection = reading(path)
    try:
        found.epoch = _meta(connection, "epoch")
        for seq, row in _rows(_Source(connection, found.epoch)):
            if row is None:
                found.damaged.append(seq)
            else:
                found.rows.append(row)
    finally:
        connection.close()
    return found


def _meta(connection: sqlite3.Connection, key: str) -> str | None:
    try:
        row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    except sqlite3.Error:
        return None
    return str(row["value"]) if row else None


class _Source:
    """The log of a file, of this layout or the former one, and what it says of each record's state."""

    def __init__(self, connection: sqlite3.Connection, epoch: str | None) -> None:
        self._connection = connection
        former = bool(self.read("SELECT 1 FROM sqlite_schema WHERE name = 'outbox' AND type = 'table'"))
        self.table = "outbox" if former else "record"
        columns = "*" if former else f"{', '.join(records.COLUMNS)}, ? AS state, ? AS rejected_code, ? AS quarantine_id"
        self._query = f'SELECT {columns} FROM "{self.table}" WHERE seq = ?'  # noqa: S608  names of our own
        self._with_state = not former
        held = [] if former else self.read("SELECT seq, code, quarantine_id FROM rejected WHERE epoch = ?", epoch)
        self._rejected = {row["seq"]: (row["code"], row["quarantine_id"]) for row in held}
        self._acked = 0 if former else self._mark(epoch)

    def _mark(self, epoch: str | None) -> int:
        """0 where the mark cannot be read, or nothing is left to prove it: then all goes over, which does no harm."""
        for row in self.read("SELECT seq, chain FROM acked WHERE epoch = ?", epoch):
            if mark.agrees(self.read(mark.NEIGHBOURS, row["seq"]), str(epoch), row["seq"], row["chain"]):
                return int(row["seq"])
        return 0

    def read(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        """The rows; none where they cannot be read."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except (sqlite3.Error, UnicodeDecodeError):
            return []

    def row(self, seq: int) -> sqlite3.Row | None:
        """A record that is as it was written."""
        rows = self.read(self._query, *(self._state(seq) if self._with_state else ()), seq)
        try:
            sound = bool(rows) and hashlib.sha256(rows[0]["body"]).hexdigest() == rows[0]["body_sha256"]
        except TypeError:
            return None
        return rows[0] if sound else None

    def _state(self, seq: int) -> tuple[str, str | None, str | None]:
        if seq > self._acked:
            return ("unacked", None, None)
        if seq in self._rejected:
            return ("rejected", *self._rejected[seq])
        return ("acked", None, None)


def _rows(source: _Source) -> Iterator[tuple[int, sqlite3.Row | None]]:
    """(seq, row) in order; None for a seq that is there, or lies between others, and cannot be read."""
    bounds = source.read(f'SELECT min(seq), max(seq) FROM "{source.table}"')  # noqa: S608  a name of our own
    first, last = (bounds[0][0] or 1, bounds[0][1] or 0) if bounds else (1, None)
    seq = first
    lost: list[int] = []
    while (last is not None and seq <= last) or (last is None and len(lost) < MISSES_MOST):
        row = source.row(seq)
        if row is None:
            lost.append(seq)
        else:
            yield from ((missing, None) for missing in lost)
            lost = []
            yield seq, row
        seq += 1
    if last is not None:
        yield from ((missing, None) for missing in lost)


def carry_over(
    database: Database, clock: Clock, store_id: str, found: Found, aside: Path, also: Salvage = lambda _old, _new: None
) -> int:
    """Put what was found into a fresh money file, behind an audit record; how many records went over.

    also: saves what other rooms kept in the same file, from the old one to the new, as far as it can be read.
    """
    text = (
        f"the money file was damaged and is kept as {aside.name}: {len(found.rows)} records read,"
        f" {len(found.waiting)} of them not yet acknowledged and sent again, {len(found.damaged)} unreadable"
    )

    def work(connection: sqlite3.Connection) -> int:
        facts: dict[str, str | int | None] = {
            "former_epoch": found.epoch,
            "kept_as": aside.name,
            "read": len(found.rows),
            "carried_over": len(found.waiting),
            "unreadable": len(found.damaged),
            "first_unreadable_seq": found.damaged[0] if found.damaged else None,
            "last_readable_seq": found.rows[-1]["seq"] if found.rows else None,
        }
        epoch.tell(connection, clock, store_id, "salvaged", text, facts)
        known = {row[0] for row in connection.execute("SELECT idempotency_key FROM record")}
        went = 0
        for row in found.waiting:
            if row["idempotency_key"] not in known:
                records.append(connection, records.stamp_of(row), records.draft_of(row))
                went += 1
        return went

    old = reading(aside)
    try:
        went = database.submit(work).result()
        database.submit(lambda connection: also(old, connection)).result()
    finally:
        old.close()
    log.error("%s", text)
    return went
