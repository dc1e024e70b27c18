"""An open transaction: its lines, its tenders and the states it may be in.

States:  idle -> selling -> tendering -> idle (the transaction is finished and in the outbox).
A voided line stays and counts nothing. All amounts are integers of the store's currency.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from uuid6 import uuid7

from gateway.errors import SaleRefused
from retail.pricing import extended_amount, tax_per_code
from retail.sale import RetailTransaction, SaleLine, TaxLine, TenderLine, UtcTime
from retail.units import Money, Quantity, Weight

State = Literal["idle", "selling", "tendering"]
Action = Literal["add", "void_line", "void_all", "tender", "finish"]

#: (state, action) -> state; what does not stand here is refused. docs/till.md is drawn from this table.
TRANSITIONS: dict[tuple[State, Action], State] = {
    ("idle", "add"): "selling",
    ("selling", "add"): "selling",
    ("selling", "void_line"): "selling",
    ("selling", "void_all"): "idle",
    ("selling", "tender"): "tendering",
    ("tendering", "tender"): "tendering",
    ("tendering", "void_all"): "idle",
    ("tendering", "finish"): "idle",
}

REFUSALS: dict[tuple[State, Action], str] = {
    ("idle", "void_line"): "nothing to void: scan an item first",
    ("idle", "void_all"): "there is no open sale to void",
    ("idle", "tender"): "nothing to pay: scan an item first",
    ("tendering", "add"): "this sale is being paid: finish or void it, then scan",
    ("tendering", "void_line"): "this sale is being paid: void the whole sale or finish it",
}


class Line(BaseModel):
    """One line as rung. unit_price_minor is for one piece, or for one kilogram of a weighed line."""

    model_config = ConfigDict(extra="forbid")

    line_number: int
    item_id: str
    description: str
    scanned_code: str | None
    entry_method: Literal["scanned", "keyed", "weighed"]
    quantity: int | None
    weight_grams: int | None
    unit_price_minor: int
    tax_code: str
    tax_rate_basis_points: int
    lot: str | None = None
    expiry: date | None = None
    void: bool = False

    def amount(self, currency: str) -> Money:
        measure = Weight(self.weight_grams) if self.weight_grams is not None else Quantity(self.quantity or 0)
        return extended_amount(Money(self.unit_price_minor, currency), measure)


class Basket(BaseModel):
    """What a workstation has open. Kept on disk after each change, so that a power cut loses no line."""

    model_config = ConfigDict(extra="forbid")

    currency: str
    state: State = "idle"
    idempotency_key: str = ""
    begin: UtcTime | None = None
    operator_id: str = "cashier"
    pending_quantity: int | None = None
    lines: list[Line] = []
    tendered_minor: int = 0

    def step(self, action: Action) -> None:
        """Move to the next state, or refuse in words for the cashier."""
        following = TRANSITIONS.get((self.state, action))
        if following is None:
            text = REFUSALS.get((self.state, action), f"cannot {action} while {self.state}")
            raise SaleRefused(text, reason=f"not_while_{self.state}")
        self.state = following

    def begin_if_idle(self, now: datetime) -> None:
        """A new transaction gets its key here: what is posted under it can be booked only once."""
        if self.state == "idle":
            self.lines, self.tendered_minor = [], 0
            self.idempotency_key = str(uuid7())
            self.begin = now

    def total(self) -> Money:
        return sum((line.amount(self.currency) for line in self.lines if not line.void), Money(0, self.currency))

    def due(self) -> Money:
        return self.total() - Money(self.tendered_minor, self.currency)

    def void_line(self, line_number: int | None) -> Line:
        """Take a line back: the last one where no number is given."""
        open_lines = [line for line in self.lines if not line.void]
        wanted = [line for line in open_lines if line_number is None or line.line_number == line_number]
        if not wanted:
            raise SaleRefused(
                f"line {line_number} is not there or already void", reason="no_such_line", field="line_number"
            )
        self.step("void_line")
        wanted[-1].void = True
        return wanted[-1]

    def to_transaction(
        self, store_id: str, workstation_id: str, sequence_number: int, business_date: date, end: datetime
    ) -> RetailTransaction:
        """The finished sale: its lines, the tax per tax code, and the cash with its change."""
        sold = [self._sale_line(line) for line in self.lines]
        rates = {line.tax_code: line.tax_rate_basis_points for line in self.lines}
        taxed = [(line.tax_code, line.amount(self.currency)) for line in self.lines if not line.void]
        number = len(sold)
        taxes: list[TaxLine] = []
        for code, rate, gross, tax in tax_per_code(taxed, rates):
            number += 1
            taxes.append(
                TaxLine(
                    line_number=number,
                    tax_code=code,
                    rate_basis_points=rate,
                    taxable_amount_minor=gross.minor,
                    tax_amount_minor=tax.minor,
                )
            )
        total = self.total().minor
        cash = TenderLine(
            line_number=number + 1,
            amount_minor=self.tendered_minor,
            change_minor=self.tendered_minor - total,
        )
        return RetailTransaction(
            store_id=store_id,
            workstation_id=workstation_id,
            sequence_number=sequence_number,
            business_day_date=business_date,
            operator_id=self.operator_id,
            begin_date_time=self.begin or end,
            end_date_time=max(end, self.begin or end),
            currency=self.currency,
            line_items=[*sold, *taxes, cash],
            total_minor=total,
        )

    def _sale_line(self, line: Line) -> SaleLine:
        return SaleLine(
            line_number=line.line_number,
            item_id=line.item_id,
            description=line.description,
            scanned_code=line.scanned_code,
            entry_method=line.entry_method,
            quantity=line.quantity,
            weight_grams=line.weight_grams,
            unit_price_minor=line.unit_price_minor,
            extended_amount_minor=line.amount(self.currency).minor,
            tax_code=line.tax_code,
            void_flag=line.void,
            lot=line.lot,
            expiry=line.expiry,
        )
