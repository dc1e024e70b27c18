"""A record on disk: its table, its place in the chain, its form on the wire.

Contract: retail/wire/log.py.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as _quoted

from gateway.clock import Clock, rfc3339
from retail.wire.log import GENESIS, chain_link

TABLE = (
    """
    CREATE TABLE IF NOT EXISTS outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        idempotency_key TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        body BLOB NOT NULL,
        body_sha256 TEXT NOT NULL,
        chain TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        boottime_ns INTEGER NOT NULL,
        wall_utc TEXT NOT NULL,
        clock_state TEXT NOT NULL,
        business_date TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'unacked' CHECK (state IN ('unacked', 'acked', 'rejected')),
        rejected_code TEXT,
        quarantine_id TEXT
    ) STRICT
    """,
    "CREATE INDEX IF NOT EXISTS outbox_unacked ON outbox (seq) WHERE state = 'unacked'",
    "CREATE TABLE IF NOT EXISTS business_day"
    " (business_date TEXT PRIMARY KEY, first_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)

WIRE_FIELDS = (
    "seq",
    "type",
    "idempotency_key",
    "body_sha256",
    "chain",
    "boot_id",
    "boottime_ns",
    "wall_utc",
    "clock_state",
    "business_date",
)


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


def append(connection: sqlite3.Connection, epoch: str, made: Stamp, draft: Draft) -> int:
    """Write a record behind the last one, chained to it; its seq. To be called by the one writer only."""
    head = connection.execute("SELECT seq, chain, business_date FROM outbox ORDER BY seq DESC LIMIT 1").fetchone()
    seq: int = head["seq"] + 1 if head else 1
    previous = bytes.fromhex(head["chain"]) if head else GENESIS
    digest = hashlib.sha256(draft.body)
    connection.execute(
        "INSERT INTO outbox (seq, idempotency_key, type, body, body_sha256, chain, boot_id, boottime_ns, wall_utc,"
        " clock_state, business_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seq,
            draft.idempotency_key,
            draft.type,
            draft.body,
            digest.hexdigest(),
            chain_link(previous, epoch, seq, digest.digest()).hex(),
            made.boot_id,
            made.boottime_ns,
            made.wall_utc,
            made.clock_state,
            draft.business_date,
        ),
    )
    if head is None or head["business_date"] != draft.business_date:
        connection.execute("INSERT OR IGNORE INTO business_day VALUES (?, ?)", (draft.business_date, seq))
    return seq


def on_the_wire(row: sqlite3.Row) -> bytes:
    """One item of a batch, from a row of WIRE_FIELDS and body; the body goes in as the bytes that were hashed.

    By hand and by place: this is what a gateway spends its time on while it drains a backlog.
    """
    head = (
        f'{{"seq":{row[0]},"type":{_quoted(row[1])},"idempotency_key":{_quoted(row[2])},"body_sha256":"{row[3]}",'
        f'"chain":"{row[4]}","boot_id":{_quoted(row[5])},"boottime_ns":{row[6]},"wall_utc":{_quoted(row[7])},'
        f'"clock_state":{_quoted(row[8])},"business_date":{_quoted(row[9])},"body":'
    )
    return head.encode() + bytes(row[10]) + b"}"
