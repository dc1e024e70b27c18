"""A money file as releases before decision 0009 made it: the schema is theirs, word for word."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from retail.wire.canonical import canonical
from retail.wire.log import GENESIS, chain_link

META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
OUTBOX = """
CREATE TABLE IF NOT EXISTS {name} (
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
) STRICT;
"""
AROUND = """
CREATE INDEX IF NOT EXISTS outbox_unacked ON outbox (seq) WHERE state = 'unacked';
CREATE TABLE IF NOT EXISTS business_day
    (business_date TEXT PRIMARY KEY, first_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
BUSINESS_DATE = "2026-01-01"


@dataclass(frozen=True, slots=True)
class Log:
    """first: the records before it were pruned."""

    epoch: str
    last: int
    acked: int
    rejected: tuple[int, ...] = ()
    first: int = 1

    def key(self, seq: int) -> str:
        return f"{self.epoch[-6:]}-{seq}"

    def body(self, seq: int) -> bytes:
        return canonical({"number": seq, "of": self.epoch})

    def state(self, seq: int) -> str:
        return "unacked" if seq > self.acked else "rejected" if seq in self.rejected else "acked"


@dataclass(frozen=True, slots=True)
class File:
    log: Log
    former: list[Log] = field(default_factory=list)

    def write(self, path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(META + OUTBOX.format(name="outbox") + AROUND)
        facts = [("epoch", self.log.epoch), ("gateway_id", "S0421-1"), ("schema", "1")]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", facts)
        connection.execute("INSERT INTO business_day VALUES (?, ?)", (BUSINESS_DATE, self.log.first))
        _fill(connection, "outbox", self.log)
        for log in self.former:
            connection.executescript(OUTBOX.format(name=f'"outbox_{log.epoch}"'))
            _fill(connection, f"outbox_{log.epoch}", log)
        connection.commit()
        connection.close()


def _fill(connection: sqlite3.Connection, table: str, log: Log) -> None:
    chain = GENESIS
    for seq in range(1, log.last + 1):
        digest = hashlib.sha256(log.body(seq)).digest()
        chain = chain_link(chain, log.epoch, seq, digest)
        stamp = ("an earlier boot", 17, "2026-01-01T09:30:00.125Z", "synced", BUSINESS_DATE)
        why = ("unknown_item", f"Q-{seq}") if seq in log.rejected else (None, None)
        row = (seq, log.key(seq), "Audit", log.body(seq), digest.hex(), chain.hex(), *stamp, log.state(seq), *why)
        if seq >= log.first:
            connection.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)
