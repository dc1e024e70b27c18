"""What may be used only so often, and how much of it is: units of a sale that come back, points, vouchers.

An open basket holds what stands in it, and its sale books it, each in the same SQL transaction as the basket or the
sale itself: so no unit comes back twice and no voucher pays twice, over all lanes of the box, suspended sales, restarts
and power cuts. What headquarters' own figure has meanwhile is not counted a second time (`included`).
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from gateway.errors import SaleRefused
from gateway.queue.database import Database
from retail.lines import TenderLine

log = logging.getLogger(__name__)

Kind = Literal["unit", "points", "voucher"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS used (
    kind TEXT NOT NULL CHECK (kind IN ('unit', 'points', 'voucher')),
    code TEXT NOT NULL,
    basket_key TEXT NOT NULL,
    amount INTEGER NOT NULL,
    of_sale TEXT NOT NULL,
    facts TEXT NOT NULL DEFAULT '{}',
    booked INTEGER NOT NULL DEFAULT 0,
    included INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, code, basket_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_by ON used (basket_key);
CREATE INDEX IF NOT EXISTS used_of ON used (of_sale) WHERE of_sale != '';
CREATE TABLE IF NOT EXISTS issued_voucher (
    voucher_id TEXT PRIMARY KEY,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    valid_until TEXT,
    basket_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Use:
    """So much of one thing by one basket.

    of_sale: of a unit: the key of its sale; facts: the tax and the points that went back with it.
    """

    kind: Kind
    code: str
    amount: int
    of_sale: str = ""
    facts: dict[str, int] = field(default_factory=dict)

    def with_more(self, other: Use) -> Use:
        facts = {name: self.facts.get(name, 0) + other.facts.get(name, 0) for name in {*self.facts, *other.facts}}
        return replace(self, amount=self.amount + other.amount, facts=facts)


@dataclass(frozen=True, slots=True)
class Issued:
    """A voucher that this box gave out, until headquarters' feed has it."""

    voucher_id: str
    amount_minor: int
    currency: str
    valid_until: date | None


def hold(connection: sqlite3.Connection, basket_key: str, uses: Iterable[Use]) -> None:
    """This basket uses these, and nothing else any more."""
    connection.execute("DELETE FROM used WHERE basket_key = ? AND booked = 0", (basket_key,))
    for use in uses:
        connection.execute(
            "INSERT INTO used (kind, code, basket_key, amount, of_sale, facts) VALUES (?, ?, ?, ?, ?, ?)",
            (use.kind, use.code, basket_key, use.amount, use.of_sale, json.dumps(use.facts)),
        )


def must_be_left(
    connection: sqlite3.Connection, basket_key: str, kind: Kind, code: str, mine: int, most: int, ever: bool = False
) -> None:
    """To be asked in the SQL transaction that holds `mine` for this basket: somebody else may have been quicker.

    ever: what headquarters' figure has counts too, as for a voucher that it never sent.

    Raises:
        SaleRefused: there is not so much of it left; the whole SQL transaction goes with it.
    """
    row = connection.execute(
        "SELECT coalesce(sum(amount), 0) FROM used WHERE kind = ? AND code = ? AND basket_key != ? AND included <= ?",
        (kind, code, basket_key, int(ever)),
    ).fetchone()
    if row[0] + mine > most:
        raise SaleRefused("another lane was quicker: this is used up", reason="used_up")


def release(connection: sqlite3.Connection, basket_key: str) -> None:
    """The basket is given up."""
    connection.execute("DELETE FROM used WHERE basket_key = ? AND booked = 0", (basket_key,))


def book(connection: sqlite3.Connection, basket_key: str, currency: str, tenders: Iterable[TenderLine]) -> None:
    """The basket is a sale now; vouchers among its tenders that went out are known here from now on."""
    connection.execute("UPDATE used SET booked = 1 WHERE basket_key = ?", (basket_key,))
    for tender in tenders:
        if tender.tender_type == "Voucher" and tender.amount_minor < 0 and tender.voucher_id:
            until = tender.valid_until.isoformat() if tender.valid_until else None
            connection.execute(
                "INSERT OR IGNORE INTO issued_voucher VALUES (?, ?, ?, ?, ?)",
                (tender.voucher_id, -tender.amount_minor, currency, until, basket_key),
            )


