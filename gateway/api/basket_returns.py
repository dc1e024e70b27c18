"""`/v1/baskets/<workstation>/returns`: goods come back; with articles rung beside them it is an exchange."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from gateway.api.authorised import AuthorisedBy, Body, approval_of
from gateway.api.basket_views import BasketView, view
from gateway.api.operations import Call, Operation, at_workstation, within
from gateway.api.scopes import Scope
from gateway.till.returns.returning import Wanted
from gateway.till.workstation import Workstation


class Return(Body):
    """Which goods, and why. With a receipt its line, or the article's code; without one the code, and authority.

    quantity: pieces of that line; what was sold by weight comes back whole. restock: none: as the reason has it.
    """

    receipt: str | None = Field(default=None, max_length=160, examples=["S0421/1/17"])
    line_number: int | None = Field(default=None, ge=1)
    code: str | None = Field(default=None, min_length=1, max_length=2048)
    symbology: str = Field(default="", max_length=3)
    quantity: int = Field(default=1, ge=1, le=100_000)
    weight_grams: int | None = Field(default=None, ge=1, le=1_000_000, description="without a receipt, if not weighed")
    reason_code: str = Field(max_length=64, description="one of GET /v1/return-reasons", examples=["damaged"])
    reason: str = Field(default="", max_length=200)
    restock: bool | None = None
    authorisation: AuthorisedBy | None = None


class OpenReceipt(Body):
    receipt: str = Field(min_length=1, max_length=160, examples=["S0421/1/17"])


class ReturnReasons(BaseModel):
    reason_codes: list[str]


class _Returns:
    def __init__(self, workstations: Mapping[str, Workstation]) -> None:
        self._workstations = workstations

    def _at(self, call: Call) -> Workstation:
        return at_workstation(self._workstations, call)

    async def add(self, call: Call) -> BasketView:
        till, said = self._at(call), call.body
        wanted = Wanted(
            said.reason_code,
            receipt=said.receipt,
            line_number=said.line_number,
            code=said.code,
            symbology=said.symbology,
            quantity=said.quantity,
            weight_grams=said.weight_grams,
            reason=said.reason,
            restock=said.restock,
            approval=approval_of(said.authorisation),
        )
        await till.returns.add(wanted)
        return view(till)

    async def open(self, call: Call) -> BasketView:
        till = self._at(call)
        await till.returns.open(call.body.receipt)
        return view(till)

    async def reasons(self, _call: Call) -> ReturnReasons:
        till = next(iter(self._workstations.values()), None)
        return ReturnReasons(reason_codes=list(till.returns.reasons()) if till is not None else [])


def operations(workstations: Mapping[str, Workstation]) -> list[Operation]:
    returns = _Returns(workstations)
    base = "/v1/baskets/{workstation}/returns"
    listed = [
        Operation(
            "POST",
            base,
            "Take goods back",
            returns.add,
            description="Pays back what was paid for exactly these units, whatever deals they were part of; of units"
            " of one line that cost differently the cheapest first. A unit comes back once. A receipt of another"
            " store, or one that is no longer kept, is as none: the lowest price of the last 30 days, and somebody's"
            " authority. Void the line to undo it.",
            body=Return,
            answer=BasketView,
            problems=(404, 409, 422, 503, 504),
            example={"receipt": "S0421/1/17", "line_number": 1, "quantity": 1, "reason_code": "damaged"},
        ),
        Operation(
            "POST",
            f"{base}/open",
            "Look up a receipt that goods come back of",
            returns.open,
            description="The basket then shows it as `return_from`, as it does when the receipt's code was scanned.",
            body=OpenReceipt,
            answer=BasketView,
            problems=(404, 409, 422),
            example={"receipt": "S0421/1/17"},
        ),
        Operation(
            "GET",
            "/v1/return-reasons",
            "Why goods may come back",
            returns.reasons,
            description="As [till] return_reasons has them.",
            answer=ReturnReasons,
        ),
    ]
    return within(Scope.SELL, listed)
