"""The payment journal: what may have happened at a card terminal, on disk in the money file before it can happen.

A row a payment, changed as it goes on, and beside it every entry in the order it was made. A payment that took money is
`settled` when it stands in a sale (in that sale's own SQL transaction) or was taken back (in the entry that says so):
until then somebody still has to finish it. Card numbers are masked by the driver, and once more here.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from gateway.clock import Clock, rfc3339
from gateway.drivers.terminal.masking import cleaned
from gateway.errors import QueueError
from gateway.peripherals import Pay, PaymentOutcome, PaymentResult
from gateway.queue.database import Database
from gateway.till.payments.rows import (
    COLUMNS,
    OPEN,
    Entry,
    KnownPayment,
    Origin,
    as_json,
    facts_of,
    known_payment,
    masked,
)

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    payment_id TEXT NOT NULL UNIQUE,
    terminal TEXT NOT NULL,
    workstation_id TEXT,
    basket_key TEXT,
    reverses TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('sale', 'refund', 'reversal')),
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    original TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    last_reference TEXT NOT NULL,
    state TEXT NOT NULL,
    reference TEXT NOT NULL DEFAULT '',
    decided INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    settled TEXT CHECK (settled IN ('booked', 'reversed'))
) STRICT;
CREATE INDEX IF NOT EXISTS payment_open ON payment (terminal)
    WHERE state IN ('intent', 'accepted', 'held', 'unknown');
CREATE INDEX IF NOT EXISTS payment_unsettled ON payment (terminal)
    WHERE state = 'approved' AND kind = 'sale' AND settled IS NULL AND workstation_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS payment_basket ON payment (basket_key);
CREATE INDEX IF NOT EXISTS payment_terminal ON payment (terminal, number);
CREATE TABLE IF NOT EXISTS payment_entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    payment_id TEXT NOT NULL,
    at_utc TEXT NOT NULL,
    entry TEXT NOT NULL,
    facts TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS payment_entry_of ON payment_entry (payment_id, number);
"""

_IS_OPEN = "state IN ('intent', 'accepted', 'held', 'unknown')"
TOLD = "told"
Heard = Callable[[str, str], None]


