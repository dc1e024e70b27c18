"""Label printers: a label as printer-neutral elements in tenths of a millimetre, and the printer's state.

Each driver turns them into its own language. UnifiedPOS has no such class; states use POSPrinter's words where it has
them. Origin is the label's upper left corner, x to the right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.peripherals.printer import Symbology


@dataclass(frozen=True, slots=True)
class LabelText:
    """height: of a capital letter with its line, tenths of a millimetre. width: cut, with an ellipsis, at so much."""

    x: int
    y: int
    text: str
    height: int = 30
    width: int | None = None
    align: Literal["left", "center", "right"] = "left"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class LabelBarCode:
    """height: of the bars; module: width of the narrowest bar in tenths of a millimetre; hri: characters below."""

    x: int
    y: int
    data: str
    symbology: Symbology
    height: int = 80
    module: int = 3
    hri: bool = True


@dataclass(frozen=True, slots=True)
class LabelQr:
    """module: side of one square in tenths of a millimetre."""

    x: int
    y: int
    data: str
    module: int = 5


@dataclass(frozen=True, slots=True)
class LabelBox:
    """A frame, or a filled bar where thickness is as much as a side."""

    x: int
    y: int
    width: int
    height: int
    thickness: int = 3


LabelElement = LabelText | LabelBarCode | LabelQr | LabelBox


@dataclass(frozen=True, slots=True)
class Label:
    width: int
    height: int
    elements: tuple[LabelElement, ...]
    gap: int = 30


@dataclass(frozen=True, slots=True)
class PrintLabels:
    """One or several labels, each as often as `copies`; done when the printer says that none is left to print."""

    labels: tuple[Label, ...]
    copies: int = 1


@dataclass(frozen=True, slots=True)
class LabelPrinterStatus:
    online: bool
    head_open: bool = False
    media_out: bool = False
    ribbon_out: bool = False
    paused: bool = False
    over_temperature: bool = False
    jammed: bool = False
    labels_left: int = 0
