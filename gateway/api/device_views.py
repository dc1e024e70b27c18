"""A device as the local API shows it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from gateway.clock import rfc3339
from gateway.devices.snapshot import Snapshot, WeightSeen
from gateway.peripherals import DeviceClass, Power, ScaleStatus

NAMES = {
    DeviceClass.SCANNER: "a scanner",
    DeviceClass.SCALE: "a scale",
    DeviceClass.POS_PRINTER: "a receipt printer",
    DeviceClass.CASH_DRAWER: "a cash drawer",
    DeviceClass.LINE_DISPLAY: "a customer display",
    DeviceClass.PAYMENT_TERMINAL: "a payment terminal",
    DeviceClass.LABEL_PRINTER: "a label printer",
}


class WeightView(BaseModel):
    """grams is null wherever the scale gave no legal weight: moving, under zero, over its capacity."""

    grams: int | None
    stable: bool
    net: bool
    status: ScaleStatus
    age_ms: int


class PrinterView(BaseModel):
    online: bool
    cover_open: bool
    paper_out: bool
    paper_near_end: bool
    error: bool


class DrawerView(BaseModel):
    opened: bool | None = Field(description="null: this drawer has no sensor")


class DisplayView(BaseModel):
    rows: list[str] = Field(description="what was shown last; [] after a clear")


class LabelPrinterView(BaseModel):
    online: bool
    head_open: bool
    media_out: bool
    ribbon_out: bool
    paused: bool
    over_temperature: bool
    jammed: bool
    labels_left: int


class DeviceView(BaseModel):
    """since: when power became what it is. last_error: what broke last and what to do, "" if nothing ever did."""

    id: str
    device_class: DeviceClass
    driver: str
    url: str
    power: Power
    since: str
    last_error: str
    statistics: dict[str, int] = Field(description="counters by their UnifiedPOS names")
    weight: WeightView | None = Field(description="a scale's last reading while it is fresh; never one to sell by")
    printer: PrinterView | None
    drawer: DrawerView | None
    display: DisplayView | None
    label_printer: LabelPrinterView | None


class DevicesView(BaseModel):
    devices: list[DeviceView]


def view(seen: Snapshot) -> DeviceView:
    label = seen.label_printer
    return DeviceView(
        id=seen.device_id,
        device_class=seen.device_class,
        driver=seen.driver,
        url=seen.url,
        power=seen.power,
        since=rfc3339(seen.since),
        last_error=seen.last_error,
        statistics=dict(seen.statistics),
        weight=weight_view(seen.weight) if seen.weight else None,
        printer=PrinterView.model_validate(seen.printer, from_attributes=True) if seen.printer else None,
        drawer=DrawerView(opened=seen.drawer.opened) if seen.drawer else None,
        display=DisplayView(rows=list(seen.display.rows)) if seen.display else None,
        label_printer=LabelPrinterView.model_validate(label, from_attributes=True) if label else None,
    )


def weight_view(seen: WeightSeen) -> WeightView:
    return WeightView(grams=seen.grams, stable=seen.stable, net=seen.net, status=seen.status, age_ms=seen.age_ms)
