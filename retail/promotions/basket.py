"""A basket as the engine takes it. Its lines have an order of their own, whatever the order of scanning was."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, model_validator

from retail.pricing import weighed_minor
from retail.promotions.rules import BasisPoints, Count, Minor, Names, Strict, _percent_to_basis_points, _without_type


class Manual(Strict):
    """A discount that somebody gives by hand: basis points or minor units, and the reason for it."""

    value: BasisPoints | None = None
    amount: Minor | None = None
    reason: Annotated[str, Field(min_length=1)]
    rule: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _percent(cls, data: Any) -> Any:
        data = _percent_to_basis_points(data)
        return _without_type(data)

    @model_validator(mode="after")
    def _one_value(self) -> Manual:
        if (self.value is None) == (self.amount is None):
            raise ValueError("a manual discount is a percent (or value, in basis points) or an amount: give one")
        return self


class Line(Strict):
    """One line: so many pieces at a price each, or grams at a price per kilogram.

    floor: no rule and nobody takes a unit below it, whatever the rule's own floor; per kilogram of a weighed line.
    """

    line: str | int | None = None
    item: Annotated[str, Field(min_length=1)]
    description: str = ""
    quantity: Count = 1
    grams: Count | None = None
    unit_price: Minor
    tags: Names = ()
    category: str = ""
    tax_code: str = ""
    cost: Minor | None = None
    floor: Minor = 0
    lot: str = ""
    expiry: date | None = None
    discountable: bool = True
    manual: Manual | None = None

    @model_validator(mode="after")
    def _weighed_once(self) -> Line:
        if self.grams is not None and self.quantity != 1:
            raise ValueError(f"item {self.item}: give quantity or grams; a weighed line is one unit")
        return self

    def article(self) -> tuple[Any, ...]:
        """What makes units of two lines the same thing at the same price."""
        return (
            self.item,
            self.unit_price,
            self.lot,
            self.expiry.isoformat() if self.expiry else "",
            self.category,
            tuple(sorted(set(self.tags))),
            self.tax_code,
            -1 if self.cost is None else self.cost,
            self.floor,
            self.grams or 0,
            self.discountable,
        )

    def order(self) -> tuple[Any, ...]:
        """The place in the basket: by content, so that the order of scanning leaves no trace."""
        return self.order_after(self.article())

    def order_after(self, article: tuple[Any, ...]) -> tuple[Any, ...]:
        """order(), for those who have the article at hand."""
        manual = self.manual.model_dump_json() if self.manual else ""
        return (*article, self.quantity, manual, self.description, str(self.line or ""))

    def unit_gross(self) -> int:
        return self.unit_price if self.grams is None else weighed_minor(self.unit_price, self.grams)

    def pieces(self) -> int:
        return 1 if self.grams is not None else self.quantity


class Member(Strict):
    id: str = ""
    tier: str = ""


class Basket(Strict):
    """Lines and what surrounds them. `used`: how often this member had a rule today; `refused`: prompts turned down."""

    currency: Annotated[str, Field(min_length=3, max_length=3)] = "EUR"
    at: datetime | None = None
    store: str = ""
    groups: Names = ()
    channel: str = "pos"
    member: Member | None = None
    coupons: Names = ()
    tenders: Names = ()
    lines: tuple[Line, ...] = ()
    manual: tuple[Manual, ...] = ()
    used: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    refused: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    tax_rates: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    assortment: tuple[Line, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = {key: value for key, value in data.items() if value is not None}
        if isinstance(data.get("member"), str):
            data["member"] = {"id": data["member"]}
        return data
