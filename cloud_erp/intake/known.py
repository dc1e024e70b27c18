"""What the database knows already of a run of batches: read once the store is locked, before anything is decided.

On PostgreSQL the few records of a shop that sells now are looked up in one statement. Each statement is a journey, and
for a lone sale the journeys were most of the time until it was booked. Many records are looked up table by table:
there the plans count, and the journeys do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, literal_column, select

from cloud_erp.bulk import insert_new, on_postgresql
from cloud_erp.catalog import service as catalog
from cloud_erp.db import incarnation, now_utc
from cloud_erp.fleet.registry import Gateway
from cloud_erp.intake.acks import WINDOW
from cloud_erp.intake.item import Item
from cloud_erp.intake.model import inbox, stream
from cloud_erp.intake.work import BOOKED, REJECTED
from retail.wire.log import GENESIS

#: so many records are looked up in one statement
FEW = 8
#: how many bound values one statement may carry on every database
CHUNK = 500

# One look into the unique index for each key: for `= ANY` the planner, while the table has no statistics yet, walks all
# that the store ever booked, and a core that had taken 20,000 sales needed 20 ms for one.
_BOOKED_KEYS = f"""
SELECT key AS idempotency_key, body_sha256 FROM (
  SELECT key, (
    SELECT body_sha256 FROM inbox WHERE store_id = %(store)s AND idempotency_key = key AND fate = '{BOOKED}'
  ) AS body_sha256 FROM unnest(%(keys)s::text[]) AS key
) AS asked WHERE body_sha256 IS NOT NULL
"""  # noqa: S608
_HERE = "gateway = %(gateway)s AND epoch = %(epoch)s"
_AT_A_GLANCE = f"""
SELECT
  (SELECT json_build_array(contiguous_seq, head_chain) FROM stream WHERE {_HERE}),
  (SELECT value FROM core_fact WHERE name = 'incarnation'),
  (SELECT json_agg(json_build_array(seq, body_sha256, idempotency_key)) FROM inbox
     WHERE {_HERE} AND seq BETWEEN %(first)s AND %(last)s),
  (SELECT json_object_agg(idempotency_key, body_sha256) FROM ({_BOOKED_KEYS}) AS booked),
  EXISTS (SELECT 1 FROM inbox WHERE {_HERE} AND seq > %(last)s),
  EXISTS (SELECT 1 FROM inbox WHERE {_HERE} AND fate = '{REJECTED}' AND seq > %(window)s)
"""  # noqa: S608
# Made once, not for each batch: it shows in how soon a lone sale is booked.
_STREAM = select(stream).where(stream.c.gateway == bindparam("of_gateway"), stream.c.epoch == bindparam("of_epoch"))
_RECEIVED = select(inbox.c.seq, inbox.c.body_sha256, inbox.c.idempotency_key).where(
    inbox.c.gateway == bindparam("of_gateway"),
    inbox.c.epoch == bindparam("of_epoch"),
    inbox.c.seq.between(bindparam("first"), bindparam("last")),
)


@dataclass(frozen=True, slots=True)
class Known:
    """received: seq -> (hash of the body, key). booked: idempotency key -> hash as it came, in whatever epoch.

    above, rejected: whether records behind the run were received, whether some before it may have to be told as
    rejected. True where that was not asked yet.
    """

    contiguous_seq: int
    head_chain: str | None
    life: str
    received: dict[int, tuple[str, str]]
    booked: dict[str, str]
    units: dict[str, str]
    above: bool = True
    rejected: bool = True


def look_up(connection: Connection, gateway: Gateway, epoch: str, items: Sequence[Item]) -> Known:
    """All of it for a run of one stream, in order of seq; the stream is made where it is missing."""
    if len(items) <= FEW and on_postgresql(connection):
        return at_a_glance(connection, gateway, epoch, items)
    return one_by_one(connection, gateway, epoch, items)


def one_by_one(connection: Connection, gateway: Gateway, epoch: str, items: Sequence[Item]) -> Known:
    mark = open_stream(connection, gateway.id, epoch)
    span = {"of_gateway": gateway.id, "of_epoch": epoch, "first": items[0].seq, "last": items[-1].seq}
    received = {seq: (digest, key) for seq, digest, key in connection.execute(_RECEIVED, span)}
    keys = [item.key for item in items if item.key and received.get(item.seq) != item.content]
    return Known(
        mark.contiguous_seq,
        mark.head_chain,
        incarnation(connection),
        received,
        booked_keys(connection, gateway.store_id, keys),
        _units(connection, [item for item in items if item.seq not in received]),
    )


def at_a_glance(connection: Connection, gateway: Gateway, epoch: str, items: Sequence[Item]) -> Known:
    asked = {
        "gateway": gateway.id,
        "epoch": epoch,
        "store": gateway.store_id,
        "keys": [item.key for item in items if item.key],
        "first": items[0].seq,
        "last": items[-1].seq,
        "window": max(0, items[0].seq - 1 - WINDOW),
    }
    mark, life, rows, booked, above, rejected = connection.exec_driver_sql(_AT_A_GLANCE, asked).one()
    if mark is None:
        start = open_stream(connection, gateway.id, epoch)
        mark = (start.contiguous_seq, start.head_chain)
    received = {seq: (digest, key) for seq, digest, key in rows or ()}
    units = _units(connection, [item for item in items if item.seq not in received])
    return Known(mark[0], mark[1], life, received, booked or {}, units, above, rejected)


def open_stream(connection: Connection, gateway_id: str, epoch: str) -> Row[Any]:
    """The stream's row, made where it is missing; its store is locked."""
    place = {"of_gateway": gateway_id, "of_epoch": epoch}
    there = connection.execute(_STREAM, place).one_or_none()
    if there is not None:
        return there
    start = {"gateway": gateway_id, "epoch": epoch, "contiguous_seq": 0, "head_chain": GENESIS.hex()}
    insert_new(connection, stream, [{**start, "updated_at": now_utc()}])
    return connection.execute(_STREAM, place).one()


def booked_keys(connection: Connection, store_id: str, keys: Sequence[str]) -> dict[str, str]:
    """idempotency key -> body hash as it came, of those that were booked for this store, in whatever epoch."""
    if not keys:
        return {}
    if on_postgresql(connection):
        rows = connection.exec_driver_sql(_BOOKED_KEYS, {"store": store_id, "keys": list(keys)})
        return {row.idempotency_key: row.body_sha256 for row in rows}
    found: dict[str, str] = {}
    for start in range(0, len(keys), CHUNK):
        query = select(inbox.c.idempotency_key, inbox.c.body_sha256).where(
            inbox.c.store_id == store_id,
            inbox.c.idempotency_key.in_(keys[start : start + CHUNK]),
            inbox.c.fate == literal_column(f"'{BOOKED}'"),  # a bound value would hide it from the partial index
        )
        found.update(connection.execute(query).all())
    return found


def _units(connection: Connection, items: Sequence[Item]) -> dict[str, str]:
    """item_id -> unit, of what these sell."""
    return catalog.units(connection, sorted({one for item in items if item.booking for one, _ in item.booking.units}))
