"""What the feeds carry down: one model per feed, a row each. The key of a row is its first field.

    items        articles, prices and what may be sold to whom      promotions   rules (retail/promotions/rules.py)
    members      an extract: who, tier, points                      coupons      codes and what they are good for
    vouchers     gift and credit vouchers with their balance        operators    who may do what at a till
    stock        what stores have of an item                        supplies     what is on its way

An effective date makes a price or a promotion valid at that minute in the store's own time zone, offline or not.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from retail.lines import Currency, Identifier, Shape, UtcTime, seldom

ITEMS = "items"
PROMOTIONS = "promotions"
MEMBERS = "members"
COUPONS = "coupons"
VOUCHERS = "vouchers"
OPERATORS = "operators"
STOCK = "stock"
SUPPLIES = "supplies"

LocalTime = Annotated[datetime, Field(description="the store's own wall clock, without an offset")]


class PricePeriod(Shape):
    """A price from a minute on, until another (exclusive). Of several that hold, the one that began last."""

    valid_from: LocalTime
    valid_until: LocalTime | None = seldom()
    price_minor: int = Field(ge=0)

    @model_validator(mode="after")
    def _local(self) -> PricePeriod:
        for moment in (self.valid_from, self.valid_until):
            if moment is not None and moment.tzinfo is not None:
                raise ValueError("give the store's own time, without an offset")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until must lie behind valid_from")
        return self


class Item(Shape):
    """A row of feed `items`; its key is the item_id. price_minor None: not for sale until HQ prices it."""

    item_id: Identifier
    description: str = Field(min_length=1, max_length=200)
    barcodes: list[Annotated[str, Field(min_length=1, max_length=48)]] = Field(
        default=[], description="GTINs without leading zeros, or the item number inside variable-measure codes"
    )
    unit: Literal["each", "kg"] = "each"
    price_minor: int | None = Field(default=None, ge=0, description="tax included; for one piece or one kilogram")
    currency: Currency
    tax_code: Identifier
    tax_rate_basis_points: int = Field(ge=0, le=10_000)
    category: str = ""
    tags: list[str] = Field(default=[])
    prices: list[PricePeriod] = seldom([], description="effective-dated prices; outside of them price_minor holds")
    cost_minor: int | None = seldom(ge=0, description="for one piece or one kilogram: the floor of promotions")
    floor_minor: int | None = seldom(ge=0, description="no override goes below it")
    age_limit: int | None = seldom(ge=1, le=150, description="years")
    recalled_lots: list[str] = seldom([], description="lots that must not be sold; `*` for all")
    tare_grams: int | None = seldom(ge=0, le=100_000)
    not_discountable: bool = seldom(False)
    not_returnable: bool = seldom(False)
    net_content: int | None = seldom(ge=1, description="grams or millilitres in one piece, for unit prices on labels")
    net_content_unit: Literal["g", "ml"] | None = seldom()

    @model_validator(mode="after")
    def _codes_differ(self) -> Item:
        if len(set(self.barcodes)) != len(self.barcodes):
            raise ValueError("one bar code stands twice")
        return self

    def price_at(self, local: datetime) -> int | None:
        """The price in force at that minute of the store's own time."""
        period = self.period_at(local)
        return period.price_minor if period is not None else self.price_minor

    def period_at(self, local: datetime) -> PricePeriod | None:
        """The effective-dated price in force then; None: the item's plain price holds."""
        moment = local.replace(tzinfo=None)
        holding = [
            period
            for period in self.prices
            if period.valid_from <= moment and (period.valid_until is None or moment < period.valid_until)
        ]
        return max(holding, key=lambda period: period.valid_from, default=None)

    def lowest_price(self, since: datetime, until: datetime) -> int | None:
        """The lowest price that was in force at any minute of these local times, as far as this row knows."""
        first, last = since.replace(tzinfo=None), until.replace(tzinfo=None)
        turns = [turn for period in self.prices for turn in (period.valid_from, period.valid_until) if turn is not None]
        moments = [first, last, *(turn for turn in turns if first < turn < last)]
        prices = [price for moment in moments if (price := self.price_at(moment)) is not None]
        return min(prices, default=None)


