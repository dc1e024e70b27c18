"""`/v1/receipts/...`: receipts of the sales that this box keeps: to look at, to print again, to bring goods back by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gateway.api.authorised import AuthorisedBy, Body, approval_of
from gateway.api.operations import Call, NoSuchThing, Operation, within
from gateway.api.receipt_page import page
from gateway.api.scopes import Scope
from gateway.api.tender_views import ReturnFrom, return_from
from gateway.errors import SaleRefused
from gateway.peripherals import BarCode, Columns, PrintLine, Qr, Rule, Text
from gateway.till.paper.reprinting import Receipts
from gateway.till.returns.originals import Original
from gateway.till.workstation import Workstation
from retail.wire.rows import Item

PATH = "/v1/receipts/{store}/{workstation}/{sequence}"


class ReceiptLine(BaseModel):
    """One printer-neutral line. kind text, columns, rule, qr, bar_code; what a kind does not have is empty."""

    kind: str
    text: str = ""
    right: str = ""
    align: str = "left"
    bold: bool = False
    double: bool = False


class ReceiptView(BaseModel):
    """lines: as a copy prints, without the cut. can_return: what of it can still come back."""

    receipt: str
    seq: int
    currency: str
    total_minor: int
    training: bool
    lines: list[ReceiptLine]
    can_return: ReturnFrom


class ReceiptList(BaseModel):
    """The newest sales that an article can have come from, the newest first."""

    receipts: list[ReturnFrom]


class Reprint(Body):
    """workstation: whose printer prints it, and whose cashier asks. gift: without prices."""

    workstation: str | None = Field(default=None, max_length=64, description="none: the one of the receipt")
    gift: bool = False
    authorisation: AuthorisedBy | None = None


class Reprinted(BaseModel):
    receipt: str
    printer: str


class _Receipts:
    def __init__(
        self,
        receipts: Receipts,
        workstations: Mapping[str, Workstation],
        article: Callable[[str], Item],
        locale: str,
    ) -> None:
        self._receipts, self._workstations = receipts, workstations
        self._article, self._locale = article, locale

    def _find(self, call: Call) -> Original:
        try:
            return self._receipts.originals.find(self._number(call))
        except SaleRefused as refused:
            raise NoSuchThing(str(refused)) from refused

    def _number(self, call: Call) -> str:
        return "/".join(call.path(part) for part in ("store", "workstation", "sequence"))

    async def show(self, call: Call) -> BaseModel | Response:
        original = self._find(call)
        gift = call.request.query_params.get("gift", "false") == "true"
        lines = self._receipts.lines(original, gift)
        if "text/html" in call.request.headers.get("accept", ""):
            return Response(page(self._number(call), lines, self._locale), media_type="text/html")
        sale = original.sale
        return ReceiptView(
            receipt=self._number(call),
            seq=original.seq,
            currency=sale.currency,
            total_minor=sale.total_minor,
            training=sale.training_flag,
            lines=[ReceiptLine(**shown) for line in lines if (shown := neutral(line))],
            can_return=return_from(original, self._locale),
        )

    async def having(self, call: Call) -> ReceiptList:
        code = call.request.query_params.get("code", "")
        if not 1 <= len(code) <= 512:
            raise SaleRefused("say which article: ?code=", reason="no_code", field="code")
        item = self._article(code)
        found = await run_in_threadpool(self._receipts.originals.having, item.item_id)
        return ReceiptList(receipts=[return_from(one, self._locale) for one in found])

    async def reprint(self, call: Call) -> Reprinted:
        number, said = self._number(call), call.body
        self._find(call)
        name = said.workstation or call.path("workstation")
        till = self._workstations.get(name)
        if till is None:
            known = ", ".join(self._workstations)
            text = f"there is no workstation {name}; say one that prints it: {known}"
            raise SaleRefused(text, reason="no_workstation", field="workstation")
        await self._receipts.again(till, number, said.gift, approval_of(said.authorisation))
        return Reprinted(receipt=number, printer=till.lane.printer or "")


def neutral(line: PrintLine) -> dict[str, Any]:
    """A line as JSON has it; nothing for what only a printer does."""
    match line:
        case Text(text=text, align=align, bold=bold, double=double):
            return {"kind": "text", "text": text, "align": align, "bold": bold, "double": double}
        case Columns(left=left, right=right, bold=bold, double=double):
            return {"kind": "columns", "text": left, "right": right, "bold": bold, "double": double}
        case Rule():
            return {"kind": "rule"}
        case Qr(data=data):
            return {"kind": "qr", "text": data, "align": "center"}
        case BarCode(data=data):
            return {"kind": "bar_code", "text": data, "align": "center"}
        case _:
            return {}


def operations(
    receipts: Receipts, workstations: Mapping[str, Workstation], article: Callable[[str], Item], locale: str
) -> list[Operation]:
    shown = _Receipts(receipts, workstations, article, locale)
    listed = [
        Operation(
            "GET",
            "/v1/receipts",
            "Receipts that an article can have come from",
            shown.having,
            description="For a customer who has lost the receipt: the newest ten of this box of which it can still"
            " come back.",
            answer=ReceiptList,
            query={"code": "the article's code, as a scan gives it"},
            problems=(409, 422),
        ),
        Operation(
            "GET",
            PATH,
            "A receipt, line by line",
            shown.show,
            description="The same printer-neutral lines that a printer gets; as a page with `Accept: text/html`.",
            answer=ReceiptView,
            query={"gift": "`true`: without prices"},
            problems=(404,),
        ),
        Operation(
            "POST",
            f"{PATH}/reprint",
            "Print a receipt once more",
            shown.reprint,
            description="It says that it is a copy; a gift receipt has no prices. It prints behind what waits.",
            body=Reprint,
            answer=Reprinted,
            problems=(404, 409, 422, 503),
            example={"workstation": "1"},
        ),
    ]
    return within(Scope.SELL, listed)
