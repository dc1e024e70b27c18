"""`import supplies`: what is on its way. Several lines of an item make up what is expected of it.

Each import says anew how old the figures are, which a till shows beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from pydantic import ValidationError
from sqlalchemy import Connection

from cloud_erp.catalog import service as catalog
from cloud_erp.config import suggestion
from cloud_erp.db import now_utc
from cloud_erp.feeds import service as feeds
from cloud_erp.imports.cells import CellFault, places_of, scaled, whole
from cloud_erp.imports.kind import Change, Document, Documents, Kind
from cloud_erp.imports.sheet import Columns, Faults, Line
from cloud_erp.text import printable
from retail.wire.rows import SUPPLIES, Expected, SupplyRow

FIELDS = ("item_id", *Expected.model_fields)
GRAMS = 3


class _CellOf(Exception):
    def __init__(self, column: str, error: CellFault) -> None:
        super().__init__(str(error))
        self.column, self.error = column, error


class Supplies(Kind):
    name = SUPPLIES
    feed = SUPPLIES
    model = SupplyRow
    key = "item_id"
    columns = Columns(
        ("item_id", "reference", "quantity", "due", "supplier", "store_id", "lead_time_days", "cost"),
        ("item_id", "reference", "quantity", "due"),
    )
    labels: ClassVar[Mapping[str, str]] = {"cost_minor": "cost"}
    advice: ClassVar[Mapping[str, str]] = {"due": "write a day as 2026-11-24", "reference": "give 1 to 64 characters"}

    def __init__(self) -> None:
        self._units: dict[str, str] = {}
        self._currencies: dict[str, str] = {}
        self._as_of = now_utc()

    def known(self, connection: Connection) -> Documents:
        self._units, self._currencies = catalog.all_units(connection), catalog.all_currencies(connection)
        rows = feeds.known_rows(connection, SUPPLIES)
        return {key: {name: row[name] for name in row if name != "as_of"} for key, row in rows.items()}

    def write(self, connection: Connection, change: Change) -> int:
        rows: dict[str, Document | None] = dict.fromkeys(change.deleted)
        for item_id, document in (change.written() | change.unchanged).items():
            rows[item_id] = SupplyRow(as_of=self._as_of, **document).model_dump(mode="json")
        return feeds.put(connection, SUPPLIES, rows)

    def label(self, document: Document) -> str:
        return ", ".join(f"{one['reference']} on {one['due']}" for one in document["expected"])

    def rows(self, lines: Sequence[Line], known: Documents, faults: Faults) -> dict[str, tuple[int, Document]]:
        found: dict[str, tuple[int, Document]] = {}
        for line in lines:
            item_id, expected = self._key(line), self._expected(line, faults)
            if expected:
                _, document = found.setdefault(item_id, (line.row, {"item_id": item_id, "expected": []}))
                document["expected"] += expected
        return found

    def together(self, rows: Mapping[str, tuple[int, Document]], known: Documents, faults: Faults) -> None:
        for row, document in rows.values():
            seen: set[tuple[str, str | None]] = set()
            for one in document["expected"]:
                place = one["reference"], one.get("store_id")
                if place in seen:
                    said = f"{one['reference']} stands twice for item {document['item_id']}; keep one"
                    faults.add(row, "reference", said, "twice")
                seen.add(place)

    def _expected(self, line: Line, faults: Faults) -> list[Document]:
        """What one line says; a row of JSON may also be one of the feed, with its list."""
        item_id = self._key(line)
        unit = self._units.get(item_id)
        if unit is None:
            said = f"item {printable(item_id)!r} is not in the catalogue; import it first"
            faults.add(line.row, "item_id", said, "unknown_item")
            return []
        given = dict(line.given)
        if line.cells is not None:
            try:
                given = self._cells(line.cells, unit, self._currencies[item_id])
            except _CellOf as fault:
                faults.add(line.row, fault.column, str(fault.error), fault.error.rule)
                return []
        listed = given.get("expected")
        if isinstance(listed, list):
            return [one for part in listed if isinstance(part, dict) for one in self._one(part, line, faults)]
        return self._one(given, line, faults)

    def _cells(self, cells: Mapping[str, str], unit: str, currency: str) -> Document:
        """Quantities of goods sold by weight are kilograms, costs amounts of the item's currency. Raises _CellOf."""
        given: Document = {name: text for name, text in cells.items() if text}
        read: dict[str, Callable[[str], int]] = {
            "quantity": lambda text: scaled(text, GRAMS if unit == "kg" else 0),
            "lead_time_days": whole,
            "cost": lambda text: scaled(text, places_of(currency)),
        }
        for column, reading in read.items():
            if column in given or column == "quantity":
                try:
                    given[column] = reading(cells[column])
                except CellFault as error:
                    raise _CellOf(column, error) from None
        if "cost" in given:
            given["cost_minor"] = given.pop("cost")
        return given

    def _one(self, given: Document, line: Line, faults: Faults) -> list[Document]:
        for name in given:
            if name not in FIELDS:
                said = f"unknown field{suggestion(name, FIELDS)}; remove or rename it"
                faults.add(line.row, printable(name), said, "unknown_field")
                return []
        try:
            fields = {name: value for name, value in given.items() if name != "item_id"}
            return [Expected.model_validate(fields).model_dump(mode="json")]
        except ValidationError as error:
            for what in error.errors(include_url=False):
                self._misfit(line, what, faults)
            return []
