"""A file as rows, and the faults found in it. Rows of CSV are counted as spreadsheets do: the header is row 1. Rows of
JSON are counted from 1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cloud_erp.config import suggestion
from cloud_erp.errors import CoreError, RowFault

Format = Literal["csv", "json"]
FORMATS: dict[str, Format] = {".csv": "csv", ".json": "json"}


@dataclass(slots=True)
class Faults:
    """Collects them; each names row, field and the rule that was broken, and says what to do."""

    found: list[RowFault] = field(default_factory=list)

    def add(self, row: int, column: str, message: str, rule: str = "value") -> None:
        self.found.append(RowFault(row, column, message, rule))


@dataclass(frozen=True, slots=True)
class Line:
    """One row. cells: of CSV, text by column. given: of JSON, values by field."""

    row: int
    cells: dict[str, str] | None = None
    given: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the header of a CSV may hold, and what it must."""

    known: Sequence[str]
    needed: Sequence[str]


def format_of(path: Path, named: str | None) -> Format:
    """By its suffix, unless it is named.

    Raises:
        CoreError: neither says.
    """
    if named is not None and named.lower() in FORMATS.values():
        return "csv" if named.lower() == "csv" else "json"
    if named is not None:
        raise CoreError(f"--format {named!r}: use csv or json")
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise CoreError(f"{path}: its name ends neither in .csv nor in .json; say which it is with --format") from None


def lines_of(path: Path, kind: Format, columns: Columns, faults: Faults, rows_under: Sequence[str]) -> list[Line]:
    """The rows of the file that have their shape; what has not is among the faults.

    rows_under: the names under which a JSON object may hold the list.

    Raises:
        CoreError: the file cannot be read at all.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CoreError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CoreError(f"{path}: is not UTF-8 ({error}); save it as 'CSV UTF-8', or JSON in UTF-8") from error
    if kind == "json":
        return _json(path, text, faults, rows_under)
    try:
        return _csv(text, columns, faults)
    except csv.Error as error:
        raise CoreError(f"{path}: is not CSV: {error}; quote cells that hold commas or line breaks") from error


def _csv(text: str, columns: Columns, faults: Faults) -> list[Line]:
    sheet = csv.reader(text.splitlines(keepends=True), strict=True)
    header = [name.strip() for name in next(sheet, [])]
    if not _sound(header, columns, faults):
        return []
    found = []
    for row, cells in enumerate(sheet, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            said = f"the row has {len(cells)} cells, the header {len(header)}; make them the same"
            faults.add(row, header[-1], said, "cells")
            continue
        found.append(Line(row, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}))
    return found


def _sound(header: list[str], columns: Columns, faults: Faults) -> bool:
    before = len(faults.found)
    if len(header) == 1 and ";" in header[0]:
        faults.add(1, header[0], "columns are separated by semicolons; save the file with commas", "separator")
        return False
    for name in header:
        if name not in columns.known:
            said = f"unknown column{suggestion(name, columns.known)}; remove or rename it"
            faults.add(1, name or "(empty)", said, "unknown_column")
    for name in columns.known:
        if header.count(name) > 1:
            faults.add(1, name, "stands twice; keep one", "twice")
        elif name in columns.needed and name not in header:
            faults.add(1, name, "is missing; add it", "missing")
    return len(faults.found) == before


def _json(path: Path, text: str, faults: Faults, rows_under: Sequence[str]) -> list[Line]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CoreError(f"{path}: is not JSON: {error}") from error
    if isinstance(data, dict):
        name = next((name for name in rows_under if name in data), None)
        if name is None or len(data) != 1:
            raise CoreError(f"{path}: give a list of rows, or an object with the list under {rows_under[0]!r} alone")
        data = data[name]
    if not isinstance(data, list):
        raise CoreError(f"{path}: give a list of rows, each an object")
    found = []
    for row, given in enumerate(data, start=1):
        if isinstance(given, dict):
            found.append(Line(row, given=given))
        else:
            faults.add(row, "row", "is no object; write {...}", "object")
    return found
