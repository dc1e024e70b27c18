"""`import vouchers`: vouchers and their worth when headquarters took them over; what tills do since counts on top."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from sqlalchemy import Connection

from cloud_erp.feeds import service as feeds
from cloud_erp.imports.cells import CellFault, places_of, scaled
from cloud_erp.imports.kind import Change, Document, Documents, Kind
from cloud_erp.imports.sheet import Columns, Faults, Line
from cloud_erp.vouchers import service
from retail.wire.rows import VOUCHERS, VoucherRow


class Vouchers(Kind):
    name = VOUCHERS
    feed = VOUCHERS
    model = VoucherRow
    key = "voucher_id"
    columns = Columns(("voucher_id", "balance", "currency", "valid_until"), ("voucher_id", "balance", "currency"))
    labels: ClassVar[Mapping[str, str]] = {"balance_minor": "balance"}
    advice: ClassVar[Mapping[str, str]] = {
        "voucher_id": "use 1 to 64 letters, digits, '.', '_', ':' or '-', not dots alone",
        "valid_until": "write a day as 2027-12-31",
    }

    def begin(self, connection: Connection) -> None:
        while service.settle(connection):
            pass

    def known(self, connection: Connection) -> Documents:
        rows = feeds.known_rows(connection, VOUCHERS)
        accounts = service.accounts(connection, list(rows))
        return {
            key: rows[key] | {"balance_minor": account["opening_minor"]}
            for key, account in accounts.items()
            if account["origin"] == service.IMPORTED
        }

    def write(self, connection: Connection, change: Change) -> int:
        written = change.written()
        accounts = service.accounts(connection, [*written, *change.deleted])
        for voucher_id, document in written.items():
            account = accounts.setdefault(voucher_id, service.fresh(voucher_id, document["currency"], service.IMPORTED))
            until: Any = document.get("valid_until")
            account |= {
                "currency": document["currency"],
                "valid_until": date.fromisoformat(until) if until else None,
                "opening_minor": document["balance_minor"],
                "origin": service.IMPORTED,
            }
        for voucher_id in change.deleted:
            accounts[voucher_id]["origin"] = service.GONE
        return service.write(connection, list(accounts.values()))

    def value(self, column: str, text: str, line: Line, known: Document) -> Document:
        if column == "currency":
            places_of(text)
            return {column: text}
        if column == "balance":
            try:
                places = places_of((line.cells or {}).get("currency", ""))
            except CellFault:
                places = 2
            return {"balance_minor": scaled(text, places)}
        return {column: text or None}

    def prepared(self, given: Document, before: Document, line: Line, faults: Faults) -> Document:
        currency = given.get("currency")
        if before and isinstance(currency, str) and currency != before["currency"]:
            said = f"was {before['currency']}, and its movements are in it; give it another number"
            faults.add(line.row, "currency", said, "currency")
        return given
