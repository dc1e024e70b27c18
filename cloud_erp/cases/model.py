"""Audit cases: what was booked and a person should look at. The sale stands; the case says what is odd about it."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text, UniqueConstraint

from cloud_erp.db import BigId, UtcDateTime, metadata

audit_case = Table(
    "audit_case",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("code", String(32), nullable=False),
    Column("subject", String(200), nullable=False, comment="what it is about, once for each code"),
    Column("store_id", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("sales", Text, nullable=False, comment="JSON: [[gateway, epoch, seq], ...] of the sales it is about"),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("settled_by", String(64)),
    Column("note", Text, comment="what the person found"),
    UniqueConstraint("code", "subject"),
    sqlite_autoincrement=True,
)
Index(None, audit_case.c.settled_at)
