"""Vouchers: what each is worth, and every issue and spending as it was booked with its sale."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, String, Table, text

from cloud_erp.db import BigId, UtcDateTime, metadata

voucher = Table(
    "voucher",
    metadata,
    Column("voucher_id", String(64), primary_key=True),
    Column("currency", String(3), nullable=False),
    Column("valid_until", Date),
    Column("origin", String(16), nullable=False, comment="imported, issued by a till, unknown (never seen), gone"),
    Column("opening_minor", BigInteger, nullable=False, comment="what the import brought"),
    Column("moved_minor", BigInteger, nullable=False, comment="the sum of the settled movements"),
)

voucher_movement = Table(
    "voucher_movement",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("voucher_id", String(64), nullable=False, comment="empty: the tender named none"),
    Column("amount_minor", BigInteger, nullable=False, comment="above 0: issued or topped up; below 0: spent"),
    Column("currency", String(3), nullable=False),
    Column("valid_until", Date, comment="of one that was issued: its last day"),
    Column("gateway", String(64), nullable=False),
    Column("epoch", String(26), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("place", Integer, nullable=False, comment="which line of the sale, from 0"),
    Column("store_id", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("settled", Boolean, nullable=False, comment="it is in the balance"),
    sqlite_autoincrement=True,
)
_WAITS = text("NOT settled")
Index("ix_voucher_movement_voucher_id", voucher_movement.c.voucher_id, voucher_movement.c.id)
Index("ix_voucher_movement_waits", voucher_movement.c.id, sqlite_where=_WAITS, postgresql_where=_WAITS)
