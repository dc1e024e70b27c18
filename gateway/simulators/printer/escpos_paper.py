"""What ESC/POS bytes leave on paper: text with its size and place, cuts, drawer pulses, QR codes, pictures.

Wire:   the print data of an ESC/POS printer, real-time commands taken out before (see escpos.py).
Units:  columns of font A (12 x 24 dots); a double-width character takes two.
Source: Epson ESC/POS command reference, the entry of each command; code pages: the same, ESC t. Chinese text between
        FS & and FS . is read as the firmware's table, Big5 or GB18030. Written from there, not from any encoder.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CODE_PAGES = {
    0: "cp437", 1: "cp932", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737", 15: "iso8859-7",
    16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858", 21: "cp874", 32: "cp720", 33: "cp775", 34: "cp855",
    35: "cp861", 36: "cp862", 37: "cp864", 38: "cp869", 39: "iso8859-2", 40: "iso8859-15", 44: "cp1125", 45: "cp1250",
    46: "cp1251", 47: "cp1253", 48: "cp1254", 49: "cp1255", 50: "cp1256", 51: "cp1257", 52: "cp1258",
}  # fmt: skip
#: commands of two bytes and a fixed number of parameters which leave no mark on this paper
PARAMETERS = {
    b"\x1b2": 0, b"\x1b3": 1, b"\x1b ": 1, b"\x1b{": 1, b"\x1bV": 1, b"\x1bM": 1, b"\x1b-": 1, b"\x1bG": 1,
    b"\x1bR": 1, b"\x1b=": 1, b"\x1bc": 2, b"\x1b$": 2, b"\x1b\\": 2, b"\x1bL": 0, b"\x1bS": 0, b"\x1bT": 1,
    b"\x1bW": 8, b"\x1br": 1, b"\x1bU": 1, b"\x1b%": 1, b"\x1b?": 1, b"\x1dB": 1, b"\x1dH": 1, b"\x1df": 1,
    b"\x1dh": 1, b"\x1dw": 1, b"\x1da": 1, b"\x1dI": 1, b"\x1dL": 2, b"\x1dW": 2, b"\x1dP": 2, b"\x1db": 1,
    b"\x1d$": 2, b"\x1d\\": 2, b"\x1d:": 0, b"\x1cC": 1, b"\x1c!": 1, b"\x1c-": 1, b"\x1cS": 2, b"\x1cp": 2,
}  # fmt: skip


#: the usual distance between two lines, in dots; ESC J feeds in dots
LINE_DOTS = 30


@dataclass(frozen=True, slots=True)
class Printed:
    """One line of text as it stands on the paper."""

    text: str
    align: str = "left"
    bold: bool = False
    wide: bool = False
    tall: bool = False


@dataclass(frozen=True, slots=True)
class QrCode:
    data: str
    dots: int
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster: `rows` has one bit per dot, `width` dots in a row rounded up to bytes."""

    width: int
    height: int
    rows: bytes
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Feed:
    lines: int


@dataclass(frozen=True, slots=True)
class CutHere:
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Pulse:
    """ESC p: m names the pin; times in milliseconds."""

    m: int
    on_ms: int
    off_ms: int


