"""Audit records: what the boxes put on record about themselves. Never changed, never deleted."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, String, Table, Text

from cloud_erp.db import UtcDateTime, metadata

audit = Table(
    "audit",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("epoch", String(26), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("code", String(32), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False, comment="by the box's clock"),
    Column("body", Text, nullable=False, comment="canonical JSON, as hashed"),
    Column("received_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)
Index(None, audit.c.received_at)
