"""Epochs: the life of one numbering. Within an epoch seq counts from 1 without gaps; a new one begins when the numbers
could no longer be trusted.

That is so when headquarters knows of records that this file never held, or holds others under the same numbers: the
card was copied, or restored from an older image. It is so after a damaged file too. What headquarters has not
acknowledged goes over into the new epoch under its idempotency keys, so that a record which did arrive before is not
booked twice. Nothing is deleted: the former log stays in the file as table `outbox_<epoch>`.

The epoch is also written to a second place (the boot partition, for one), so that a money file which was lost or
replaced is noticed at the next start.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ulid import ULID

from gateway.clock import Clock
from gateway.errors import QueueError
from gateway.queue import layout, mark, records
from retail.wire.audit import AUDIT_RECORD, AuditRecord, Severity
from retail.wire.canonical import canonical


@dataclass(frozen=True, slots=True)
class SecondPlace:
    """A file on another medium that holds `<gateway id> <epoch>`; path None: there is no other medium."""

    path: Path | None

    def read(self) -> str | None:
        """The epoch written there; None where there is none, or none that can be read."""
        try:
            words = self.path.read_text(encoding="ascii").split() if self.path else []
        except (OSError, UnicodeDecodeError):
            return None
        return words[1] if len(words) == 2 else None

    def write(self, gateway_id: str, epoch: str) -> None:
        """Raises OSError; the caller says so and goes on."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(self.path.name + ".new")
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{gateway_id} {epoch}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        # without this a power cut brings the former epoch back, and the next start takes the money file for a copy
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def begin(connection: sqlite3.Connection, gateway_id: str) -> str:
    """The epoch of this file; a new file gets its first one, one of an earlier release is brought up to date.

    Raises:
        QueueError: the file belongs to another gateway.
    """
    meta = {row["key"]: row["value"] for row in connection.execute("SELECT key, value FROM meta")}
    if "epoch" in meta and meta["gateway_id"] != gateway_id:
        raise QueueError(
            f"this outbox belongs to gateway {meta['gateway_id']}, the configuration says {gateway_id}:"
            " correct [gateway] id, or give this gateway its own data_dir"
        )
    layout.bring_up_to_date(connection, meta.get("epoch"), former_logs(connection))
    if "epoch" in meta:
        mark.check(connection, meta["epoch"])
        return str(meta["epoch"])
    epoch = str(ULID())
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)", [("epoch", epoch), ("gateway_id", gateway_id), ("schema", layout.LAYOUT)]
    )
    return epoch


def current(connection: sqlite3.Connection) -> str:
    """The epoch as of this transaction: what follows a change of epoch in the same commit belongs to the new one."""
    return str(connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0])


def former_logs(connection: sqlite3.Connection) -> list[str]:
    """The tables of the logs that were put aside, oldest first."""
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'outbox_*'")
    return sorted(str(row[0]) for row in rows)


def rotate(connection: sqlite3.Connection, clock: Clock, store_id: str, code: str, why: str) -> str:
    """Begin a new epoch in this file: the former log is put aside, what is not acknowledged goes over; its ULID.

    The new log begins with an audit record that says why.
    """
    former = current(connection)
    epoch = str(ULID())
    aside = f"outbox_{former}"
    connection.execute("DROP VIEW outbox")  # else it would follow the log that is put aside
    connection.execute(f'ALTER TABLE record RENAME TO "{aside}"')
    connection.execute("DELETE FROM business_day")  # it counts the seqs of the log that was put aside
    for statement in (*records.TABLE, mark.VIEW):
        connection.execute(statement)
    connection.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (epoch,))
    waiting = connection.execute(
        f'SELECT * FROM "{aside}" WHERE seq > ? ORDER BY seq',  # noqa: S608  a name of our own
        (mark.of(connection, former),),
    ).fetchall()
    facts: dict[str, str | int | None] = {"former_epoch": former, "carried_over": len(waiting)}
    if waiting:
        facts |= {"first_seq": waiting[0]["seq"], "last_seq": waiting[-1]["seq"]}
    tell(connection, clock, store_id, code, why, facts)
    for row in waiting:
        records.append(connection, records.stamp_of(row), records.draft_of(row))
    return epoch


def carry_over_former(connection: sqlite3.Connection) -> int:
    """Put what earlier epochs had behind this one's log, but for what is there already; how many went over."""
    went = 0
    for table in former_logs(connection):
        missing = connection.execute(
            f'SELECT * FROM "{table}" WHERE idempotency_key NOT IN (SELECT idempotency_key FROM record) ORDER BY seq'  # noqa: S608
        ).fetchall()
        for row in missing:
            records.append(connection, records.stamp_of(row), records.draft_of(row))
        went += len(missing)
    return went


def tell(
    connection: sqlite3.Connection,
    clock: Clock,
    store_id: str,
    code: str,
    text: str,
    facts: dict[str, str | int | None],
    severity: Severity = "error",
) -> None:
    """Put something on record for headquarters, in order with the sales."""
    audit = AuditRecord(code=code, severity=severity, text=text[:500], at=clock.wall(), store_id=store_id, facts=facts)
    draft = records.Draft(
        type=AUDIT_RECORD,
        idempotency_key=f"audit-{ULID()}",
        business_date=clock.local_date().isoformat(),
        body=canonical(audit.model_dump(mode="json")),
    )
    records.append(connection, records.stamp(clock), draft)
