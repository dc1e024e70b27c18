"""Many rows in one statement: what a batch writes goes to each table in one go.

On PostgreSQL the rows are one JSON parameter that the database unpacks (arrays of text, the other way to do it, are
several times slower); every value is a string or a number in it, so that JSON inside JSON stays what it was. SQLite has
no journey to save: executemany.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.dialects import postgresql, sqlite

POSTGRESQL = "postgresql"
FEW_ROWS = 8


def on_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == POSTGRESQL


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all have the same columns; a key that is there already is an error."""
    if not rows:
        return
    if on_postgresql(connection):
        connection.exec_driver_sql(_unpacked(table, tuple(rows[0])), {"rows": _json(rows)})
    else:
        connection.execute(insert(table), list(rows))


def append_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """The same for many rows without generated names: COPY on PostgreSQL, at half the price of an INSERT.

    COPY is two journeys, so a few rows are inserted all the same.
    """
    if len(rows) <= FEW_ROWS and on_postgresql(connection):
        insert_rows(connection, table, [dict(zip(columns, row, strict=True)) for row in rows])
    elif on_postgresql(connection):
        names = ", ".join(f'"{name}"' for name in columns)
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            copy.write("".join([_copied(row) for row in rows]))
    elif rows:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose primary or unique key is not there yet; leave the others as they are."""
    if not rows:
        return
    if on_postgresql(connection):
        statement = f"{_unpacked(table, tuple(rows[0]))} ON CONFLICT DO NOTHING"
        connection.exec_driver_sql(statement, {"rows": _json(rows)})
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), list(rows))


def upsert(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], key: Sequence[str], add: Sequence[str] = ()
) -> None:
    """Insert the rows; where `key` is there already, set the other columns, and add to those named in `add`.

    Rows are taken in the order given, so that two writers which sort theirs lock them in the same order.
    """
    if not rows:
        return
    if on_postgresql(connection):
        changes = ", ".join(
            f'"{name}" = {table.name}."{name}" + excluded."{name}"' if name in add else f'"{name}" = excluded."{name}"'
            for name in rows[0]
            if name not in key
        )
        keys = ", ".join(f'"{name}"' for name in key)
        statement = f"{_unpacked(table, tuple(rows[0]))} ON CONFLICT ({keys}) DO UPDATE SET {changes}"
        connection.exec_driver_sql(statement, {"rows": _json(rows)})
        return
    statement_lite = sqlite.insert(table)
    set_ = {
        name: table.c[name] + statement_lite.excluded[name] if name in add else statement_lite.excluded[name]
        for name in rows[0]
        if name not in key
    }
    connection.execute(statement_lite.on_conflict_do_update(index_elements=list(key), set_=set_), list(rows))


@cache
def _unpacked(table: Table, columns: tuple[str, ...]) -> str:
    """INSERT ... SELECT from the parameter `rows`; names and types are the models' own."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    names = ", ".join(f'"{name}"' for name in columns)
    types = ", ".join(f'"{name}" {_type(table.c[name].type.compile(dialect))}' for name in columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {names} FROM json_to_recordset(%(rows)s::json) AS r({types})"  # noqa: S608


def _type(declared: str) -> str:
    return "text" if declared.startswith("VARCHAR") else declared


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, default=_plain)


def _copied(row: Sequence[Any]) -> str:
    """A line of COPY's text format, for values of the types in _COPIED."""
    line = "\t".join([value if type(value) is str else _COPIED[type(value)](value) for value in row])
    if line.count("\t") >= len(row) or line.count("\\") != row.count(None) or "\n" in line or "\r" in line:
        line = "\t".join([_COPIED[type(value)](value) for value in row])
    return line + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a stored time needs its zone")
    return value.isoformat()


_COPIED: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    date: date.isoformat,
    datetime: _moment,
    int: str,
    str: _escaped,
}


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return _moment(value.astimezone(UTC) if value.tzinfo else value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written in bulk")
