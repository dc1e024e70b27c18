"""`/v1/baskets/<workstation>`: the customer, coupons, discounts by hand, prompts, and why a line costs what it does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, Field, model_validator

from gateway.api.authorised import AuthorisedBy, Body, approval_of
from gateway.api.basket_views import BasketView, view
from gateway.api.operations import Call, NoSuchThing, Operation, at_workstation, within
from gateway.api.scopes import Scope
from gateway.till.offers.explain import Explanation, explain
from gateway.till.offers.rows import ByHand
from gateway.till.workstation import Workstation
from retail.units import Money


class WhoBuys(Body):
    """One of the three: a card number, a telephone number, or headquarters' number of the member."""

    code: str | None = Field(default=None, min_length=1, max_length=512, examples=["2900000012345"])
    phone: str | None = Field(default=None, min_length=1, max_length=40, examples=["0912345678"])
    member_id: str | None = Field(default=None, min_length=1, max_length=64, examples=["M-1001"])

    @model_validator(mode="after")
    def _one_of_them(self) -> WhoBuys:
        if sum(value is not None for value in (self.code, self.phone, self.member_id)) != 1:
            raise ValueError("give one of code, phone and member_id")
        return self


class CouponCode(Body):
    code: str = Field(min_length=1, max_length=512, examples=["SAVE10"])


class Discount(Body):
    """Off one line, or off the whole sale; in per cent, basis points or minor units: one of them."""

    line_number: int | None = Field(default=None, description="none: the whole sale")
    percent: int | None = Field(default=None, ge=1, le=100, examples=[10])
    basis_points: int | None = Field(default=None, ge=1, le=10_000, description="1250 is 12.5 %")
    amount_minor: int | None = Field(default=None, ge=1)
    reason: str = Field(min_length=1, max_length=200, examples=["dented tin"])
    authorisation: AuthorisedBy | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Discount:
        if sum(value is not None for value in (self.percent, self.basis_points, self.amount_minor)) != 1:
            raise ValueError("give one of percent, basis_points and amount_minor")
        return self

    def by_hand(self) -> ByHand:
        points = self.percent * 100 if self.percent is not None else self.basis_points
        return ByHand(basis_points=points, amount_minor=self.amount_minor, reason=self.reason)


class DropDiscount(Body):
    line_number: int | None = Field(default=None, description="none: the one on the whole sale")


class PriceView(BaseModel):
    """valid_from, valid_until: of an effective-dated price, in the store's own time; null: the item's plain price."""

    unit_price_minor: int
    unit_price: str
    price_book: int = Field(description="the version of feed `items` that it was rung by")
    valid_from: datetime | None
    valid_until: datetime | None


class DealView(BaseModel):
    """What one deal took off this line. lines: the other lines that it took; saving_minor: over all of them."""

    rule_id: str | None
    rev: int | None
    name: str
    kind: str
    deal: int
    units: int
    times: int
    amount_minor: int
    amount: str
    saving_minor: int
    lines: list[int]
    reason: str | None
    authorised_by: str | None


class NotGivenView(BaseModel):
    rule_id: str
    name: str
    reason: str


class ExplanationView(BaseModel):
    """Price, less each deal, is the net. not_given: rules that this article belongs to, and why they gave it nothing.

    complete: false where other rules are in force by now, so that those not given cannot be told any more.
    """

    line_number: int
    item_id: str
    description: str
    price: PriceView
    discountable: bool
    gross_minor: int
    gross: str
    deals: list[DealView]
    net_minor: int
    net: str
    at: datetime | None = Field(description="the store's own time that the rules were asked for")
    rules_version: int
    not_given: list[NotGivenView]
    complete: bool


def explanation_view(till: Workstation, found: Explanation) -> ExplanationView:
    line, currency, locale = found.line, till.store.currency, till.store.locale
    gross, net = line.amount(currency), line.net(currency)
    return ExplanationView(
        line_number=line.line_number,
        item_id=line.item_id,
        description=line.description,
        price=PriceView(
            unit_price_minor=line.unit_price_minor,
            unit_price=till.shown(line.unit_price_minor),
            price_book=line.price_book,
            valid_from=line.price_valid_from,
            valid_until=line.price_valid_until,
        ),
        discountable=line.discountable,
        gross_minor=gross.minor,
        gross=gross.shown(locale),
        deals=[
            DealView(
                rule_id=deal.rule_id,
                rev=deal.rev,
                name=deal.name,
                kind=deal.kind,
                deal=deal.deal,
                units=deal.units,
                times=deal.times,
                amount_minor=deal.amount_minor,
                amount=Money(deal.amount_minor, currency).shown(locale),
                saving_minor=deal.saving_minor,
                lines=list(deal.others),
                reason=deal.reason or None,
                authorised_by=deal.authorised_by,
            )
            for deal in found.deals
        ],
        net_minor=net.minor,
        net=net.shown(locale),
        at=found.at,
        rules_version=found.rules_version,
        not_given=[NotGivenView(rule_id=one.rule_id, name=one.name, reason=one.reason) for one in found.not_given],
        complete=found.complete,
    )


