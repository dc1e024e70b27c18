"""What the rules did to an open sale, and who buys, as a screen and a shop's own program see it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from gateway.till.basket import Basket, Line
from gateway.till.workstation import Workstation
from gateway.words import Words
from retail.lines import PriceModifier
from retail.units import Money


class DiscountView(BaseModel):
    """What one deal took off a line. Lines of one deal share its number. rule_id null: given by hand, for a reason."""

    rule_id: str | None
    name: str = Field(description="in the store's language")
    deal: int
    amount_minor: int
    amount: str
    reason: str | None = None


class GiftView(BaseModel):
    """A gift that the sale earned. missing: how many of them the cashier has still to hand out."""

    rule_id: str
    item_id: str
    description: str
    quantity: int
    missing: int


class MissingView(BaseModel):
    item_id: str
    description: str
    quantity: int


class PromptView(BaseModel):
    """What the customer would save with something more. missing: the articles; empty where an amount is missing."""

    rule_id: str
    name: str
    text: str
    saving_minor: int
    saving: str
    missing: list[MissingView]
    missing_count: int
    missing_minor: int | None


class MemberView(BaseModel):
    member_id: str
    name: str
    phone_masked: str
    tier: str
    points: int = Field(description="before this sale")
    recent: list[str] = Field(description="what was bought last")


class CouponView(BaseModel):
    """effective: a rule gave something for it; else it is not used up by this sale."""

    coupon_id: str
    name: str
    effective: bool


class PriceBookView(BaseModel):
    items: int = Field(description="version of feed `items` in force")
    promotions: int = Field(description="version of feed `promotions` that the sale was priced by")


class LineOffers(BaseModel):
    """What the customer pays for a line, and what brought it down."""

    net_minor: int
    net: str
    discount_minor: int
    discounts: list[DiscountView]


class BasketOffers(BaseModel):
    """offers_pending: the rules are being read after a start; the sale is priced again before it is paid.

    bounded: the search for the best deals was cut short; what was found is given.
    """

    gross_minor: int
    gross: str
    discount_minor: int
    discount: str
    points: int = Field(description="that the member earns with this sale")
    gifts: list[GiftView]
    prompts: list[PromptView]
    member: MemberView | None
    coupons: list[CouponView]
    price_book: PriceBookView
    bounded: bool
    offers_pending: bool
    offers_failed: bool


def of_line(line: Line, currency: str, locale: str) -> dict[str, Any]:
    """The fields of LineOffers."""
    net = line.net(currency)
    return {
        "net_minor": net.minor,
        "net": net.shown(locale),
        "discount_minor": line.discount_minor,
        "discounts": [_discount(one, currency, locale) for one in line.price_modifiers],
    }


def of_basket(workstation: Workstation, words: Words) -> dict[str, Any]:
    """The fields of BasketOffers; words: in which language the prompts are."""
    basket, locale = workstation.basket, workstation.store.locale
    gross, offers = basket.gross(), basket.offers
    discount = sum(line.discount_minor for line in basket.lines if not line.void)
    return {
        "gross_minor": gross.minor,
        "gross": gross.shown(locale),
        "discount_minor": discount,
        "discount": workstation.shown(discount),
        "points": basket.points_earned(),
        "gifts": _gifts(workstation),
        "prompts": _prompts(workstation, words),
        "member": _member(basket),
        "coupons": [
            CouponView(coupon_id=one.coupon_id, name=one.name, effective=one in basket.coupons_used())
            for one in basket.coupons
        ],
        "price_book": PriceBookView(
            items=workstation.price_book(), promotions=offers.rules_version if offers is not None else 0
        ),
        "bounded": offers is not None and offers.bounded,
        "offers_pending": offers is not None and offers.pending,
        "offers_failed": offers is not None and offers.failed,
    }


def _discount(one: PriceModifier, currency: str, locale: str) -> DiscountView:
    return DiscountView(
        rule_id=one.rule_id,
        name=one.name,
        deal=one.deal,
        amount_minor=one.amount_minor,
        amount=Money(one.amount_minor, currency).shown(locale),
        reason=one.reason,
    )


def _gifts(workstation: Workstation) -> list[GiftView]:
    offers = workstation.basket.offers
    return [
        GiftView(
            rule_id=one.rule_id,
            item_id=one.item_id,
            description=workstation.describe(one.item_id),
            quantity=one.quantity,
            missing=one.quantity - one.in_basket,
        )
        for one in (offers.gifts if offers is not None else [])
    ]


def _prompts(workstation: Workstation, words: Words) -> list[PromptView]:
    return [
        PromptView(
            rule_id=one.rule_id,
            name=one.name(words),
            text=one.text(words),
            saving_minor=one.saving_minor,
            saving=one.saving,
            missing=[
                MissingView(item_id=thing.item_id, description=thing.description, quantity=thing.quantity)
                for thing in one.missing
            ],
            missing_count=one.missing_count,
            missing_minor=one.missing_minor,
        )
        for one in workstation.offers.prompts.now()
    ]


def _member(basket: Basket) -> MemberView | None:
    return MemberView(**basket.member.model_dump()) if basket.member is not None else None
