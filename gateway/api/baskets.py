"""`/v1/baskets/<workstation>`: the open sale of a workstation, for a screen and for a shop's own program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.api.events import Stopping, stream
from gateway.api.operations import Call, NoSuchThing, Operation, within
from gateway.api.scopes import Scope
from gateway.till.basket import Line
from gateway.till.workstation import Workstation
from retail.units import Money, Quantity, Weight


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Scan(_Body):
    """A code, scanned or keyed. symbology: its AIM identifier (`]E0`), where known."""

    code: str = Field(min_length=1, max_length=2048, examples=["4006381333931"])
    symbology: str = Field(default="", max_length=3, examples=["]E0"])
    method: Literal["scanned", "keyed"] = "scanned"


class PendingQuantity(_Body):
    """How many the next item counts; from 100 on it asks to be confirmed."""

    pieces: int = Field(examples=[3])
    confirmed: bool = False


class VoidLine(_Body):
    line_number: int | None = Field(default=None, description="none: the last line that is not void")


class CashTender(_Body):
    tender_type: Literal["Cash"] = "Cash"
    amount_minor: int | None = Field(default=None, description="none: exactly what is due", examples=[2000])


class LineView(BaseModel):
    line_number: int
    item_id: str
    description: str
    measure: str = Field(description="`3 x 1.19` or `0.450 kg x 2.49/kg`")
    quantity: int | None
    weight_grams: int | None
    unit_price_minor: int
    extended_amount_minor: int
    amount: str = Field(description="the extended amount, as people of the store's locale write it")
    entry_method: str
    void: bool


class NoticeView(BaseModel):
    kind: Literal["error", "hint"]
    reason: str
    text: str


class FinishedView(BaseModel):
    """The sale that was just finished: on disk, whatever the printer and the line to headquarters do."""

    number: str
    seq: int
    total_minor: int
    change_minor: int
    total: str
    tendered: str
    change: str


class BasketView(BaseModel):
    workstation_id: str
    state: Literal["idle", "selling", "tendering"]
    currency: str
    lines: list[LineView]
    total_minor: int
    total: str
    tendered_minor: int
    due_minor: int
    due: str
    pending_quantity: int | None
    weighing: bool
    notice: NoticeView | None
    finished: FinishedView | None


def view(workstation: Workstation) -> BasketView:
    """The basket as a screen shows it."""
    basket, locale = workstation.basket, workstation.store.locale
    finished = workstation.last
    notice = workstation.notice
    return BasketView(
        workstation_id=workstation.lane.workstation_id,
        state=basket.state,
        currency=basket.currency,
        lines=[_line(line, basket.currency, locale) for line in basket.lines],
        total_minor=basket.total().minor,
        total=basket.total().shown(locale),
        tendered_minor=basket.tendered_minor,
        due_minor=basket.due().minor,
        due=basket.due().shown(locale),
        pending_quantity=basket.pending_quantity,
        weighing=workstation.weighing,
        notice=NoticeView(kind=notice.kind, reason=notice.reason, text=notice.text) if notice else None,
        finished=FinishedView(
            number=finished.number,
            seq=finished.seq,
            total_minor=finished.total.minor,
            change_minor=finished.change.minor,
            total=finished.total.shown(locale),
            tendered=finished.tendered.shown(locale),
            change=finished.change.shown(locale),
        )
        if finished
        else None,
    )


def _line(line: Line, currency: str, locale: str) -> LineView:
    price = Money(line.unit_price_minor, currency).plain()
    if line.weight_grams is not None:
        measure = f"{Weight(line.weight_grams).plain()} kg x {price}/kg"
    else:
        measure = f"{Quantity(line.quantity or 0).plain()} x {price}"
    return LineView(
        line_number=line.line_number,
        item_id=line.item_id,
        description=line.description,
        measure=measure,
        quantity=line.quantity,
        weight_grams=line.weight_grams,
        unit_price_minor=line.unit_price_minor,
        extended_amount_minor=line.amount(currency).minor,
        amount=line.amount(currency).shown(locale),
        entry_method=line.entry_method,
        void=line.void,
    )


class _Baskets:
    def __init__(self, workstations: Mapping[str, Workstation], stopping: Stopping) -> None:
        self._workstations = workstations
        self._stopping = stopping

    def _at(self, call: Call) -> Workstation:
        name = call.path("workstation")
        if name not in self._workstations:
            known = ", ".join(self._workstations)
            raise NoSuchThing(f"there is no workstation {name}; the configuration has {known}")
        return self._workstations[name]

    async def show(self, call: Call) -> BasketView:
        return view(self._at(call))

    async def scan(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.enter(call.body.code, call.body.symbology, call.body.method)
        return view(workstation)

    async def quantity(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.set_quantity(call.body.pieces, call.body.confirmed)
        return view(workstation)

    async def void_line(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.void_line(call.body.line_number)
        return view(workstation)

    async def void_all(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.void_all()
        return view(workstation)

    async def tender(self, call: Call) -> BasketView:
        workstation = self._at(call)
        await workstation.tender_cash(call.body.amount_minor)
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
            description="An item sold by weight asks the workstation's scale and answers once the weight is stable.",
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
            problems=(404, 409, 422),
            example={"line_number": 1},
        ),
        Operation(
            "POST",
            f"{base}/void",
            "Give up the open sale",
            baskets.void_all,
            answer=BasketView,
            problems=(404, 409),
        ),
        Operation(
            "POST",
            f"{base}/tender",
            "Take cash",
            baskets.tender,
            description="When the tenders cover the total the sale is finished: it is on disk when this answers.",
            body=CashTender,
            answer=BasketView,
            problems=(404, 409, 422, 503),
            example={"tender_type": "Cash", "amount_minor": 2000},
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
    return within(Scope.SELL, listed)
