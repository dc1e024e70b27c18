"""What a program may have a device do, over `POST /v1/devices/{device}/...`: one row a command.

Payments are not among them: a payment needs its journal, so it stands under `/v1/payments`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.peripherals import (
    BarCode,
    Beep,
    ClearTare,
    ClearText,
    Columns,
    Cut,
    DeviceClass,
    DisplayText,
    EndOfDay,
    Label,
    LabelBarCode,
    LabelBox,
    LabelElement,
    LabelQr,
    LabelText,
    Logo,
    OpenDrawer,
    Print,
    PrintLabels,
    PrintLine,
    Qr,
    RepeatReceipt,
    Request,
    Rule,
    SelfTest,
    SetBrightness,
    SetScanning,
    Symbology,
    TareScale,
    Text,
    ZeroScale,
)

ROW_CHARACTERS = 200


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TareBody(Body):
    """grams: the container's known weight; null weighs what stands on the pan now."""

    grams: int | None = Field(default=None, ge=1, le=100_000)


class BeepBody(Body):
    sound: Literal["good", "bad"] = "good"


class ShowBody(Body):
    rows: list[Annotated[str, Field(max_length=ROW_CHARACTERS)]] = Field(min_length=1, max_length=8)
    blink: bool = False
    scroll: bool = False


class BrightnessBody(Body):
    percent: int = Field(ge=0, le=100)


# --- a receipt, line by line ------------------------------------------------------------------------------------------


class TextLine(Body):
    type: Literal["text"]
    text: str
    align: Literal["left", "center", "right"] = "left"
    bold: bool = False
    double: bool = False

    def line(self) -> PrintLine:
        return Text(self.text, self.align, self.bold, self.double)


class ColumnsLine(Body):
    """left wraps; right stays at the right edge of its last line."""

    type: Literal["columns"]
    left: str
    right: str
    bold: bool = False
    double: bool = False

    def line(self) -> PrintLine:
        return Columns(self.left, self.right, self.bold, self.double)


class QrLine(Body):
    type: Literal["qr"]
    data: str = Field(min_length=1, max_length=2048)

    def line(self) -> PrintLine:
        return Qr(self.data)


class BarCodeLine(Body):
    type: Literal["bar_code"]
    data: str = Field(min_length=1, max_length=80)
    symbology: Symbology
    height_dots: int = Field(default=80, ge=8, le=255)
    hri: bool = True

    def line(self) -> PrintLine:
        return BarCode(self.data, self.symbology, self.height_dots, self.hri)


PLAIN: dict[str, PrintLine] = {"rule": Rule(), "logo": Logo(), "cut": Cut()}


class PlainLine(Body):
    """rule: a line across the paper. logo: the shop's picture. cut: feed past the knife and cut."""

    type: Literal["rule", "logo", "cut"]

    def line(self) -> PrintLine:
        return PLAIN[self.type]


ReceiptLine = Annotated[TextLine | ColumnsLine | QrLine | BarCodeLine | PlainLine, Field(discriminator="type")]


class PrintBody(Body):
    lines: list[ReceiptLine] = Field(min_length=1, max_length=2000)


# --- labels -----------------------------------------------------------------------------------------------------------

Tenths = Annotated[int, Field(ge=0, le=20_000, description="tenths of a millimetre")]


class LabelTextBody(Body):
    type: Literal["text"]
    x: Tenths
    y: Tenths
    text: str = Field(max_length=500)
    height: Tenths = 30
    width: Tenths | None = None
    align: Literal["left", "center", "right"] = "left"
    bold: bool = False


class LabelBarCodeBody(Body):
    type: Literal["bar_code"]
    x: Tenths
    y: Tenths
    data: str = Field(min_length=1, max_length=80)
    symbology: Symbology
    height: Tenths = 80
    module: int = Field(default=3, ge=1, le=30)
    hri: bool = True


class LabelQrBody(Body):
    type: Literal["qr"]
    x: Tenths
    y: Tenths
    data: str = Field(min_length=1, max_length=2048)
    module: int = Field(default=5, ge=1, le=100)


class LabelBoxBody(Body):
    type: Literal["box"]
    x: Tenths
    y: Tenths
    width: Tenths
    height: Tenths
    thickness: int = Field(default=3, ge=1, le=20_000)


ELEMENTS: dict[str, Callable[..., LabelElement]] = {
    "text": LabelText,
    "bar_code": LabelBarCode,
    "qr": LabelQr,
    "box": LabelBox,
}
ElementBody = Annotated[LabelTextBody | LabelBarCodeBody | LabelQrBody | LabelBoxBody, Field(discriminator="type")]


