"""`/v1/sessions/<workstation>`: the till's day: open with a float, cash in and out, X report, blind count, Z report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from gateway.api.authorised import AuthorisedBy, Body, Reasoned, approval_of
from gateway.api.operations import Call, NoSuchThing, Operation, at_workstation, within
from gateway.api.scopes import Scope
from gateway.till.day.drawer import Move
from gateway.till.day.sessions import counted
from gateway.till.workstation import Workstation
from retail.authority import reaches
from retail.control import ControlTransaction, SessionTotals, TenderTotal
from retail.units import Money

_Amount = Annotated[int, Field(ge=0, le=100_000_000_00)]
_MovedAmount = Annotated[int, Field(ge=1, le=100_000_000_00, examples=[20000])]


class OpenBody(Body):
    float_minor: _Amount = Field(examples=[10000])
    authorisation: AuthorisedBy | None = None


class MoneyIn(Reasoned):
    amount_minor: _MovedAmount


class PickUpBody(Body):
    amount_minor: _MovedAmount
    reason: str = Field(default="", max_length=200)
    authorisation: AuthorisedBy | None = None


class Authorised(Body):
    authorisation: AuthorisedBy | None = None


class CloseBody(Body):
    """What was counted: as a sum, or as pieces of each note and coin. What is expected is answered then.

    carry_over: sales that were suspended in this session stay for the next one; else they stop the close.
    """

    counted_minor: _Amount | None = Field(default=None, examples=[52000])
    denominations: dict[int, Annotated[int, Field(ge=0, le=100_000)]] | None = Field(
        default=None, description="value in minor units -> pieces", examples=[{"5000": 10, "200": 10}]
    )
    carry_over: bool = False
    authorisation: AuthorisedBy | None = None


class SuspendedBrief(BaseModel):
    number: int
    label: str
    total: str


class SessionView(BaseModel):
    """open: whether one is. suspended: sales set aside in it, which stop its close unless they are carried over."""

    workstation_id: str
    open: bool
    required: bool
    session_id: str | None
    business_date: str | None
    opened_at: str | None
    opened_by: str | None
    float_minor: int | None
    suspended: list[SuspendedBrief]
    last_z_number: int | None


class ReportView(BaseModel):
    """An X report. Sums that tell what cash is in the drawer are none for who may not see them before he counted."""

    z_number: int
    sales_count: int
    voids_count: int
    returned_minor: int
    discounts_minor: int
    tenders: list[TenderTotal]
    float_minor: int
    paid_in_minor: int
    paid_out_minor: int
    picked_up_minor: int
    sales_minor: int | None
    rounding_minor: int | None
    expected_cash_minor: int | None


class ClosedView(BaseModel):
    """The Z report. over_short: counted less expected; below 0 cash is missing; none where nobody counted."""

    workstation_id: str
    session_id: str
    business_date: str
    operator_id: str
    authorised_by: str | None
    reason: str | None
    totals: SessionTotals
    over_short: str


class _Sessions:
    def __init__(self, workstations: Mapping[str, Workstation]) -> None:
        self._workstations = workstations

    def _at(self, call: Call) -> Workstation:
        return at_workstation(self._workstations, call)

    async def show(self, call: Call) -> SessionView:
        return _session(self._at(call))

    async def open(self, call: Call) -> SessionView:
        till = self._at(call)
        await till.day.sessions.open(call.body.float_minor, approval_of(call.body.authorisation))
        return _session(till)

    async def close(self, call: Call) -> ClosedView:
        till, said = self._at(call), call.body
        cash = counted(said.counted_minor, said.denominations)
        control = await till.day.sessions.close(cash, said.carry_over, approval_of(said.authorisation))
        return _closed(till, control)

    async def no_sale(self, call: Call) -> SessionView:
        till = self._at(call)
        await till.day.drawer.no_sale(call.body.reason, approval_of(call.body.authorisation))
        return _session(till)

    async def _move(self, call: Call, move: Move) -> SessionView:
        till, said = self._at(call), call.body
        await till.day.drawer.move(move, said.amount_minor, said.reason, approval_of(said.authorisation))
        return _session(till)

    async def paid_in(self, call: Call) -> SessionView:
        return await self._move(call, "PaidIn")

    async def paid_out(self, call: Call) -> SessionView:
        return await self._move(call, "PaidOut")

    async def pick_up(self, call: Call) -> SessionView:
        return await self._move(call, "PickUp")

    async def x_report(self, call: Call) -> ReportView:
        till = self._at(call)
        may_see = reaches(till.people.role(), till.people.limits.see_expected)
        return _report(till.day.sessions.totals(), may_see)

    async def print_x(self, call: Call) -> ReportView:
        till = self._at(call)
        return _report(await till.day.sessions.print_x(approval_of(call.body.authorisation)), may_see=True)

    async def z_report(self, call: Call) -> ClosedView:
        till, number = self._at(call), call.path("number")
        known = number == "last" or (number.isascii() and number.isdigit() and len(number) < 10)
        control = till.day.sessions.closed(None if number == "last" else int(number)) if known else None
        if control is None:
            raise NoSuchThing(f"workstation {till.lane.workstation_id} has no Z report {number}")
        return _closed(till, control)


def _session(till: Workstation) -> SessionView:
    session, locale = till.day.sessions.open_now, till.store.locale
    last = till.day.sessions.closed()
    waiting = till.suspending.of_session(session.session_id) if session is not None else []
    return SessionView(
        workstation_id=till.lane.workstation_id,
        open=session is not None,
        required=till.store.sessions_required,
        session_id=session.session_id if session else None,
        business_date=session.business_date.isoformat() if session else None,
        opened_at=session.opened_utc if session else None,
        opened_by=session.operator_id if session else None,
        float_minor=session.float_minor if session else None,
        suspended=[
            SuspendedBrief(number=one.number, label=one.label, total=one.basket.total().shown(locale))
            for one in waiting
        ],
        last_z_number=last.totals.z_number if last is not None and last.totals is not None else None,
    )


def _report(totals: SessionTotals, may_see: bool) -> ReportView:
    return ReportView(
        z_number=totals.z_number,
        sales_count=totals.sales_count,
        voids_count=totals.voids_count,
        returned_minor=totals.returned_minor,
        discounts_minor=totals.discounts_minor,
        tenders=[one for one in totals.tenders if may_see or one.tender_type != "Cash"],
        float_minor=totals.float_minor,
        paid_in_minor=totals.paid_in_minor,
        paid_out_minor=totals.paid_out_minor,
        picked_up_minor=totals.picked_up_minor,
        sales_minor=totals.sales_minor if may_see else None,
        rounding_minor=totals.rounding_minor if may_see else None,
        expected_cash_minor=totals.expected_cash_minor if may_see else None,
    )


def _closed(till: Workstation, control: ControlTransaction) -> ClosedView:
    assert control.totals is not None  # noqa: S101  a close has its totals
    over_short = control.totals.over_short_minor
    return ClosedView(
        workstation_id=control.workstation_id,
        session_id=control.session_id or "",
        business_date=control.business_day_date.isoformat(),
        operator_id=control.operator_id,
        authorised_by=control.authorised_by,
        reason=control.reason,
        totals=control.totals,
        over_short="" if over_short is None else Money(over_short, control.currency).shown(till.store.locale),
    )


def operations(workstations: Mapping[str, Workstation]) -> list[Operation]:
    sessions = _Sessions(workstations)
    base = "/v1/sessions/{workstation}"
    can_be_refused = (404, 409, 422, 503)
    listed = [
        Operation("GET", base, "The open session", sessions.show, answer=SessionView, problems=(404,)),
        Operation(
            "POST",
            f"{base}/open",
            "Open a session with a float",
            sessions.open,
            description="Its business day is the day it is opened on, over midnight too.",
            body=OpenBody,
            answer=SessionView,
            problems=can_be_refused,
            example={"float_minor": 10000},
        ),
        Operation(
            "POST",
            f"{base}/paid-in",
            "Cash into the drawer",
            sessions.paid_in,
            body=MoneyIn,
            answer=SessionView,
            problems=can_be_refused,
            example={"amount_minor": 5000, "reason": "change from the bank"},
        ),
        Operation(
            "POST",
            f"{base}/paid-out",
            "Cash out of the drawer, for a reason",
            sessions.paid_out,
            body=MoneyIn,
            answer=SessionView,
            problems=can_be_refused,
            example={"amount_minor": 1290, "reason": "window cleaner"},
        ),
        Operation(
            "POST",
            f"{base}/pick-up",
            "Cash out of the drawer, into the safe",
            sessions.pick_up,
            body=PickUpBody,
            answer=SessionView,
            problems=can_be_refused,
            example={"amount_minor": 20000, "authorisation": {"operator_id": "mia", "pin": "4711"}},
        ),
        Operation(
            "POST",
            f"{base}/no-sale",
            "Open the drawer without a sale",
            sessions.no_sale,
            body=Reasoned,
            answer=SessionView,
            problems=can_be_refused,
            example={"reason": "change for a customer"},
        ),
        Operation(
            "GET",
            f"{base}/x-report",
            "The figures so far",
            sessions.x_report,
            description="Blind: who may not see what cash is expected (`[till.limits] see_expected`) gets those none.",
            answer=ReportView,
            problems=(404, 409),
        ),
        Operation(
            "POST",
            f"{base}/x-report",
            "Print the figures so far",
            sessions.print_x,
            body=Authorised,
            answer=ReportView,
            problems=can_be_refused,
            example={"authorisation": {"operator_id": "mia", "pin": "4711"}},
        ),
        Operation(
            "POST",
            f"{base}/close",
            "Close the session with what was counted",
            sessions.close,
            description="The count first, the expected figure in the answer. Refused while a sale is open, a payment is"
            " not known, or sales suspended in this session wait (carry_over leaves those to the next one).",
            body=CloseBody,
            answer=ClosedView,
            problems=can_be_refused,
            example={"counted_minor": 52000},
        ),
        Operation(
            "GET",
            f"{base}/z-reports/{{number}}",
            "The Z report of a closed session",
            sessions.z_report,
            description="By its number, or `last`.",
            answer=ClosedView,
            problems=(404,),
        ),
    ]
    return within(Scope.SELL, listed)
