"""Receipts that are still to print, as rows of the money file: one a sale, and the copies that somebody asked for.

A sale's own row is written with the sale (gateway/till/ledger.py). State `printing` stands before the first byte goes
out, so whatever was killed behind it: what comes next is marked as a copy.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from gateway.peripherals import PrintLine
from gateway.queue.database import Database
from gateway.queue.outbox import Outbox
from gateway.till.paper import slips
from retail.sale import RetailTransaction

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS receipt_job (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT NOT NULL UNIQUE,
    printer TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'printing', 'printed')),
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS receipt_job_open ON receipt_job (printer, number) WHERE state != 'printed';
CREATE TABLE IF NOT EXISTS receipt_copy (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT NOT NULL,
    printer TEXT NOT NULL,
    gift INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'printing', 'printed')),
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS receipt_copy_open ON receipt_copy (printer, number) WHERE state != 'printed';
CREATE INDEX IF NOT EXISTS receipt_copy_of ON receipt_copy (idempotency_key);
"""
    + slips.TABLE
)

Table = Literal["receipt_job", "receipt_copy", "slip_job"]
State = Literal["waiting", "printing", "printed"]


@dataclass(frozen=True, slots=True)
class ReceiptJob:
    """attempted: bytes of it may already be on paper. seq: the sale's place in the log."""

    table: Table
    number: int
    seq: int
    attempted: bool
    gift: bool
    transaction: RetailTransaction

    @property
    def name(self) -> str:
        """What the printer knows it by: the same however often it is asked for."""
        return str(self.number) if self.table == "receipt_job" else f"copy-{self.number}"

    @property
    def is_copy(self) -> bool:
        return self.attempted or (self.table == "receipt_copy" and not self.gift)


@dataclass(frozen=True, slots=True)
class SlipJob:
    """Paper that is no receipt: its lines are ready; or the receipt of a training sale, which stands in no log."""

    number: int
    attempted: bool
    lines: tuple[PrintLine, ...] = ()
    training: RetailTransaction | None = None
    table: Table = "slip_job"

    @property
    def name(self) -> str:
        return f"slip-{self.number}"


class ReceiptJobs:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database, self._outbox = database, outbox

    def next(self, printer: str) -> ReceiptJob | SlipJob | None:
        """The oldest that is still to print, copies and slips last; a sale may stand in the log of an earlier epoch."""
        rows = self._database.read(
            "SELECT * FROM (SELECT 'receipt_job' AS place, number, idempotency_key, attempts, 0 AS gift"
            "  FROM receipt_job WHERE printer = ?1 AND state != 'printed' ORDER BY number LIMIT 1)"
            " UNION ALL SELECT * FROM (SELECT 'receipt_copy', number, idempotency_key, attempts, gift FROM receipt_copy"
            "  WHERE printer = ?1 AND state != 'printed' ORDER BY number LIMIT 1)"
            " UNION ALL SELECT * FROM (SELECT 'slip_job', number, lines, attempts, 0 FROM slip_job"
            "  WHERE printer = ?1 AND state != 'printed' ORDER BY number LIMIT 1)",
            printer,
        )
        if rows and rows[0]["place"] == "slip_job":
            return _slip(rows[0])
        record = self._outbox.state_of(rows[0]["idempotency_key"]) if rows else None
        if record is None:
            return None
        row = rows[0]
        sale = RetailTransaction.model_validate_json(record["body"])
        return ReceiptJob(row["place"], row["number"], record["seq"], row["attempts"] > 0, bool(row["gift"]), sale)

    def waiting(self, printer: str) -> int:
        rows = self._database.read(
            "SELECT (SELECT count(*) FROM receipt_job WHERE printer = ?1 AND state != 'printed')"
            " + (SELECT count(*) FROM receipt_copy WHERE printer = ?1 AND state != 'printed')"
            " + (SELECT count(*) FROM slip_job WHERE printer = ?1 AND state != 'printed') AS count",
            printer,
        )
        return int(rows[0]["count"])

    async def mark(self, job: ReceiptJob | SlipJob, state: State) -> None:
        """`printing` before the first byte goes out, `printed` when the printer said so, `waiting` to undo."""
        table, number = job.table, job.number

        def change(connection: sqlite3.Connection) -> int:
            return connection.execute(
                f"UPDATE {table} SET state = ?1, attempts = CASE ?1 WHEN 'printing' THEN attempts + 1"  # noqa: S608
                " WHEN 'waiting' THEN attempts - 1 ELSE attempts END WHERE number = ?2",
                (state, number),
            ).rowcount

        await self._database.write(change)

    async def again(self, idempotency_key: str, printer: str, gift: bool = False) -> bool:
        """Have it printed once more; False: such a one is waiting already, and no second one was put behind it."""

        def insert(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "INSERT INTO receipt_copy (idempotency_key, printer, gift) SELECT ?1, ?2, ?3 WHERE NOT EXISTS"
                " (SELECT 1 FROM receipt_copy WHERE idempotency_key = ?1 AND printer = ?2 AND gift = ?3"
                "  AND state != 'printed') AND NOT EXISTS (SELECT 1 FROM receipt_job WHERE idempotency_key = ?1"
                "  AND printer = ?2 AND ?3 = 0 AND state != 'printed')",
                (idempotency_key, printer, int(gift)),
            ).rowcount

        return await self._database.write(insert) == 1


def _slip(row: sqlite3.Row) -> SlipJob:
    number, attempted, text = row["number"], row["attempts"] > 0, row["idempotency_key"]
    training = slips.training_sale(text)
    return SlipJob(number, attempted, () if training else slips.read(text), training)


def prune(connection: sqlite3.Connection, keys: list[str]) -> None:
    """Forget what was printed of records that were pruned."""
    for table in ("receipt_job", "receipt_copy"):
        connection.executemany(
            f"DELETE FROM {table} WHERE idempotency_key = ? AND state = 'printed'",  # noqa: S608  names of our own
            [(key,) for key in keys],
        )
