"""What every kind of master data is to an import: how its rows are read, compared and written.

A row is a document: JSON with the fields of the feed's row (retail/wire/rows.py), by key. A file says what it says:
fields that it leaves out stay as they are, null or an empty cell takes them away, and rows that it does not name stay.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import ValidationError
from sqlalchemy import Connection

from cloud_erp.config import suggestion
from cloud_erp.imports.cells import CellFault
from cloud_erp.imports.sheet import Columns, Faults, Line
from cloud_erp.text import printable
from retail.lines import Shape

Document = dict[str, Any]
Documents = dict[str, Document]


@dataclass(slots=True)
class Change:
    """What an import does, or would do: the documents by key."""

    new: Documents = field(default_factory=dict)
    changed: dict[str, tuple[Document, Document]] = field(default_factory=dict)
    deleted: Documents = field(default_factory=dict)
    unchanged: Documents = field(default_factory=dict)
    not_in_file: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.new or self.changed or self.deleted)

    def written(self) -> Documents:
        return self.new | {key: after for key, (_, after) in self.changed.items()}


class Kind(ABC):
    """One kind of master data. Subclasses say what differs.

    name: the word after `import`. feed: which it raises. model: of a row. key: the field that names it.
    labels: field -> what people call it where that differs, which is its column in CSV. hidden: fields whose values
    are shown nowhere.
    """

    name: str
    feed: str
    model: type[Shape]
    key: str
    columns: Columns
    labels: ClassVar[Mapping[str, str]] = {}
    hidden: Sequence[str] = ()
    #: what to write instead, by field
    advice: ClassVar[Mapping[str, str]] = {}
    #: the names under which a JSON object may hold the list of rows, beside `rows`
    lists: Sequence[str] = ()
    #: whether rows that a file does not name can be taken away
    deletes = True
    #: fields that a file may have beside the model's
    beside: Sequence[str] = ()

    def begin(self, connection: Connection) -> None:  # noqa: B027  most kinds have nothing to do here
        """Before anything is written, the feed locked: what waits for this feed goes into it first.

        So a store that sees a version knows that it has all that was acknowledged before.
        """

    @abstractmethod
    def known(self, connection: Connection) -> Documents:
        """What is in force, by key."""

    @abstractmethod
    def write(self, connection: Connection, change: Change) -> int:
        """Take the change over; the feed is locked. Returns the version in force."""

    def value(self, column: str, text: str, line: Line, known: Document) -> Document:
        """The fields that a cell of CSV says; raises CellFault."""
        raise NotImplementedError(f"{self.name} has the column {column} in CSV, and nothing that reads its cells")

    def prepared(self, given: Document, before: Document, line: Line, faults: Faults) -> Document:
        """What the file says, in the model's fields alone."""
        return given

    def together(  # noqa: B027  most kinds have none
        self, rows: Mapping[str, tuple[int, Document]], known: Documents, faults: Faults
    ) -> None:
        """Faults between rows, and against what is known. rows: key -> (row, document)."""

    def label(self, document: Document) -> str:
        """What a person knows it by, beside its key."""
        return str(document.get("name") or document.get("description") or "")

    def column_of(self, name: str) -> str:
        return self.labels.get(name, name)

    def rows(self, lines: Sequence[Line], known: Documents, faults: Faults) -> dict[str, tuple[int, Document]]:
        """key -> (row, document as it is to be)."""
        found: dict[str, tuple[int, Document]] = {}
        for line in lines:
            key = self._key(line)
            document = self._document(line, known.get(key, {}), faults)
            if document is None:
                continue
            key = document[self.key]
            if key in found:
                said = f"{printable(key)} stands in row {found[key][0]} too; keep one"
                faults.add(line.row, self.column_of(self.key), said, "twice")
                continue
            found[key] = line.row, document
        return found

    def _key(self, line: Line) -> str:
        if line.cells is not None:
            return line.cells.get(self.column_of(self.key), "")
        key = line.given.get(self.key)
        return key if isinstance(key, str) else ""

    def _document(self, line: Line, known: Document, faults: Faults) -> Document | None:
        before = len(faults.found)
        given = dict(line.given) if line.cells is None else self._values(line, known, faults)
        given = self._without_strangers(line, given, faults)
        given = self.prepared(given, known, line, faults)
        # Also of a row with a fault: what else is wrong with it is to be told at once.
        document = self.document(line, known, given, faults)
        return document if len(faults.found) == before else None

    def document(self, line: Line, known: Document, given: Document, faults: Faults) -> Document | None:
        """What is known with what is given over it; None with a fault where the model does not take it."""
        merged = {name: value for name, value in (known | given).items() if value is not None}
        try:
            return self.model.model_validate(merged).model_dump(mode="json")
        except ValidationError as error:
            for what in error.errors(include_url=False):
                self._misfit(line, what, faults)
            return None

    def _values(self, line: Line, known: Document, faults: Faults) -> Document:
        values: Document = {}
        for column, text in (line.cells or {}).items():
            try:
                values |= self.value(column, text, line, known)
            except CellFault as error:
                faults.add(line.row, column, str(error), error.rule)
        return values

    def _without_strangers(self, line: Line, given: Document, faults: Faults) -> Document:
        fields = [*self.model.model_fields, *self.beside]
        for name in given:
            if name not in fields:
                said = f"unknown field{suggestion(name, fields)}; remove or rename it"
                faults.add(line.row, printable(name), said, "unknown_field")
        return {name: value for name, value in given.items() if name in fields}

    def _misfit(self, line: Line, what: Any, faults: Faults) -> None:
        place = what["loc"]
        name = str(place[0]) if place else self.where_whole()
        path = self.column_of(name) + "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[1:]
        )
        if any((fault.row, fault.column) == (line.row, path) for fault in faults.found):
            return
        advice = self.advice.get(name) or str(what["msg"]).removeprefix("Value error, ")
        if what["type"] == "missing":
            said = "is missing; add it"
        elif name in self.hidden or name in self.beside or not isinstance(what.get("input"), str | int | bool | None):
            said = advice
        else:
            shown = (line.cells or {}).get(self.column_of(name), what["input"])
            said = f"{shown!r} cannot be; {advice}"
        faults.add(line.row, path, printable(said)[:300], what["type"])

    def where_whole(self) -> str:
        """The field to name where the model faults the row as a whole."""
        return self.key
