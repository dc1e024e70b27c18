"""`/v1/baskets/<workstation>/tender...`: paying an open sale, and paying out for goods that came back."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AliasChoices, ConfigDict, Field, field_validator

from gateway.api.authorised import Body
from gateway.api.basket_views import BasketView, view
from gateway.api.operations import Call, Operation, at_workstation, within
from gateway.api.payments import Decision
from gateway.api.scopes import Scope
from gateway.till.workstation import Workstation
from retail.sale import TenderType

LARGEST_AMOUNT = 10**12 - 1


class Tender(Body):
    """Cash is given when this is sent; a payment by card or wallet begins with it. `type` may be said in small letters.

    While the shop owes (`refund_due_minor`) the same pays out; amounts have no sign then either.
    """

    model_config = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True)

    tender_type: TenderType = Field(default="Cash", validation_alias=AliasChoices("tender_type", "type"))
    amount_minor: int | None = Field(
        default=None, ge=0, le=LARGEST_AMOUNT, description="none: exactly what is due", examples=[2000]
    )
    wallet: str = Field(default="", max_length=40, description="Wallet: which one", examples=["linepay"])
    reference: str = Field(
        default="", max_length=80, description="Wallet with a device of its own: what that shows, where it is known"
    )
    points: int | None = Field(default=None, ge=1, le=10**9, description="Points: so many, in place of an amount")
    voucher_id: str = Field(default="", max_length=64, description="Voucher that pays; none where one is given out")
    code: str = Field(default="", max_length=512, description="Coupon: its code")

    @field_validator("tender_type", mode="before")
    @classmethod
    def _small_letters(cls, value: object) -> object:
        return value.capitalize() if isinstance(value, str) and value.islower() else value


class TakeBack(Body):
    tender_number: int | None = Field(
        default=None, ge=1, description="as `tenders` counts; none: the last", examples=[1]
    )


class _Tenders:
    def __init__(self, workstations: Mapping[str, Workstation]) -> None:
        self._workstations = workstations

    def _at(self, call: Call) -> Workstation:
        return at_workstation(self._workstations, call)

    async def tender(self, call: Call) -> BasketView:
        till, said = self._at(call), call.body
        match said.tender_type:
            case "Cash":
                await till.tenders.cash(said.amount_minor)
            case "Card":
                await till.tenders.card(said.amount_minor)
            case "Wallet":
                await till.tenders.wallet(said.wallet, said.amount_minor, said.reference)
            case "Points":
                await till.tenders.stored.points(said.amount_minor, said.points)
            case "Voucher":
                await till.tenders.stored.voucher(said.voucher_id, said.amount_minor)
            case _:
                await till.tenders.stored.coupon(said.code)
        return view(till)

    async def take_back(self, call: Call) -> BasketView:
        till = self._at(call)
        await till.tenders.take_back(call.body.tender_number)
        return view(till)

    async def abort_payment(self, call: Call) -> BasketView:
        till = self._at(call)
        await till.tenders.abort_payment()
        return view(till)

    async def decide_payment(self, call: Call) -> BasketView:
        till, said = self._at(call), call.body
        await till.tenders.decide_payment(said.paid, said.who, said.why, said.reference)
        return view(till)


def operations(workstations: Mapping[str, Workstation]) -> list[Operation]:
    tenders = _Tenders(workstations)
    base = "/v1/baskets/{workstation}"
    listed = [
        Operation(
            "POST",
            f"{base}/tender",
            "Take or give money",
            tenders.tender,
            description="When the tenders cover the total the sale is finished, and on disk when this answers. A"
            " payment by card or wallet is begun: `state` is `paying` then, and its end shows in the basket."
            " `due_per_tender` says what each kind of tender may come to.",
            body=Tender,
            answer=BasketView,
            problems=(404, 409, 422, 503),
            example={"tender_type": "Cash", "amount_minor": 2000},
        ),
        Operation(
            "POST",
            f"{base}/take-back-tender",
            "Take a tender back before the end",
            tenders.take_back,
            description="Cash goes back to the customer; points, a voucher, a coupon are free again; what a terminal"
            " took it gives back, which shows in the basket.",
            body=TakeBack,
            answer=BasketView,
            problems=(404, 409, 422, 503),
            example={"tender_number": 1},
        ),
        Operation(
            "POST",
            f"{base}/abort-payment",
            "Ask the terminal to give up the payment",
            tenders.abort_payment,
            description="What became of it shows in the basket: it may have been paid all the same.",
            answer=BasketView,
            problems=(404, 409, 503, 504),
        ),
    ]
    deciding = Operation(
        "POST",
        f"{base}/decide-payment",
        "Say what became of the payment, where the terminal cannot",
        tenders.decide_payment,
        description="Only while `payment.ask_a_person`. Look at the terminal and its slip first: it is logged,"
        " and headquarters is told. Of a wallet with a device of its own (`payment.by_hand`) send the `reference`"
        " that this shows.",
        body=Decision,
        answer=BasketView,
        problems=(404, 409, 422),
        example={"paid": False, "who": "Anna", "why": "the display shows nothing, no slip"},
    )
    return [*within(Scope.SELL, listed), *within(Scope.PAY, [deciding])]
