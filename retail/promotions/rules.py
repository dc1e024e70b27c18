"""A promotion rule as data: what it matches, what one application takes, what it gives, when, where and to whom.

Integers only: amounts in minor units, percentages in basis points (`percent: 20` is read as 2000), weights in grams.
docs/promotions.md explains every field; docs/promotions-rules.schema.json is this file as JSON Schema.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Kind = Literal[
    "item_price",
    "qty_tier",
    "nth_unit",
    "bundle_price",
    "combo",
    "buy_get",
    "basket_threshold",
    "gift_threshold",
    "addon_price",
    "coupon",
    "member_price",
    "points_earn",
    "tender_offer",
    "clearance_by_lot",
    "manual_discount",
]
Lane = Literal["price", "unit", "line", "basket", "tender"]
LANES: tuple[Lane, ...] = ("price", "unit", "line", "basket", "tender")
RewardType = Literal[
    "percent_off",
    "amount_off",
    "amount_off_each",
    "bundle_price",
    "unit_price",
    "free",
    "points",
    "gift",
]
FULL = 10_000  # basis points of the whole

Minor = Annotated[int, Field(ge=0, le=10**12)]
Count = Annotated[int, Field(ge=1, le=100_000)]
BasisPoints = Annotated[int, Field(ge=0, le=FULL)]
HOUR = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


class Strict(BaseModel):
    """Frozen, and a key that nobody knows is an error; null is as good as left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    @model_validator(mode="before")
    @classmethod
    def _whole_and_given(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key, value in data.items():
                if isinstance(value, float | bool) and key not in BOOLEANS:
                    raise ValueError(f"{key} is {value!r}: give whole minor units, basis points, grams or pieces")
            return {key: value for key, value in data.items() if value is not None}
        return data


BOOLEANS = frozenset({"all", "repeat", "discountable", "in_stock"})


class Except(Strict):
    """What a set leaves out."""

    items: Names = ()
    tags: Names = ()
    categories: Names = ()


class Matcher(Strict):
    """A set of units. Given lists must all hold (items and tags: both); inside a list one hit is enough."""

    all: bool = False
    items: Names = ()
    tags: Names = ()
    all_tags: Names = ()
    categories: Names = ()
    lots: Names = ()
    expires_within_days: int | None = Field(default=None, ge=0)
    expires_until: date | None = None
    price_from: Minor | None = None
    price_to: Minor | None = None
    without: Except = Except()

    @model_validator(mode="after")
    def _says_something(self) -> Matcher:
        if not self.all and self == Matcher.model_construct(without=self.without):
            raise ValueError("an empty set matches nothing; name items, tags or categories, or say all: true")
        return self


class Slot(Strict):
    """What one application takes from one set: qty units, or from `min` up to qty of them."""

    set: str
    qty: Count = 1
    min: Count | None = None
    items: Literal["any", "same", "different"] = "any"

    @model_validator(mode="after")
    def _min_is_less(self) -> Slot:
        if self.min is not None and self.min > self.qty:
            raise ValueError(f"slot {self.set}: min {self.min} is more than qty {self.qty}; exchange them")
        return self


def _percent_to_basis_points(data: Any) -> Any:
    if isinstance(data, dict) and "percent" in data:
        data = dict(data)
        percent = data.pop("percent")
        if not isinstance(percent, int) or isinstance(percent, bool) or not 0 <= percent <= 100:
            raise ValueError("percent takes a whole number from 0 to 100; for 12.5 % give value 1250, in basis points")
        if "value" in data:
            raise ValueError("percent and value say the same; keep one")
        data["value"] = percent * 100
        data.setdefault("type", "percent_off")
    return data


def _without_type(data: Any) -> Any:
    return {key: value for key, value in data.items() if key != "type"} if isinstance(data, dict) else data


class Tier(Strict):
    """From this quantity, weight, amount or nearness of expiry on: this value."""

    qty: Count | None = None
    grams: Count | None = None
    amount: Minor | None = None
    days: int | None = Field(default=None, ge=0)
    value: Minor

    @model_validator(mode="before")
    @classmethod
    def _percent(cls, data: Any) -> Any:
        data = _percent_to_basis_points(data)
        if isinstance(data, dict):
            data = {("value" if key == "price" else key): value for key, value in data.items() if key != "type"}
        return data

    @model_validator(mode="after")
    def _one_measure(self) -> Tier:
        if sum(value is not None for value in (self.qty, self.grams, self.amount, self.days)) != 1:
            raise ValueError("a tier starts at exactly one of qty, grams, amount or days")
        return self


class Nth(Strict):
    """The n-th unit of a group, dearest first: so many basis points off."""

    n: Count
    value: BasisPoints

    @model_validator(mode="before")
    @classmethod
    def _percent(cls, data: Any) -> Any:
        data = _percent_to_basis_points(data)
        return _without_type(data)


class Gift(Strict):
    item: str
    qty: Count = 1


class Reward(Strict):
    """What one application gives. `value`: minor units, or basis points for percent_off, or points."""

    type: RewardType
    value: Minor | None = None
    apply_to: Names = ("all",)
    count: Count = 1
    distribute: Literal["all", "rewarded"] = "all"
    by_tier: dict[str, Minor] = {}
    per: Count | None = None
    items: tuple[Gift, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _percent(cls, data: Any) -> Any:
        return _percent_to_basis_points(data)

    @model_validator(mode="after")
    def _value_fits(self) -> Reward:
        if self.type == "percent_off" and max((self.value or 0), *self.by_tier.values(), 0) > FULL:
            raise ValueError("percent_off counts in basis points: 2000 is 20 %, 10000 is the whole price")
        if self.type == "gift" and not self.items:
            raise ValueError('a gift names its items: "items": [{"item": "MUG", "qty": 1}]')
        return self


class When(Strict):
    """Store-local time. days: 1 is Monday; hours may pass midnight: ["22:00", "02:00"]."""

    from_: datetime | None = Field(default=None, alias="from")
    to: datetime | None = None
    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = ()
    hours: tuple[tuple[str, str], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _whole_last_day(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("to"), str) and len(data["to"]) == len("2026-11-30"):
            data = {**data, "to": data["to"] + "T23:59:59.999999"}
        return data

    @model_validator(mode="after")
    def _hours_read(self) -> When:
        for start, end in self.hours:
            for hour in (start, end):
                if not HOUR.fullmatch(hour) or hour > "24:00":
                    raise ValueError(f"hours: {hour!r} is no time of day; write 08:00 or 17:30")
        for moment in (self.from_, self.to):
            if moment is not None and moment.tzinfo is not None:
                raise ValueError("when: times are the store's own; leave the offset away")
        return self


class Where(Strict):
    stores: Names = ()
    channels: Names = ()


class Who(Strict):
    member: Literal["any", "required", "none"] = "any"
    tiers: Names = ()


class Trigger(Strict):
    """What must be there besides units: a coupon code, or a tender."""

    coupon: str | None = None
    tender: str | None = None


class Threshold(Strict):
    """Reached by an amount, a number of units or a weight; repeat: once for every full multiple."""

    amount: Annotated[int, Field(ge=1)] | None = None
    qty: Count | None = None
    grams: Count | None = None
    set: str | None = None
    repeat: bool = False

    @model_validator(mode="after")
    def _one_measure(self) -> Threshold:
        if sum(value is not None for value in (self.amount, self.qty, self.grams)) != 1:
            raise ValueError("a threshold is exactly one of amount, qty or grams")
        return self


class Limits(Strict):
    per_basket: Count | None = None
    per_member_day: Count | None = None
    max_discount: Minor | None = None
    floor: Literal["none", "cost"] | Minor = "none"


class Prompt(Strict):
    """Say so when the customer is this near: units for slots, minor units for an amount."""

    near: Count = 1
    text: dict[str, str] = {}


def _named(data: Any) -> Any:
    return {"en": data} if isinstance(data, str) else data


def _rewarding_as_tiers_say(data: dict[str, Any]) -> dict[str, Any]:
    """A percent in the tiers says what is rewarded; it is never read as a price."""
    tiers, reward = data.get("tiers"), data.get("reward") or {}
    if not isinstance(tiers, list) or not isinstance(reward, dict):
        return data
    percents = ["percent" in tier for tier in tiers if isinstance(tier, dict)]
    if not any(percents):
        return data
    if not all(percents):
        raise ValueError("tiers: some give a percent and some do not; give it in each of them, or in none")
    if (said := reward.get("type") or "percent_off") != "percent_off":
        raise ValueError(f"tiers give a percent, and reward.type is {said}; keep one of the two")
    return data | {"reward": {**reward, "type": "percent_off"}}


def _fits_a_path(rule_id: str) -> str:
    r"""An id stands in addresses such as .../prompts/{rule}/accept, where "/" and "\" part and dots alone are steps."""
    if not rule_id.strip(".") or rule_id != rule_id.strip() or not rule_id.isprintable() or set(rule_id) & set("/\\"):
        raise ValueError(
            f"{rule_id!r} cannot stand in an address: leave out slashes, control characters and spaces at its ends,"
            " and do not write dots alone"
        )
    return rule_id


RuleName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_fits_a_path)]


class Rule(Strict):
    """One promotion. `checked()` in reading.py fills the defaults of its kind and checks what belongs together."""

    id: RuleName
    rev: int = 1
    name: Annotated[dict[str, str], BeforeValidator(_named)] = {}
    kind: Kind
    lane: Lane | None = None
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    concurrency: Literal["best", "stack", "exclusive"] | None = None
    excludes: Names = ()
    favour: Literal["customer", "shop"] = "customer"
    basis: Literal["net", "gross"] = "net"
    when: When | None = None
    where: Where = Where()
    who: Who = Who()
    trigger: Trigger | None = None
    match: dict[str, Matcher] = {}
    slots: tuple[Slot, ...] = ()
    tiers: tuple[Tier, ...] = ()
    tier_mode: Literal["bundle", "each"] | None = None
    nth: tuple[Nth, ...] = ()
    threshold: Threshold | None = None
    reward: Reward | None = None
    limits: Limits = Limits()
    prompt: Prompt | None = None

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, data: Any) -> Any:
        """`"match": {"tags": ["x"]}` is one set called "set"; slots of an only set need not name it."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        match = data.get("match")
        if isinstance(match, dict) and not all(isinstance(one, dict | Matcher | None) for one in match.values()):
            data["match"] = match = {"set": match}
        slots = data.get("slots")
        if isinstance(match, dict) and len(match) == 1 and isinstance(slots, list):
            data["slots"] = [{"set": next(iter(match)), **slot} if isinstance(slot, dict) else slot for slot in slots]
        return _rewarding_as_tiers_say(data)
