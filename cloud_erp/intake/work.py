"""The rows that one batch adds: gathered first, then written with one statement for each table."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from ulid import ULID

from cloud_erp.audit.model import audit
from cloud_erp.bulk import append_rows, insert_rows
from cloud_erp.fleet import alarms, registry
from cloud_erp.intake.effects import NOTHING
from cloud_erp.intake.item import RETAIL_TRANSACTION, Booking, Item, Poison
from cloud_erp.intake.model import inbox
from cloud_erp.journal import service as journal_service
from cloud_erp.journal.model import journal, quarantine
from cloud_erp.members.model import points_movement
from cloud_erp.promotions.model import coupon_use
from cloud_erp.stock import service as stock
from cloud_erp.text import printable
from cloud_erp.tills import service as tills
from cloud_erp.vouchers.model import voucher_movement
from retail.wire.canonical import sha256_hex

log = logging.getLogger(__name__)

BOOKED, REPEATED, REJECTED = "booked", "repeated", "rejected"
INBOX = (
    "gateway", "epoch", "seq", "store_id", "body_sha256", "idempotency_key", "stated_sha256", "chain", "fate",
    "quarantine_id", "received_at",
)  # fmt: skip
JOURNAL = (
    "gateway", "epoch", "seq", "type", "idempotency_key", "body_sha256", *journal_service.ENTRY, "record", "body",
    "received_at",
)  # fmt: skip
#: of every movement, behind what moves
SOURCE = ("gateway", "epoch", "seq", "store_id", "received_at", "settled", "place")
POINTS = (*SOURCE, "member_id", "points")
COUPONS = (*SOURCE, "coupon_id")
VOUCHERS = (*SOURCE, "voucher_id", "amount_minor", "valid_until", "currency")


@dataclass(slots=True)
class Work:
    """What a run of batches, or a re-posted record, adds to the tables."""

    gateway: registry.Gateway
    epoch: str
    at: datetime
    inbox: list[tuple[Any, ...]] = field(default_factory=list)
    journal: list[tuple[Any, ...]] = field(default_factory=list)
    points: list[tuple[Any, ...]] = field(default_factory=list)
    coupons: list[tuple[Any, ...]] = field(default_factory=list)
    vouchers: list[tuple[Any, ...]] = field(default_factory=list)
    controls: list[dict[str, Any]] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    moves: dict[tuple[str, str], int] = field(default_factory=dict)
    #: seq -> (stated hash, chain) of what was received
    links: dict[int, tuple[str | None, str | None]] = field(default_factory=dict)
    #: whether any of it went to quarantine under its own seq
    rejects: bool = False

    def book(self, item: Item) -> None:
        """Into the journal, among the control transactions or the audit records; it was received already."""
        if item.booking is not None:
            self.journal.append(
                (
                    self.gateway.id,
                    self.epoch,
                    item.seq,
                    RETAIL_TRANSACTION,
                    item.key,
                    item.body_sha256,
                    *item.booking.entry,
                    item.said,
                    item.body,
                    self.at,
                )
            )
            store_id, moves = item.booking.store_id, self.moves
            for item_id, amount in item.booking.taken.items():
                place = (store_id, item_id)
                moves[place] = moves.get(place, 0) - amount
            if item.booking.effects is not NOTHING:
                self._move(item.seq, item.booking)
        elif item.control is not None:
            said = {"idempotency_key": item.key, "record": item.said, "body": item.body, "received_at": self.at}
            self.controls.append({**self._place(item), **tills.entry(item.control), **said})
        elif item.audit is not None:
            said = item.audit.model_dump(include={"code", "severity", "at"})
            row = {**self._place(item), **said, "text": printable(item.audit.text), "body": item.body}
            self.audit.append({**row, "received_at": self.at})

    def _move(self, seq: int, booking: Booking) -> None:
        """The movements of points, coupons and vouchers, to be settled later."""
        source = (self.gateway.id, self.epoch, seq, booking.store_id, self.at, False)
        effects = booking.effects
        self.points += [(*source, place, member_id, points) for place, member_id, points in effects.points]
        self.coupons += [(*source, place, coupon_id) for place, coupon_id in effects.coupons]
        self.vouchers += [(*source, *moved, booking.currency) for moved in effects.vouchers]

    def receive(self, item: Item, fate: str, quarantine_id: str | None = None) -> None:
        self.links[item.seq] = (item.stated_sha256, item.chain)
        self.rejects = self.rejects or fate == REJECTED
        self.inbox.append(
            (
                self.gateway.id,
                self.epoch,
                item.seq,
                self.gateway.store_id,
                item.body_sha256,
                item.key,
                item.stated_sha256,
                item.chain,
                fate,
                quarantine_id,
                self.at,
            )
        )

    def contradict(self, connection: Connection, item: Item, reason: str) -> str:
        """Other content under a number or key that is taken: kept in quarantine, with an alarm."""
        subject = f"{self.epoch}/{item.seq}"
        text = f"seq {item.seq}: {reason}"
        alarms.raise_alarm(connection, self.gateway.id, alarms.EQUIVOCATION, text, subject=subject)
        return self.hold(connection, item, Poison("equivocation", reason))

    def hold(self, connection: Connection, item: Item, poison: Poison) -> str:
        """Keep the raw record once, however often it comes; return its quarantine id."""
        raw = item.raw()
        digest = sha256_hex(raw.encode())
        place = (quarantine.c.gateway == self.gateway.id) & (quarantine.c.epoch == self.epoch)
        query = select(quarantine.c.id).where(place, quarantine.c.seq == item.seq, quarantine.c.raw_sha256 == digest)
        there = connection.execute(query).scalar()
        if there is not None:
            return str(there)
        fresh = str(ULID())
        said = {"code": poison.code, "reason": poison.reason, "raw": raw, "raw_sha256": digest}
        self.quarantine.append({"id": fresh, **self._place(item), **said, "received_at": self.at})
        log.warning(
            "quarantined: %s seq %d: %s: %s", self.gateway.id, item.seq, poison.code, poison.reason,
            extra={"gateway": self.gateway.id, "epoch": self.epoch, "seq": item.seq},
        )  # fmt: skip
        return fresh

    def write(self, connection: Connection) -> None:
        """All of it, inbox first: its keys decide."""
        append_rows(connection, inbox, INBOX, self.inbox)
        append_rows(connection, journal, JOURNAL, self.journal)
        append_rows(connection, points_movement, POINTS, self.points)
        append_rows(connection, coupon_use, COUPONS, self.coupons)
        append_rows(connection, voucher_movement, VOUCHERS, self.vouchers)
        tills.book(connection, self.controls)
        insert_rows(connection, audit, self.audit)
        insert_rows(connection, quarantine, self.quarantine)
        stock.move(connection, self.moves, self.at)
        for row in self.audit:
            if row["severity"] != "info":
                alarms.raise_alarm(
                    connection, self.gateway.id, row["code"], row["text"], subject="audit", severity=row["severity"]
                )

    def _place(self, item: Item) -> dict[str, Any]:
        return {"gateway": self.gateway.id, "epoch": self.epoch, "seq": item.seq}