class PromotionRow(Shape):
    """A row of feed `promotions`; the rule as docs/promotions-rules.schema.json has it, its id the key."""

    rule_id: str = Field(min_length=1, max_length=128)
    rule: dict[str, Any]


class MemberRow(Shape):
    """A row of feed `members`: what a till needs of a member, and no more.

    codes: member_code() of card numbers and telephone numbers, so that a stolen card holds none in clear.
    """

    member_id: Identifier
    name: str = Field(max_length=100)
    codes: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(default=[])
    phone_masked: str = Field(default="", max_length=40, examples=["09••••••78"])
    tier: str = Field(default="", max_length=40)
    points: int = 0
    recent: list[str] = seldom([], description="descriptions of what was bought last, the newest first", max_length=20)


def member_code(shown: str) -> str:
    """How a card or telephone number is looked up: SHA-256 of its letters and digits in capitals."""
    plain = "".join(character for character in shown.upper() if character.isalnum())
    return hashlib.sha256(b"backroom.member/1\n" + plain.encode()).hexdigest()


class CouponRow(Shape):
    """A row of feed `coupons`; its key is the code on it. One without `amount_minor` opens the rules it triggers.

    uses: how often it may be used in all, None without limit. used: what headquarters has booked of them, by gateway:
    a till counts its own, and takes the others' from here, so that what it has counted already counts once.
    """

    coupon_id: Identifier
    name: str = Field(min_length=1, max_length=200)
    trigger: str = seldom(
        None, max_length=64, description="the rules' trigger.coupon; its own code where none is given"
    )
    amount_minor: int | None = seldom(ge=1, description="pays like money, up to what is due")
    valid_from: LocalTime | None = seldom()
    valid_until: LocalTime | None = seldom()
    uses: int | None = seldom(ge=0)
    used: dict[str, int] | None = seldom(description="gateway -> uses booked; only where uses are limited")
    member_id: Identifier | None = seldom(description="only this member may use it")


class VoucherRow(Shape):
    """A row of feed `vouchers`: a gift or credit voucher and what is left on it."""

    voucher_id: Identifier
    balance_minor: int = Field(ge=0)
    currency: Currency
    valid_until: date | None = seldom()


class OperatorRow(Shape):
    """A row of feed `operators`. pin: scrypt, as retail/pins.py writes it; None cannot sign in by PIN."""

    operator_id: Identifier
    name: str = Field(min_length=1, max_length=100)
    role: Literal["cashier", "supervisor", "manager"] = "cashier"
    pin: str | None = seldom(max_length=200)
    active: bool = True


class StockRow(Shape):
    """A row of feed `stock`: on hand by store, in pieces or grams, and how old the figure is."""

    item_id: Identifier
    on_hand: dict[str, int] = Field(description="store id -> pieces or grams")
    as_of: UtcTime


class Expected(Shape):
    """Goods on their way; store_id: to that store, None to any that reads it. cost_minor: what was agreed."""

    reference: str = Field(min_length=1, max_length=64, examples=["PO 123"])
    quantity: int = Field(ge=1)
    due: date
    supplier: str = Field(default="", max_length=100)
    store_id: Identifier | None = seldom()
    lead_time_days: int | None = seldom(ge=0, le=1_000, description="from the order until it comes, as a rule")
    cost_minor: int | None = seldom(ge=0, description="for one piece or one kilogram; not for every role to see")


class SupplyRow(Shape):
    """A row of feed `supplies`."""

    item_id: Identifier
    expected: list[Expected]
    as_of: UtcTime


#: feed name -> the field of its rows that lists codes to find them by
CODES = {ITEMS: "barcodes", MEMBERS: "codes"}
#: feed name -> its rows
ROWS: dict[str, type[Shape]] = {
    ITEMS: Item,
    PROMOTIONS: PromotionRow,
    MEMBERS: MemberRow,
    COUPONS: CouponRow,
    VOUCHERS: VoucherRow,
    OPERATORS: OperatorRow,
    STOCK: StockRow,
    SUPPLIES: SupplyRow,
}
