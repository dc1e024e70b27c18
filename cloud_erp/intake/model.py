"""What intake remembers of each store's log: a stream per (gateway, epoch), and one inbox row per record.

The inbox is what makes "exactly once" true in the database itself: a seq has one row, and among the rows that are
booked a store's idempotency key stands once.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, String, Table, text

from cloud_erp.db import UtcDateTime, metadata

stream = Table(
    "stream",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("epoch", String(26), primary_key=True),
    Column("contiguous_seq", BigInteger, nullable=False, comment="every record up to here was received"),
    Column("head_chain", String(64), comment="the chain of that record; NULL where it could not be read"),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("told_incarnation", String(26), comment="the core's incarnation in the last ack made for this stream"),
    Column("proven_seq", BigInteger, comment="the store held an ack up to here that this database does not know"),
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)

log_position = Table(
    "log_position",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("epoch", String(26), primary_key=True),
    Column("next_seq", BigInteger, nullable=False, comment="the highest that the store ever told"),
    Column("awaited_seq", BigInteger, comment="the store wrote up to here, and not all of it was received"),
    Column("awaited_since", UtcDateTime),
    Column("heard_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)

inbox = Table(
    "inbox",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("epoch", String(26), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("body_sha256", String(64), nullable=False, comment="of the body as it came, reckoned here"),
    Column("idempotency_key", String(128), nullable=False),
    Column("stated_sha256", String(64), comment="as the record says; what its chain was made with"),
    Column("chain", String(64)),
    Column("fate", String(16), nullable=False, comment="booked, repeated or rejected"),
    Column("quarantine_id", String(26)),
    Column("received_at", UtcDateTime, nullable=False),
    Column("store_id", String(64), nullable=False),
)
_BOOKED, _REJECTED = text("fate = 'booked'"), text("fate = 'rejected'")
Index(
    "uq_inbox_store_id_idempotency_key",
    inbox.c.store_id,
    inbox.c.idempotency_key,
    unique=True,
    sqlite_where=_BOOKED,
    postgresql_where=_BOOKED,
)
Index(
    "ix_inbox_rejected",
    inbox.c.gateway,
    inbox.c.epoch,
    inbox.c.seq,
    sqlite_where=_REJECTED,
    postgresql_where=_REJECTED,
)
