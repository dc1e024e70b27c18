"""Corrected time: a sale of a box that did not know the time, reckoned from what the box said once it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cloud_erp.db import Database
from cloud_erp.journal import clock
from tests.cloud_erp.batches import BEGAN, BOOT, GATEWAY, STORE, Outbox, sale
from tests.cloud_erp.test_intake import acknowledged

SYNCED_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def anchor(boot_id: str, boottime_s: int, state: str = "synced", wall: datetime = SYNCED_AT) -> dict[str, Any]:
    facts = {
        "boot_id": boot_id,
        "boottime_ns": boottime_s * 10**9,
        "wall_utc": wall.isoformat(),
        "clock_state": state,
    }
    said = {"code": "clock_anchor", "severity": "info", "text": "the wall clock was synchronised", "facts": facts}
    return {"type": "AuditRecord", "at": BEGAN.isoformat(), "store_id": STORE, **said}


def record(boottime_s: int, state: str = "unset", boot_id: str = BOOT) -> dict[str, Any]:
    return {"boot_id": boot_id, "boottime_ns": boottime_s * 10**9, "clock_state": state}


def test_the_nearest_right_anchor_of_the_same_boot_tells_the_time(database: Database) -> None:
    box = Outbox()
    box.add(sale(1))
    box.add(anchor("another-boot", 5), kind="AuditRecord")
    box.add(anchor(BOOT, 100, state="holdover", wall=BEGAN), kind="AuditRecord")
    box.add(anchor(BOOT, 1000), kind="AuditRecord")
    acknowledged(database, box.payload())
    with database.read() as connection:
        assert clock.corrected(connection, GATEWAY, record(400)) == SYNCED_AT - timedelta(seconds=600)
        assert clock.corrected(connection, GATEWAY, record(1300)) == SYNCED_AT + timedelta(seconds=300)


def test_nothing_is_reckoned_for_a_clock_that_was_right_or_a_boot_that_never_knew(database: Database) -> None:
    box = Outbox()
    box.add(anchor(BOOT, 1000), kind="AuditRecord")
    acknowledged(database, box.payload())
    with database.read() as connection:
        assert clock.corrected(connection, GATEWAY, record(400, state="synced")) is None
        assert clock.corrected(connection, GATEWAY, record(400, boot_id="never-knew")) is None
