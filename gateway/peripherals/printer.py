"""PosPrinter and CashDrawer: a receipt as printer-neutral lines, and the states of both.

Source: UnifiedPOS 1.16, chapters POSPrinter and CashDrawer; symbology names from PrintBarCode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph, wrapped at the paper's width. align: left, center, right."""

    text: str
    align: str = "left"
    bold: bool = False
    double: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Left text and a right-aligned figure on one line; the left side wraps, the figure stays on the last line."""

    left: str
    right: str
    bold: bool = False
    double: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Qr:
    data: str


Symbology = Literal["EAN13", "EAN8", "UPCA", "CODE39", "CODE128", "ITF"]


@dataclass(frozen=True, slots=True)
class BarCode:
    """A linear bar code in the middle of the paper. hri: print its characters below it."""

    data: str
    symbology: Symbology
    height_dots: int = 80
    hri: bool = True


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture, one bit a dot, rows from the top, most significant bit left, each row padded to whole bytes."""

    width: int
    rows: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Logo:
    """The shop's own picture, as the printer's configuration gives it; nothing where it gives none."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Feed past the knife and cut."""


PrintLine = Text | Columns | Rule | Qr | BarCode | Raster | Logo | Cut


@dataclass(frozen=True, slots=True)
class Print:
    """A whole job; done when the printer says so, not when the socket took it.

    job: a name of its own, the same however often it is asked for. If it was refused as begun and the printer still
    holds the rest (paper ran out), asking again under that name sends nothing: it waits for the end of what was sent.
    """

    lines: tuple[PrintLine, ...]
    job: str = ""


@dataclass(frozen=True, slots=True)
class OpenDrawer:
    pass


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    online: bool
    cover_open: bool = False
    paper_out: bool = False
    paper_near_end: bool = False
    error: bool = False
    #: pin 3 of the kick connector, as it reads: its meaning (open or closed) is the drawer's matter
    drawer_pin_high: bool | None = None


@dataclass(frozen=True, slots=True)
class DrawerStatus:
    #: None: this drawer has no sensor
    opened: bool | None
