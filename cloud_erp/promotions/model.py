"""Coupons: how often each may be used, and every use as it was booked with its sale.

What a coupon is good for is a row of feed `coupons`; the rules are rows of feed `promotions`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, text

from cloud_erp.db import BigId, UtcDateTime, metadata

coupon = Table(
    "coupon",
    metadata,
    Column("coupon_id", String(64), primary_key=True),
    Column("used", BigInteger, nullable=False, comment="the number of settled uses"),
)

coupon_use = Table(
    "coupon_use",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("coupon_id", String(64), nullable=False),
    Column("gateway", String(64), nullable=False),
    Column("epoch", String(26), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("place", Integer, nullable=False, comment="which line of the sale, from 0"),
    Column("store_id", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("settled", Boolean, nullable=False, comment="it is in the count"),
    sqlite_autoincrement=True,
)
_WAITS = text("NOT settled")
Index("ix_coupon_use_coupon_id", coupon_use.c.coupon_id, coupon_use.c.id)
Index("ix_coupon_use_waits", coupon_use.c.id, sqlite_where=_WAITS, postgresql_where=_WAITS)
