"""The lines of a transaction in POSLog words: what was sold and came back, tax, tenders, points and coupons.

Shape:  amounts are integers in the currency's minor unit, weights whole grams. What most lines do not have is left out
        of their JSON, so that a plain cash sale reads as it always did.
Nets:   a line's net is extended_amount less its price modifiers: what the customer paid for it. `net_units` says it
        per unit, which is what a return pays back.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from retail.pricing import weighed_minor


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
#: dots alone would be a step in a path
Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\.*[A-Za-z0-9_:-][A-Za-z0-9._:-]*$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]
#: the id of a promotion rule, as headquarters wrote it
RuleId = Annotated[str, Field(min_length=1, max_length=128)]


class Shape(BaseModel):
    """What every message shares: unknown fields are an error, values do not change once made."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, serialize_by_alias=True, validate_by_alias=True, validate_by_name=True
    )


def _is_nothing(value: object) -> bool:
    return value is None or value == [] or value is False


def seldom(default: Any = None, **facts: Any) -> Any:
    """A field that most lines do not have: left out of their JSON."""
    if default == []:
        return Field(default_factory=list, exclude_if=_is_nothing, **facts)
    return Field(default=default, exclude_if=_is_nothing, **facts)


#: of one line
MOST_MODIFIERS = 100


class PriceModifier(Shape):
    """RetailPriceModifier: what one deal, or a person, took off this line.

    deal: lines of one deal share its number, which counts within the sale. by hand: `reason` and who allowed it.
    """

    rule_id: RuleId | None = seldom()
    rule_rev: int | None = seldom(ge=0)
    name: str = Field(min_length=1, max_length=200, description="as the receipt shows it")
    deal: int = Field(ge=1)
    amount_minor: int = Field(ge=0, description="taken off")
    reason: str | None = seldom(max_length=200)
    authorised_by: Identifier | None = seldom(description="the operator who allowed it, where not the cashier's own")


class NetUnits(Shape):
    """So many units of a line for which the customer paid this much each. A weighed line is one unit."""

    count: int = Field(ge=1, le=100_000)
    net_minor: int = Field(ge=0)


class PriceOverride(Shape):
    """The cashier set the unit price by hand."""

    regular_price_minor: int = Field(ge=0, description="what the price book says")
    reason: str = Field(min_length=1, max_length=200)
    authorised_by: Identifier | None = seldom()


class Measured(Shape):
    """Goods: exactly one of `quantity` (pieces) and `weight_grams` is given."""

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

    @property
    def units(self) -> int:
        return 1 if self.weight_grams is not None else self.quantity or 1


class SaleLine(Measured):
    """Goods that leave the shop. extended_amount = unit price x quantity, or x kilograms rounded half up."""

    type: Literal["Sale"] = "Sale"
    price_modifiers: list[PriceModifier] = seldom([], max_length=MOST_MODIFIERS)
    net_units: list[NetUnits] = seldom([], description="only where there are price modifiers")
    price_override: PriceOverride | None = seldom()
    age_confirmed: int | None = seldom(ge=1, le=150, description="the cashier saw that the customer is so old")
    tare_grams: int | None = seldom(ge=1, le=100_000, description="taken off what the scale showed; weight is net")

    @property
    def net_minor(self) -> int:
        """What the customer paid for this line."""
        return self.extended_amount_minor - sum(modifier.amount_minor for modifier in self.price_modifiers)

    def due_minor(self) -> int:
        """What the line must come to by its own figures; a price that stood in the bar code is its own unit."""
        if self.weight_grams is not None:
            return weighed_minor(self.unit_price_minor, self.weight_grams)
        return self.unit_price_minor * (self.quantity or 1)


class OriginalLine(Shape):
    """Where returned goods were sold: the receipt, and the line on it."""

    store_id: Identifier
    workstation_id: Identifier
    sequence_number: int = Field(ge=1)
    business_day_date: date
    line_number: int = Field(ge=1)


class ReturnLine(Measured):
    """Goods that come back. extended_amount is what is paid back for them, as a positive figure.

    net_units: unit by unit what the customer had paid; they sum to extended_amount. tax_amount: the tax in it, such
    that the parts of a sale that comes back in pieces add up to the tax of the sale. original: None without a receipt,
    which needs somebody's authority.
    """

    type: Literal["Return"] = "Return"
    net_units: list[NetUnits] = Field(min_length=1)
    tax_amount_minor: int = Field(ge=0)
    reason_code: Identifier = Field(examples=["damaged"])
    reason: str | None = seldom(max_length=200)
    original: OriginalLine | None = seldom()
    restock: bool = Field(default=True, description="false: the goods are not fit for sale and do not go into stock")
    authorised_by: Identifier | None = seldom()


class TaxLine(Shape):
    """The tax that the sale's nets of one tax code contain; negative where more came back than was sold."""

    type: Literal["Tax"] = "Tax"
    line_number: int = Field(ge=1)
    tax_code: Identifier
    rate_basis_points: int = Field(ge=0, le=10_000, description="1900 is 19 %")
    taxable_amount_minor: int = Field(description="gross of tax: nets of sold less returned lines of this tax code")
    tax_amount_minor: int


def _of_tender(most: int, description: str) -> Any:
    """A field that only some kinds of tender have."""
    return seldom(None, min_length=1, max_length=most, description=description)


TenderType = Literal["Cash", "Card", "Wallet", "Points", "Voucher", "Coupon"]


class TenderLine(Shape):
    """Money in; `change_minor` went back out of the same tender. The amount that pays the sale is their difference.

    amount below 0: paid out to the customer, for goods that came back.
    """

    type: Literal["Tender"] = "Tender"
    line_number: int = Field(ge=1)
    tender_type: TenderType = "Cash"
    amount_minor: int
    change_minor: int = Field(default=0, ge=0)
    payment_id: str | None = _of_tender(36, "the payment in the gateway's journal")
    card: str | None = _of_tender(40, "masked: at most the first six and the last four digits")
    card_scheme: str | None = _of_tender(40, "as the terminal names it")
    approval_code: str | None = _of_tender(40, "of the card's issuer or the wallet")
    reference: str | None = _of_tender(80, "how the terminal or the wallet finds the payment again")
    terminal_id: str | None = _of_tender(40, "the terminal's own number")
    wallet: str | None = _of_tender(40, "whose wallet: as the store's codes name it")
    voucher_id: str | None = _of_tender(64, "the voucher or coupon that paid, or that was issued (amount below 0)")
    points: int | None = seldom(description="points spent; below 0: given back")
    valid_until: date | None = seldom(description="of a voucher that was issued: its last day")


class RoundingLine(Shape):
    """Cash rounding: what was paid on top of the total (above 0) or let off (below), as the smallest coin demands."""

    type: Literal["Rounding"] = "Rounding"
    line_number: int = Field(ge=1)
    amount_minor: int


class LoyaltyLine(Shape):
    """LoyaltyReward: points that this transaction earned its member (below 0: taken back with returned goods)."""

    type: Literal["LoyaltyReward"] = "LoyaltyReward"
    line_number: int = Field(ge=1)
    member_id: Identifier
    points: int
    rule_id: RuleId | None = seldom()


class CouponLine(Shape):
    """A coupon used up by this sale, whatever its rules took off. Booked once at headquarters, by its code."""

    type: Literal["Coupon"] = "Coupon"
    line_number: int = Field(ge=1)
    coupon_id: Identifier
    scanned_code: str | None = seldom(max_length=512)


LineItem = Annotated[
    SaleLine | ReturnLine | TaxLine | TenderLine | RoundingLine | LoyaltyLine | CouponLine, Field(discriminator="type")
]
