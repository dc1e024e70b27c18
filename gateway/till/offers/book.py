"""What this store has given already: deals per member and day, and coupons, reserved by open sales and used by others.

Rows in the money file, written in the SQL transaction of what they belong to: a reservation with its basket, a use with
its sale. So one box never gives a single-use coupon twice, whatever lane or restart comes in between. What another
store gave while neither had a line is headquarters' to sort out, never a lost sale.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from gateway.errors import SaleRefused
from gateway.queue.database import Database
from gateway.till.offers.rows import CouponOnSale

if TYPE_CHECKING:
    from gateway.till.basket import Basket

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS member_deal (
    member_id TEXT NOT NULL, day TEXT NOT NULL, rule_id TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (member_id, day, rule_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS member_deal_day ON member_deal (day);
CREATE TABLE IF NOT EXISTS coupon_use (
    coupon_id TEXT NOT NULL, sale TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1)),
    PRIMARY KEY (coupon_id, sale)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS coupon_use_sale ON coupon_use (sale);
"""

Work = Callable[[sqlite3.Connection], None]


def salvage(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Save what was given out of a damaged money file, as far as it can be read."""
    for table, marks in (("member_deal", "?, ?, ?, ?"), ("coupon_use", "?, ?, ?")):
        insert = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"  # noqa: S608  names of our own
        try:
            if old.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
                new.executemany(insert, [tuple(row) for row in old.execute(f"SELECT * FROM {table}")])  # noqa: S608
        except sqlite3.DatabaseError as error:
            log.error("not every coupon and member's deal could be salvaged: %s", error)


class OfferBook:
    def __init__(self, database: Database) -> None:
        self._database = database

    def used_today(self, member_id: str, day: date) -> dict[str, int]:
        """rule -> how often it gave this member something in this store on this day; only of limited rules."""
        rows = self._database.read(
            "SELECT rule_id, times FROM member_deal WHERE member_id = ? AND day = ?", member_id, day.isoformat()
        )
        return {row["rule_id"]: row["times"] for row in rows}

    def uses(self, coupon_id: str, besides: str) -> int:
        """How often this box gave it, or reserved it, besides for this sale."""
        rows = self._database.read(
            "SELECT count(*) AS count FROM coupon_use WHERE coupon_id = ? AND sale != ?", coupon_id, besides
        )
        return int(rows[0]["count"])

    def reserve(self, coupon_id: str, uses: int, sale: str) -> Work:
        """To be done in the SQL transaction that keeps the basket; raises SaleRefused where somebody was quicker."""

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute(
                "SELECT count(*) AS count FROM coupon_use WHERE coupon_id = ? AND sale != ?", (coupon_id, sale)
            ).fetchone()
            if row["count"] >= uses:
                raise used_up(coupon_id)
            connection.execute("INSERT OR IGNORE INTO coupon_use VALUES (?, ?, 0)", (coupon_id, sale))

        return work

    def release(self, sale: str, coupon_ids: list[str] | None = None) -> Work:
        """These coupons, or all, are free again: the sale does without them."""

        def work(connection: sqlite3.Connection) -> None:
            if coupon_ids is None:
                connection.execute("DELETE FROM coupon_use WHERE sale = ? AND used = 0", (sale,))
            else:
                connection.executemany(
                    "DELETE FROM coupon_use WHERE sale = ? AND coupon_id = ? AND used = 0",
                    [(sale, coupon_id) for coupon_id in coupon_ids],
                )

        return work

    def booking(self, basket: Basket) -> Work:
        """What belongs into the SQL transaction of the finished sale."""
        sale, member, day = basket.idempotency_key, basket.member, basket.rung_at
        idle = [one.coupon_id for one in basket.coupons if one not in basket.coupons_used()]
        used = dict(basket.offers.used) if basket.offers is not None else {}

        def work(connection: sqlite3.Connection) -> None:
            self.release(sale, idle)(connection)
            connection.execute("UPDATE coupon_use SET used = 1 WHERE sale = ?", (sale,))
            if member is None or day is None or not used:
                return
            today = day.date().isoformat()
            connection.execute("DELETE FROM member_deal WHERE day < date(?, '-1 day')", (today,))
            connection.executemany(
                "INSERT INTO member_deal VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT DO UPDATE SET times = times + excluded.times",
                [(member.member_id, today, rule_id, times) for rule_id, times in used.items()],
            )

        return work


def used_up(coupon_id: str) -> SaleRefused:
    return SaleRefused(
        f"coupon {coupon_id} was used already, or stands on another open sale", reason="coupon_used", field="code"
    )


def limited(coupons: list[CouponOnSale]) -> list[str]:
    return [coupon.coupon_id for coupon in coupons if coupon.limited]
