"""A record on disk: its table, its place in the chain, its form on the wire.

Contract: retail/wire/log.py.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from gateway.clock import Clock, rfc3339
from retail.wire.log import GENESIS, chain_link

#: a record's own columns; its state is not among them (gateway/queue/mark.py)
COLUMNS = (
    "seq",
    "idempotency_key",
    "type",
    "body",
    "body_sha256",
    "chain",
    "boot_id",
    "boottime_ns",
    "wall_utc",
    "clock_state",
    "business_date",
)

TABLE = (
    """
    CREATE TABLE IF NOT EXISTS record (
        seq INTEGER PRIMARY KEY,
        idempotency_key TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        body BLOB NOT NULL,
        body_sha256 TEXT NOT NULL,
        chain TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        boottime_ns INTEGER NOT NULL,
        wall_utc TEXT NOT NULL,
        clock_state TEXT NOT NULL,
        business_date TEXT NOT NULL
    ) STRICT
    """,
    "CREATE TABLE IF NOT EXISTS business_day"
    " (business_date TEXT PRIMARY KEY, first_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)

#: One item of a batch as SQL: by SQLite, since this is what a gateway spends its time on while it drains a backlog.
#: The body goes in as the bytes that were hashed. Only what may hold characters to escape is quoted.
ON_THE_WIRE = """
CAST(printf('{"seq":%d,"type":%s,"idempotency_key":%s,"body_sha256":"%s","chain":"%s","boot_id":"%s","boottime_ns":%d,'
    || '"wall_utc":"%s","clock_state":"%s","business_date":"%s","body":%s}', seq, json_quote(type),
    json_quote(idempotency_key), body_sha256, chain, boot_id, boottime_ns, wall_utc, clock_state, business_date, body)
    AS BLOB)
"""
_HEAD = """
SELECT meta.value, record.seq, record.chain, record.business_date, acked.seq, acked.chain
FROM meta LEFT JOIN record ON record.seq = (SELECT max(seq) FROM record) LEFT JOIN acked ON acked.epoch = meta.value
WHERE meta.key = 'epoch'
"""
_APPEND = f"""
INSERT INTO record ({", ".join(COLUMNS)})
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (idempotency_key) DO NOTHING
"""  # noqa: S608  names of our own


class Head(NamedTuple):
    """Where a log ends: its last record, even if that was pruned. seq 0: there was none yet."""

    epoch: str
    seq: int
    chain: str | None
    business_date: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before it has a number. body is canonical JSON."""

    type: str
    idempotency_key: str
    business_date: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a record was made, by each of the box's clocks."""

    boot_id: str
    boottime_ns: int
    wall_utc: str
    clock_state: str


def stamp(clock: Clock) -> Stamp:
    return Stamp(clock.boot_id, clock.boottime_ns(), rfc3339(clock.wall()), clock.state())


def stamp_of(row: sqlite3.Row) -> Stamp:
    """The stamp of a record that goes over into another epoch: it was made when it was made."""
    return Stamp(row["boot_id"], row["boottime_ns"], row["wall_utc"], row["clock_state"])


def draft_of(row: sqlite3.Row) -> Draft:
    return Draft(row["type"], row["idempotency_key"], row["business_date"], bytes(row["body"]))


def head(connection: sqlite3.Connection) -> Head:
    """Where the next record goes.

    The mark counts too: only records up to it may ever go, so no number is given twice, whatever was pruned.
    One statement, since it runs in every put. As of this transaction: what follows a change of epoch in the same commit
    belongs to the new one.
    """
    epoch, seq, chain, business_date, acked, acked_chain = connection.execute(_HEAD).fetchone()
    if acked is not None and acked > (seq or 0):
        return Head(epoch, acked, acked_chain, None)
    return Head(epoch, seq or 0, chain, business_date)


def append(connection: sqlite3.Connection, made: Stamp, draft: Draft) -> int:
    """Write a record behind the last one, chained to it; its seq. To be called by the one writer only."""
    seq = append_if_new(connection, head(connection), made, draft, hashlib.sha256(draft.body).digest())
    if seq is None:
        raise sqlite3.IntegrityError(f"idempotency key {draft.idempotency_key} is in the log already")
    return seq


def append_if_new(
    connection: sqlite3.Connection, behind: Head, made: Stamp, draft: Draft, body_sha256: bytes
) -> int | None:
    """The same, given head() and the body's hash; None, and nothing is written, when this log has the key."""
    epoch, last, chain, business_date = behind
    seq = last + 1
    previous = bytes.fromhex(chain) if chain else GENESIS
    written = connection.execute(
        _APPEND,
        (
            seq,
            draft.idempotency_key,
            draft.type,
            draft.body,
            body_sha256.hex(),
            chain_link(previous, epoch, seq, body_sha256).hex(),
            made.boot_id,
            made.boottime_ns,
            made.wall_utc,
            made.clock_state,
            draft.business_date,
        ),
    ).rowcount
    if not written:
        return None
    if business_date != draft.business_date:
        connection.execute("INSERT OR IGNORE INTO business_day VALUES (?, ?)", (draft.business_date, seq))
    return seq
