"""What a store says of its log, held against what headquarters has: gaps, copied cards, and a core that was restored.

A store's birth and metrics tell where its log ends and what it has not seen acknowledged. An alarm stands as long as
what it is about, and clears itself when that is over. A store that holds an acknowledgement which this database does
not know proves that the database is older than that: then the incarnation is renewed, once for all stores, and each is
told the mark that stands, whereupon it sends again what is missing (promise P6).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cloud_erp.bulk import upsert
from cloud_erp.db import incarnation, renew_incarnation, renewed_at
from cloud_erp.fleet import alarms, registry
from cloud_erp.intake import acks
from cloud_erp.intake.known import open_stream
from cloud_erp.intake.model import inbox, log_position, stream
from cloud_erp.intake.service import lock_store
from retail.wire.ack import Ack
from retail.wire.presence import LogPosition

log = logging.getLogger(__name__)

#: a store that knows of the new incarnation resends within that; a proof after it is another restore
RENEW_AGAIN = timedelta(seconds=120)
HOLE, WENT_BACK, DIFFERS = "hole", "seq_went_back", "chain_differs"
UNACKED_AGE, CORE_BEHIND = "unacked_age", "core_behind"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, of [alarms] in core.toml."""

    hole_s: int = 300
    unacked_age_s: int = 600
    silent_s: int = 300
    again_s: int = 3600


def heard(
    connection: Connection, gateway: registry.Gateway, said: LogPosition, at: datetime, fresh: bool, limits: Limits
) -> Ack | None:
    """Take in a position; the ack to publish once this committed, where the store must be told the mark that stands.

    fresh: False for a birth that the broker had kept, which may be long out of date.
    """
    lock_store(connection, gateway.store_id)
    mark = open_stream(connection, gateway.id, said.epoch)
    told = _behind(connection, mark, said, at, fresh)
    if fresh:
        _compare(connection, mark, said, limits)
        _await(connection, mark, said, at)
    return told


def overdue(connection: Connection, now: datetime, limits: Limits) -> None:
    """Raise and clear the alarms for records that a store wrote and that do not come."""
    query = select(log_position, stream.c.contiguous_seq).join(
        stream, (stream.c.gateway == log_position.c.gateway) & (stream.c.epoch == log_position.c.epoch)
    )
    for row in connection.execute(query.where(log_position.c.awaited_seq.is_not(None))).all():
        if row.contiguous_seq >= row.awaited_seq:
            _set_awaited(connection, row, None, None)
            alarms.mended(connection, row.gateway, HOLE, row.epoch)
        elif now - row.awaited_since > timedelta(seconds=limits.hole_s):
            text = (
                f"seq {row.contiguous_seq + 1} and later, up to {row.awaited_seq}, were written and do not come; "
                "on the box, see `backroom doctor` and `backroom queue verify`"
            )
            alarms.hold(connection, row.gateway, HOLE, text, subject=row.epoch, again_s=limits.again_s)


def _behind(connection: Connection, mark: Row[Any], said: LogPosition, at: datetime, fresh: bool) -> Ack | None:
    """Whether the store has seen acknowledged what this database does not know; then what to tell it."""
    seen = (said.oldest_unacked_seq or said.next_seq) - 1
    where = (stream.c.gateway == mark.gateway) & (stream.c.epoch == mark.epoch)
    if seen <= mark.contiguous_seq:
        if mark.proven_seq is not None and mark.contiguous_seq >= mark.proven_seq:
            connection.execute(update(stream).where(where).values(proven_seq=None))
            alarms.mended(connection, mark.gateway, CORE_BEHIND, mark.epoch)
        return None
    life = incarnation(connection)
    if mark.told_incarnation in (None, life):
        if mark.proven_seq is not None and seen <= mark.proven_seq and not fresh:
            return None  # a birth of before: the store was told since
        last = renewed_at(connection)
        if last is None or at - last > RENEW_AGAIN:
            life = renew_incarnation(connection)
            log.error(
                "this database was restored from a backup: %s has seen seq %d acknowledged, here it ends at %d; "
                "incarnation %s begins, and the stores send again what is missing",
                mark.gateway, seen, mark.contiguous_seq, life, extra={"gateway": mark.gateway},
            )  # fmt: skip
    connection.execute(
        update(stream).where(where).values(told_incarnation=life, proven_seq=max(seen, mark.proven_seq or 0))
    )
    text = (
        f"the database was restored from a backup that ends at seq {mark.contiguous_seq} of this store; it has seen "
        f"{seen} acknowledged and sends the rest again. If this stays, run `backroom-core restored`"
    )
    alarms.hold(connection, mark.gateway, CORE_BEHIND, text, subject=mark.epoch)
    return acks.ack(connection, (mark.gateway, mark.epoch), mark.contiguous_seq, mark.head_chain, life)