class Uses:
    """The same table, to be asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def used(self, kind: Kind, code: str, besides: str = "", ever: bool = False) -> int:
        """How much of it is used that no figure of headquarters has yet, not counting one basket's own.

        ever: what headquarters' figure has, too.
        """
        rows = self._database.read(
            "SELECT coalesce(sum(amount), 0) AS amount FROM used"
            " WHERE kind = ? AND code = ? AND basket_key != ? AND included <= ?",
            kind,
            code,
            besides,
            int(ever),
        )
        return int(rows[0]["amount"])

    def units(self, sale_key: str) -> list[UnitUse]:
        """What came back of a sale, or is about to."""
        rows = self._database.read("SELECT code, amount, facts FROM used WHERE of_sale = ? AND kind = 'unit'", sale_key)
        return [UnitUse.read(row["code"], row["amount"], json.loads(row["facts"])) for row in rows]

    def issued(self, voucher_id: str) -> Issued | None:
        rows = self._database.read("SELECT * FROM issued_voucher WHERE voucher_id = ?", voucher_id)
        if not rows:
            return None
        until = date.fromisoformat(rows[0]["valid_until"]) if rows[0]["valid_until"] else None
        return Issued(voucher_id, rows[0]["amount_minor"], rows[0]["currency"], until)

    async def feed_came(self, kind: Kind, is_acked: Callable[[str], bool]) -> int:
        """A new version of headquarters' figures is in force: it has what it had booked before; how many those were.

        is_acked: whether headquarters has the sale of a key. A figure that was drawn up just before it booked one and
        came just after is taken at its word; what is overspent by that is headquarters' audit, never a lost sale.
        """
        rows = self._database.read(
            "SELECT DISTINCT basket_key FROM used WHERE kind = ? AND booked AND NOT included", kind
        )
        keys = [row["basket_key"] for row in rows if is_acked(row["basket_key"])]
        if not keys:
            return 0

        def work(connection: sqlite3.Connection) -> int:
            connection.executemany(
                "UPDATE used SET included = 1 WHERE kind = ? AND basket_key = ?", [(kind, key) for key in keys]
            )
            return len(keys)

        return await self._database.write(work)


@dataclass(frozen=True, slots=True)
class UnitUse:
    """So many units of a line, for each of which `net_minor` was paid, with the tax and the points in all of them."""

    line_number: int
    net_minor: int
    count: int
    tax_minor: int
    points: int

    @staticmethod
    def code(sale_key: str, line_number: int, net_minor: int) -> str:
        return f"{sale_key}/{line_number}/{net_minor}"

    @classmethod
    def read(cls, code: str, count: int, facts: dict[str, int]) -> UnitUse:
        _, line, net = code.rsplit("/", 2)
        return cls(int(line), int(net), count, facts.get("tax", 0), facts.get("points", 0))


def prune(connection: sqlite3.Connection, keys: list[str]) -> None:
    """Forget what belongs to sales that were pruned.

    What came back of a sale is known as long as the sale, for without it nothing more of it comes back by its receipt.
    What of points and vouchers headquarters' figures do not have stays; and all of a voucher of this box's own, which
    headquarters may never have sent.
    """
    sold = [(key,) for key in keys]
    connection.executemany("DELETE FROM used WHERE of_sale = ? AND booked", sold)
    connection.executemany(
        "DELETE FROM used WHERE basket_key = ? AND booked AND included AND kind != 'unit'"
        " AND NOT (kind = 'voucher' AND code IN (SELECT voucher_id FROM issued_voucher))",
        sold,
    )


def salvage(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Save what was used out of a damaged money file, as far as it can be read, open baskets' too."""
    try:
        for row in old.execute("SELECT * FROM used"):
            new.execute("INSERT OR IGNORE INTO used VALUES (?, ?, ?, ?, ?, ?, ?, ?)", tuple(row))
        for row in old.execute("SELECT * FROM issued_voucher"):
            new.execute("INSERT OR IGNORE INTO issued_voucher VALUES (?, ?, ?, ?, ?)", tuple(row))
    except sqlite3.DatabaseError as error:
        log.error("not everything that was used could be salvaged: %s", error)
