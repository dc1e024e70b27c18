"""Booking a batch: inbox, journal, stock and mark in ONE transaction; the ack is made from what was written.

Nothing is kept in memory between batches, so that several workers may book side by side: a batch locks its gateway's
stream first, and every decision is made from rows read under that lock.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from ulid import ULID

from cloud_erp.catalog import service as catalog
from cloud_erp.db import incarnation, insert_new, now_utc
from cloud_erp.fleet import alarms, registry
from cloud_erp.intake.batch import Item, Poison, read_batch, unfit
from cloud_erp.intake.model import inbox, stream
from cloud_erp.journal import service as journal_service
from cloud_erp.journal.model import journal, quarantine
from cloud_erp.stock import service as stock
from retail.wire.ack import Ack, Rejected
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.log import GENESIS, chain_link

log = logging.getLogger(__name__)

CREDIT = 4
MOST_REJECTED = 100
#: how many bound values one statement may carry on every database
CHUNK = 500

BOOKED, REPEATED, REJECTED = "booked", "repeated", "rejected"


@dataclass(slots=True)
class Work:
    """The rows that one batch adds."""

    gateway: registry.Gateway
    epoch: str
    at: datetime
    inbox: list[dict[str, Any]] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    moves: dict[tuple[str, str], int] = field(default_factory=dict)


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
    mark = _lock_stream(connection, gateway_id, envelope.epoch)
    if envelope.count != len(items):
        text = f"a batch says {envelope.count} records and holds {len(items)}; what it holds is booked"
        alarms.raise_alarm(connection, gateway_id, "batch_count", text)
    work = Work(gateway, envelope.epoch, now_utc())
    fresh = _sift(connection, work, items)
    _sort_out(connection, work, fresh)
    _write(connection, work)
    contiguous = _advance(connection, work, mark)
    return _ack(connection, work, contiguous)


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


def _lock_stream(connection: Connection, gateway_id: str, epoch: str) -> Row[Any]:
    start = {"gateway": gateway_id, "epoch": epoch, "contiguous_seq": 0, "head_chain": GENESIS.hex()}
    insert_new(connection, stream, [{**start, "updated_at": now_utc()}])
    query = select(stream).where(stream.c.gateway == gateway_id, stream.c.epoch == epoch).with_for_update()
    return connection.execute(query).one()


def _sift(connection: Connection, work: Work, items: Sequence[Item]) -> list[Item]:
    """The items whose seq was never received; repetitions fall away, contradictions go to quarantine."""
    query = select(inbox.c.seq, inbox.c.body_sha256, inbox.c.idempotency_key).where(
        inbox.c.gateway == work.gateway.id,
        inbox.c.epoch == work.epoch,
        inbox.c.seq.between(items[0].seq, items[-1].seq),
    )
    known = {row.seq: (row.body_sha256, row.idempotency_key) for row in connection.execute(query)}
    fresh = []
    for item in items:
        if item.seq not in known:
            fresh.append(item)
        elif known[item.seq] != item.content:
            reason = (
                f"seq {item.seq} of this epoch was received before with other content; is a card copied or restored?"
            )
            _contradiction(connection, work, item, reason)
    return fresh


def _sort_out(connection: Connection, work: Work, items: Sequence[Item]) -> None:
    """Decide for each new item: book it, take it as a repetition under another seq, or reject it."""
    wanted = {line.item_id for item in items if item.sale for line in item.sale.sales()}
    units = catalog.units(connection, sorted(wanted))
    booked = _booked_keys(connection, work, [item.key for item in items if item.sale])
    for item in items:
        poison = item.poison
        if poison is None and item.sale is not None:
            poison = unfit(item.sale, work.gateway.store_id, work.gateway.currency, units)
        if poison is not None:
            _receive(work, item, REJECTED, _quarantine(connection, work, item, poison))
        elif item.key not in booked:
            booked[item.key] = item.body_sha256
            _book(work, item)
        elif booked[item.key] == item.body_sha256:
            _receive(work, item, REPEATED, None)
        else:
            reason = f"idempotency key {item.key} was booked before with other content"
            _receive(work, item, REJECTED, _contradiction(connection, work, item, reason))


def _booked_keys(connection: Connection, work: Work, keys: Sequence[str]) -> dict[str, str]:
    """idempotency key -> body hash, of those that this store's journal holds already."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), CHUNK):
        query = select(journal.c.idempotency_key, journal.c.body_sha256).where(
            journal.c.store_id == work.gateway.store_id, journal.c.idempotency_key.in_(keys[start : start + CHUNK])
        )
        found.update(connection.execute(query).all())
    return found


