"""On PostgreSQL the journal is one table a month, by the time headquarters received the record.

By that time and not by the business date: it is headquarters' own clock, so a till that believes it is 1970 makes no
table of 1970; and the inbox knows it too, so that one sale is looked up in one table. Months are made ahead, by whoever
books. Exactly once is the inbox's promise (docs/decisions/0004-postgresql.md).
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from cloud_erp.bulk import on_postgresql

#: months made ahead of the present one
AHEAD = 3
#: two ints name a lock of ours: this one and what it is about (0: the making of partitions)
LOCKS = 0x4252


def month_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def after(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def ensure(connection: Connection, moment: datetime, ahead: int = AHEAD) -> datetime:
    """Make the tables of that month and the next ones where they are missing; until when there are tables then."""
    start = month_of(moment)
    months = [start]
    for _ in range(ahead):
        months.append(after(months[-1]))
    if on_postgresql(connection):
        missing = [month for month in months if not _exists(connection, month)]
        if missing:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCKS}, 0)")
        for month in missing:
            if not _exists(connection, month):
                _make(connection, month)
    return after(months[-1])


def name_of(month: datetime) -> str:
    return f"journal_{month:%Y_%m}"


def _exists(connection: Connection, month: datetime) -> bool:
    return connection.exec_driver_sql(f"SELECT to_regclass('{name_of(month)}')").scalar() is not None


def _make(connection: Connection, month: datetime) -> None:
    """Made aside and then attached: CREATE ... PARTITION OF would stop all readers of the journal meanwhile."""
    name = name_of(month)
    connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE journal INCLUDING ALL)")
    bounds = f"FROM ('{month.isoformat()}') TO ('{after(month).isoformat()}')"
    connection.exec_driver_sql(f"ALTER TABLE journal ATTACH PARTITION {name} FOR VALUES {bounds}")