@dataclass(frozen=True, slots=True)
class StatusAsked:
    """GS r n: answered in turn, when the printer comes to it."""

    n: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes that no command here begins with: a test looks that there are none."""

    data: bytes


Mark = Printed | QrCode | Picture | Feed | CutHere | Pulse | StatusAsked | Unknown


class Incomplete(Exception):
    """The command goes on in bytes that have not come yet."""


class Paper:
    """Takes print data in pieces of any size and yields marks; what is incomplete waits."""

    def __init__(self, columns: int = 48, chinese: str = "big5") -> None:
        self.columns = columns
        self.chinese = chinese
        self._data = b""
        self._at = 0
        self._reset()

    def _reset(self) -> None:
        self._align, self._bold, self._wide, self._tall, self._page = "left", False, False, False, "cp437"
        self._kanji = False
        self._qr, self._qr_dots = b"", 3
        self._line = ""
        self._line_style: tuple[bool, bool, bool] | None = None

    def feed(self, data: bytes) -> Iterator[Mark]:
        self._data += data
        while self._data:
            self._at = 0
            try:
                marks = self._one()
            except Incomplete:
                return
            self._data = self._data[self._at :]
            yield from marks

    @property
    def waiting(self) -> bytes:
        """The beginning of a command whose end has not come."""
        return self._data

    def _take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise Incomplete
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    # --- characters -----------------------------------------------------------------------------------------

    def _one(self) -> list[Mark]:
        first = self._take(1)
        match first:
            case b"\n":
                return self._line_end()
            case b"\x1b" | b"\x1c" | b"\x1d":
                return self._command(first + self._take(1))
            case b"\t":
                return self._character(" " * (8 - self._used() % 8))
            case b"\r" | b"\x0c" | b"\x18" | b"\x11" | b"\x13" | b"\x00":
                return []
        if first < b" ":
            return [Unknown(first)]
        if self._kanji and first >= b"\x81":
            return self._character((first + self._take(1)).decode(self.chinese, "replace"))
        return self._character(first.decode(self._page, "replace"))

    def _character(self, text: str) -> list[Mark]:
        full = self._used() + columns_of(text) * (2 if self._wide else 1) > self.columns
        marks = self._line_end() if full else []
        self._line += text
        self._line_style = self._line_style or (self._bold, self._wide, self._tall)
        return marks

    def _used(self) -> int:
        return columns_of(self._line) * (2 if self._wide else 1)

    def _line_end(self) -> list[Mark]:
        bold, wide, tall = self._line_style or (self._bold, self._wide, self._tall)
        printed = Printed(self._line, self._align, bold, wide, tall)
        self._line, self._line_style = "", None
        return [printed]

    def _flush(self) -> list[Mark]:
        return self._line_end() if self._line else []

    # --- commands -------------------------------------------------------------------------------------------

    def _command(self, name: bytes) -> list[Mark]:
        if name in PARAMETERS:
            self._take(PARAMETERS[name])
            return []
        handler = HANDLERS.get(name)
        return [Unknown(name)] if handler is None else handler(self, name)

    def _initialize(self, name: bytes) -> list[Mark]:
        self._reset()
        return []

    def _chinese(self, name: bytes) -> list[Mark]:
        self._kanji = name == b"\x1c&"
        return []

    def _feed(self, name: bytes) -> list[Mark]:
        (amount,) = self._take(1)
        return [*self._flush(), Feed(amount if name == b"\x1bd" else -(-amount // LINE_DOTS))]

    def _pulse(self, name: bytes) -> list[Mark]:
        m, on, off = self._take(3)
        return [Pulse(m, on * 2, off * 2)]

    def _tabs(self, name: bytes) -> list[Mark]:
        while self._take(1) != b"\0":
            pass
        return []

    def _status_asked(self, name: bytes) -> list[Mark]:
        return [StatusAsked(self._take(1)[0])]

    def _style(self, name: bytes) -> list[Mark]:
        (value,) = self._take(1)
        match name:
            case b"\x1b!":
                self._bold, self._tall, self._wide = bool(value & 0x08), bool(value & 0x10), bool(value & 0x20)
            case b"\x1d!":
                self._wide, self._tall = bool(value & 0x70), bool(value & 0x07)
            case b"\x1bE":
                self._bold = bool(value & 1)
            case b"\x1ba":
                self._align = {0: "left", 1: "center", 2: "right"}.get(value % 48, self._align)
            case b"\x1bt":
                self._page = CODE_PAGES.get(value, self._page)
        return []

    def _cut(self, name: bytes) -> list[Mark]:
        if name != b"\x1dV":
            return [*self._flush(), CutHere(partial=True)]
        (kind,) = self._take(1)
        if kind in (65, 66, 97, 98, 103, 104):
            self._take(1)
        return [*self._flush(), CutHere(partial=kind in (1, 49, 66, 98, 104))]

    def _block(self, name: bytes) -> list[Mark]:
        """GS ( and FS (: a letter, then two bytes of length."""
        name += self._take(1)
        low, high = self._take(2)
        body = self._take(low + 256 * high)
        if name != b"\x1d(k" or body[:1] != b"1":
            return []
        match body[1]:
            case 67:
                self._qr_dots = body[2]
            case 80:
                self._qr = body[3:]
            case 81:
                return [*self._flush(), QrCode(self._qr.decode("utf-8", "replace"), self._qr_dots, self._align)]
        return []

    def _raster(self, name: bytes) -> list[Mark]:
        _, _, x_low, x_high, y_low, y_high = self._take(6)
        row, height = x_low + 256 * x_high, y_low + 256 * y_high
        return [*self._flush(), Picture(row * 8, height, self._take(row * height), self._align)]

    def _columns_image(self, name: bytes) -> list[Mark]:
        mode, low, high = self._take(3)
        self._take((low + 256 * high) * (3 if mode in (32, 33) else 1))
        return []


HANDLERS: dict[bytes, Callable[[Paper, bytes], list[Mark]]] = {
    b"\x1b@": Paper._initialize,
    **dict.fromkeys((b"\x1b!", b"\x1d!", b"\x1bE", b"\x1ba", b"\x1bt"), Paper._style),
    **dict.fromkeys((b"\x1c&", b"\x1c."), Paper._chinese),
    **dict.fromkeys((b"\x1bd", b"\x1bJ"), Paper._feed),
    b"\x1bp": Paper._pulse,
    **dict.fromkeys((b"\x1dV", b"\x1bi", b"\x1bm"), Paper._cut),
    b"\x1bD": Paper._tabs,
    b"\x1dr": Paper._status_asked,
    **dict.fromkeys((b"\x1d(", b"\x1c("), Paper._block),
    b"\x1dv": Paper._raster,
    b"\x1b*": Paper._columns_image,
}


def columns_of(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
