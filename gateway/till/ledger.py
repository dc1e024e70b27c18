"""The till's own rows in the money file: finished transactions, open baskets, receipts still to print.

A finished sale, its outbox row, its receipt job and the end of its basket are one SQL transaction.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date

from gateway.queue.database import Database
from gateway.queue.outbox import Kept, Outbox
from gateway.queue.records import Draft
from gateway.till.basket import Basket
from retail.sale import RetailTransaction
from retail.wire.canonical import canonical

SCHEMA = """
CREATE TABLE IF NOT EXISTS retail_transaction (
    idempotency_key TEXT PRIMARY KEY,
    workstation_id TEXT NOT NULL,
    sequence_number INTEGER NOT NULL,
    business_date TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('till', 'api'))
) STRICT;
CREATE INDEX IF NOT EXISTS retail_transaction_day ON retail_transaction (business_date, total_minor);
CREATE INDEX IF NOT EXISTS retail_transaction_number ON retail_transaction (workstation_id, origin, sequence_number);
CREATE TABLE IF NOT EXISTS basket (workstation_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipt_job (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT NOT NULL UNIQUE,
    printer TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'printing', 'printed')),
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS receipt_job_open ON receipt_job (printer, number) WHERE state != 'printed';
"""


@dataclass(frozen=True, slots=True)
class ReceiptJob:
    """attempted: bytes of it may already be on paper, so print it marked as a copy. seq: its place in the log."""

    number: int
    seq: int
    attempted: bool
    transaction: RetailTransaction


class Ledger:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def finish(
        self,
        key: str,
        sale: RetailTransaction,
        origin: str,
        printer: str | None,
        clear_basket: bool,
    ) -> Kept:
        """Put a finished sale on disk; returns after the commit. Receipt and drawer come after, never before.

        Raises:
            KeyReused, QueueError: nothing was written.
        """

        def also(connection: sqlite3.Connection, _seq: int) -> None:
            connection.execute(
                "INSERT INTO retail_transaction VALUES (?, ?, ?, ?, ?, ?)",
                (
                    key,
                    sale.workstation_id,
                    sale.sequence_number,
                    sale.business_day_date.isoformat(),
                    sale.total_minor,
                    origin,
                ),
            )
            if printer is not None:
                connection.execute("INSERT INTO receipt_job (idempotency_key, printer) VALUES (?, ?)", (key, printer))
            if clear_basket:
                connection.execute("DELETE FROM basket WHERE workstation_id = ?", (sale.workstation_id,))

        body = canonical(sale.model_dump(mode="json"))
        draft = Draft(sale.transaction_type, key, sale.business_day_date.isoformat(), body)
        return await self._outbox.put(draft, also)

    async def keep_basket(self, workstation_id: str, basket: Basket) -> None:
        body = basket.model_dump_json()
        await self._database.write(
            lambda connection: (
                connection.execute("INSERT OR REPLACE INTO basket VALUES (?, ?)", (workstation_id, body)).rowcount
            )
        )

    def open_basket(self, workstation_id: str) -> Basket | None:
        rows = self._database.read("SELECT body FROM basket WHERE workstation_id = ?", workstation_id)
        return Basket.model_validate_json(rows[0]["body"]) if rows else None

    def last_sequence_number(self, workstation_id: str) -> int:
        rows = self._database.read(
            "SELECT max(sequence_number) AS number FROM retail_transaction"
            " WHERE workstation_id = ? AND origin = 'till'",
            workstation_id,
        )
        return int(rows[0]["number"] or 0)

    def last_business_date(self) -> date | None:
        rows = self._database.read("SELECT max(business_date) AS day FROM retail_transaction")
        return date.fromisoformat(rows[0]["day"]) if rows[0]["day"] else None

    def day(self, business_date: date) -> tuple[int, int]:
        """(how many sales, their sum in minor units) of one business day."""
        rows = self._database.read(
            "SELECT count(*) AS count, coalesce(sum(total_minor), 0) AS sum FROM retail_transaction"
            " WHERE business_date = ?",
            business_date.isoformat(),
        )
        return int(rows[0]["count"]), int(rows[0]["sum"])

    # --- receipts ---------------------------------------------------------------------------------------------------

    def next_receipt(self, printer: str) -> ReceiptJob | None:
        rows = self._database.read(
            "SELECT number, seq, attempts, body FROM receipt_job JOIN outbox USING (idempotency_key)"
            " WHERE printer = ? AND receipt_job.state != 'printed' ORDER BY number LIMIT 1",
            printer,
        )
        if not rows:
            return None
        sale = RetailTransaction.model_validate_json(rows[0]["body"])
        return ReceiptJob(rows[0]["number"], rows[0]["seq"], rows[0]["attempts"] > 0, sale)

    def receipts_waiting(self, printer: str) -> int:
        rows = self._database.read(
            "SELECT count(*) AS count FROM receipt_job WHERE printer = ? AND state != 'printed'", printer
        )
        return int(rows[0]["count"])

    async def mark_receipt(self, number: int, state: str) -> None:
        """state `printing` before the first byte goes out, `printed` when the printer said so, `waiting` to undo."""

        def change(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "UPDATE receipt_job SET state = ?1, attempts = CASE ?1 WHEN 'printing' THEN attempts + 1"
                " WHEN 'waiting' THEN attempts - 1 ELSE attempts END WHERE number = ?2",
                (state, number),
            ).rowcount

        await self._database.write(change)