class LabelBody(Body):
    width: int = Field(ge=50, le=20_000, description="tenths of a millimetre")
    height: int = Field(ge=50, le=20_000, description="tenths of a millimetre")
    gap: int = Field(default=30, ge=0, le=500)
    elements: list[ElementBody] = Field(min_length=1, max_length=200)

    def label(self) -> Label:
        elements = tuple(ELEMENTS[one.type](**one.model_dump(exclude={"type"})) for one in self.elements)
        return Label(self.width, self.height, elements, self.gap)


class PrintLabelsBody(Body):
    labels: list[LabelBody] = Field(min_length=1, max_length=200)
    copies: int = Field(default=1, ge=1, le=500)


# --- the commands -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeviceCommand:
    """request: from the parsed body (None without one) to what the device is asked."""

    name: str
    device_classes: tuple[DeviceClass, ...]
    summary: str
    request: Callable[[Any], Request]
    within_s: float = 3.0
    body: type[Body] | None = None
    description: str = "Answers when the device says that it did it."
    example: Any = None


BEEP_EXAMPLE = {"sound": "bad"}
RECEIPT_EXAMPLE = {
    "lines": [
        {"type": "text", "text": "Corner shop", "align": "center", "bold": True},
        {"type": "columns", "left": "Whole milk 1 l", "right": "1.19"},
        {"type": "rule"},
        {"type": "bar_code", "data": "4006381333931", "symbology": "EAN13"},
        {"type": "cut"},
    ]
}
LABEL_EXAMPLE = {
    "labels": [
        {
            "width": 500,
            "height": 300,
            "elements": [
                {"type": "text", "x": 20, "y": 20, "text": "Whole milk 1 l", "height": 40},
                {"type": "bar_code", "x": 20, "y": 150, "data": "4006381333931", "symbology": "EAN13"},
            ],
        }
    ]
}

#: a scanner and scale on one cable is a scale that also reads labels
READERS = (DeviceClass.SCANNER, DeviceClass.SCALE)
TERMINALS = (DeviceClass.PAYMENT_TERMINAL,)
COMMANDS = (
    DeviceCommand("enable", READERS, "Let it read labels", lambda _: SetScanning(True)),
    DeviceCommand("disable", READERS, "Stop it reading", lambda _: SetScanning(False)),
    DeviceCommand(
        "beep", READERS, "Sound its beeper", lambda body: Beep(body.sound), body=BeepBody, example=BEEP_EXAMPLE
    ),
    DeviceCommand("zero", (DeviceClass.SCALE,), "Set to zero", lambda _: ZeroScale(), 5.0),
    DeviceCommand(
        "tare",
        (DeviceClass.SCALE,),
        "Take off a container",
        lambda body: TareScale(body.grams),
        5.0,
        TareBody,
        example={"grams": 120},
    ),
    DeviceCommand("clear-tare", (DeviceClass.SCALE,), "Forget the container", lambda _: ClearTare(), 5.0),
    DeviceCommand("self-test", (DeviceClass.SCALE,), "Have it test itself", lambda _: SelfTest(), 10.0),
    DeviceCommand(
        "print",
        (DeviceClass.POS_PRINTER,),
        "Print a receipt",
        lambda body: Print(tuple(one.line() for one in body.lines)),
        15.0,
        PrintBody,
        "Answers when the printer says that it is done. After the reason `unknown` some may be on paper.",
        RECEIPT_EXAMPLE,
    ),
    DeviceCommand("open-drawer", (DeviceClass.CASH_DRAWER,), "Open the drawer", lambda _: OpenDrawer()),
    DeviceCommand(
        "show",
        (DeviceClass.LINE_DISPLAY,),
        "Show rows",
        lambda body: DisplayText(tuple(body.rows), body.blink, body.scroll),
        body=ShowBody,
        description="A longer row is cut at the display's edge. Most displays answer nothing: done means sent.",
        example={"rows": ["Whole milk 1 l", "1.19"]},
    ),
    DeviceCommand("clear", (DeviceClass.LINE_DISPLAY,), "Show nothing", lambda _: ClearText()),
    DeviceCommand(
        "brightness",
        (DeviceClass.LINE_DISPLAY,),
        "Set the brightness",
        lambda body: SetBrightness(body.percent),
        body=BrightnessBody,
        example={"percent": 60},
    ),
    DeviceCommand(
        "print-labels",
        (DeviceClass.LABEL_PRINTER,),
        "Print labels",
        lambda body: PrintLabels(tuple(one.label() for one in body.labels), body.copies),
        120.0,
        PrintLabelsBody,
        "Answers when none is left to print. Measures are tenths of a millimetre from the upper left corner.",
        LABEL_EXAMPLE,
    ),
    DeviceCommand("repeat-receipt", TERMINALS, "Its last receipt again", lambda _: RepeatReceipt(), 60.0),
    DeviceCommand("end-of-day", TERMINALS, "Close its books with its host", lambda _: EndOfDay(), 180.0),
)