class PaymentBook:
    """The journal of all terminals; `journal(terminal)` is the part of it that a terminal's desk writes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._origins: dict[str, Origin] = {}
        self._deciding: set[str] = set()
        self._listeners: list[Heard] = []

    def journal(self, terminal: str) -> TerminalJournal:
        return TerminalJournal(self, terminal)

    def listen(self, heard: Heard) -> None:
        """Call `heard` with payment id and entry, once that entry is on disk."""
        self._listeners.append(heard)

    def begins(self, payment_id: str, origin: Origin) -> None:
        """Say whose payment this is, before a desk is asked for it."""
        self._origins[payment_id] = origin

    def origin(self, payment_id: str) -> Origin:
        return self._origins.get(payment_id, Origin())

    def ends(self, payment_id: str) -> None:
        self._origins.pop(payment_id, None)

    def is_decided_by_hand(self, payment_id: str) -> None:
        """The next `resolved` of this payment is a person's word, not the terminal's."""
        self._deciding.add(payment_id)

    def is_not_decided_by_hand(self, payment_id: str) -> None:
        self._deciding.discard(payment_id)

    # --- writing ----------------------------------------------------------------------------------------------------

    async def write(
        self, payment_id: str, entry: str, facts: dict[str, Any], change: Callable[[sqlite3.Connection], None]
    ) -> None:
        """Change the payment's row and add the entry: one SQL transaction."""
        at, body = rfc3339(self._clock.wall()), json.dumps(facts, ensure_ascii=False)

        def work(connection: sqlite3.Connection) -> None:
            change(connection)
            connection.execute(
                "INSERT INTO payment_entry (payment_id, at_utc, entry, facts) VALUES (?, ?, ?, ?)",
                (payment_id, at, entry, body),
            )

        await self._database.write(work, brief=True)
        for heard in list(self._listeners):
            heard(payment_id, entry)

    async def close(self, result: PaymentResult, entry: str) -> None:
        """The last word on a payment; said again it changes nothing.

        Raises:
            QueueError: it was closed before, and otherwise: the first word stands.
        """
        result = masked(replace(result, held=False))
        by_hand = result.payment_id in self._deciding and result.reason.startswith("decided by ")

        def change(connection: sqlite3.Connection) -> None:
            known = connection.execute(
                "SELECT kind, state, reverses FROM payment WHERE payment_id = ?", (result.payment_id,)
            ).fetchone()
            if known is None:
                raise QueueError(f"payment {result.payment_id} has no intent in the journal")
            if known["state"] not in OPEN:
                if known["state"] == result.outcome.value:
                    return
                text = f"payment {result.payment_id} is known to be {known['state']}, not {result.outcome}"
                raise QueueError(text)
            connection.execute(
                "UPDATE payment SET state = ?, reference = ?, decided = ?, result = ? WHERE payment_id = ?",
                (result.outcome.value, result.reference, by_hand, as_json(result), result.payment_id),
            )
            if known["kind"] == "reversal" and result.outcome is PaymentOutcome.APPROVED:
                connection.execute(
                    "UPDATE payment SET settled = 'reversed' WHERE payment_id = ? AND settled IS NULL",
                    (known["reverses"],),
                )

        await self.write(result.payment_id, entry, facts_of(result) | {"by_hand": by_hand}, change)
        self.ends(result.payment_id)

    def mark_booked(self, connection: sqlite3.Connection, payment_ids: Iterable[str]) -> None:
        """These stand in the sale that this SQL transaction writes.

        Raises:
            QueueError: one of them moved no money, or stands elsewhere already: such a sale must not be written.
        """
        for payment_id in payment_ids:
            changed = connection.execute(
                "UPDATE payment SET settled = 'booked' WHERE payment_id = ? AND state = 'approved'"
                " AND kind IN ('sale', 'refund') AND settled IS NULL",
                (payment_id,),
            ).rowcount
            if changed != 1:
                raise QueueError(f"payment {payment_id} cannot pay this sale: the journal has it otherwise")
            connection.execute(
                "INSERT INTO payment_entry (payment_id, at_utc, entry, facts) VALUES (?, ?, 'booked', '{}')",
                (payment_id, rfc3339(self._clock.wall())),
            )

    def prune(self, connection: sqlite3.Connection, keys: list[str]) -> None:
        """Forget the payments of sales that were pruned, but for the one that the next is compared with."""
        for key in keys:
            gone = connection.execute(
                "DELETE FROM payment WHERE basket_key = ? AND settled IS NOT NULL AND number < (SELECT max(number)"
                " FROM payment AS other WHERE other.terminal = payment.terminal AND other.reference != '')"
                " RETURNING payment_id",
                (key,),
            ).fetchall()
            connection.executemany("DELETE FROM payment_entry WHERE payment_id = ?", [(row[0],) for row in gone])

    # --- reading ----------------------------------------------------------------------------------------------------

    def read(self, where: str, *parameters: Any) -> list[KnownPayment]:
        """where: our own SQL behind the table's name, never a caller's data."""
        rows = self._database.read(f"SELECT number, {COLUMNS} FROM payment {where}", *parameters)  # noqa: S608
        return [known_payment(row) for row in rows]

    def find(self, payment_id: str) -> KnownPayment | None:
        found = self.read("WHERE payment_id = ?", payment_id)
        return found[0] if found else None

    def newest(self, most: int, before: int | None = None) -> list[KnownPayment]:
        """The newest first; before: the number where an earlier page ended."""
        return self.read("WHERE number < ? ORDER BY number DESC LIMIT ?", before or 1 << 62, most)

    def history(self, payment_id: str) -> list[Entry]:
        rows = self._database.read(
            "SELECT at_utc, entry, facts FROM payment_entry WHERE payment_id = ? ORDER BY number", payment_id
        )
        return [Entry(row["at_utc"], row["entry"], json.loads(row["facts"])) for row in rows]

    def open_at(self, terminal: str) -> list[KnownPayment]:
        return self.read(f"WHERE terminal = ? AND {_IS_OPEN} ORDER BY number", terminal)

    def unsettled(self, terminal: str) -> list[KnownPayment]:
        """Money that a workstation's terminal took and that stands neither in a sale nor was given back."""
        return self.read(
            "WHERE terminal = ? AND state = 'approved' AND kind = 'sale' AND settled IS NULL"
            " AND workstation_id IS NOT NULL ORDER BY number",
            terminal,
        )

    def refunds_without_return(self, terminal: str) -> list[KnownPayment]:
        """Money that a workstation's terminal gave and that stands in no transaction; it cannot be asked back."""
        return self.read(
            "WHERE terminal = ? AND state = 'approved' AND kind = 'refund' AND settled IS NULL"
            " AND workstation_id IS NOT NULL ORDER BY number",
            terminal,
        )

    async def note_told(self, payment_id: str) -> None:
        await self.write(payment_id, TOLD, {}, lambda _connection: None)

    def is_told(self, payment_id: str) -> bool:
        """Whether headquarters has heard that somebody must look at this one."""
        return any(entry.entry == TOLD for entry in self.history(payment_id))

    def terminals_with_loose_ends(self) -> set[str]:
        """Those with an open payment or an unsettled one, configured or not."""
        rows = self._database.read(
            f"SELECT DISTINCT terminal FROM payment WHERE {_IS_OPEN} UNION SELECT DISTINCT terminal FROM payment"  # noqa: S608
            " WHERE state = 'approved' AND kind IN ('sale', 'refund') AND settled IS NULL"
            " AND workstation_id IS NOT NULL"
        )
        return {row["terminal"] for row in rows}

    def slip(self, payment_id: str) -> tuple[str, ...]:
        """The customer's copy as the terminal wants it printed, () where it printed its own."""
        known = self.find(payment_id)
        receipts = known.result.receipts if known and known.result else ()
        return tuple(line for receipt in receipts if receipt.copy == "customer" for line in receipt.lines)


