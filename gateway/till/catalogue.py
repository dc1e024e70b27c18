"""What a code sells: the items feed, asked by item id, GTIN or the item number of a variable-measure label."""

from __future__ import annotations

from typing import Any

from gateway.errors import SaleRefused
from gateway.queue.inbox import Inbox
from gateway.till.feed_rows import row_of, rows_of
from retail.barcode import Meaning
from retail.wire.rows import ITEMS, STOCK, SUPPLIES, Item, StockRow, SupplyRow


class Catalogue:
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def version(self) -> int:
        """The version of the price book in force; 0 before the first one came."""
        known = self._inbox.version(ITEMS)
        return known.version if known else 0

    def find(self, code: str, meaning: Meaning) -> Item:
        """The one item that a code means.

        Raises:
            SaleRefused: unknown, or two items share the code. The text is for the cashier.
        """
        rows = self.rows(code, meaning)
        if not rows:
            why = f" ({meaning.problem})" if meaning.problem else ""
            if self.version() == 0:
                raise SaleRefused("no price book yet: wait for headquarters' catalogue", reason="no_catalogue")
            raise SaleRefused(f"unknown item: {_shown(code)}{why}", reason="unknown_item", field="code")
        if len(rows) > 1:
            names = ", ".join(row["description"] for row in rows)
            raise SaleRefused(
                f"{_shown(code)} stands for several items ({names}); key the item number", reason="ambiguous"
            )
        return row_of(Item, rows[0], ITEMS)

    def rows(self, code: str, meaning: Meaning) -> list[dict[str, Any]]:
        """The items that a code may mean: by bar code, else by item number."""
        rows = self._inbox.by_code(ITEMS, meaning.item_code) if meaning.item_code else []
        if not rows and (row := self._inbox.row(ITEMS, code)):
            rows = [row]
        return rows

    def item(self, item_id: str) -> Item | None:
        """None: there is none, or its row cannot be used."""
        row = self._inbox.row(ITEMS, item_id)
        return next(iter(rows_of(Item, [row] if row is not None else [], ITEMS)), None)

    def looked_up(self, code: str) -> Item | None:
        """The item of this number, or the only one with this bar code.

        Raises:
            SaleRefused: its row cannot be used.
        """
        if row := self._inbox.row(ITEMS, code):
            return row_of(Item, row, ITEMS)
        rows = self._inbox.by_code(ITEMS, code) or self._inbox.by_code(ITEMS, code.lstrip("0"))
        return row_of(Item, rows[0], ITEMS) if len(rows) == 1 else None

    def stock(self, item_id: str) -> StockRow | None:
        """What the stores have of it, as headquarters said last."""
        row = self._inbox.row(STOCK, item_id)
        return row_of(StockRow, row, STOCK) if row is not None else None

    def supplies(self, item_id: str) -> SupplyRow | None:
        """What is on its way to this store, as headquarters said last."""
        row = self._inbox.row(SUPPLIES, item_id)
        return row_of(SupplyRow, row, SUPPLIES) if row is not None else None

    def search(self, words: str, limit: int = 20, unit: str = "") -> list[Item]:
        return rows_of(Item, self._inbox.search(ITEMS, words, limit, unit), ITEMS)


def _shown(code: str) -> str:
    """A code as a cashier may see it: no control characters, not endless."""
    plain = "".join(character if character.isprintable() else "·" for character in code)
    return plain if len(plain) <= 40 else plain[:39] + "…"
