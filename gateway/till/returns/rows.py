"""A line of the open basket on which goods come back."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from gateway.till.uses import UnitUse, Use
from retail.lines import ReturnLine
from retail.sale import TenderType
from retail.units import Money


class PaidWith(BaseModel):
    """What the sale that goods came from was paid with, less change: where their money goes back to, if it can."""

    model_config = ConfigDict(extra="forbid")

    tender_type: TenderType
    amount_minor: int
    payment_id: str = ""
    wallet: str = ""


class Returning(BaseModel):
    """sale_key: of the sale that they came from, "" without one. points: that go back with them, of `member_id`.

    unverified: a receipt that this box could not look up, as the customer showed it.
    """

    model_config = ConfigDict(extra="forbid")

    line: ReturnLine
    tax_rate_basis_points: int
    sale_key: str = ""
    member_id: str | None = None
    points: int = 0
    paid_with: list[PaidWith] = []
    unverified: str = ""
    void: bool = False

    @property
    def line_number(self) -> int:
        return self.line.line_number

    @property
    def description(self) -> str:
        return self.line.description

    def amount(self, currency: str) -> Money:
        """What is paid back for it."""
        return Money(self.line.extended_amount_minor, currency)

    def uses(self) -> list[Use]:
        """The units of the sale that this brings back; their tax and points stand with the first."""
        if not self.sale_key or self.line.original is None:
            return []
        facts = {"tax": self.line.tax_amount_minor, "points": self.points}
        number = self.line.original.line_number
        return [
            Use(
                "unit",
                UnitUse.code(self.sale_key, number, units.net_minor),
                units.count,
                of_sale=self.sale_key,
                facts=facts if at == 0 else {},
            )
            for at, units in enumerate(self.line.net_units)
        ]
