"""What intake remembers of each store's log: a stream per (gateway, epoch), and one inbox row per record."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, String, Table

from cloud_erp.db import UtcDateTime, metadata

stream = Table(
    "stream",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("epoch", String(26), primary_key=True),
    Column("contiguous_seq", BigInteger, nullable=False, comment="every record up to here was received"),
    Column("head_chain", String(64), comment="the chain of that record; NULL where it could not be read"),
    Column("updated_at", UtcDateTime, nullable=False),
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
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)
Index(None, inbox.c.gateway, inbox.c.epoch, inbox.c.quarantine_id)
