"""Items with their bar codes. `row` is the row of feed `items`.

An item that is gone stays: late sales of it are still booked, and its stock is still counted.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKeyConstraint, Integer, String, Table, Text, false

from cloud_erp.db import metadata

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
    Column("gone", Boolean, nullable=False, server_default=false(), comment="no store sells it any more"),
)

barcode = Table(
    "barcode",
    metadata,
    Column("barcode", String(48), primary_key=True),
    Column("item_id", String(64), nullable=False),
    ForeignKeyConstraint(["item_id"], ["item.item_id"]),
)
