"""What happens at tills beside sales: control transactions as received, and the sessions that they begin and end."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKeyConstraint, Index, String, Table, Text, text

from cloud_erp.db import UtcDateTime, metadata

control = Table(
    "control",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("epoch", String(26), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("idempotency_key", String(128), nullable=False),
    Column("control", String(16), nullable=False, comment="SessionOpen, SessionClose, NoSale, PaidIn, ..."),
    Column("store_id", String(64), nullable=False),
    Column("workstation_id", String(64), nullable=False),
    Column("session_id", String(64)),
    Column("business_date", Date, nullable=False),
    Column("operator_id", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False, comment="by the box's clock"),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger),
    Column("record", Text, nullable=False, comment="JSON: boot id, boot time, wall clock, its state, chain"),
    Column("body", Text, nullable=False, comment="canonical JSON, as hashed"),
    Column("received_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)
Index(None, control.c.session_id, control.c.gateway)
Index(None, control.c.business_date, control.c.store_id)

till_session = Table(
    "till_session",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("session_id", String(64), primary_key=True),
    Column("store_id", String(64), nullable=False),
    Column("workstation_id", String(64), nullable=False),
    Column("business_date", Date, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("opened_at", UtcDateTime),
    Column("opened_by", String(64)),
    Column("closed_at", UtcDateTime),
    Column("closed_by", String(64)),
    Column("closed_epoch", String(26)),
    Column("closed_seq", BigInteger),
    Column("totals", Text, comment="JSON: what the close said"),
    Column("checked_at", UtcDateTime, comment="when its figures were reckoned again; NULL: that is to be done"),
    Column("differences", Text, comment="JSON: [[figure, stated, reckoned], ...]; NULL: none"),
    ForeignKeyConstraint(["gateway"], ["gateway.id"]),
)
_UNPROVEN = text("closed_seq IS NOT NULL AND (checked_at IS NULL OR differences IS NOT NULL)")
Index(None, till_session.c.business_date, till_session.c.store_id)
Index("ix_till_session_unproven", till_session.c.gateway, sqlite_where=_UNPROVEN, postgresql_where=_UNPROVEN)
