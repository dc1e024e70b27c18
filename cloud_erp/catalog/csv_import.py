"""Items from a CSV file. Every fault is found in one pass and told with its row, column and remedy; then nothing is
imported. Rows are counted as spreadsheets do: the header is row 1.
"""

from __future__ import annotations

import csv
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cloud_erp.catalog import service
from cloud_erp.config import suggestion
from cloud_erp.db import Database
from cloud_erp.errors import CoreError, ImportRefused, RowFault
from cloud_erp.feeds import service as feeds
from retail.units import exponent
from retail.wire.rows import ITEMS, Item

COLUMNS = (
    "item_id",
    "description",
    "barcodes",
    "unit",
    "price",
    "currency",
    "tax_code",
    "tax_rate",
    "category",
    "tags",
)
DECIMAL = re.compile(r"\d+(\.\d+)?")
#: shorter codes are item numbers inside variable-measure codes, and carry no check digit of their own
SHORTEST_GTIN, LONGEST_GTIN = 8, 14
MOST_MINOR = 10**12

ADVICE = {
    "item_id": "use 1 to 64 letters, digits, '.', '_', ':' or '-'",
    "description": "give 1 to 200 characters",
    "barcodes": "each has 1 to 48 characters and stands once",
    "unit": "write each or kg",
    "tax_code": "use 1 to 64 letters, digits, '.', '_', ':' or '-'",
}


