"""A transaction in POSLog words (ARTS/OMG POSLog 6): RetailTransaction with its LineItems, and whether it adds up.

Shape:  amounts are integers in the currency's minor unit, weights whole grams, times RFC 3339 in UTC.
        Prices include tax; a Tax line says how much tax the sale contains per tax code.
Sums:   total = the nets of the Sale lines not voided less what the Return lines pay back; below 0 the shop pays out.
        The tenders less the change sum to the total and the cash rounding.
Words:  in POSLog the lane is the workstation and the till is the cash tray (docs/glossary.md).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from retail.lines import (
    CouponLine,
    Currency,
    Identifier,
    LineItem,
    LoyaltyLine,
    NetUnits,
    OriginalLine,
    PriceModifier,
    PriceOverride,
    ReturnLine,
    RoundingLine,
    SaleLine,
    Shape,
    TaxLine,
    TenderLine,
    TenderType,
    UtcTime,
    seldom,
)
from retail.pricing import included_tax_minor

__all__ = [
    "CouponLine",
    "Currency",
    "Fault",
    "Identifier",
    "LineItem",
    "LoyaltyLine",
    "NetUnits",
    "OriginalLine",
    "PriceModifier",
    "PriceOverride",
    "RetailTransaction",
    "ReturnLine",
    "RoundingLine",
    "SaleLine",
    "Shape",
    "TaxLine",
    "TenderLine",
    "TenderType",
    "UtcTime",
    "faults",
]

#: of one sale
MOST_LINES = 2_000


class RetailTransaction(Shape):
    """One finished sale, return or exchange. What the local API takes, the outbox keeps and headquarters books."""

    transaction_type: Literal["RetailTransaction"] = "RetailTransaction"
    store_id: Identifier
    workstation_id: Identifier
    sequence_number: int = Field(
        ge=1, description="counts the workstation's transactions; gapless where the till counts"
    )
    business_day_date: date
    operator_id: Identifier
    begin_date_time: UtcTime
    end_date_time: UtcTime
    currency: Currency
    line_items: list[LineItem] = Field(min_length=1, max_length=MOST_LINES)
    total_minor: int
    training_flag: bool = False
    session_id: Identifier | None = seldom(description="the till session that it belongs to")
    member_id: Identifier | None = seldom(description="the customer, where known")

    def sales(self) -> list[SaleLine]:
        return [line for line in self.line_items if isinstance(line, SaleLine) and not line.void_flag]

    def returns(self) -> list[ReturnLine]:
        return [line for line in self.line_items if isinstance(line, ReturnLine) and not line.void_flag]

    def tenders(self) -> list[TenderLine]:
        return [line for line in self.line_items if isinstance(line, TenderLine)]

    def taxes(self) -> list[TaxLine]:
        return [line for line in self.line_items if isinstance(line, TaxLine)]

    def rounding_minor(self) -> int:
        return sum(line.amount_minor for line in self.line_items if isinstance(line, RoundingLine))

    def loyalty(self) -> list[LoyaltyLine]:
        return [line for line in self.line_items if isinstance(line, LoyaltyLine)]

    def points_earned(self) -> int:
        return sum(line.points for line in self.loyalty())

    def coupons(self) -> list[CouponLine]:
        return [line for line in self.line_items if isinstance(line, CouponLine)]


class Fault(Shape):
    """One thing that does not add up: the field by its path, and what it should have been."""

    field: str
    message: str


def faults(sale: RetailTransaction) -> list[Fault]:
    """What in this sale contradicts itself; an empty list means that it adds up.

    The gateway refuses a posted sale that has any; headquarters quarantines one.
    """
    found: list[Fault] = []
    lines = sale.line_items
    if len({line.line_number for line in lines}) != len(lines):
        found.append(Fault(field="line_items", message="two lines carry one line_number; number them 1, 2, 3, ..."))
    nets = _Nets(sale)
    for index, line in enumerate(lines):
        path = f"line_items[{index}]"
        if isinstance(line, SaleLine):
            found += _measure_faults(path, line) or _sale_faults(path, line)
        elif isinstance(line, ReturnLine):
            found += _measure_faults(path, line) or _return_faults(path, line)
        elif isinstance(line, TaxLine):
            found += _tax_faults(path, line, nets)
    return found + _whole_faults(sale, nets)


class _Nets:
    """Per tax code: the nets sold, what was paid back, and the tax in what was paid back; in minor units."""

    def __init__(self, sale: RetailTransaction) -> None:
        self.sold: dict[str, int] = {}
        self.returned: dict[str, int] = {}
        self.returned_tax: dict[str, int] = {}
        for line in sale.sales():
            self.sold[line.tax_code] = self.sold.get(line.tax_code, 0) + line.net_minor
        for back in sale.returns():
            code = back.tax_code
            self.returned[code] = self.returned.get(code, 0) + back.extended_amount_minor
            self.returned_tax[code] = self.returned_tax.get(code, 0) + back.tax_amount_minor

    def taxable(self, code: str) -> int:
        return self.sold.get(code, 0) - self.returned.get(code, 0)

    def tax(self, code: str, rate_basis_points: int) -> int:
        return included_tax_minor(self.sold.get(code, 0), rate_basis_points) - self.returned_tax.get(code, 0)

    def total(self) -> int:
        return sum(self.sold.values()) - sum(self.returned.values())


def _whole_faults(sale: RetailTransaction, nets: _Nets) -> list[Fault]:
    found: list[Fault] = []
    codes = [tax.tax_code for tax in sale.taxes()]
    if len(set(codes)) != len(codes):
        found.append(Fault(field="line_items", message="two Tax lines carry one tax_code; give one per tax code"))
    if nets.total() != sale.total_minor:
        found.append(Fault(field="total_minor", message=f"is {sale.total_minor}; the lines sum to {nets.total()}"))
    paid = sum(tender.amount_minor - tender.change_minor for tender in sale.tenders())
    due, rounding = sale.total_minor, sale.rounding_minor()
    if paid != due + rounding:
        text = f"tenders less change come to {paid}; total_minor is {due}"
        found.append(Fault(field="line_items", message=f"{text}, cash rounding {rounding}" if rounding else text))
    if sale.end_date_time < sale.begin_date_time:
        found.append(Fault(field="end_date_time", message="lies before begin_date_time"))
    return found


def _measure_faults(path: str, line: SaleLine | ReturnLine) -> list[Fault]:
    if (line.quantity is None) == (line.weight_grams is None):
        return [Fault(field=f"{path}.quantity", message="give either quantity or weight_grams, not both and not none")]
    return []


def _sale_faults(path: str, line: SaleLine) -> list[Fault]:
    due = line.due_minor()
    if due != line.extended_amount_minor:
        text = f"is {line.extended_amount_minor}; unit_price_minor x quantity or weight gives {due}"
        return [Fault(field=f"{path}.extended_amount_minor", message=text)]
    if line.net_minor < 0:
        text = f"take {due - line.net_minor} off a line of {due}; a line cannot go below 0"
        return [Fault(field=f"{path}.price_modifiers", message=text)]
    if line.price_modifiers or line.net_units:
        return _unit_faults(path, line.net_units, line.units, line.net_minor)
    return []


def _return_faults(path: str, line: ReturnLine) -> list[Fault]:
    if line.tax_amount_minor > line.extended_amount_minor:
        text = f"is {line.tax_amount_minor}, more than the {line.extended_amount_minor} paid back"
        return [Fault(field=f"{path}.tax_amount_minor", message=text)]
    return _unit_faults(path, line.net_units, line.units, line.extended_amount_minor)


def _unit_faults(path: str, net_units: list[NetUnits], units: int, net: int) -> list[Fault]:
    count, amount = sum(one.count for one in net_units), sum(one.count * one.net_minor for one in net_units)
    if (count, amount) == (units, net):
        return []
    text = f"are {count} units of {amount} together; the line has {units} of {net} together"
    return [Fault(field=f"{path}.net_units", message=text)]


def _tax_faults(path: str, line: TaxLine, nets: _Nets) -> list[Fault]:
    taxable = nets.taxable(line.tax_code)
    if taxable != line.taxable_amount_minor:
        return [
            Fault(
                field=f"{path}.taxable_amount_minor",
                message=f"is {line.taxable_amount_minor}; the lines of tax code {line.tax_code} sum to {taxable}",
            )
        ]
    tax = nets.tax(line.tax_code, line.rate_basis_points)
    if tax != line.tax_amount_minor:
        return [Fault(field=f"{path}.tax_amount_minor", message=f"is {line.tax_amount_minor}; the rate gives {tax}")]
    return []