class _Offers:
    def __init__(self, workstations: Mapping[str, Workstation]) -> None:
        self._workstations = workstations

    def _at(self, call: Call) -> Workstation:
        return at_workstation(self._workstations, call)

    async def identify(self, call: Call) -> BasketView:
        workstation, who = self._at(call), call.body
        await workstation.offers.identify(who.code or "", who.phone or "", who.member_id or "")
        return view(workstation)

    async def forget(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.offers.forget_member()
        return view(workstation)

    async def use_coupon(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.offers.use_coupon(call.body.code)
        return view(workstation)

    async def drop_coupon(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.offers.drop_coupon(call.path("code"))
        return view(workstation)

    async def discount(self, call: Call) -> BasketView:
        workstation, said = self._at(call), call.body
        await workstation.offers.discounts.give(said.by_hand(), said.line_number, approval_of(said.authorisation))
        return view(workstation)

    async def drop_discount(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.offers.discounts.take_back(call.body.line_number)
        return view(workstation)

    async def accept(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.offers.prompts.accept(call.path("rule"))
        return view(workstation)

    async def refuse(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.offers.prompts.refuse(call.path("rule"))
        return view(workstation)

    async def explanation(self, call: Call) -> ExplanationView:
        workstation, number = self._at(call), call.path("line_number")
        found = explain(workstation, int(number)) if number.isdecimal() and len(number) < 7 else None
        if found is None:
            raise NoSuchThing(f"the open sale of {workstation.lane.workstation_id} has no line {number[:20]}")
        return explanation_view(workstation, found)


def operations(workstations: Mapping[str, Workstation]) -> list[Operation]:
    offers = _Offers(workstations)
    base = "/v1/baskets/{workstation}"
    refused = (404, 409, 422, 503)
    return within(
        Scope.SELL,
        [
            Operation(
                "POST",
                f"{base}/member",
                "Say who buys",
                offers.identify,
                description="By card, telephone number or member number; works without the line to headquarters."
                " Prices and points for members hold from then on. A scanned member card does the same.",
                body=WhoBuys,
                answer=BasketView,
                problems=refused,
                example={"phone": "0912345678"},
            ),
            Operation(
                "DELETE",
                f"{base}/member",
                "Sell to nobody in particular",
                offers.forget,
                description="Coupons that only this member may use go with him.",
                answer=BasketView,
                problems=refused,
            ),
            Operation(
                "POST",
                f"{base}/coupons",
                "Take a coupon",
                offers.use_coupon,
                description="It is reserved for this sale. Used up is only a coupon that a rule gave something for. One"
                " that pays an amount is refused here as `coupon_is_tender`: tender it.",
                body=CouponCode,
                answer=BasketView,
                problems=refused,
                example={"code": "SAVE10"},
            ),
            Operation(
                "DELETE",
                f"{base}/coupons/{{code}}",
                "Give a coupon back",
                offers.drop_coupon,
                answer=BasketView,
                problems=refused,
            ),
            Operation(
                "POST",
                f"{base}/discount",
                "Take something off by hand",
                offers.discount,
                description="A second discount on the same line, or on the whole sale, replaces the first. Above the"
                " cashier's own limit it takes an `authorisation`. Never below an item's price floor: what"
                " was not given is said in the notice `discount_capped`.",
                body=Discount,
                answer=BasketView,
                problems=(403, *refused),
                example={"line_number": 1, "percent": 10, "reason": "dented tin"},
            ),
            Operation(
                "POST",
                f"{base}/drop-discount",
                "Take a discount by hand back",
                offers.drop_discount,
                body=DropDiscount,
                answer=BasketView,
                problems=refused,
                example={"line_number": 1},
            ),
            Operation(
                "POST",
                f"{base}/prompts/{{rule}}/accept",
                "Ring what an offer still lacks",
                offers.accept,
                description="The articles of `prompts[].missing`, each as if it were keyed.",
                answer=BasketView,
                problems=refused,
            ),
            Operation(
                "POST",
                f"{base}/prompts/{{rule}}/refuse",
                "The customer does not want it",
                offers.refuse,
                description="After the second time the offer is not prompted for in this sale any more.",
                answer=BasketView,
                problems=refused,
            ),
            Operation(
                "GET",
                f"{base}/lines/{{line_number}}/explanation",
                "Why a line costs what it costs",
                offers.explanation,
                answer=ExplanationView,
                problems=(404,),
            ),
        ],
    )
