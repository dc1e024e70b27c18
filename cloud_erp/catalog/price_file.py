"""`import prices`: effective-dated prices of items that there are. A line without a beginning is the plain price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from cloud_erp.catalog.item_file import Items, places
from cloud_erp.imports.cells import CellFault, scaled
from cloud_erp.imports.kind import Document, Documents
from cloud_erp.imports.sheet import Columns, Faults, Line
from cloud_erp.text import printable
from retail.wire.rows import PricePeriod

FIELDS = ("item_id", "price_minor", "valid_from", "valid_until")
#: stands for the beginning of a plain price, which has none
BEGINNING = "1970-01-01T00:00:00"


class Prices(Items):
    """delete_missing: of the items that the file names, dated prices that it does not name are taken away."""

    name = "prices"
    deletes = False
    columns = Columns(("item_id", "price", "valid_from", "valid_until"), ("item_id", "price", "valid_from"))

    def __init__(self, delete_missing: bool = False) -> None:
        super().__init__()
        self._delete_missing = delete_missing

    def rows(self, lines: Sequence[Line], known: Documents, faults: Faults) -> dict[str, tuple[int, Document]]:
        first: dict[str, int] = {}
        dated: dict[str, dict[str, Document]] = {}
        plain: dict[str, int | None] = {}
        for line in lines:
            period = self._period(line, known, faults)
            if period is None:
                continue
            item_id, start = self._key(line), period["valid_from"]
            first.setdefault(item_id, line.row)
            if start in dated.setdefault(item_id, {}) or (start == BEGINNING and item_id in plain):
                said = f"item {item_id} has two prices from {start}; keep one"
                faults.add(line.row, "valid_from", said, "twice")
            elif start == BEGINNING:
                plain[item_id] = period["price_minor"]
            else:
                dated[item_id][start] = period
        found: dict[str, tuple[int, Document]] = {}
        for item_id, row in first.items():
            old = [] if self._delete_missing else known[item_id].get("prices", [])
            whole = {one["valid_from"]: one for one in old} | dated[item_id]
            changes: Document = {"prices": [whole[start] for start in sorted(whole)]}
            if item_id in plain:
                changes["price_minor"] = plain[item_id]
            document = self.document(Line(row), known[item_id], changes, faults)
            if document is not None:
                found[item_id] = row, document
        return found

    def together(self, rows: Mapping[str, tuple[int, Document]], known: Documents, faults: Faults) -> None:
        """Prices alone contradict nothing of other items."""

    def _period(self, line: Line, known: Documents, faults: Faults) -> Document | None:
        """One price as the feed's rows have it; None with a fault."""
        before = len(faults.found)
        item_id = self._key(line)
        if item_id not in known:
            said = f"item {printable(item_id)!r} is not in the catalogue; import it first"
            faults.add(line.row, "item_id", said, "unknown_item")
            return None
        given = dict(line.given)
        if line.cells is not None:
            given = {name: text or None for name, text in line.cells.items() if name != "price"}
            try:
                given["price_minor"] = scaled(line.cells["price"], places(line, known[item_id]))
            except CellFault as error:
                faults.add(line.row, "price", str(error), error.rule)
        for name in given:
            if name not in FIELDS:
                faults.add(line.row, printable(name), f"unknown field; use {', '.join(FIELDS)}", "unknown_field")
        if len(faults.found) > before:
            return None
        moments = {"valid_from": given.get("valid_from") or BEGINNING, "valid_until": given.get("valid_until")}
        try:
            period = PricePeriod.model_validate({**moments, "price_minor": given.get("price_minor")})
        except ValidationError as error:
            for what in error.errors(include_url=False):
                self._misfit(line, {**what, "loc": what["loc"] or ("valid_until",)}, faults)
            return None
        return period.model_dump(mode="json")
