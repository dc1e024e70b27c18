"""`/v1/operators` and signing on: who works at the tills. No PIN and no hash of one ever leaves the box."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from gateway.api.authorised import Body
from gateway.api.basket_views import BasketView, OperatorView, operator_view, view
from gateway.api.operations import Call, Operation, at_workstation, within
from gateway.api.scopes import Scope
from gateway.till.people.signing import People
from gateway.till.workstation import Workstation


class SignOn(Body):
    operator_id: str = Field(min_length=1, max_length=64, examples=["anna"])
    pin: str = Field(min_length=1, max_length=32, repr=False, examples=["4711"])


class OperatorList(BaseModel):
    """known: whether there are any; where there are none the tills sell without signing on."""

    known: bool
    operators: list[OperatorView]


class _Operators:
    def __init__(self, workstations: Mapping[str, Workstation], people: People) -> None:
        self._workstations, self._people = workstations, people

    async def all(self, _call: Call) -> OperatorList:
        active = self._people.operators.active()
        views = [operator_view(one) for one in active]
        return OperatorList(known=self._people.operators.are_known(), operators=views)

    async def sign_on(self, call: Call) -> BasketView:
        workstation = at_workstation(self._workstations, call)
        await workstation.people.sign_on(call.body.operator_id, call.body.pin)
        return view(workstation)

    async def sign_off(self, call: Call) -> BasketView:
        workstation = at_workstation(self._workstations, call)
        await workstation.people.sign_off()
        return view(workstation)


def operations(workstations: Mapping[str, Workstation], people: People) -> list[Operation]:
    operators = _Operators(workstations, people)
    base = "/v1/baskets/{workstation}"
    listed = [
        Operation("GET", "/v1/operators", "Who may sign on", operators.all, answer=OperatorList),
        Operation(
            "POST",
            f"{base}/sign-on",
            "Sign on",
            operators.sign_on,
            description="In the place of whoever was signed on, between sales. After a few wrong PINs it answers"
            " `pin_locked` for a while. Lasts until signing off, over a restart too.",
            body=SignOn,
            answer=BasketView,
            problems=(404, 409, 422, 503),
            example={"operator_id": "anna", "pin": "4711"},
        ),
        Operation(
            "POST", f"{base}/sign-off", "Sign off", operators.sign_off, answer=BasketView, problems=(404, 409, 503)
        ),
    ]
    return within(Scope.SELL, listed)
