"""The till's own rows in the money file: finished transactions and open baskets.

A finished sale, its outbox row, its receipt job and the end of its basket are one SQL transaction.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import date

from gateway.queue.database import Database
from gateway.queue.outbox import Kept, Outbox
from gateway.queue.records import Draft
from gateway.till import lane_notes, suspended, uses
from gateway.till.basket import Basket
from gateway.till.day import rows as day_rows
from gateway.till.day.rows import Session
from gateway.till.paper import jobs
from gateway.till.suspended import Suspended
from retail.control import CONTROL_TRANSACTION, ControlTransaction, SessionTotals
from retail.sale import RetailTransaction
from retail.wire.audit import Severity
from retail.wire.canonical import canonical

log = logging.getLogger(__name__)

#: more of the same SQL transaction
Beside = Callable[[sqlite3.Connection], None]

SCHEMA = (
    lane_notes.TABLE
    + suspended.TABLE
    + day_rows.SCHEMA
    + """
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
CREATE TABLE IF NOT EXISTS earlier_number
    (workstation_id TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
    + jobs.SCHEMA
    + uses.SCHEMA
)


_KEEP_BASKET = "INSERT OR REPLACE INTO basket VALUES (?, ?)"


def salvage(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Save open baskets and receipt numbers out of a damaged money file, as far as it can be read."""
    wanted = {
        "INSERT OR IGNORE INTO basket VALUES (?, ?)": "SELECT workstation_id, body FROM basket",
        "INSERT OR IGNORE INTO lane_note VALUES (?, ?, ?)": "SELECT workstation_id, name, value FROM lane_note",
        "INSERT OR REPLACE INTO earlier_number VALUES (?, ?)": (
            "SELECT workstation_id, max(number) FROM"
            " (SELECT workstation_id, sequence_number AS number FROM retail_transaction WHERE origin = 'till'"
            "  UNION ALL SELECT workstation_id, number FROM earlier_number) GROUP BY workstation_id"
        ),
    }
    for table, columns in {**day_rows.SALVAGED, "suspended": suspended.COLUMNS}.items():
        marks = ", ".join("?" for _ in columns.split(","))
        wanted[f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"] = f"SELECT {columns} FROM {table}"  # noqa: S608
    for insert, query in wanted.items():
        try:
            new.executemany(insert, [tuple(row) for row in old.execute(query)])
        except sqlite3.DatabaseError as error:
            log.error("not everything could be salvaged: %s", error)
    uses.salvage(old, new)


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
        also: Beside | None = None,
    ) -> Kept:
        """Put a finished sale on disk; returns after the commit. Receipt and drawer come after, never before.

        also: what else belongs into the same SQL transaction, such as that the sale's payments are booked.

        Raises:
            KeyReused, QueueError: nothing was written.
        """

        def beside(connection: sqlite3.Connection, _seq: int) -> None:
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
            if sale.session_id is not None and origin == "till":
                day_rows.keep_sale(connection, key, sale.session_id, sale)
            if printer is not None:
                connection.execute("INSERT INTO receipt_job (idempotency_key, printer) VALUES (?, ?)", (key, printer))
            if clear_basket:
                connection.execute("DELETE FROM basket WHERE workstation_id = ?", (sale.workstation_id,))
            if also is not None:
                also(connection)

        body = canonical(sale.model_dump(mode="json"))
        draft = Draft(sale.transaction_type, key, sale.business_day_date.isoformat(), body)
        return await self._outbox.put(draft, beside)

    def is_kept(self, key: str) -> bool:
        return self._outbox.state_of(key) is not None

    async def keep_basket(self, workstation_id: str, basket: Basket, also: Beside | None = None) -> None:
        """The basket as it is now, on disk, with what belongs to the same change."""
        body = basket.model_dump_json()

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_KEEP_BASKET, (workstation_id, body))
            if also is not None:
                also(connection)

        await (self._outbox.write(work) if also is not None else self._database.write(work))

    def basket_within(self, connection: sqlite3.Connection, workstation_id: str, basket: Basket) -> None:
        """keep_basket() as part of a larger change."""
        connection.execute(_KEEP_BASKET, (workstation_id, basket.model_dump_json()))

    async def write(self, work: Beside) -> None:
        """One SQL transaction over the till's rows and the log."""
        await self._outbox.write(work)

    def control_within(self, connection: sqlite3.Connection, key: str, control: ControlTransaction) -> None:
        """Put a ControlTransaction into the log and beside the sales, in the SQL transaction of what it reports."""
        body = canonical(control.model_dump(mode="json"))
        draft = Draft(CONTROL_TRANSACTION, key, control.business_day_date.isoformat(), body)
        if not self._outbox.put_within(connection, draft).repeated:
            day_rows.keep_control(connection, key, control)

    def audit(self, severity: Severity, code: str, text: str, facts: dict[str, str | int | None]) -> Beside:
        """A word for headquarters, to be written beside a change."""
        return lambda connection: self._outbox.tell_within(connection, severity, code, text, facts)

    def note(self, workstation_id: str, name: str) -> str | None:
        rows = self._database.read(
            "SELECT value FROM lane_note WHERE workstation_id = ? AND name = ?", workstation_id, name
        )
        return str(rows[0]["value"]) if rows else None

    def open_basket(self, workstation_id: str) -> Basket | None:
        rows = self._database.read("SELECT body FROM basket WHERE workstation_id = ?", workstation_id)
        return Basket.model_validate_json(rows[0]["body"]) if rows else None

    def last_sequence_number(self, workstation_id: str) -> int:
        """The last receipt number that this workstation gave, in this money file or in one that was salvaged."""
        rows = self._database.read(
            "SELECT max(sequence_number) AS number FROM retail_transaction"
            " WHERE workstation_id = ? AND origin = 'till'",
            workstation_id,
        )
        earlier = self._database.read("SELECT number FROM earlier_number WHERE workstation_id = ?", workstation_id)
        return max(int(rows[0]["number"] or 0), int(earlier[0]["number"]) if earlier else 0)

    def last_business_date(self) -> date | None:
        rows = self._database.read(
            "SELECT max(day) AS day FROM (SELECT max(business_date) AS day FROM retail_transaction"
            " UNION ALL SELECT max(business_date) FROM till_session)"
        )
        return date.fromisoformat(rows[0]["day"]) if rows[0]["day"] else None

    def business_day(self, today: date) -> date:
        """The newest day that an open session has; without one today, and never a day before the last."""
        rows = self._database.read("SELECT max(business_date) AS day FROM till_session WHERE state = 'open'")
        if rows[0]["day"]:
            return date.fromisoformat(rows[0]["day"])
        return max(today, self.last_business_date() or today)

    def day(self, business_date: date) -> tuple[int, int]:
        """(how many sales, their sum in minor units) of one business day."""
        rows = self._database.read(
            "SELECT count(*) AS count, coalesce(sum(total_minor), 0) AS sum FROM retail_transaction"
            " WHERE business_date = ?",
            business_date.isoformat(),
        )
        return int(rows[0]["count"]), int(rows[0]["sum"])

    def prune(self, connection: sqlite3.Connection, keys: list[str]) -> None:
        """Forget what stood beside records that were pruned; a workstation's last number stays known."""
        connection.executemany(
            "DELETE FROM retail_transaction WHERE idempotency_key = ?1 AND sequence_number <"
            " (SELECT max(sequence_number) FROM retail_transaction AS other"
            "  WHERE other.workstation_id = retail_transaction.workstation_id"
            "  AND other.origin = retail_transaction.origin)",
            [(key,) for key in keys],
        )
        jobs.prune(connection, keys)
        uses.prune(connection, keys)
        day_rows.prune(connection, keys)

    # --- sessions and suspended sales -------------------------------------------------------------------------------

    def open_session(self, workstation_id: str) -> Session | None:
        query = "SELECT * FROM till_session WHERE workstation_id = ? AND state = 'open'"
        rows = self._database.read(query, workstation_id)
        return day_rows.session_of(rows[0]) if rows else None

    def closed_session(self, workstation_id: str, z_number: int | None = None) -> Session | None:
        """The one of that number; None: the last."""
        rows = self._database.read(
            "SELECT * FROM till_session WHERE workstation_id = ?1 AND z_number = coalesce(?2,"
            " (SELECT max(z_number) FROM till_session WHERE workstation_id = ?1))",
            workstation_id,
            z_number,
        )
        return day_rows.session_of(rows[0]) if rows else None

    def session_totals(self, session: Session, counted_minor: int | None = None) -> SessionTotals:
        return self._database.look(lambda connection: day_rows.totals(connection, session, counted_minor))

    def control(self, key: str) -> ControlTransaction | None:
        record = self._outbox.state_of(key)
        return ControlTransaction.model_validate_json(record["body"]) if record is not None else None

    def suspended_sales(self) -> list[Suspended]:
        rows = self._database.read(f"SELECT {suspended.COLUMNS} FROM suspended ORDER BY number")  # noqa: S608  our own
        return [suspended.suspended_of(row) for row in rows]
