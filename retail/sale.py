"""A transaction in POSLog words (ARTS/OMG POSLog 6): RetailTransaction with its LineItems, and ControlTransaction.

Shape:  amounts are integers in the currency's minor unit, weights whole grams, times RFC 3339 in UTC.
        Prices include tax; a Tax line says how much tax the sale contains per tax code.
Sums:   extended_amount = unit price x quantity (or kilograms), rounded half up, for each Sale line not voided;
        total = the sum of these; the tenders less the change sum to the total.
Words:  in POSLog the lane is the workstation and the till is the cash tray (docs/glossary.md).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from retail.pricing import included_tax_minor, weighed_minor


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from error


UtcTime = Annotated[
    AwareDatetime, AfterValidator(_in_utc), PlainSerializer(_rfc3339, return_type=str, when_used="json")
]
Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]


class Shape(BaseModel):
    """What every message shares: unknown fields are an error, values do not change once made."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, serialize_by_alias=True, validate_by_alias=True, validate_by_name=True
    )


class SaleLine(Shape):
    """Goods that leave the shop: exactly one of `quantity` (pieces) and `weight_grams` is given."""

    type: Literal["Sale"] = "Sale"
    line_number: int = Field(ge=1)
    item_id: Identifier
    description: str = Field(min_length=1, max_length=200)
    scanned_code: str | None = Field(default=None, max_length=512, description="POSItemID: the code as it was read")
    entry_method: Literal["scanned", "keyed", "weighed"] = "scanned"
    quantity: int | None = Field(default=None, ge=1, le=100_000)
    weight_grams: int | None = Field(default=None, ge=1, le=1_000_000)
    unit_price_minor: int = Field(ge=0, description="for one piece, or for one kilogram where weight_grams is given")
    extended_amount_minor: int = Field(ge=0)
    tax_code: Identifier
    void_flag: bool = Field(default=False, description="rung and taken back: stays in the log, counts nowhere")
    lot: str | None = Field(default=None, max_length=20, description="GS1 AI 10")
    expiry: date | None = Field(default=None, description="GS1 AI 17")

    def due_minor(self) -> int:
        """What the line must come to by its own figures; a price that stood in the bar code is its own unit."""
        if self.weight_grams is not None:
            return weighed_minor(self.unit_price_minor, self.weight_grams)
        return self.unit_price_minor * (self.quantity or 1)


class TaxLine(Shape):
    """The tax that the sale's gross amounts of one tax code contain."""

    type: Literal["Tax"] = "Tax"
    line_number: int = Field(ge=1)
    tax_code: Identifier
    rate_basis_points: int = Field(ge=0, le=10_000, description="1900 is 19 %")
    taxable_amount_minor: int = Field(description="gross: the sum of the lines of this tax code")
    tax_amount_minor: int


def _is_none(value: object) -> bool:
    return value is None


def _of_card(most: int, description: str) -> Any:
    """A field that only a card tender has: left out elsewhere, so that a cash sale reads as it always did."""
    return Field(default=None, min_length=1, max_length=most, description=description, exclude_if=_is_none)


class TenderLine(Shape):
    """Money in; `change_minor` went back out of the same tender. The amount that pays the sale is their difference."""

    type: Literal["Tender"] = "Tender"
    line_number: int = Field(ge=1)
    tender_type: Literal["Cash", "Card"] = "Cash"
    amount_minor: int = Field(ge=0)
    change_minor: int = Field(default=0, ge=0)
    payment_id: str | None = _of_card(36, "the payment in the gateway's journal")
    card: str | None = _of_card(40, "masked: at most the first six and the last four digits")
    card_scheme: str | None = _of_card(40, "as the terminal names it")
    approval_code: str | None = _of_card(40, "of the card's issuer")
    reference: str | None = _of_card(80, "how the terminal finds the payment again")
    terminal_id: str | None = _of_card(40, "the terminal's own number")


#: of one sale
MOST_LINES = 2_000

LineItem = Annotated[SaleLine | TaxLine | TenderLine, Field(discriminator="type")]


class RetailTransaction(Shape):
    """One finished sale. What the gateway's local API takes, the outbox keeps and headquarters books."""

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
    total_minor: int = Field(ge=0)
    training_flag: bool = False

    def sales(self) -> list[SaleLine]:
        return [line for line in self.line_items if isinstance(line, SaleLine) and not line.void_flag]

    def tenders(self) -> list[TenderLine]:
        return [line for line in self.line_items if isinstance(line, TenderLine)]

    def taxes(self) -> list[TaxLine]:
        return [line for line in self.line_items if isinstance(line, TaxLine)]


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
    gross, total, paid = _sums(sale)
    for index, line in enumerate(lines):
        if isinstance(line, SaleLine):
            found += _line_faults(f"line_items[{index}]", line)
        elif isinstance(line, TaxLine):
            found += _tax_faults(f"line_items[{index}]", line, gross.get(line.tax_code, 0))
    codes = [tax.tax_code for tax in sale.taxes()]
    if len(set(codes)) != len(codes):
        found.append(Fault(field="line_items", message="two Tax lines carry one tax_code; give one per tax code"))
    if total != sale.total_minor:
        found.append(Fault(field="total_minor", message=f"is {sale.total_minor}; the lines sum to {total}"))
    if paid != sale.total_minor:
        found.append(
            Fault(field="line_items", message=f"tenders less change come to {paid}; total_minor is {sale.total_minor}")
        )
    if sale.end_date_time < sale.begin_date_time:
        found.append(Fault(field="end_date_time", message="lies before begin_date_time"))
    return found


def _sums(sale: RetailTransaction) -> tuple[dict[str, int], int, int]:
    """Gross per tax code, the sum of the lines, and the tenders less change, in minor units."""
    gross: dict[str, int] = {}
    paid = 0
    for line in sale.line_items:
        if isinstance(line, SaleLine):
            if not line.void_flag:
                gross[line.tax_code] = gross.get(line.tax_code, 0) + line.extended_amount_minor
        elif isinstance(line, TenderLine):
            paid += line.amount_minor - line.change_minor
    return gross, sum(gross.values()), paid


def _line_faults(path: str, line: SaleLine) -> list[Fault]:
    if (line.quantity is None) == (line.weight_grams is None):
        return [Fault(field=f"{path}.quantity", message="give either quantity or weight_grams, not both and not none")]
    due = line.due_minor()
    if due != line.extended_amount_minor:
        return [
            Fault(
                field=f"{path}.extended_amount_minor",
                message=f"is {line.extended_amount_minor}; unit_price_minor x quantity or weight gives {due}",
            )
        ]
    return []


def _tax_faults(path: str, line: TaxLine, gross: int) -> list[Fault]:
    if gross != line.taxable_amount_minor:
        return [
            Fault(
                field=f"{path}.taxable_amount_minor",
                message=f"is {line.taxable_amount_minor}; the lines of tax code {line.tax_code} sum to {gross}",
            )
        ]
    tax = included_tax_minor(gross, line.rate_basis_points)
    if tax != line.tax_amount_minor:
        return [Fault(field=f"{path}.tax_amount_minor", message=f"is {line.tax_amount_minor}; the rate gives {tax}")]
    return []