def _compare(connection: Connection, mark: Row[Any], said: LogPosition, limits: Limits) -> None:
    """The end of the store's log against what it told before, and against what was received."""

    def alarm(code: str, bad: bool, text: str) -> None:
        if bad:
            alarms.hold(connection, mark.gateway, code, text, subject=mark.epoch, again_s=limits.again_s)
        else:
            alarms.mended(connection, mark.gateway, code, mark.epoch)

    there = connection.execute(_position(mark.gateway, mark.epoch)).one_or_none()
    # Against what it said itself, not against the mark: a batch may have overtaken this word of it.
    most = there.next_seq if there else 1
    copied = "the card was restored or copied; the box begins a new epoch by itself, look for a second box of this name"
    alarm(WENT_BACK, said.next_seq < most, f"its log ends before seq {most - 1}, which it wrote before: {copied}")
    here = (inbox.c.gateway == mark.gateway) & (inbox.c.epoch == mark.epoch) & (inbox.c.seq == said.next_seq - 1)
    chain = connection.execute(select(inbox.c.chain).where(here)).scalar()
    differs = chain is not None and chain != said.head_chain
    alarm(DIFFERS, differs, f"seq {said.next_seq - 1} is another record there than the one received: {copied}")
    age = said.oldest_unacked_age_s
    text = f"records wait there for over {limits.unacked_age_s} s; is the line slow, or intake paused? See its log"
    alarm(UNACKED_AGE, age is not None and age > limits.unacked_age_s, text)


def _await(connection: Connection, mark: Row[Any], said: LogPosition, at: datetime) -> None:
    """From when on which record is awaited; a newer epoch took over all that the former ones still had."""
    there = connection.execute(_position(mark.gateway, mark.epoch)).one_or_none()
    written = said.next_seq - 1
    row = {"gateway": mark.gateway, "epoch": mark.epoch, "heard_at": at, "awaited_seq": None, "awaited_since": None}
    row["next_seq"] = max(said.next_seq, there.next_seq if there else 1)
    if there is not None and there.awaited_seq is not None and there.awaited_seq > mark.contiguous_seq:
        row |= {"awaited_seq": there.awaited_seq, "awaited_since": there.awaited_since}
    elif written > mark.contiguous_seq:
        row |= {"awaited_seq": written, "awaited_since": at}
    if row["awaited_seq"] is None:
        alarms.mended(connection, mark.gateway, HOLE, mark.epoch)
    upsert(connection, log_position, [row], key=("gateway", "epoch"))
    if there is None:
        _former_epochs_end(connection, mark)


def _former_epochs_end(connection: Connection, mark: Row[Any]) -> None:
    former = select(log_position).where(log_position.c.gateway == mark.gateway, log_position.c.epoch < mark.epoch)
    for row in connection.execute(former).all():
        _set_awaited(connection, row, None, None)
        for code in (HOLE, WENT_BACK, DIFFERS, UNACKED_AGE):
            alarms.mended(connection, row.gateway, code, row.epoch)


def _position(gateway_id: str, epoch: str) -> Any:
    return select(log_position).where(log_position.c.gateway == gateway_id, log_position.c.epoch == epoch)


def _set_awaited(connection: Connection, row: Row[Any], seq: int | None, since: datetime | None) -> None:
    where = (log_position.c.gateway == row.gateway) & (log_position.c.epoch == row.epoch)
    connection.execute(update(log_position).where(where).values(awaited_seq=seq, awaited_since=since))
