"""The journal: every transaction as received, never changed; and quarantine, which holds what could not be booked.

That nothing stands twice in the journal is guarded by the inbox (cloud_erp/intake/model.py): on PostgreSQL the journal
is partitioned by month, and a unique constraint of it could not reach over the months.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from cloud_erp.db import BigId, UtcDateTime, metadata

journal = Table(
    "journal",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("gateway", String(64), nullable=False),
    Column("epoch", String(26), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("idempotency_key", String(128), nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("store_id", String(64), nullable=False),
    Column("workstation_id", String(64), nullable=False),
    Column("sequence_number", BigInteger, nullable=False),
    Column("operator_id", String(64), nullable=False),
    Column("business_date", Date, nullable=False),
    Column("begin_at", UtcDateTime, nullable=False),
    Column("end_at", UtcDateTime, nullable=False),
    Column("end_slot", UtcDateTime, nullable=False, comment="end_at cut to the quarter of an hour, for charts"),
    Column("currency", String(3), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column(
        "item_count",
        Integer,
        nullable=False,
        comment="pieces and weighed lines sold, less returned",
    ),
    Column("training", Boolean, nullable=False),
    Column("session_id", String(64), comment="the till session, where the till keeps any"),
    Column("returned_minor", BigInteger, comment="paid back for goods that came back; NULL: nothing"),
    Column("discount_minor", BigInteger, comment="what deals and people took off; NULL: nothing"),
    Column("rounding_minor", BigInteger, comment="cash rounding: above 0 paid on top; NULL: none"),
    Column("record", Text, nullable=False, comment="JSON: boot id, boot time, wall clock, its state, chain"),
    Column("body", Text, nullable=False, comment="canonical JSON, as hashed"),
    Column("received_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)
Index(None, journal.c.business_date, journal.c.store_id)
Index(None, journal.c.gateway, journal.c.epoch, journal.c.seq)
_IN_SESSION = journal.c.session_id.is_not(None)
Index(
    "ix_journal_session_id",
    journal.c.session_id,
    journal.c.gateway,
    sqlite_where=_IN_SESSION,
    postgresql_where=_IN_SESSION,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("gateway", String(64), nullable=False),
    Column("epoch", String(26), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("code", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Text, nullable=False, comment="the record as it came, JSON"),
    Column("raw_sha256", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False, server_default="open", comment="open, booked, repeated or discarded"),
    Column("mended", Text, comment="the body as a person mended it, JSON"),
    UniqueConstraint("gateway", "epoch", "seq", "raw_sha256"),
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)
Index(None, quarantine.c.received_at)

quarantine_change = Table(
    "quarantine_change",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("quarantine_id", String(26), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("action", String(16), nullable=False, comment="mended, reposted or discarded"),
    Column("detail", Text, nullable=False, comment="what changed from what to what, or why"),
    ForeignKeyConstraint(["quarantine_id"], ["quarantine.id"]),
    sqlite_autoincrement=True,
)
Index(None, quarantine_change.c.quarantine_id)
