"""`import operators`: who may do what at a till. A PIN is given in clear and kept as its hash alone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy import Connection

from cloud_erp.feeds import service as feeds
from cloud_erp.imports.cells import flag
from cloud_erp.imports.kind import Change, Document, Documents, Kind
from cloud_erp.imports.sheet import Columns, Faults, Line
from retail.pins import SALT_BYTES, PinError, check_hash, hash_pin, verify_pin
from retail.wire.rows import OPERATORS, OperatorRow

HASHED = "scrypt$"


class Operators(Kind):
    name = OPERATORS
    feed = OPERATORS
    model = OperatorRow
    key = "operator_id"
    columns = Columns(("operator_id", "name", "role", "pin", "active"), ("operator_id", "name"))
    hidden = ("pin",)
    advice: ClassVar[Mapping[str, str]] = {
        "operator_id": "use 1 to 64 letters, digits, '.', '_', ':' or '-', not dots alone",
        "role": "write cashier, supervisor or manager",
        "pin": "a PIN has 4 to 12 digits, as text",
    }

    def known(self, connection: Connection) -> Documents:
        return feeds.known_rows(connection, OPERATORS)

    def write(self, connection: Connection, change: Change) -> int:
        return feeds.put(connection, OPERATORS, change.written() | dict.fromkeys(change.deleted))

    def value(self, column: str, text: str, line: Line, known: Document) -> Document:
        if column == "active":
            return {column: flag(text) if text else None}
        # An empty cell leaves the PIN as it is: a list of operators is seldom a list of PINs.
        if column == "pin" and not text:
            return {}
        return {column: text or None}

    def prepared(self, given: Document, before: Document, line: Line, faults: Faults) -> Document:
        pin = given.get("pin")
        if not isinstance(pin, str):
            return given
        try:
            given["pin"] = check_hash(pin) if pin.startswith(HASHED) else _hashed(pin, before.get("pin"))
        except PinError as error:
            faults.add(line.row, "pin", str(error), "pin")
        return given


def _hashed(pin: str, known: str | None) -> str:
    """The hash that is kept; the known one where the PIN is the same, so that nothing changes."""
    if known is not None and verify_pin(pin, known):
        return known
    return hash_pin(pin, secrets.token_bytes(SALT_BYTES))
