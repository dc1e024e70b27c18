"""Members' points: every movement as it was booked with its sale, and the balance that the movements come to.

Who a member is (name, codes, tier) is a row of feed `members`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, text

from cloud_erp.db import BigId, UtcDateTime, metadata

member = Table(
    "member",
    metadata,
    Column("member_id", String(64), primary_key=True),
    Column("opening", BigInteger, nullable=False, comment="points that the import brought"),
    Column("moved", BigInteger, nullable=False, comment="the sum of the settled movements"),
)

points_movement = Table(
    "points_movement",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("member_id", String(64), nullable=False, comment="empty: points were spent, and the sale names nobody"),
    Column("points", BigInteger, nullable=False, comment="below 0: spent, or taken back"),
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
Index("ix_points_movement_member_id", points_movement.c.member_id, points_movement.c.id)
Index("ix_points_movement_waits", points_movement.c.id, sqlite_where=_WAITS, postgresql_where=_WAITS)
