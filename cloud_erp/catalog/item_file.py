"""`import items`: the catalogue from a file. In CSV amounts are written as people write them: 1.19."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Connection

from cloud_erp.catalog import service
from cloud_erp.db import Database
from cloud_erp.imports.cells import CellFault, flag, percent, places_of, scaled, several, whole
from cloud_erp.imports.kind import Change, Document, Documents, Kind
from cloud_erp.imports.run import Options, import_file
from cloud_erp.imports.sheet import Columns, Faults, Line
from retail.wire.rows import ITEMS, Item

NEEDED = (
    "item_id", "description", "barcodes", "unit", "price", "currency", "tax_code", "tax_rate", "category", "tags",
)  # fmt: skip
MORE = (
    "cost", "floor", "age_limit", "tare", "net_content", "recalled_lots", "not_returnable", "not_discountable",
)  # fmt: skip
AMOUNTS = {"price": "price_minor", "cost": "cost_minor", "floor": "floor_minor"}
LISTS = ("barcodes", "tags", "recalled_lots")
FLAGS = ("not_returnable", "not_discountable")
NUMBERS = {"age_limit": "age_limit", "tare": "tare_grams"}
#: these are taken as they stand, and an empty one is a fault
WORDS = ("item_id", "description", "unit", "currency", "tax_code")
#: shorter codes are item numbers inside variable-measure codes, and carry no check digit of their own
SHORTEST_GTIN, LONGEST_GTIN = 8, 14


class Items(Kind):
    name = ITEMS
    feed = ITEMS
    model = Item
    key = "item_id"
    columns = Columns(NEEDED + MORE, NEEDED)
    labels: ClassVar[Mapping[str, str]] = {
        field: name for name, field in (*AMOUNTS.items(), *NUMBERS.items(), ("tax_rate", "tax_rate_basis_points"))
    }
    advice: ClassVar[Mapping[str, str]] = {
        "item_id": "use 1 to 64 letters, digits, '.', '_', ':' or '-', not dots alone",
        "description": "give 1 to 200 characters",
        "barcodes": "each has 1 to 48 characters and stands once",
        "unit": "write each or kg",
        "tax_code": "use 1 to 64 letters, digits, '.', '_', ':' or '-', not dots alone",
    }

    def __init__(self) -> None:
        self._units: dict[str, str] = {}

    def known(self, connection: Connection) -> Documents:
        self._units = service.all_units(connection)
        return service.known_items(connection)

    def write(self, connection: Connection, change: Change) -> int:
        written = [Item.model_validate(document) for document in change.written().values()]
        return service.apply(connection, written, list(change.deleted))

    def where_whole(self) -> str:
        return "barcodes"

    def value(self, column: str, text: str, line: Line, known: Document) -> Document:
        if column in WORDS:
            if column == "currency":
                places_of(text)
            return {column: text}
        if column in AMOUNTS:
            return {AMOUNTS[column]: scaled(text, places(line, known)) if text else None}
        if column == "tax_rate":
            return {"tax_rate_basis_points": percent(text)}
        if column in LISTS:
            return {column: several(text)}
        if column in FLAGS:
            return {column: flag(text)}
        if column in NUMBERS:
            return {NUMBERS[column]: whole(text) if text else None}
        if column == "net_content":
            return _net_content(text)
        return {column: text}

    def prepared(self, given: Document, before: Document, line: Line, faults: Faults) -> Document:
        codes = given.get("barcodes")
        if isinstance(codes, list):
            given["barcodes"] = [_barcode(code, line, faults) if isinstance(code, str) else code for code in codes]
        currency = given.get("currency")
        if line.cells is None and isinstance(currency, str):
            try:
                places_of(currency)
            except CellFault as error:
                faults.add(line.row, "currency", str(error), error.rule)
        starts = [one.get("valid_from") for one in given.get("prices") or [] if isinstance(one, dict)]
        for start in {start for start in starts if starts.count(start) > 1}:
            faults.add(line.row, "prices", f"two prices begin at {start}; keep one", "twice")
        return given

    def together(self, rows: Mapping[str, tuple[int, Document]], known: Documents, faults: Faults) -> None:
        """Bar codes and tax rates within the file, bar codes and units against the catalogue."""
        owner = {
            code: f"item {item_id} of the catalogue"
            for item_id, there in known.items()
            if item_id not in rows
            for code in there["barcodes"]
        }
        rates: dict[str, tuple[int, int]] = {}
        for item_id, (row, item) in rows.items():
            for code in item["barcodes"]:
                if code in owner:
                    said = f"{code} belongs to {owner[code]} too; remove it from one of them"
                    faults.add(row, "barcodes", said, "twice")
                owner.setdefault(code, f"item {item_id} in row {row}")
            rate, first = rates.setdefault(item["tax_code"], (item["tax_rate_basis_points"], row))
            if rate != item["tax_rate_basis_points"]:
                said = f"tax code {item['tax_code']} has another rate in row {first}; make them the same"
                faults.add(row, "tax_rate", said, "tax_rate")
            unit = self._units.get(item_id)
            if unit is not None and unit != item["unit"]:
                said = f"was {unit}, and stock is counted in it; give these goods an item_id of their own"
                faults.add(row, "unit", said, "unit")


def import_items(database: Database, path: Path, dry_run: bool) -> tuple[Change, int]:
    """The difference, and the feed's version in force.

    Raises:
        ImportRefused: with every fault.
        CoreError: the file cannot be read at all.
    """
    outcome = import_file(database, Items(), path, Options(dry_run=dry_run))
    return outcome.change, outcome.version


def check_digit(digits: str) -> str:
    """GS1 modulo 10 for a code without its check digit: weights 3, 1, 3, ... from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def places(line: Line, known: Document) -> int:
    """The decimals of the row's currency; where that is at fault itself, it is told there."""
    currency = (line.cells or {}).get("currency") or known.get("currency") or ""
    try:
        return places_of(currency)
    except CellFault:
        return 2


def _net_content(text: str) -> Document:
    if not text:
        return {"net_content": None, "net_content_unit": None}
    number, _, unit = text.partition(" ")
    if unit not in ("g", "ml"):
        raise CellFault(f"{text!r}: write 500 g or 750 ml", "net_content")
    return {"net_content": whole(number), "net_content_unit": unit}


def _barcode(code: str, line: Line, faults: Faults) -> str:
    if not (code.isascii() and code.isprintable()):
        said = f"{code!r} holds characters that no bar code carries; type it anew"
        faults.add(line.row, "barcodes", said, "barcode")
    if not (code.isascii() and code.isdigit()):
        return code
    if SHORTEST_GTIN <= len(code) <= LONGEST_GTIN and check_digit(code[:-1]) != code[-1]:
        said = f"{code} ends in {code[-1]} but its check digit is {check_digit(code[:-1])}; scan it anew"
        faults.add(line.row, "barcodes", said, "check_digit")
    return code.lstrip("0") or "0"
