"""The registry of gateways, what each last said of itself, its devices, and alarms for people."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, String, Table, Text, UniqueConstraint

from cloud_erp.db import BigId, UtcDateTime, metadata

gateway = Table(
    "gateway",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("store_id", String(64), nullable=False),
    Column("name", String(120), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
)

gateway_live = Table(
    "gateway_live",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("session", BigInteger, nullable=False, comment="-1: no state was seen yet"),
    Column("state", String(16), nullable=False),
    Column("state_since", UtcDateTime),
    Column("last_seen", UtcDateTime),
    Column("birth_session", BigInteger),
    Column("birth_at", UtcDateTime),
    Column("birth", Text),
    Column("metrics_at", UtcDateTime),
    Column("metrics", Text),
    Column("updated_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)

gateway_device = Table(
    "gateway_device",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("device_class", String(64), primary_key=True),
    Column("device_id", String(64), primary_key=True),
    Column("driver", Text, nullable=False),
    Column("power", String(16), nullable=False),
    Column("since", UtcDateTime),
    Column("last_error", Text),
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)

alarm = Table(
    "alarm",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("gateway", String(64), nullable=False, comment="as it named itself: it need not be registered"),
    Column("code", String(64), nullable=False),
    Column(
        "subject", String(128), nullable=False, comment="what it is about: one open alarm per gateway, code, subject"
    ),
    Column("severity", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("cleared_at", UtcDateTime),
    Column("cleared_by", String(64), comment="a person's name, or system: it mended"),
    UniqueConstraint("gateway", "code", "subject"),
    sqlite_autoincrement=True,
)
