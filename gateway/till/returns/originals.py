"""Sales of this box, found again by their receipt's number or an article in them: what of them can come back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import SaleRefused
from gateway.queue.database import Database
from gateway.queue.outbox import Outbox
from gateway.till.returns.reckoning import Reckoning
from gateway.till.returns.rows import PaidWith
from gateway.till.uses import Uses
from retail.lines import OriginalLine, SaleLine
from retail.sale import RetailTransaction

#: as receipts carry it, in letters and in their QR code
RECEIPT_NUMBER = re.compile(r"([A-Za-z0-9._:-]{1,64})/([A-Za-z0-9._:-]{1,64})/([0-9]{1,18})")
#: sales that a scanned article may have come from
MOST_FOUND = 10


@dataclass(frozen=True, slots=True)
class Original:
    """A sale as it was kept. key: its idempotency key. reckoning: of what can still come back."""

    key: str
    seq: int
    sale: RetailTransaction
    reckoning: Reckoning

    def line(self, number: int) -> SaleLine:
        for line in self.sale.sales():
            if line.line_number == number:
                return line
        text = f"the receipt sold nothing on line {number}"
        raise SaleRefused(text, reason="no_such_line", field="line_number")

    def line_of(self, item_id: str) -> SaleLine:
        """The first line of this article of which something can still come back, else the first at all."""
        lines = [line for line in self.sale.sales() if line.item_id == item_id]
        if not lines:
            raise SaleRefused("this article is not on that receipt", reason="not_on_receipt", field="code")
        return next((line for line in lines if self.reckoning.left(line)), lines[0])

    def where(self, line: SaleLine) -> OriginalLine:
        sale = self.sale
        return OriginalLine(
            store_id=sale.store_id,
            workstation_id=sale.workstation_id,
            sequence_number=sale.sequence_number,
            business_day_date=sale.business_day_date,
            line_number=line.line_number,
        )

    def paid_with(self) -> list[PaidWith]:
        return [
            PaidWith(
                tender_type=tender.tender_type,
                amount_minor=tender.amount_minor - tender.change_minor,
                payment_id=tender.payment_id or "",
                wallet=tender.wallet or "",
            )
            for tender in self.sale.tenders()
            if tender.amount_minor > tender.change_minor
        ]


def is_receipt_number(text: str) -> bool:
    return RECEIPT_NUMBER.fullmatch(text.strip()) is not None


class Originals:
    """Reads what the ledger and the outbox keep: 90 business days of sales, this box's own."""

    def __init__(self, store_id: str, database: Database, outbox: Outbox, uses: Uses) -> None:
        self._store_id, self._database, self._outbox, self._uses = store_id, database, outbox, uses

    def find(self, number: str) -> Original:
        """The sale of a receipt number.

        Raises:
            SaleRefused: reason `bad_receipt`: it is no such number; `other_store`; `unknown_receipt`: this box never
                had it, or keeps it no more.
        """
        parts = RECEIPT_NUMBER.fullmatch(number.strip())
        if parts is None:
            text = f"{number[:64]!r} is no receipt number; it reads like {self._store_id}/1/17"
            raise SaleRefused(text, reason="bad_receipt", field="receipt")
        store, workstation, sequence = parts.groups()
        if store != self._store_id:
            text = f"receipt {number} is of store {store}: this box cannot look it up"
            raise SaleRefused(text, reason="other_store", field="receipt")
        rows = self._database.read(
            "SELECT idempotency_key FROM retail_transaction WHERE workstation_id = ? AND sequence_number = ?"
            " ORDER BY business_date DESC, origin DESC LIMIT 1",
            workstation,
            int(sequence),
        )
        found = self._kept(rows[0]["idempotency_key"]) if rows else None
        if found is None:
            text = f"receipt {number} is not among the sales that this box keeps"
            raise SaleRefused(text, reason="unknown_receipt", field="receipt")
        return found

    def having(self, item_id: str) -> list[Original]:
        """The newest sales that this article can have come from."""
        rows = self._database.read(
            "SELECT idempotency_key FROM record WHERE type = 'RetailTransaction'"
            " AND instr(CAST(body AS TEXT), ?) > 0 ORDER BY seq DESC LIMIT ?",
            f'"item_id":"{item_id}"',
            MOST_FOUND,
        )
        found = [self._kept(row["idempotency_key"]) for row in rows]
        return [
            one
            for one in found
            if one is not None
            and any(line.item_id == item_id and one.reckoning.left(line) for line in one.sale.sales())
        ]

    def _kept(self, key: str) -> Original | None:
        record = self._outbox.state_of(key)
        if record is None:
            return None
        sale = RetailTransaction.model_validate_json(record["body"])
        return Original(key, record["seq"], sale, Reckoning(sale, self._uses.units(key)))
