"""What a technician has a device do to see it work: a slip, a label, two rows, each with everything that it can."""

from __future__ import annotations

from datetime import datetime

from gateway.clock import rfc3339
from gateway.devices.snapshot import Snapshot
from gateway.peripherals import (
    BarCode,
    Columns,
    Cut,
    DeviceClass,
    DisplayText,
    Label,
    LabelBarCode,
    LabelBox,
    LabelQr,
    LabelText,
    Print,
    PrintLabels,
    Qr,
    Request,
    Rule,
    Text,
)

#: from the range that GS1 keeps for use inside a shop: nobody's article
EAN = "2000000000015"


def check(seen: Snapshot, at: datetime) -> Request | None:
    """The request that shows a device at work; None for those that are tested otherwise."""
    match seen.device_class:
        case DeviceClass.POS_PRINTER:
            return _slip(seen, at)
        case DeviceClass.LABEL_PRINTER:
            return _label(seen)
        case DeviceClass.LINE_DISPLAY:
            return DisplayText(("Backroom", seen.device_id))
        case _:
            return None


def _slip(seen: Snapshot, at: datetime) -> Print:
    return Print(
        (
            Text("Backroom", align="center", bold=True, double=True),
            Text("test print, not a receipt", align="center"),
            Rule(),
            Columns("Device", seen.device_id),
            Columns("Driver", seen.driver),
            Columns("Time", rfc3339(at)),
            Columns("TOTAL", "0.00", bold=True, double=True),
            Rule(),
            BarCode(EAN, "EAN13"),
            Qr(f"backroom:test-print:{seen.device_id}"),
            Cut(),
        )
    )


def _label(seen: Snapshot) -> PrintLabels:
    """50 x 30 mm; the frame shows whether the printer knows where its label begins."""
    return PrintLabels(
        (
            Label(
                500,
                300,
                (
                    LabelBox(5, 5, 490, 290),
                    LabelText(25, 25, "Backroom test label", height=35, bold=True),
                    LabelText(25, 70, seen.device_id, width=300),
                    LabelBarCode(40, 120, EAN, "EAN13", height=90),
                    LabelQr(370, 110, f"backroom:test:{seen.device_id}"),
                ),
            ),
        )
    )
