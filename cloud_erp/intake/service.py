"""Booking a batch: inbox, journal, stock and mark in ONE transaction; the ack is made from what was written.

Nothing is kept in memory between batches, so that several workers may book side by side: a batch first locks its store,
and every decision is made from rows read under that lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cloud_erp.bulk import insert_new, on_postgresql
from cloud_erp.catalog import service as catalog
from cloud_erp.db import incarnation, now_utc
from cloud_erp.fleet import alarms, registry
from cloud_erp.intake import acks
from cloud_erp.intake.batch import Item, read_batch, unfit
from cloud_erp.intake.model import inbox, stream
from cloud_erp.intake.work import BOOKED, REJECTED, REPEATED, Work
from cloud_erp.journal import horizon
from retail.wire.ack import Ack
from retail.wire.log import GENESIS, chain_link

#: how many bound values one statement may carry on every database
CHUNK = 500
#: two ints name a lock of ours: this one and the store it is about
STORE_LOCKS = 0x4253


def book(connection: Connection, gateway_id: str, payload: bytes) -> Ack | None:
    """Book what is new in a batch; the ack to publish once the transaction has committed.

    None: the gateway is not registered; nothing is booked, nothing acknowledged, an alarm is raised.

    Raises:
        UnreadableBatch: nothing in the payload can be given a seq. Nothing was written.
    """
    gateway = registry.find(connection, gateway_id)
    if gateway is None:
        note_unregistered(connection, gateway_id)
        return None
    envelope, items = read_batch(payload)
    lock_store(connection, gateway.store_id)
    mark = open_stream(connection, gateway_id, envelope.epoch)
    if envelope.count != len(items):
        text = f"a batch says {envelope.count} records and holds {len(items)}; what it holds is booked"
        alarms.raise_alarm(connection, gateway_id, "batch_count", text)
    work = Work(gateway, envelope.epoch, now_utc())
    fresh = _sift(connection, work, items)
    _sort_out(connection, work, fresh)
    if work.journal:
        horizon.announce(connection)
    work.write(connection)
    life = incarnation(connection)
    seq, chain = _advance(connection, work, mark, life)
    return acks.ack(connection, (gateway_id, envelope.epoch), seq, chain, life, envelope.first_seq)


def note_unregistered(connection: Connection, gateway_id: str) -> None:
    text = f"sends, but is not registered: backroom-core gateway add {gateway_id} --store STORE --name NAME"
    alarms.raise_alarm(connection, gateway_id[:64], alarms.UNREGISTERED, text)


def note_unreadable(connection: Connection, gateway_id: str, reason: str) -> None:
    alarms.raise_alarm(connection, gateway_id[:64], alarms.UNREADABLE, f"{reason}; nothing was acknowledged")


def marks(connection: Connection) -> dict[str, tuple[str, int, datetime]]:
    """Per gateway: its newest epoch, that epoch's contiguous seq, and when a batch came last."""
    query = select(stream.c.gateway, stream.c.epoch, stream.c.contiguous_seq, stream.c.updated_at)
    rows = connection.execute(query.order_by(stream.c.epoch))
    return {row.gateway: (row.epoch, row.contiguous_seq, row.updated_at) for row in rows}


def lock_store(connection: Connection, store_id: str) -> None:
    """Hold a store's intake until the transaction ends: its gateways share keys and stock. SQLite has one writer."""
    if on_postgresql(connection):
        connection.exec_driver_sql(
            f"SELECT pg_advisory_xact_lock({STORE_LOCKS}, hashtext(%(store)s))", {"store": store_id}
        )


def open_stream(connection: Connection, gateway_id: str, epoch: str) -> Row[Any]:
    """The stream's row, made where it is missing; its store is locked."""
    query = select(stream).where(stream.c.gateway == gateway_id, stream.c.epoch == epoch)
    there = connection.execute(query).one_or_none()
    if there is not None:
        return there
    start = {"gateway": gateway_id, "epoch": epoch, "contiguous_seq": 0, "head_chain": GENESIS.hex()}
    insert_new(connection, stream, [{**start, "updated_at": now_utc()}])
    return connection.execute(query).one()


