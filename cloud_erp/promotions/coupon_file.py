"""`import coupons`: codes and what they are good for. How often each was used is headquarters' own to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Connection

from cloud_erp.feeds import service as feeds
from cloud_erp.imports.cells import whole
from cloud_erp.imports.kind import Change, Document, Documents, Kind
from cloud_erp.imports.sheet import Columns, Faults, Line
from cloud_erp.promotions import coupons
from retail.wire.rows import COUPONS, CouponRow

NUMBERS = ("amount_minor", "uses")


class Coupons(Kind):
    name = COUPONS
    feed = COUPONS
    model = CouponRow
    key = "coupon_id"
    columns = Columns(
        ("coupon_id", "name", "trigger", "amount_minor", "valid_from", "valid_until", "uses", "member_id"),
        ("coupon_id", "name"),
    )
    advice: ClassVar[Mapping[str, str]] = {
        "coupon_id": "use 1 to 64 letters, digits, '.', '_', ':' or '-', not dots alone",
        "valid_from": "write the store's own time as 2026-11-20T00:00, without an offset",
        "valid_until": "write the store's own time as 2026-11-30T23:59:59, without an offset",
    }

    def begin(self, connection: Connection) -> None:
        while coupons.settle(connection):
            pass

    def known(self, connection: Connection) -> Documents:
        rows = feeds.known_rows(connection, COUPONS)
        return {key: {name: row[name] for name in row if name != "used"} for key, row in rows.items()}

    def write(self, connection: Connection, change: Change) -> int:
        rows: dict[str, Document | None] = dict.fromkeys(change.deleted)
        for coupon_id, document in change.written().items():
            limited = document.get("uses") is not None
            used = coupons.used_by(connection, coupon_id) if limited else {}
            rows[coupon_id] = document | ({"used": used} if used else {})
        return feeds.put(connection, COUPONS, rows)

    def value(self, column: str, text: str, line: Line, known: Document) -> Document:
        if column in NUMBERS:
            return {column: whole(text) if text else None}
        return {column: text or None}

    def prepared(self, given: Document, before: Document, line: Line, faults: Faults) -> Document:
        if "used" in given:
            faults.add(line.row, "used", "headquarters counts the uses itself; remove it", "unknown_field")
        return given
