"""`import members`: an extract of the members. Telephone and card numbers are hashed as they are read.

What is kept of a number is its hash, for the till to look up, and a telephone number's ends, for a person to recognise
it by; nothing of it is kept in clear, shown or logged. points: the balance when headquarters took the member over; what
tills did since counts on top, so that the same file imported again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import Connection

from cloud_erp.bulk import upsert
from cloud_erp.feeds import service as feeds
from cloud_erp.imports.cells import CellFault, several, whole
from cloud_erp.imports.kind import Change, Document, Documents, Kind
from cloud_erp.imports.sheet import Columns, Faults, Line
from cloud_erp.members import service
from cloud_erp.members.model import member
from retail.wire.rows import MEMBERS, MemberRow, member_code

NUMBERS = ("phone", "cards")
#: letters and digits that a number has at least
SHORTEST = 5
ENDS = 2


class Members(Kind):
    name = MEMBERS
    feed = MEMBERS
    model = MemberRow
    key = "member_id"
    columns = Columns(("member_id", "name", "phone", "cards", "tier", "points"), ("member_id", "name"))
    hidden = ("codes", *NUMBERS)
    beside = NUMBERS
    advice: ClassVar[Mapping[str, str]] = {
        "member_id": "use 1 to 64 letters, digits, '.', '_', ':' or '-', not dots alone"
    }

    def begin(self, connection: Connection) -> None:
        while service.settle(connection):
            pass

    def known(self, connection: Connection) -> Documents:
        rows = feeds.known_rows(connection, MEMBERS)
        accounts = service.balances(connection, list(rows))
        return {key: row | {"points": accounts[key]["opening"]} for key, row in rows.items()}

    def write(self, connection: Connection, change: Change) -> int:
        written = change.written()
        accounts = service.balances(connection, sorted(written))
        rows: dict[str, Document | None] = dict.fromkeys(change.deleted)
        for member_id, document in written.items():
            account = accounts[member_id]
            account["opening"] = document["points"]
            rows[member_id] = document | {"points": account["opening"] + account["moved"]}
        upsert(connection, member, list(accounts.values()), key=("member_id",))
        return feeds.put(connection, MEMBERS, rows)

    def value(self, column: str, text: str, line: Line, known: Document) -> Document:
        if column in NUMBERS:
            return {column: several(text)}
        if column == "points":
            sign = -1 if text.startswith("-") else 1
            try:
                return {"points": sign * whole(text.removeprefix("-")) if text else None}
            except CellFault as error:
                raise CellFault(f"{text!r} is no whole number of points", "number") from error
        return {column: text}

    def prepared(self, given: Document, before: Document, line: Line, faults: Faults) -> Document:
        """Hashes in place of numbers. What a file has of phone, cards and codes makes up all of a member's codes."""
        numbers = {name: self._numbers(given.pop(name), name, line, faults) for name in NUMBERS if name in given}
        if numbers:
            codes = [member_code(number) for name in NUMBERS for number in numbers.get(name, [])]
            given["codes"] = sorted({*codes, *(given.get("codes") or [])})
            phones = numbers.get("phone", [])
            given["phone_masked"] = masked(phones[0]) if phones else ""
        return given

    def together(self, rows: Mapping[str, tuple[int, Document]], known: Documents, faults: Faults) -> None:
        owner = {
            code: f"member {member_id}"
            for member_id, there in known.items()
            if member_id not in rows
            for code in there["codes"]
        }
        for member_id, (row, document) in rows.items():
            for code in document["codes"]:
                if code in owner:
                    said = f"a number of {member_id} belongs to {owner[code]} too; remove it from one of them"
                    faults.add(row, "phone", said, "twice")
                owner.setdefault(code, f"member {member_id} in row {row}")

    @staticmethod
    def _numbers(given: Any, name: str, line: Line, faults: Faults) -> list[str]:
        numbers = [given] if isinstance(given, str) else given or []
        if not isinstance(numbers, list) or not all(isinstance(number, str) for number in numbers):
            faults.add(line.row, name, "give a number as text, or a list of them", "list")
            return []
        numbers = [number.strip() for number in numbers if number.strip()]
        if any(sum(character.isalnum() for character in number) < SHORTEST for number in numbers):
            faults.add(
                line.row, name, f"a number has fewer than {SHORTEST} letters and digits; complete it", "too_short"
            )
        return numbers


def masked(number: str) -> str:
    """09••••••78: the two ends of it, for a person to recognise."""
    plain = "".join(character for character in number if character.isalnum())
    return plain[:ENDS] + "•" * max(1, len(plain) - 2 * ENDS) + plain[-ENDS:]
