"""Paper that is no receipt of a sale, such as a session's report: its lines as they wait in the money file.

Only plain lines: text, figures at the right, rules and the cut; or a training sale, which no log holds.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Sequence

from gateway.peripherals import Columns, Cut, PrintLine, Rule, Text
from retail.sale import RetailTransaction

TABLE = """
CREATE TABLE IF NOT EXISTS slip_job (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    printer TEXT NOT NULL,
    lines TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'printing', 'printed')),
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS slip_job_open ON slip_job (printer, number) WHERE state != 'printed';
"""
#: printed ones are of no use to anybody: so many stay, for whoever looks for a fault
KEPT = 200

SlipLine = Text | Columns | Rule | Cut
_KINDS: dict[str, type[SlipLine]] = {"text": Text, "columns": Columns, "rule": Rule, "cut": Cut}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def written(lines: Sequence[SlipLine]) -> str:
    return json.dumps([[_NAMES[type(line)], dataclasses.asdict(line)] for line in lines], ensure_ascii=False)


def read(text: str) -> tuple[PrintLine, ...]:
    return tuple(_KINDS[name](**facts) for name, facts in json.loads(text))


def put(connection: sqlite3.Connection, printer: str, lines: Sequence[SlipLine]) -> None:
    """Have it printed, in the SQL transaction of what it reports."""
    connection.execute("INSERT INTO slip_job (printer, lines) VALUES (?, ?)", (printer, written(lines)))
    connection.execute(
        "DELETE FROM slip_job WHERE state = 'printed' AND number <= (SELECT max(number) FROM slip_job) - ?", (KEPT,)
    )


def put_training(connection: sqlite3.Connection, printer: str, sale: RetailTransaction) -> None:
    """A training sale stands in no log, so its paper waits as the whole transaction."""
    connection.execute("INSERT INTO slip_job (printer, lines) VALUES (?, ?)", (printer, sale.model_dump_json()))


def training_sale(text: str) -> RetailTransaction | None:
    """The sale that waits as this; None where it is lines."""
    return RetailTransaction.model_validate_json(text) if text.startswith("{") else None


def copy_of(lines: Sequence[PrintLine], mark: str) -> tuple[PrintLine, ...]:
    """The same, marked: some of it may be on paper already."""
    return (Text(mark, align="center", bold=True), *lines)