def _book(work: Work, item: Item) -> None:
    assert item.sale is not None and item.record is not None  # noqa: S101, PT018  no poison means both were read
    _receive(work, item, BOOKED, None)
    record = item.record.model_dump(mode="json", exclude={"body", "body_sha256", "seq", "type", "idempotency_key"})
    work.journal.append(
        {
            "gateway": work.gateway.id,
            "epoch": work.epoch,
            "seq": item.seq,
            "type": item.record.type,
            "idempotency_key": item.key,
            "body_sha256": item.body_sha256,
            **journal_service.entry(item.sale),
            "record": canonical(record).decode(),
            "body": item.body,
            "received_at": work.at,
        }
    )
    for item_id, amount in stock.taken_by(item.sale).items():
        place = (item.sale.store_id, item_id)
        work.moves[place] = work.moves.get(place, 0) - amount


def _receive(work: Work, item: Item, fate: str, quarantine_id: str | None) -> None:
    work.inbox.append(
        {
            "gateway": work.gateway.id,
            "epoch": work.epoch,
            "seq": item.seq,
            "body_sha256": item.body_sha256,
            "idempotency_key": item.key,
            "stated_sha256": item.record.body_sha256 if item.record else None,
            "chain": item.record.chain if item.record else None,
            "fate": fate,
            "quarantine_id": quarantine_id,
            "received_at": work.at,
        }
    )


def _contradiction(connection: Connection, work: Work, item: Item, reason: str) -> str:
    alarms.raise_alarm(
        connection,
        work.gateway.id,
        alarms.EQUIVOCATION,
        f"seq {item.seq}: {reason}",
        subject=f"{work.epoch}/{item.seq}",
    )
    return _quarantine(connection, work, item, Poison("equivocation", reason))


def _quarantine(connection: Connection, work: Work, item: Item, poison: Poison) -> str:
    """Keep the raw record once, however often it comes; return its quarantine id."""
    digest = sha256_hex(item.raw.encode())
    place = (quarantine.c.gateway == work.gateway.id) & (quarantine.c.epoch == work.epoch)
    query = select(quarantine.c.id).where(place, quarantine.c.seq == item.seq, quarantine.c.raw_sha256 == digest)
    there = connection.execute(query).scalar()
    if there is not None:
        return str(there)
    fresh = str(ULID())
    work.quarantine.append(
        {
            "id": fresh,
            "gateway": work.gateway.id,
            "epoch": work.epoch,
            "seq": item.seq,
            "code": poison.code,
            "reason": poison.reason,
            "raw": item.raw,
            "raw_sha256": digest,
            "received_at": work.at,
        }
    )
    log.warning(
        "quarantined: %s seq %d: %s: %s", work.gateway.id, item.seq, poison.code, poison.reason,
        extra={"gateway": work.gateway.id, "epoch": work.epoch, "seq": item.seq},
    )  # fmt: skip
    return fresh


def _write(connection: Connection, work: Work) -> None:
    for table, rows in ((inbox, work.inbox), (journal, work.journal), (quarantine, work.quarantine)):
        if rows:
            connection.execute(insert(table), rows)
    stock.move(connection, work.moves, work.at)


def _advance(connection: Connection, work: Work, mark: Row[Any]) -> int:
    """Move the mark over everything that is now contiguous, proving the chain on the way; returns the new mark."""
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
            _prove(connection, work, row, chain)
            seq, chain = row.seq, row.chain
        if seq - before < CHUNK:
            break
    where = (stream.c.gateway == work.gateway.id) & (stream.c.epoch == work.epoch)
    connection.execute(update(stream).where(where).values(contiguous_seq=seq, head_chain=chain, updated_at=work.at))
    return seq


def _prove(connection: Connection, work: Work, row: Any, before: str | None) -> None:
    """A record's chain must follow from the one before; where either could not be read, there is nothing to prove."""
    if before is None or row.chain is None or row.stated_sha256 is None:
        return
    expected = chain_link(bytes.fromhex(before), work.epoch, row.seq, bytes.fromhex(row.stated_sha256)).hex()
    if expected != row.chain:
        text = (
            f"seq {row.seq}: its chain does not follow from seq {row.seq - 1}; records before it may have been changed"
        )
        alarms.raise_alarm(connection, work.gateway.id, alarms.CHAIN, text, subject=f"{work.epoch}/{row.seq}")


def _ack(connection: Connection, work: Work, contiguous: int) -> Ack:
    place = (quarantine.c.gateway == work.gateway.id) & (quarantine.c.epoch == work.epoch)
    query = (
        select(quarantine.c.seq, quarantine.c.code, quarantine.c.id)
        .where(place)
        .order_by(quarantine.c.received_at.desc(), quarantine.c.id.desc())
        .limit(MOST_REJECTED)
    )
    return Ack(
        epoch=work.epoch,
        contiguous_seq=contiguous,
        rejected=[Rejected(seq=row.seq, code=row.code, quarantine_id=row.id) for row in connection.execute(query)],
        credit=CREDIT,
        core_incarnation=incarnation(connection),
    )
