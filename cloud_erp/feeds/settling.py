"""Movements that wait to be taken into their balances: read in order, and marked when that is done.

Booking only appends movements, so that no two stores ever wait for each other's members. Whoever settles them holds the
feed's lock; what commits meanwhile waits for the next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, select, update

from cloud_erp.feeds import service

#: movements in one go, so that a feed is never held long
MOST = 2_000


def waits(connection: Connection, movements: Table) -> bool:
    return connection.execute(select(movements.c.id).where(~movements.c.settled).limit(1)).scalar() is not None


def waiting(connection: Connection, movements: Table) -> Sequence[Row[Any]]:
    """The next ones, in order of booking."""
    return connection.execute(select(movements).where(~movements.c.settled).order_by(movements.c.id).limit(MOST)).all()


def mark(connection: Connection, movements: Table, settled: Sequence[Row[Any]]) -> None:
    ids = [row.id for row in settled]
    for start in range(0, len(ids), service.CHUNK):
        chunk = ids[start : start + service.CHUNK]
        connection.execute(update(movements).where(movements.c.id.in_(chunk)).values(settled=True))
