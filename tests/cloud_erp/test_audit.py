"""Audit records: kept as they came, shown to people, and an alarm where the box says that it is one."""

from __future__ import annotations

from typing import Any

from cloud_erp.audit import service as audit
from cloud_erp.db import Database
from cloud_erp.fleet import alarms
from cloud_erp.intake.model import inbox
from cloud_erp.journal.model import journal
from tests.cloud_erp.batches import BEGAN, NEXT_EPOCH, STORE, Outbox, sale
from tests.cloud_erp.test_intake import acknowledged, alarm_codes, held, rows


def record(**fields: Any) -> dict[str, Any]:
    said = {"code": "new_epoch", "severity": "error", "text": "the card was restored", "facts": {"carried_over": 2}}
    return {"type": "AuditRecord", "at": BEGAN.isoformat(), "store_id": STORE, **said, **fields}


def test_an_audit_record_is_kept_in_order_with_the_sales_and_raises_its_alarm(database: Database) -> None:
    box = Outbox()
    box.add(sale(1))
    box.add(record(), kind="AuditRecord")
    box.add(sale(2))
    ack = acknowledged(database, box.payload())
    assert (ack.contiguous_seq, ack.rejected) == (3, [])
    with database.read() as connection:
        (kept,) = audit.listed(connection)
        (alarm,) = alarms.open_alarms(connection)
        assert audit.listed(connection, "S0099-1") == []
    assert (kept.seq, kept.code, kept.facts, kept.at) == (2, "new_epoch", {"carried_over": 2}, BEGAN)
    assert (alarm.code, alarm.severity, alarm.text) == ("new_epoch", "error", "the card was restored")
    assert rows(database, inbox, inbox.c.seq, inbox.c.fate) == [(1, "booked"), (2, "booked"), (3, "booked")]
    assert rows(database, journal, journal.c.seq) == [(1,), (3,)]


def test_one_that_only_informs_raises_no_alarm_and_a_repetition_raises_none_again(database: Database) -> None:
    box, again = Outbox(), Outbox(NEXT_EPOCH)
    for one in (box, again):
        one.add(record(severity="info", code="started"), key="audit-1", kind="AuditRecord")
        one.add(record(severity="warning", code="clock_set"), key="audit-2", kind="AuditRecord")
        acknowledged(database, one.payload())
    with database.read() as connection:
        assert len(audit.listed(connection)) == 2
        assert [(alarm.code, alarm.times) for alarm in alarms.open_alarms(connection)] == [("clock_set", 1)]


def test_one_that_cannot_be_read_or_is_another_stores_is_quarantined(database: Database) -> None:
    box = Outbox()
    box.add(record(severity="dreadful"), kind="AuditRecord")
    box.add(record(store_id="S0099"), kind="AuditRecord")
    box.add(record(text="NUL \x00 and half a character of \U0001f600"), kind="AuditRecord")
    ack = acknowledged(database, box.payload())
    assert [(one.seq, one.code) for one in ack.rejected] == [(1, "unreadable"), (2, "wrong_store")]
    assert {one.code for one in held(database)} == {"unreadable", "wrong_store"}
    assert alarm_codes(database) == ["new_epoch"]
