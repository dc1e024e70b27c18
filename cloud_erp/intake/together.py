"""Batches that wait at the same time are booked in one transaction: one commit, one look at most things, for all.

They are read before the transaction begins, so that no store is locked meanwhile. What one batch does to the tables
never depends on which others it was booked with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloud_erp.db import Database
from cloud_erp.errors import UnreadableBatch
from cloud_erp.fleet import registry
from cloud_erp.intake import service
from cloud_erp.intake.batch import read_batch
from cloud_erp.intake.envelope import Parcel
from retail.wire.ack import Ack

#: batches in one transaction: where thousands wait, a store's lock is still held for a fraction of a second only
MOST_TOGETHER = 16


@dataclass(slots=True)
class _Mail:
    """What came from one gateway."""

    parcels: list[Parcel] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.parcels) + len(self.unreadable)


def book_together(database: Database, payloads: Sequence[tuple[str, bytes]]) -> list[tuple[str, Ack]]:
    """Book (gateway id, batch) pairs; after the commit, the acks to publish for each gateway, in order."""
    mail = _opened(payloads)
    acks: list[tuple[str, Ack]] = []
    with database.write() as connection:
        known: list[tuple[registry.Gateway, _Mail]] = []
        registered = registry.found(connection, list(mail))
        for gateway_id, received in mail.items():
            gateway = registered.get(gateway_id)
            if gateway is not None:
                known.append((gateway, received))
                continue
            for _ in range(received.count):
                service.note_unregistered(connection, gateway_id)
        service.lock_stores(connection, [gateway.store_id for gateway, received in known if received.parcels])
        for gateway, received in known:
            for reason in received.unreadable:
                service.note_unreadable(connection, gateway.id, reason)
            for run in runs(received.parcels):
                acks += [(gateway.id, ack) for ack in service.book_run(connection, gateway, run)]
    return acks


def runs(parcels: Sequence[Parcel]) -> list[list[Parcel]]:
    """Neighbours that can be booked as one: of one epoch, in order, none overlapping the one before."""
    found: list[list[Parcel]] = []
    for parcel in parcels:
        last = found[-1][-1] if found else None
        if last is not None and last.epoch == parcel.epoch and last.last_seq < parcel.first_seq:
            found[-1].append(parcel)
        else:
            found.append([parcel])
    return found


def _opened(payloads: Sequence[tuple[str, bytes]]) -> dict[str, _Mail]:
    mail: dict[str, _Mail] = {}
    for gateway_id, payload in payloads:
        received = mail.setdefault(gateway_id, _Mail())
        try:
            received.parcels.append(read_batch(payload))
        except UnreadableBatch as error:
            received.unreadable.append(str(error))
    return mail
