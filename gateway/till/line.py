"""A line of an open sale, as it was rung."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.till.offers.rows import ByHand
from retail.pricing import extended_amount, weighed_minor
from retail.sale import NetUnits, PriceModifier, PriceOverride
from retail.units import Money, Quantity, Weight


class Line(BaseModel):
    """One line as rung. unit_price_minor is for one piece, or for one kilogram of a weighed line.

    It keeps the price, and what the rules go by, as of the moment when it was rung. price_valid_from, _until: of the
    effective-dated price. price_book: the version of feed `items`. price_modifiers, net_units: what offers/ wrote.
    age_limit: it waits until age_confirmed. tare_grams: taken off what the scale showed. piece_grams: what one piece
    weighs with its packaging, where known.
    """

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
    category: str = ""
    tags: list[str] = []
    cost_minor: int | None = None
    floor_minor: int | None = None
    discountable: bool = True
    price_valid_from: datetime | None = None
    price_valid_until: datetime | None = None
    price_book: int = 0
    price_override: PriceOverride | None = None
    age_limit: int | None = None
    age_confirmed: int | None = None
    tare_grams: int | None = None
    piece_grams: int | None = None
    by_hand: ByHand | None = None
    price_modifiers: list[PriceModifier] = []
    net_units: list[NetUnits] = []

    def bag_grams(self) -> int | None:
        """What it adds to a bag; None where nobody knows."""
        if self.weight_grams is not None:
            return self.weight_grams + (self.tare_grams or 0)
        return self.piece_grams * (self.quantity or 0) if self.piece_grams is not None else None

    def cost(self) -> int | None:
        """What the goods of this line cost the shop, in minor units; None where nobody said."""
        if self.cost_minor is None or self.weight_grams is None:
            return None if self.cost_minor is None else self.cost_minor * (self.quantity or 0)
        return weighed_minor(self.cost_minor, self.weight_grams)

    def net(self, currency: str) -> Money:
        """What the customer pays for it."""
        return self.amount(currency) - Money(self.discount_minor, currency)

    @property
    def discount_minor(self) -> int:
        return sum(modifier.amount_minor for modifier in self.price_modifiers)

    def amount(self, currency: str) -> Money:
        measure = Weight(self.weight_grams) if self.weight_grams is not None else Quantity(self.quantity or 0)
        return extended_amount(Money(self.unit_price_minor, currency), measure)
