"""`/v1/shelf-labels`: shelf labels of articles from the price book, by a template, on a label printer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.api.device_tail import DeviceSession
from gateway.api.operations import Call, NoSuchThing, Operation, within
from gateway.api.problems import of_fields
from gateway.api.scopes import Scope
from gateway.errors import SaleRefused
from gateway.peripherals import DeviceClass, Label, PrintLabels
from gateway.till.paper.shelf_label import NetContent, ShelfArticle, shelf_label
from gateway.till.paper.shelf_label_template import Template
from retail.sale import Fault
from retail.units import Money
from retail.wire.rows import Item

#: a label is fed, printed and torn off in about a second; the printer is asked for its state on top of that
SECONDS_A_LABEL = 1.0
SECONDS_AROUND = 10.0
EXAMPLE = {"printer": "label-1", "template": "60x40", "articles": [{"code": "4006381333931"}], "copies": 2}


class NetContentBody(BaseModel):
    amount: int = Field(ge=1, le=1_000_000)
    unit: Literal["g", "ml"]


class ArticleBody(BaseModel):
    """code: an item id, a bar code or a short code. net_content: what is in the pack, for its unit price."""

    model_config = ConfigDict(extra="forbid")
    code: str = Field(min_length=1, max_length=64)
    net_content: NetContentBody | None = None
    tax_note: str = Field(default="", max_length=60)


class ShelfLabelsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    printer: str
    template: str
    articles: list[ArticleBody] = Field(min_length=1, max_length=200)
    copies: Annotated[int, Field(ge=1, le=100)] = 1
    unit_price_per: Literal[100, 1000] = Field(default=1000, description="grams or millilitres")


class ShelfLabelsDone(BaseModel):
    printer: str
    labels: int


class _ShelfLabels:
    def __init__(
        self,
        devices: Mapping[str, DeviceSession],
        find: Callable[[str], Item],
        templates: Mapping[str, Template],
        locale: str,
        local: Callable[[], datetime],
    ) -> None:
        self._devices, self._find, self._templates = devices, find, templates
        self._locale, self._local = locale, local

    async def print(self, call: Call) -> BaseModel | Response:
        body: ShelfLabelsBody = call.body
        session = self._devices.get(body.printer)
        if session is None or session.snapshot().device_class is not DeviceClass.LABEL_PRINTER:
            raise NoSuchThing(f"there is no label printer {body.printer}; GET /v1/devices lists what there is")
        template = self._templates.get(body.template)
        if template is None:
            known = ", ".join(sorted(self._templates))
            return of_fields(
                [Fault(field="template", message=f"there is no {body.template!r}; there are {known}")]
            ).response()
        labels: list[Label] = []
        faults: list[Fault] = []
        for place, article in enumerate(body.articles):
            try:
                labels.append(self._label(article, template, body.unit_price_per))
            except SaleRefused as refused:
                faults.append(Fault(field=f"articles[{place}].code", message=str(refused)))
        if faults:
            return of_fields(faults).response()
        count = len(labels) * body.copies
        await session.ask(PrintLabels(tuple(labels), body.copies), SECONDS_AROUND + SECONDS_A_LABEL * count)
        return ShelfLabelsDone(printer=body.printer, labels=count)

    def _label(self, article: ArticleBody, template: Template, per: int) -> Label:
        item = self._find(article.code)
        at = self._local()
        price = item.price_at(at)
        if price is None:
            raise SaleRefused(f"{item.description} has no price yet; headquarters must set one", reason="no_price")
        content = article.net_content
        shown = ShelfArticle(
            description=item.description,
            price=Money(price, item.currency),
            sold_by=item.unit,
            barcode=item.barcodes[0] if item.barcodes else item.item_id,
            net_content=NetContent(content.amount, content.unit) if content else None,
            tax_note=article.tax_note,
            date=at.date(),
        )
        return shelf_label(shown, template, self._locale, per)


def operations(
    devices: Mapping[str, DeviceSession],
    find: Callable[[str], Item],
    templates: Mapping[str, Template],
    locale: str,
    local: Callable[[], datetime],
) -> list[Operation]:
    """find: the one item of a code, or SaleRefused. local: the store's own time, whose price it is."""
    handlers = _ShelfLabels(devices, find, templates, locale, local)
    printing = Operation(
        "POST",
        "/v1/shelf-labels",
        "Print shelf labels",
        handlers.print,
        description="Prices and descriptions come from the price book; all articles are found first, then all labels"
        " are printed, or none. Templates: " + ", ".join(sorted(templates)) + " and the shop's own.",
        body=ShelfLabelsBody,
        answer=ShelfLabelsDone,
        problems=(404, 409, 422, 503, 504),
        example=EXAMPLE,
    )
    return within(Scope.DEVICES, [printing])