def booked_keys(connection: Connection, store_id: str, keys: Sequence[str]) -> dict[str, str]:
    """idempotency key -> body hash as it came, of those that were booked for this store, in whatever epoch."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), CHUNK):
        query = select(inbox.c.idempotency_key, inbox.c.body_sha256).where(
            inbox.c.store_id == store_id,
            inbox.c.idempotency_key.in_(keys[start : start + CHUNK]),
            inbox.c.fate == BOOKED,
        )
        found.update(connection.execute(query).all())
    return found


def _sift(connection: Connection, work: Work, items: Sequence[Item]) -> list[Item]:
    """The items whose seq was never received; repetitions fall away, contradictions go to quarantine."""
    query = select(inbox.c.seq, inbox.c.body_sha256, inbox.c.idempotency_key).where(
        inbox.c.gateway == work.gateway.id,
        inbox.c.epoch == work.epoch,
        inbox.c.seq.between(items[0].seq, items[-1].seq),
    )
    known = {row.seq: (row.body_sha256, row.idempotency_key) for row in connection.execute(query)}
    others = [item for item in items if item.seq in known and known[item.seq] != item.content]
    booked = booked_keys(connection, work.gateway.store_id, [item.key for item in others if item.key])
    for item in others:
        # The other box may have sent it under an epoch of its own meanwhile: then nothing contradicts any more.
        if booked.get(item.key) != item.body_sha256:
            reason = (
                f"seq {item.seq} of this epoch was received before with other content; is a card copied or restored?"
            )
            work.contradict(connection, item, reason)
    return [item for item in items if item.seq not in known]


def _sort_out(connection: Connection, work: Work, items: Sequence[Item]) -> None:
    """Decide for each new item: book it, take it as a repetition under another seq, or reject it."""
    wanted = {line.item_id for item in items if item.sale for line in item.sale.sales()}
    units = catalog.units(connection, sorted(wanted))
    booked = booked_keys(connection, work.gateway.store_id, [item.key for item in items if item.key])
    for item in items:
        if booked.get(item.key) == item.body_sha256:
            # Also where it is poison today: a person may have mended it under its former number.
            work.receive(item, REPEATED)
            continue
        poison = item.poison or unfit(item, work.gateway.store_id, work.gateway.currency, units)
        if poison is not None:
            work.receive(item, REJECTED, work.hold(connection, item, poison))
        elif item.key in booked:
            reason = f"idempotency key {item.key} was booked before with other content"
            work.receive(item, REJECTED, work.contradict(connection, item, reason))
        else:
            booked[item.key] = item.body_sha256
            work.receive(item, BOOKED)
            work.book(item)


def _advance(connection: Connection, work: Work, mark: Row[Any], life: str) -> tuple[int, str | None]:
    """Move the mark over all that is now contiguous, proving the chain on the way; the new mark and its chain."""
    seq: int = mark.contiguous_seq
    chain: str | None = mark.head_chain
    while True:
        query = (
            select(inbox.c.seq, inbox.c.stated_sha256, inbox.c.chain)
            .where(inbox.c.gateway == work.gateway.id, inbox.c.epoch == work.epoch, inbox.c.seq > seq)
            .order_by(inbox.c.seq)
            .limit(CHUNK)
        )
        rows = connection.execute(query).all()
        before = seq
        for row in rows:
            if row.seq != seq + 1:
                break
            seq, chain = row.seq, _linked(connection, work, row, chain)
        if seq - before < CHUNK:
            break
    where = (stream.c.gateway == work.gateway.id) & (stream.c.epoch == work.epoch)
    now_known = {"contiguous_seq": seq, "head_chain": chain, "updated_at": work.at, "told_incarnation": life}
    connection.execute(update(stream).where(where).values(**now_known))
    return seq, chain


def _linked(connection: Connection, work: Work, row: Any, before: str | None) -> str | None:
    """The chain value of a record by headquarters' own reckoning, over what it received first under each number.

    Two cards that write under the same numbers never agree with it again beyond the place where they part, whichever of
    them a later record came from. Where a record could not be read, the next one's own word is taken.
    """
    if before is None or row.chain is None or row.stated_sha256 is None:
        return str(row.chain) if row.chain is not None else None
    linked = chain_link(bytes.fromhex(before), work.epoch, row.seq, bytes.fromhex(row.stated_sha256)).hex()
    if linked != row.chain:
        text = (
            f"seq {row.seq}: its chain does not follow from seq {row.seq - 1}: records before it were changed, or come "
            "from two cards; the box begins a new epoch by itself, look for a second box of this name"
        )
        alarms.hold(connection, work.gateway.id, alarms.CHAIN, text, subject=work.epoch)
    return linked
