"""Items with their bar codes, and the feeds that carry them down. A row of `item` is a row of feed `items`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, String, Table, Text

from cloud_erp.db import UtcDateTime, metadata

feed = Table(
    "feed",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

item = Table(
    "item",
    metadata,
    Column("item_id", String(64), primary_key=True),
    Column("description", String(200), nullable=False),
    Column("unit", String(8), nullable=False),
    Column("price_minor", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("tax_code", String(64), nullable=False),
    Column("tax_rate_basis_points", Integer, nullable=False),
    Column("category", Text, nullable=False),
    Column("row", Text, nullable=False, comment="canonical JSON of the whole item, as the feed hashes it"),
    Column("version", BigInteger, nullable=False, comment="of the feed that changed it last"),
)

barcode = Table(
    "barcode",
    metadata,
    Column("barcode", String(48), primary_key=True),
    Column("item_id", String(64), nullable=False),
    ForeignKeyConstraint(["item_id"], ["item.item_id"]),
)
