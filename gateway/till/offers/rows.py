"""What an open sale holds besides its lines: the customer, coupons, discounts by hand, and what the rules came to.

Kept on disk with the basket. None of it needs the engine to be read, so that a sale that is being paid is what it was
after any restart, whatever rules have come since.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ByHand(Row):
    """A discount that somebody gave: basis points, or minor units. authorised_by: who allowed it, if not he himself."""

    basis_points: int | None = None
    amount_minor: int | None = None
    reason: str
    authorised_by: str | None = None


class MemberOnSale(Row):
    """The customer, as the members feed had him when he was identified."""

    member_id: str
    name: str
    phone_masked: str = ""
    tier: str = ""
    points: int = 0
    recent: list[str] = []


class CouponOnSale(Row):
    """trigger: what the rules know it by. limited: it may be used so often only, so this box keeps count of it.

    member_id: only this member may use it.
    """

    coupon_id: str
    name: str
    trigger: str
    scanned_code: str
    limited: bool = False
    member_id: str | None = None


class PointsEarned(Row):
    rule_id: str
    points: int


class GiftDue(Row):
    """in_basket: how many of them were rung already, and cost nothing."""

    rule_id: str
    item_id: str
    quantity: int
    in_basket: int


class Offers(Row):
    """What the rules came to besides the lines' own nets.

    at: the store's own time that the rules were asked for. pending: the rules were not ready yet, so the lines stand
    at their plain prices; the sale is priced again as soon as they are. failed: the rules could not be worked out.
    tender: the kind that it is paid with, where a rule asks for one.
    used: how often rules with a limit per member and day gave something. effective: the triggers that did something.
    """

    at: datetime | None = None
    rules_version: int = 0
    tender: str | None = None
    pending: bool = False
    failed: bool = False
    bounded: bool = False
    points: list[PointsEarned] = []
    gifts: list[GiftDue] = []
    used: dict[str, int] = {}
    effective: list[str] = []