class TerminalJournal:
    """What gateway.devices.payment.PaymentDesk writes: each entry is on disk when its coroutine returns."""

    def __init__(self, book: PaymentBook, terminal: str) -> None:
        self._book, self._terminal = book, terminal

    async def open_payments(self) -> Sequence[tuple[Pay, str]]:
        return [(known.pay, known.last_reference) for known in self._book.open_at(self._terminal)]

    async def known(self, payment_id: str) -> bool:
        return self._book.find(payment_id) is not None

    async def last_reference(self) -> str:
        """ "" also behind a payment that a person decided: what the terminal has as its last one is not known then."""
        found = self._book.read(
            "WHERE terminal = ? AND (reference != '' OR decided) ORDER BY number DESC LIMIT 1", self._terminal
        )
        return found[0].reference if found else ""

    async def intent(self, pay: Pay, last_reference: str) -> None:
        origin = self._book.origin(pay.payment_id)
        row = (
            *(pay.payment_id, self._terminal, origin.workstation_id, origin.basket_key, origin.reverses),
            *(pay.kind.value, pay.amount_minor, pay.currency, pay.original, pay.asked_at, last_reference, "intent"),
        )
        facts = {"kind": pay.kind.value, "amount_minor": pay.amount_minor, "currency": pay.currency}

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO payment (payment_id, terminal, workstation_id, basket_key, reverses, kind, amount_minor,"
                " currency, original, asked_at, last_reference, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

        await self._book.write(pay.payment_id, "intent", facts, insert)

    async def accepted(self, payment_id: str) -> None:
        await self._book.write(payment_id, "accepted", {}, lambda connection: _to(connection, payment_id, "accepted"))

    async def result(self, result: PaymentResult) -> None:
        if not result.held:
            await self._book.close(result, "result")
            return
        kept = masked(result)

        def hold(connection: sqlite3.Connection) -> None:
            _to(connection, kept.payment_id, "held")
            connection.execute("UPDATE payment SET result = ? WHERE payment_id = ?", (as_json(kept), kept.payment_id))

        await self._book.write(kept.payment_id, "held", facts_of(kept), hold)

    async def unknown(self, payment_id: str, why: str) -> None:
        why = cleaned(why)
        await self._book.write(
            payment_id, "unknown", {"why": why}, lambda connection: _to(connection, payment_id, "unknown")
        )

    async def resolved(self, result: PaymentResult) -> None:
        await self._book.close(result, "resolved")


def salvage(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Save the journal out of a damaged money file, as far as it can be read; call it behind the ledger's.

    A basket that was being paid, and whose payment cannot be read, gets one that is unknown: the terminal is asked.
    """
    for table, columns in (("payment", COLUMNS), ("payment_entry", "payment_id, at_utc, entry, facts")):
        marks = ", ".join("?" for _ in columns.split(","))
        insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608  names of our own
        try:
            for row in old.execute(f"SELECT {columns} FROM {table} ORDER BY number"):  # noqa: S608
                new.execute(insert, tuple(row))
        except sqlite3.DatabaseError as error:
            log.error("not every payment could be salvaged: %s", error)
    for workstation_id, body in new.execute("SELECT workstation_id, body FROM basket").fetchall():
        basket = json.loads(body)
        if payment := basket.get("payment"):
            row = (
                *(payment["payment_id"], payment["terminal"], workstation_id, basket["idempotency_key"]),
                *(payment["reverses"], payment["kind"], payment["amount_minor"], payment["currency"]),
                payment["original"],
            )
            new.execute(
                "INSERT OR IGNORE INTO payment (payment_id, terminal, workstation_id, basket_key, reverses, kind,"
                " amount_minor, currency, original, asked_at, last_reference, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 'unknown')",
                row,
            )


def _to(connection: sqlite3.Connection, payment_id: str, state: str) -> None:
    """A payment whose end is known keeps it, whatever comes late."""
    connection.execute(f"UPDATE payment SET state = ? WHERE payment_id = ? AND {_IS_OPEN}", (state, payment_id))  # noqa: S608
