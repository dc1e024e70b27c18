"""Sales that were suspended, as rows of the money file: each under a number of the store, until a lane takes it up.

A sale is in its lane's basket or in one of these rows, never in both and never in none: to suspend and to resume are
one SQL transaction each, and of two lanes that resume the same number one finds the row gone.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gateway.till.basket import Basket

TABLE = """
CREATE TABLE IF NOT EXISTS suspended (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    workstation_id TEXT NOT NULL,
    session_id TEXT,
    operator_id TEXT NOT NULL,
    label TEXT NOT NULL,
    suspended_utc TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
"""
COLUMNS = "number, workstation_id, session_id, operator_id, label, suspended_utc, body"


@dataclass(frozen=True, slots=True)
class Suspended:
    """label: what the cashier called it. session_id: of the session that it was suspended in."""

    number: int
    workstation_id: str
    session_id: str | None
    operator_id: str
    label: str
    suspended_utc: str
    basket: Basket


def suspended_of(row: sqlite3.Row) -> Suspended:
    facts = dict(row)
    return Suspended(basket=Basket.model_validate_json(facts.pop("body")), **facts)


def park(connection: sqlite3.Connection, sale: Suspended) -> int:
    """Its number; the one in `sale` does not count."""
    cursor = connection.execute(
        "INSERT INTO suspended (workstation_id, session_id, operator_id, label, suspended_utc, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            sale.workstation_id,
            sale.session_id,
            sale.operator_id,
            sale.label,
            sale.suspended_utc,
            sale.basket.model_dump_json(),
        ),
    )
    return int(cursor.lastrowid or 0)


def unpark(connection: sqlite3.Connection, number: int) -> bool:
    """False: another lane was quicker."""
    return connection.execute("DELETE FROM suspended WHERE number = ?", (number,)).rowcount == 1
