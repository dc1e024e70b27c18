"""Guards of an open sale: a price by hand, the customer's age, tare; and calls for somebody, such as a help button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from gateway.api.authorised import AuthorisedBy, Body, approval_of
from gateway.api.basket_views import BasketView, CallView, call_view, view
from gateway.api.events import Stopping, stream
from gateway.api.operations import Call, Operation, at_workstation, within
from gateway.api.scopes import Scope
from gateway.till.workstation import Workstation


class Override(Body):
    """line_number: none for the last line. The price book's own price takes an override back."""

    unit_price_minor: Annotated[int, Field(ge=0, le=100_000_000_00, examples=[99])]
    reason: str = Field(min_length=1, max_length=200, examples=["dented"])
    line_number: int | None = None
    authorisation: AuthorisedBy | None = None


class ConfirmAge(Body):
    """Either: confirmed, old enough for all that waits or not; or the birth date, which is not kept."""

    confirmed: bool | None = None
    birth_date: date | None = Field(default=None, examples=["1999-12-31"])
    authorisation: AuthorisedBy | None = None


class Tare(Body):
    grams: int = Field(ge=0, le=100_000, examples=[12])


class Help(Body):
    text: str = Field(default="", max_length=200, examples=["the bag tore"])


class Attend(Body):
    """accept_bag: what lies in the bag is right."""

    accept_bag: bool = True
    authorisation: AuthorisedBy | None = None


class CallAt(CallView):
    workstation_id: str


class CallList(BaseModel):
    calls: list[CallAt]


class _Guards:
    def __init__(self, workstations: Mapping[str, Workstation], stopping: Stopping) -> None:
        self._workstations, self._stopping = workstations, stopping

    def _at(self, call: Call) -> Workstation:
        return at_workstation(self._workstations, call)

    async def override(self, call: Call) -> BasketView:
        till, said = self._at(call), call.body
        approval = approval_of(said.authorisation)
        await till.overrides.set(said.unit_price_minor, said.reason, said.line_number, approval)
        return view(till)

    async def confirm_age(self, call: Call) -> BasketView:
        till, said = self._at(call), call.body
        await till.ages.confirm(said.confirmed, said.birth_date, approval_of(said.authorisation))
        return view(till)

    async def tare(self, call: Call) -> BasketView:
        till = self._at(call)
        await till.set_tare(call.body.grams)
        return view(till)

    async def help(self, call: Call) -> BasketView:
        till = self._at(call)
        await till.attention.ask_for_help(call.body.text)
        return view(till)

    async def attend(self, call: Call) -> BasketView:
        till = self._at(call)
        await till.attention.answer(approval_of(call.body.authorisation), call.body.accept_bag)
        return view(till)

    async def calls(self, _call: Call) -> CallList:
        return self._calls()

    async def events(self, _call: Call) -> Response:
        return stream(self._listen, lambda: [("calls", self._calls().model_dump_json())], self._stopping)

    def _listen(self, heard: Callable[[], None]) -> Callable[[], None]:
        stops = [till.listen(heard) for till in self._workstations.values()]

        def unlisten() -> None:
            for stop in stops:
                stop()

        return unlisten

    def _calls(self) -> CallList:
        found = [(name, call_view(till)) for name, till in self._workstations.items()]
        return CallList(calls=[CallAt(workstation_id=name, **one.model_dump()) for name, one in found if one])


def operations(workstations: Mapping[str, Workstation], stopping: Stopping) -> list[Operation]:
    guards = _Guards(workstations, stopping)
    base = "/v1/baskets/{workstation}"
    refusals = (404, 409, 422, 503)
    listed = [
        Operation(
            "POST",
            f"{base}/override",
            "Set a line's price by hand",
            guards.override,
            description="For a reason, and as far as `[till.limits] price_override` lets the role go; below the"
            " article's floor it is refused with `below_floor`. An overridden price gets no deal.",
            body=Override,
            answer=BasketView,
            problems=refusals,
            example={"unit_price_minor": 99, "reason": "dented", "line_number": 2},
        ),
        Operation(
            "POST",
            f"{base}/confirm-age",
            "Say how old the customer is",
            guards.confirm_age,
            description="While a line `waits_for_age` nothing is paid. Lines for which the customer is too young are"
            " void. At a self-checkout an attendant's `authorisation` goes with it.",
            body=ConfirmAge,
            answer=BasketView,
            problems=refusals,
            example={"birth_date": "1999-12-31"},
        ),
        Operation(
            "POST",
            f"{base}/tare",
            "Tare of the next weighed article",
            guards.tare,
            body=Tare,
            answer=BasketView,
            problems=refusals,
            example={"grams": 12},
        ),
        Operation(
            "POST",
            f"{base}/help",
            "Call somebody to this workstation",
            guards.help,
            description="Shown on every screen that reads `/v1/calls`, and on record at headquarters.",
            body=Help,
            answer=BasketView,
            problems=refusals,
            example={"text": "the bag tore"},
        ),
        Operation(
            "POST",
            f"{base}/attend",
            "Answer the call",
            guards.attend,
            description="At a self-checkout with an attendant's `authorisation`. After `weight_mismatch` the bag as it"
            " is counts as right, unless accept_bag is false.",
            body=Attend,
            answer=BasketView,
            problems=refusals,
            example={"authorisation": {"operator_id": "mia", "pin": "4711"}},
        ),
        Operation("GET", "/v1/calls", "Who is called for now", guards.calls, answer=CallList),
        Operation(
            "GET",
            "/v1/calls/events",
            "The calls as they change",
            guards.events,
            description="Server-sent events: `calls`, with the JSON of GET /v1/calls. For an attendant's screen.",
            streams=True,
        ),
    ]
    return within(Scope.SELL, listed)
