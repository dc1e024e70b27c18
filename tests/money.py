"""Parts that tests of the queue, the link and the till share: a clock, a money file, a draft."""

from __future__ import annotations

from pathlib import Path

from gateway.clock import Clock
from gateway.queue import inbox, outbox
from gateway.queue.database import Database
from gateway.queue.outbox import Outbox
from gateway.queue.records import Draft
from gateway.till import ledger
from retail.wire.canonical import canonical


def money_file(folder: Path) -> Database:
    return Database(folder / "money.sqlite", [outbox.SCHEMA, ledger.SCHEMA])


def feeds_file(folder: Path) -> Database:
    return Database(folder / "feeds.sqlite", [inbox.SCHEMA])


def an_outbox(database: Database, gateway_id: str = "S0421-1") -> Outbox:
    return Outbox(database, Clock("Europe/Berlin"), gateway_id, "S0421")


def draft(number: int, key: str | None = None) -> Draft:
    return Draft(
        type="RetailTransaction",
        idempotency_key=key or f"key-{number}",
        business_date="2026-11-22",
        body=canonical({"number": number}),
    )
