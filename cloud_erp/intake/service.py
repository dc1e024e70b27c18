"""Booking a batch: inbox, journal, stock and mark in ONE transaction; the ack is made from what was written.

Nothing is kept in memory between batches, so that several workers may book side by side: a batch first locks its store,
and every decision is made from rows read under that lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, select, update

from cloud_erp.bulk import on_postgresql
from cloud_erp.db import now_utc
from cloud_erp.fleet import alarms, registry
from cloud_erp.intake import acks
from cloud_erp.intake.batch import read_batch, unfit
from cloud_erp.intake.envelope import Parcel
from cloud_erp.intake.item import Item
from cloud_erp.intake.known import CHUNK, Known, look_up
from cloud_erp.intake.model import inbox, stream
from cloud_erp.intake.work import BOOKED, REJECTED, REPEATED, Work
from cloud_erp.journal import horizon
from retail.wire.ack import Ack
from retail.wire.log import chain_link

#: two ints name a lock of ours: this one and the store it is about
STORE_LOCKS = 0x4253
# The inner query is sorted before the outer one takes anything: OFFSET 0 keeps the planner from merging the two.
_LOCK = f"""
SELECT pg_advisory_xact_lock({STORE_LOCKS}, number) FROM (
  SELECT DISTINCT hashtext(store) AS number FROM unnest(%(stores)s::text[]) AS store ORDER BY 1 OFFSET 0
) AS numbers
UNION ALL {horizon.ANNOUNCE}
"""  # noqa: S608
# Made once, not for each batch: it shows in how soon a lone sale is booked.
_HERE = (inbox.c.gateway == bindparam("of_gateway")) & (inbox.c.epoch == bindparam("of_epoch"))
_THERE = (stream.c.gateway == bindparam("of_gateway")) & (stream.c.epoch == bindparam("of_epoch"))
_MOVED = ("contiguous_seq", "head_chain", "updated_at", "told_incarnation")
_MOVE = update(stream).where(_THERE).values({name: bindparam(name) for name in _MOVED})
_ABOVE = (
    select(inbox.c.seq, inbox.c.stated_sha256, inbox.c.chain)
    .where(_HERE, inbox.c.seq > bindparam("above"))
    .order_by(inbox.c.seq)
    .limit(bindparam("most", type_=Integer))
)


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
    parcel = read_batch(payload)
    lock_stores(connection, [gateway.store_id])
    return book_run(connection, gateway, [parcel])[-1]


def book_run(connection: Connection, gateway: registry.Gateway, run: Sequence[Parcel]) -> list[Ack]:
    """Book batches of one epoch that stand in order and do not overlap, as if they were one; their store is locked.

    The acks are to be published in this order.
    """
    epoch, items = run[0].epoch, [item for parcel in run for item in parcel.items]
    known = look_up(connection, gateway, epoch, items)
    for parcel in run:
        if parcel.count != len(parcel.items):
            text = f"a batch says {parcel.count} records and holds {len(parcel.items)}; what it holds is booked"
            alarms.raise_alarm(connection, gateway.id, "batch_count", text)
    work = Work(gateway, epoch, now_utc())
    _sort_out(connection, work, _sift(connection, work, items, known), known)
    work.write(connection)
    seq, chain = _advance(connection, work, known, items[-1].seq)
    told = known.rejected or work.rejects
    return acks.answers(connection, (gateway.id, epoch), seq, chain, known.life, run, told)


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
    lock_stores(connection, [store_id])


def lock_stores(connection: Connection, store_ids: Iterable[str]) -> None:
    """Hold several stores; in order of the locks' numbers, so that two workers never wait for each other in a ring.

    Then, in the same journey, what whoever writes into the journal has to announce (journal/horizon.py).
    """
    if on_postgresql(connection):
        connection.exec_driver_sql(_LOCK, {"stores": list(store_ids)})


def _sift(connection: Connection, work: Work, items: Sequence[Item], known: Known) -> list[Item]:
    """The items whose seq was never received; repetitions fall away, contradictions go to quarantine."""
    for item in items:
        if item.seq not in known.received or known.received[item.seq] == item.content:
            continue
        # The other box may have sent it under an epoch of its own meanwhile: then nothing contradicts any more.
        if known.booked.get(item.key) != item.body_sha256:
            reason = (
                f"seq {item.seq} of this epoch was received before with other content; is a card copied or restored?"
            )
            work.contradict(connection, item, reason)
    return [item for item in items if item.seq not in known.received]


def _sort_out(connection: Connection, work: Work, items: Sequence[Item], known: Known) -> None:
    """Decide for each new item: book it, take it as a repetition under another seq, or reject it."""
    booked = dict(known.booked)
    for item in items:
        if booked.get(item.key) == item.body_sha256:
            # Also where it is poison today: a person may have mended it under its former number.
            work.receive(item, REPEATED)
            continue
        poison = item.poison or unfit(item, work.gateway.store_id, work.gateway.currency, known.units)
        if poison is not None:
            work.receive(item, REJECTED, work.hold(connection, item, poison))
        elif item.key in booked:
            reason = f"idempotency key {item.key} was booked before with other content"
            work.receive(item, REJECTED, work.contradict(connection, item, reason))
        else:
            booked[item.key] = item.body_sha256
            work.receive(item, BOOKED)
            work.book(item)


def _advance(connection: Connection, work: Work, known: Known, last: int) -> tuple[int, str | None]:
    """Move the mark over all that is now contiguous, proving the chain on the way; the new mark and its chain.

    last: the last seq of what came.
    """
    seq = known.contiguous_seq
    chain = bytes.fromhex(known.head_chain) if known.head_chain is not None else None
    while True:
        while (link := work.links.get(seq + 1)) is not None:
            seq += 1
            chain = _linked(connection, work, seq, link, chain)
        above = _above(connection, work, seq) if known.above or seq < last else ()
        for row in above:
            if row.seq != seq + 1:
                break
            seq, chain = row.seq, _linked(connection, work, row.seq, (row.stated_sha256, row.chain), chain)
        if not above or seq != above[-1].seq:
            break
    head_chain = chain.hex() if chain is not None else None
    now_known = {"contiguous_seq": seq, "head_chain": head_chain, "updated_at": work.at, "told_incarnation": known.life}
    connection.execute(_MOVE, {"of_gateway": work.gateway.id, "of_epoch": work.epoch, **now_known})
    return seq, head_chain


def _above(connection: Connection, work: Work, seq: int) -> Sequence[Any]:
    """The next records above seq that were received, perhaps long ago."""
    place = {"of_gateway": work.gateway.id, "of_epoch": work.epoch, "above": seq, "most": CHUNK}
    return connection.execute(_ABOVE, place).all()


def _linked(
    connection: Connection, work: Work, seq: int, link: tuple[str | None, str | None], before: bytes | None
) -> bytes | None:
    """The chain value of a record by headquarters' own reckoning, over what it received first under each number.

    Two cards that write under the same numbers never agree with it again beyond the place where they part, whichever of
    them a later record came from. Where a record could not be read, the next one's own word is taken.
    """
    stated, said = link
    if before is None or said is None or stated is None:
        return bytes.fromhex(said) if said is not None else None
    linked = chain_link(before, work.epoch, seq, bytes.fromhex(stated))
    if linked.hex() != said:
        text = (
            f"seq {seq}: its chain does not follow from seq {seq - 1}: records before it were changed, or come "
            "from two cards; the box begins a new epoch by itself, look for a second box of this name"
        )
        alarms.hold(connection, work.gateway.id, alarms.CHAIN, text, subject=work.epoch)
    return linked