class Reader:
    """Collects items and faults of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.items: list[Item] = []
        self.rows: dict[str, int] = {}
        self.faults: list[RowFault] = []

    def fault(self, row: int, column: str, message: str) -> None:
        self.faults.append(RowFault(row, column, message))

    def read(self) -> None:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                lines = csv.reader(file, strict=True)
                header = [name.strip() for name in next(lines, [])]
                if self._check_header(header):
                    for row, cells in enumerate(lines, start=2):
                        self._take(row, header, cells)
        except OSError as error:
            raise CoreError(f"{self.path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CoreError(f"{self.path}: is not UTF-8 ({error}); save it as 'CSV UTF-8'") from error
        except csv.Error as error:
            raise CoreError(f"{self.path}: is not CSV: {error}; quote cells that hold commas or line breaks") from error

    def _check_header(self, header: list[str]) -> bool:
        if len(header) == 1 and ";" in header[0]:
            self.fault(1, header[0], "columns are separated by semicolons; save the file with commas")
            return False
        for name in header:
            if name not in COLUMNS:
                self.fault(1, name or "(empty)", f"unknown column{suggestion(name, COLUMNS)}; remove or rename it")
        for name in COLUMNS:
            if header.count(name) != 1:
                self.fault(1, name, "is missing; add it" if name not in header else "stands twice; keep one")
        return not self.faults

    def _take(self, row: int, header: list[str], cells: list[str]) -> None:
        if not any(cell.strip() for cell in cells):
            return
        if len(cells) != len(header):
            self.fault(row, header[-1], f"the row has {len(cells)} cells, the header {len(header)}; make them the same")
            return
        cell = {name: text.strip() for name, text in zip(header, cells, strict=True)}
        before = len(self.faults)
        values = self._values(row, cell)
        if len(self.faults) > before:
            return
        try:
            item = Item.model_validate(values)
        except ValidationError as error:
            for what in error.errors():
                column = str(what["loc"][0]) if what["loc"] else "barcodes"
                self.fault(row, column, f"{cell.get(column, '')!r} cannot be; {ADVICE.get(column, what['msg'])}")
            return
        if item.item_id in self.rows:
            self.fault(row, "item_id", f"{item.item_id} stands in row {self.rows[item.item_id]} too; keep one")
            return
        self.rows[item.item_id] = row
        self.items.append(item)

    def _values(self, row: int, cell: dict[str, str]) -> dict[str, Any]:
        currency = cell["currency"]
        try:
            places = exponent(currency)
        except ValueError as error:
            self.fault(row, "currency", str(error))
            places = 2
        return {
            "item_id": cell["item_id"],
            "description": cell["description"],
            "barcodes": [self._barcode(row, code) for code in _split(cell["barcodes"])],
            "unit": cell["unit"],
            "price_minor": self._scaled(row, "price", cell["price"], places) if cell["price"] else None,
            "currency": currency,
            "tax_code": cell["tax_code"],
            "tax_rate_basis_points": self._rate(row, cell["tax_rate"]),
            "category": cell["category"],
            "tags": _split(cell["tags"]),
        }

    def _barcode(self, row: int, code: str) -> str:
        if not (code.isascii() and code.isprintable()):
            self.fault(row, "barcodes", f"{code!r} holds characters that no bar code carries; type it anew")
        if not (code.isascii() and code.isdigit()):
            return code
        if SHORTEST_GTIN <= len(code) <= LONGEST_GTIN and check_digit(code[:-1]) != code[-1]:
            self.fault(
                row,
                "barcodes",
                f"{code} ends in {code[-1]} but its check digit is {check_digit(code[:-1])}; scan it anew",
            )
        return code.lstrip("0") or "0"

    def _rate(self, row: int, text: str) -> int:
        rate = self._scaled(row, "tax_rate", text, 2)
        if rate > 10_000:
            self.fault(row, "tax_rate", f"{text} is over 100 percent; write 19 for 19 %")
        return rate

    def _scaled(self, row: int, column: str, text: str, places: int) -> int:
        """A decimal as an integer of its smallest unit; nothing rounds."""
        if not DECIMAL.fullmatch(text) or not text.isascii():
            self.fault(row, column, f"{text!r} is no plain number; write it as 1.19, without sign, spaces or commas")
            return 0
        try:
            scaled = Decimal(text).scaleb(places)
        except InvalidOperation:
            scaled = Decimal(MOST_MINOR + 1)
        if scaled != scaled.to_integral_value():
            self.fault(row, column, f"{text} has more than {places} decimals; round it")
            return 0
        if scaled > MOST_MINOR:
            self.fault(row, column, f"{text} is too large; check the decimal point")
            return 0
        return int(scaled)

    def check_together(self, known: dict[str, Item]) -> None:
        """Faults between items: bar codes and tax rates within the file, bar codes and units against the catalogue."""
        owner = {
            code: f"item {there.item_id} of the catalogue"
            for there in known.values()
            if there.item_id not in self.rows
            for code in there.barcodes
        }
        rates: dict[str, tuple[int, int]] = {}
        for item in self.items:
            row = self.rows[item.item_id]
            for code in item.barcodes:
                if code in owner:
                    self.fault(row, "barcodes", f"{code} belongs to {owner[code]} too; remove it from one of them")
                owner.setdefault(code, f"item {item.item_id} in row {row}")
            rate, first = rates.setdefault(item.tax_code, (item.tax_rate_basis_points, row))
            if rate != item.tax_rate_basis_points:
                self.fault(
                    row, "tax_rate", f"tax code {item.tax_code} has another rate in row {first}; make them the same"
                )
            old = known.get(item.item_id)
            if old is not None and old.unit != item.unit:
                self.fault(
                    row, "unit", f"was {old.unit}, and stock is counted in it; give these goods an item_id of their own"
                )


def read_items(path: Path, known: dict[str, Item]) -> list[Item]:
    """The items of a file that fits the catalogue.

    Raises:
        ImportRefused: with every fault.
        CoreError: the file cannot be read at all.
    """
    reader = Reader(path)
    reader.read()
    reader.check_together(known)
    if reader.faults:
        raise ImportRefused(path.name, sorted(reader.faults, key=lambda fault: fault.row))
    return reader.items


def import_items(database: Database, path: Path, dry_run: bool) -> tuple[service.Difference, int]:
    """Read, compare, and (unless dry_run) write in one transaction; returns the difference and the feed's version."""
    with database.read() if dry_run else database.write() as connection:
        if not dry_run:
            feeds.lock(connection, ITEMS)
        known = service.known_items(connection)
        change = service.difference(known, read_items(path, known))
        version = feeds.head(connection, ITEMS).version
        if dry_run or not change.anything:
            return change, version
        return change, service.apply(connection, [*change.new, *(new for _, new in change.changed)])


def check_digit(digits: str) -> str:
    """GS1 modulo 10 for a code without its check digit: weights 3, 1, 3, ... from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]
