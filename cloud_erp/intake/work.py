"""The rows that one batch adds: gathered first, then written with one statement for each table."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from ulid import ULID

from cloud_erp.audit.model import audit
from cloud_erp.bulk import insert_rows
from cloud_erp.fleet import alarms, registry
from cloud_erp.intake.batch import Item, Poison
from cloud_erp.intake.model import inbox
from cloud_erp.journal import service as journal_service
from cloud_erp.journal.model import journal, quarantine
from cloud_erp.stock import service as stock
from cloud_erp.text import printable
from retail.wire.canonical import canonical, sha256_hex
from retail.wire.log import Record

log = logging.getLogger(__name__)

BOOKED, REPEATED, REJECTED = "booked", "repeated", "rejected"
#: what the box said of a record, kept beside its body
SAID = ("boot_id", "boottime_ns", "business_date", "chain", "clock_state", "wall_utc")


@dataclass(slots=True)
class Work:
    """What a batch, or a re-posted record, adds to the tables."""

    gateway: registry.Gateway
    epoch: str
    at: datetime
    inbox: list[dict[str, Any]] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    moves: dict[tuple[str, str], int] = field(default_factory=dict)

    def book(self, item: Item) -> None:
        """Into the journal, or among the audit records; it was received already."""
        assert item.record is not None  # noqa: S101  no poison means that it was read
        if item.sale is not None:
            self.journal.append(
                {
                    **self._place(item),
                    "type": item.record.type,
                    "idempotency_key": item.key,
                    "body_sha256": item.body_sha256,
                    **journal_service.entry(item.sale),
                    "record": canonical(_said(item, item.record)).decode(),
                    "body": item.body,
                    "received_at": self.at,
                }
            )
            for item_id, amount in stock.taken_by(item.sale).items():
                place = (item.sale.store_id, item_id)
                self.moves[place] = self.moves.get(place, 0) - amount
        elif item.audit is not None:
            said = item.audit.model_dump(include={"code", "severity", "at"})
            row = {**self._place(item), **said, "text": printable(item.audit.text), "body": item.body}
            self.audit.append({**row, "received_at": self.at})

    def receive(self, item: Item, fate: str, quarantine_id: str | None = None) -> None:
        self.inbox.append(
            {
                **self._place(item),
                "store_id": self.gateway.store_id,
                "body_sha256": item.body_sha256,
                "idempotency_key": item.key,
                "stated_sha256": item.record.body_sha256 if item.record else None,
                "chain": item.record.chain if item.record else None,
                "fate": fate,
                "quarantine_id": quarantine_id,
                "received_at": self.at,
            }
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
        tables = ((inbox, self.inbox), (journal, self.journal), (audit, self.audit), (quarantine, self.quarantine))
        for table, rows in tables:
            insert_rows(connection, table, rows)
        stock.move(connection, self.moves, self.at)
        for row in self.audit:
            if row["severity"] != "info":
                alarms.raise_alarm(
                    connection, self.gateway.id, row["code"], row["text"], subject="audit", severity=row["severity"]
                )

    def _place(self, item: Item) -> dict[str, Any]:
        return {"gateway": self.gateway.id, "epoch": self.epoch, "seq": item.seq}


def _said(item: Item, record: Record) -> dict[str, Any]:
    """As it came; where it did not come whole, as it was filled in."""
    source = item.source
    if isinstance(source, dict) and all(name in source for name in SAID):
        return {name: source[name] for name in SAID}
    return record.model_dump(mode="json", include=set(SAID))
