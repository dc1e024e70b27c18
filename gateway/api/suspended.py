"""`/v1/suspended`, suspend, resume and training: a sale set aside and taken up on any workstation of the store."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from gateway.api.authorised import AuthorisedBy, Body, approval_of
from gateway.api.basket_views import BasketView, view
from gateway.api.operations import Call, Operation, at_workstation, within
from gateway.api.scopes import Scope
from gateway.till.workstation import Workstation


class Suspend(Body):
    """ticket: print one with the number on it, for the customer."""

    label: str = Field(default="", max_length=60, examples=["Mrs Lin, forgot her purse"])
    ticket: bool = False


class Resume(Body):
    number: int = Field(ge=1, examples=[12])
    authorisation: AuthorisedBy | None = None


class TrainingBody(Body):
    on: bool
    authorisation: AuthorisedBy | None = None


class SuspendedView(BaseModel):
    number: int
    label: str
    workstation_id: str
    operator_id: str
    suspended_at: str
    lines: int
    total_minor: int
    total: str
    training: bool


class SuspendedList(BaseModel):
    """The oldest first."""

    suspended: list[SuspendedView]


class SuspendAnswer(BaseModel):
    """number: what it is taken up by."""

    number: int
    basket: BasketView


class _Suspended:
    def __init__(self, workstations: Mapping[str, Workstation]) -> None:
        self._workstations = workstations

    async def all(self, _call: Call) -> SuspendedList:
        first = next(iter(self._workstations.values()), None)
        sales = first.suspending.all() if first is not None else []
        locale = first.store.locale if first is not None else "en"
        return SuspendedList(
            suspended=[
                SuspendedView(
                    number=one.number,
                    label=one.label,
                    workstation_id=one.workstation_id,
                    operator_id=one.operator_id,
                    suspended_at=one.suspended_utc,
                    lines=sum(1 for line in one.basket.lines if not line.void),
                    total_minor=one.basket.total().minor,
                    total=one.basket.total().shown(locale),
                    training=one.basket.training,
                )
                for one in sales
            ]
        )

    async def suspend(self, call: Call) -> SuspendAnswer:
        till = at_workstation(self._workstations, call)
        number = await till.suspending.suspend(call.body.label, call.body.ticket)
        return SuspendAnswer(number=number, basket=view(till))

    async def resume(self, call: Call) -> BasketView:
        till = at_workstation(self._workstations, call)
        await till.suspending.resume(call.body.number, approval_of(call.body.authorisation))
        return view(till)

    async def training(self, call: Call) -> BasketView:
        till = at_workstation(self._workstations, call)
        await till.day.training.switch(call.body.on, approval_of(call.body.authorisation))
        return view(till)


def operations(workstations: Mapping[str, Workstation]) -> list[Operation]:
    suspended = _Suspended(workstations)
    base = "/v1/baskets/{workstation}"
    listed = [
        Operation("GET", "/v1/suspended", "The suspended sales of this store", suspended.all, answer=SuspendedList),
        Operation(
            "POST",
            f"{base}/suspend",
            "Set the open sale aside",
            suspended.suspend,
            description="It waits under a number, over a restart too, until a workstation of the store resumes it.",
            body=Suspend,
            answer=SuspendAnswer,
            problems=(404, 409, 422, 503),
            example={"label": "Mrs Lin, forgot her purse"},
        ),
        Operation(
            "POST",
            f"{base}/resume",
            "Take a suspended sale up here",
            suspended.resume,
            description="Once: where two workstations ask for it, the second is refused with `not_suspended`.",
            body=Resume,
            answer=BasketView,
            problems=(404, 409, 422, 503),
            example={"number": 12},
        ),
        Operation(
            "POST",
            f"{base}/training",
            "Training mode on or off",
            suspended.training,
            description="Between sales. Nothing that is sold in it counts anywhere; its paper says so.",
            body=TrainingBody,
            answer=BasketView,
            problems=(404, 409, 422, 503),
            example={"on": True, "authorisation": {"operator_id": "mia", "pin": "4711"}},
        ),
    ]
    return within(Scope.SELL, listed)
