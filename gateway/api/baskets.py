"""`/v1/baskets/<workstation>`: the open sale of a workstation, for a screen and for a shop's own program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field
from starlette.responses import Response

from gateway.api import basket_returns, basket_tenders
from gateway.api.authorised import AuthorisedBy, Body, approval_of
from gateway.api.basket_views import BasketView, view
from gateway.api.events import Stopping, stream
from gateway.api.operations import Call, Operation, at_workstation, within
from gateway.api.scopes import Scope
from gateway.till.workstation import Workstation


class Scan(Body):
    """A code, scanned or keyed. symbology: its AIM identifier (`]E0`), where known."""

    code: str = Field(min_length=1, max_length=2048, examples=["4006381333931"])
    symbology: str = Field(default="", max_length=3, examples=["]E0"])
    method: Literal["scanned", "keyed"] = "scanned"
    lot_checked: bool = Field(default=False, description="after `confirm_lot`: the pack is of no lot called back")


class PendingQuantity(Body):
    """How many the next item counts; from 100 on it asks to be confirmed."""

    pieces: int = Field(examples=[3])
    confirmed: bool = False


class VoidLine(Body):
    line_number: int | None = Field(default=None, description="none: the last line that is not void")
    authorisation: AuthorisedBy | None = None


class Void(Body):
    authorisation: AuthorisedBy | None = None


class _Baskets:
    def __init__(self, workstations: Mapping[str, Workstation], stopping: Stopping) -> None:
        self._workstations = workstations
        self._stopping = stopping

    def _at(self, call: Call) -> Workstation:
        return at_workstation(self._workstations, call)

    async def show(self, call: Call) -> BasketView:
        return view(self._at(call))

    async def scan(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.scan(call.body.code, call.body.symbology, call.body.method, call.body.lot_checked)
        return view(workstation)

    async def quantity(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.set_quantity(call.body.pieces, call.body.confirmed)
        return view(workstation)

    async def void_line(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.void_line(call.body.line_number, approval_of(call.body.authorisation))
        return view(workstation)

    async def void_all(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.void_all(approval_of(call.body.authorisation))
        return view(workstation)

    async def events(self, call: Call) -> Response:
        workstation = self._at(call)
        return stream(workstation.listen, lambda: [("basket", view(workstation).model_dump_json())], self._stopping)


def operations(workstations: Mapping[str, Workstation], stopping: Stopping) -> list[Operation]:
    baskets = _Baskets(workstations, stopping)
    base = "/v1/baskets/{workstation}"
    listed = [
        Operation("GET", base, "The open sale", baskets.show, answer=BasketView, problems=(404,)),
        Operation(
            "POST",
            f"{base}/scan",
            "Ring a code",
            baskets.scan,
            description="An item sold by weight asks the workstation's scale and answers once the weight is stable."
            " A member card identifies the customer, a coupon is taken, a receipt's code shows what of it can come"
            " back, a wallet's payment code pays.",
            body=Scan,
            answer=BasketView,
            problems=(404, 409, 422, 503, 504),
            example={"code": "4006381333931", "symbology": "]E0"},
        ),
        Operation(
            "POST",
            f"{base}/quantity",
            "Quantity of the next item",
            baskets.quantity,
            body=PendingQuantity,
            answer=BasketView,
            problems=(404, 409, 422),
            example={"pieces": 3},
        ),
        Operation(
            "POST",
            f"{base}/void-line",
            "Take a line back",
            baskets.void_line,
            body=VoidLine,
            answer=BasketView,
            problems=(404, 409, 422, 503),
            example={"line_number": 1},
        ),
        Operation(
            "POST",
            f"{base}/void",
            "Give up the open sale",
            baskets.void_all,
            description="Who the till's limits do not allow it sends another's `authorisation` along.",
            body=Void,
            answer=BasketView,
            problems=(404, 409, 422, 503),
            example={},
        ),
        Operation(
            "GET",
            f"{base}/events",
            "The open sale as it changes",
            baskets.events,
            description="Server-sent events: `basket`, with the same JSON as GET of the basket.",
            streams=True,
            problems=(404,),
        ),
    ]
    more = [*basket_tenders.operations(workstations), *basket_returns.operations(workstations)]
    return [*within(Scope.SELL, listed), *more]
