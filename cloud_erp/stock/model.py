"""Stock: how much of an item a store has, in whole base units: pieces, or grams for goods sold by the kilogram."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, String, Table

from cloud_erp.db import UtcDateTime, metadata

position = Table(
    "position",
    metadata,
    Column("store_id", String(64), primary_key=True),
    Column("item_id", String(64), primary_key=True),
    Column("on_hand", BigInteger, nullable=False, comment="pieces or grams; below zero when more was sold than known"),
    Column("moved_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["item_id"], ["item.item_id"]),
)
