"""The rows of a till's day in the money file: sessions, what was sold in them, and what else happened at the drawer.

What a session came to is asked of these rows, never counted along in memory: a restart changes no figure.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from retail.control import ControlTransaction, SessionTotals, TenderTotal
from retail.sale import RetailTransaction, TenderType

SCHEMA = """
CREATE TABLE IF NOT EXISTS till_session (
    session_id TEXT PRIMARY KEY,
    workstation_id TEXT NOT NULL,
    business_date TEXT NOT NULL,
    opened_utc TEXT NOT NULL,
    operator_id TEXT NOT NULL,
    float_minor INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    z_number INTEGER,
    closed_key TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS till_session_open ON till_session (workstation_id) WHERE state = 'open';
CREATE UNIQUE INDEX IF NOT EXISTS till_session_z ON till_session (workstation_id, z_number);
CREATE TABLE IF NOT EXISTS session_sale (
    idempotency_key TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    sequence_number INTEGER NOT NULL,
    total_minor INTEGER NOT NULL,
    returned_minor INTEGER NOT NULL,
    discounts_minor INTEGER NOT NULL,
    rounding_minor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS session_sale_of ON session_sale (session_id);
CREATE TABLE IF NOT EXISTS session_tender (
    idempotency_key TEXT NOT NULL,
    session_id TEXT NOT NULL,
    tender_type TEXT NOT NULL,
    count INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (idempotency_key, tender_type)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS session_tender_of ON session_tender (session_id);
CREATE TABLE IF NOT EXISTS control_transaction (
    idempotency_key TEXT PRIMARY KEY,
    session_id TEXT,
    control TEXT NOT NULL,
    amount_minor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS control_transaction_of ON control_transaction (session_id, control);
"""

#: table -> its columns: all that a damaged money file can still say of open sessions is carried over
SALVAGED = {
    "till_session": "session_id, workstation_id, business_date, opened_utc, operator_id, float_minor, state, z_number,"
    " closed_key",
    "session_sale": "idempotency_key, session_id, sequence_number, total_minor, returned_minor, discounts_minor,"
    " rounding_minor",
    "session_tender": "idempotency_key, session_id, tender_type, count, amount_minor",
    "control_transaction": "idempotency_key, session_id, control, amount_minor",
}


@dataclass(frozen=True, slots=True)
class Session:
    """An open or closed session of one workstation. z_number and closed_key: once it is closed."""

    session_id: str
    workstation_id: str
    business_date: date
    opened_utc: str
    operator_id: str
    float_minor: int
    state: str
    z_number: int | None
    closed_key: str | None


def session_of(row: sqlite3.Row) -> Session:
    return Session(**{**dict(row), "business_date": date.fromisoformat(row["business_date"])})


def keep_sale(connection: sqlite3.Connection, key: str, session_id: str, sale: RetailTransaction) -> None:
    """What this sale adds to its session."""
    discounts = sum(line.extended_amount_minor - line.net_minor for line in sale.sales())
    returned = sum(line.extended_amount_minor for line in sale.returns())
    connection.execute(
        "INSERT INTO session_sale VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, session_id, sale.sequence_number, sale.total_minor, returned, discounts, sale.rounding_minor()),
    )
    for tender in sale.tenders():
        connection.execute(
            "INSERT INTO session_tender VALUES (?, ?, ?, 1, ?) ON CONFLICT (idempotency_key, tender_type)"
            " DO UPDATE SET count = count + 1, amount_minor = amount_minor + excluded.amount_minor",
            (key, session_id, tender.tender_type, tender.amount_minor - tender.change_minor),
        )


def keep_control(connection: sqlite3.Connection, key: str, control: ControlTransaction) -> None:
    connection.execute(
        "INSERT INTO control_transaction VALUES (?, ?, ?, ?)",
        (key, control.session_id, control.control, control.amount_minor or 0),
    )


def open_session(connection: sqlite3.Connection, session: Session) -> None:
    connection.execute(
        "INSERT INTO till_session (session_id, workstation_id, business_date, opened_utc, operator_id, float_minor)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            session.session_id,
            session.workstation_id,
            session.business_date.isoformat(),
            session.opened_utc,
            session.operator_id,
            session.float_minor,
        ),
    )


def close_session(connection: sqlite3.Connection, session_id: str, z_number: int, key: str) -> None:
    connection.execute(
        "UPDATE till_session SET state = 'closed', z_number = ?, closed_key = ? WHERE session_id = ?",
        (z_number, key, session_id),
    )


def next_z_number(connection: sqlite3.Connection, workstation_id: str) -> int:
    query = "SELECT coalesce(max(z_number), 0) + 1 FROM till_session WHERE workstation_id = ?"
    return int(connection.execute(query, (workstation_id,)).fetchone()[0])


def totals(connection: sqlite3.Connection, session: Session, counted_minor: int | None) -> SessionTotals:
    """What the session came to so far; counted: the cash in the drawer, None where nobody counted it."""
    of = (session.session_id,)
    sold = connection.execute(
        "SELECT count(*), coalesce(sum(total_minor), 0), coalesce(sum(returned_minor), 0),"
        " coalesce(sum(discounts_minor), 0), coalesce(sum(rounding_minor), 0), min(sequence_number),"
        " max(sequence_number) FROM session_sale WHERE session_id = ?",
        of,
    ).fetchone()
    tenders = connection.execute(
        "SELECT tender_type, sum(count), sum(amount_minor) FROM session_tender WHERE session_id = ?"
        " GROUP BY tender_type ORDER BY tender_type",
        of,
    ).fetchall()
    controls = {
        row[0]: (row[1], row[2])
        for row in connection.execute(
            "SELECT control, count(*), sum(amount_minor) FROM control_transaction WHERE session_id = ?"
            " GROUP BY control",
            of,
        )
    }
    moved = {name: controls.get(name, (0, 0))[1] for name in ("PaidIn", "PaidOut", "PickUp")}
    cash = sum(row[2] for row in tenders if row[0] == "Cash")
    expected = session.float_minor + cash + moved["PaidIn"] - moved["PaidOut"] - moved["PickUp"]
    return SessionTotals(
        z_number=session.z_number or next_z_number(connection, session.workstation_id),
        opened_at=datetime.fromisoformat(session.opened_utc),
        sales_count=sold[0],
        sales_minor=sold[1],
        returned_minor=sold[2],
        discounts_minor=sold[3],
        rounding_minor=sold[4],
        voids_count=controls.get("SaleVoid", (0, 0))[0],
        first_sequence_number=sold[5],
        last_sequence_number=sold[6],
        tenders=[TenderTotal(tender_type=_type(row[0]), count=row[1], amount_minor=row[2]) for row in tenders],
        float_minor=session.float_minor,
        paid_in_minor=moved["PaidIn"],
        paid_out_minor=moved["PaidOut"],
        picked_up_minor=moved["PickUp"],
        expected_cash_minor=expected,
        counted_cash_minor=counted_minor,
        over_short_minor=None if counted_minor is None else counted_minor - expected,
    )


def _type(name: str) -> TenderType:
    kept: TenderType = name  # type: ignore[assignment]  # it came out of a tender line
    return kept


def prune(connection: sqlite3.Connection, keys: list[str]) -> None:
    """Forget what stood beside records that were pruned; an open session keeps all of its own."""
    for table in ("session_sale", "session_tender", "control_transaction"):
        connection.executemany(
            f"DELETE FROM {table} WHERE idempotency_key = ? AND session_id IS NOT"  # noqa: S608  names of our own
            f" (SELECT session_id FROM till_session WHERE state = 'open' AND session_id = {table}.session_id)",
            [(key,) for key in keys],
        )
