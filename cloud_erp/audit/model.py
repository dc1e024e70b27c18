"""Audit records: what the boxes put on record about themselves, and what was done at headquarters. Never changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, String, Table, Text

from cloud_erp.db import BigId, UtcDateTime, metadata

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

deed = Table(
    "deed",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("action", String(64), nullable=False, comment="such as import items"),
    Column("text", Text, nullable=False),
    Column("facts", Text, nullable=False, comment="JSON: figures and keys"),
    sqlite_autoincrement=True,
)
