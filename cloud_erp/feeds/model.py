"""The feeds that carry master data down to the stores: each with its version in force, and the rows that stores have.

A row is what travels; what headquarters itself knows of a thing (a balance, what a coupon was used for) stands in the
tables of its own folder, and feeds/service.py puts what changed into the feed.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

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

feed_row = Table(
    "feed_row",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("row", Text, comment="canonical JSON, as the feed hashes it; NULL: this key is gone"),
    Column("version", BigInteger, nullable=False, comment="of the feed that changed it last"),
)
Index(None, feed_row.c.name, feed_row.c.version)
