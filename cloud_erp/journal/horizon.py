"""How far the journal may be read in order of id, so that nothing which commits late is skipped.

On PostgreSQL ids are given out before their transactions commit: id 102 may be there to see while 101 is not yet. So
each transaction that will write into the journal first locks, shared, the number that the ids had reached (its floor);
all ids it takes are above. A reader asks for the last id given out, then for the lowest floor still locked, and shows
nothing above the lower of the two: whoever took an id up to there has ended, and a commit is visible before its locks
go.
SQLite has one writer, and there ids commit in order.
"""

from __future__ import annotations

from sqlalchemy import Connection

from cloud_erp.bulk import on_postgresql

#: the upper 16 bits of a lock's number say that it is a floor
FLOOR = 0x4252

ANNOUNCE = f"SELECT pg_advisory_xact_lock_shared(({FLOOR}::bigint << 48) | last_value) FROM journal_id_seq"  # noqa: S608
_LAST = "SELECT last_value FROM journal_id_seq"
_LOWEST = f"""
SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = {FLOOR}
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608


def announce(connection: Connection) -> None:
    """To be called before the first id is taken; ends with the transaction."""
    if on_postgresql(connection):
        connection.exec_driver_sql(ANNOUNCE)


def horizon(connection: Connection) -> int | None:
    """The highest id up to which the journal is complete for a query that begins now; None: all of it is."""
    if not on_postgresql(connection):
        return None
    last = connection.exec_driver_sql(_LAST).scalar_one()
    lowest = connection.exec_driver_sql(_LOWEST).scalar()
    return int(last if lowest is None else min(last, lowest))
