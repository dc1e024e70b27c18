"""What ESC/POS bytes leave on paper: text with its size and place, cuts, drawer pulses, QR and bar codes, pictures.

Wire:   the print data of an ESC/POS printer, real-time commands taken out before (see escpos.py).
Units:  columns of font A (12 x 24 dots); a double-width character takes two. Positions of ESC $ and ESC \\ are dots and
        come out as blanks.
Source: Epson ESC/POS command reference, the entry of each command; code pages: the same, ESC t. Chinese text between
        FS & and FS . is read as the firmware's table, Big5 or GB18030; after FS C 1 a Japanese one reads Shift JIS
        without them. Written from there, not from any encoder.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

from gateway.simulators.printer.escpos_marks import (
    Automatic,
    Bars,
    CutHere,
    Feed,
    IdAsked,
    Mark,
    NameAsked,
    Picture,
    Printed,
    Pulse,
    QrCode,
    StatusAsked,
    StoredPicture,
    Unknown,
)

CODE_PAGES = {
    0: "cp437", 1: "cp932", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737", 15: "iso8859-7",
    16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858", 21: "cp874", 32: "cp720", 33: "cp775", 34: "cp855",
    35: "cp861", 36: "cp862", 37: "cp864", 38: "cp869", 39: "iso8859-2", 40: "iso8859-15", 44: "cp1125", 45: "cp1250",
    46: "cp1251", 47: "cp1253", 48: "cp1254", 49: "cp1255", 50: "cp1256", 51: "cp1257", 52: "cp1258",
}  # fmt: skip
#: commands of two bytes and a fixed number of parameters which leave no mark on this paper
PARAMETERS = {
    b"\x1b2": 0, b"\x1b3": 1, b"\x1b ": 1, b"\x1b{": 1, b"\x1bV": 1, b"\x1bM": 1, b"\x1b-": 1, b"\x1bG": 1,
    b"\x1bR": 1, b"\x1b=": 1, b"\x1bc": 2, b"\x1bL": 0, b"\x1bS": 0, b"\x1bT": 1,
    b"\x1bW": 8, b"\x1br": 1, b"\x1bU": 1, b"\x1b%": 1, b"\x1b?": 1, b"\x1dB": 1, b"\x1df": 1, b"\x1dL": 2,
    b"\x1dW": 2, b"\x1dP": 2, b"\x1db": 1,
    b"\x1d$": 2, b"\x1d\\": 2, b"\x1d:": 0, b"\x1c!": 1, b"\x1c-": 1, b"\x1cS": 2, b"\x1cp": 2,
}  # fmt: skip
#: page 1 above 7F, but for the katakana from A1 to DF
PAGE_1 = dict(
    zip(
        (*range(0x80, 0xA0), *range(0xE0, 0x100)),
        "▁▂▃▄▅▆▇█▏▎▍▌▋▊▉┼┴┬┤├▔─│▕┌┐└┘╭╮╰╯═╞╪╡◢◣◥◤♠♥♦♣●○╱╲╳円年月日時分秒〒市区町村人▒ ",
        strict=True,
    )
)
#: the usual distance between two lines, in dots; ESC J feeds in dots
LINE_DOTS = 30
CELL_DOTS = 12
#: tables of two-byte characters, as Python calls them
TABLES = {"big5": "cp950", "gb18030": "gb18030", "shift_jis": "cp932"}
#: GS k m: 0-6 end with NUL, 65-73 begin with their length
SYSTEMS = {
    0: "UPCA", 1: "UPCE", 2: "EAN13", 3: "EAN8", 4: "CODE39", 5: "ITF", 6: "CODABAR", 72: "CODE93", 73: "CODE128",
}  # fmt: skip
HRI = ("none", "above", "below", "both")


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
        self._kanji = self._shift_jis = False
        self._qr, self._qr_dots = b"", 3
        self._bar_height, self._bar_module, self._hri = 162, 3, "none"
        self._stored: Picture | None = None
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
        if self._is_lead(first[0]):
            return self._character((first + self._take(1)).decode(TABLES[self.chinese], "replace"))
        if self._page == "cp932" and first[0] in PAGE_1:
            return self._character(PAGE_1[first[0]])
        return self._character(first.decode(self._page, "replace"))

    def _is_lead(self, byte: int) -> bool:
        if self.chinese == "shift_jis":
            # From A1 to DF stand the half-width katakana, each one byte.
            return self._shift_jis and 0x81 <= byte <= 0xFC and not 0xA0 <= byte <= 0xDF
        return self._kanji and 0x81 <= byte <= 0xFE

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

    def _asked(self, name: bytes) -> list[Mark]:
        (n,) = self._take(1)
        match name:
            case b"\x1dr":
                return [StatusAsked(n)]
            case b"\x1dI":
                return [NameAsked(n)]
            case _:
                return [Automatic(n)]

    def _table(self, name: bytes) -> list[Mark]:
        self._shift_jis = self._take(1) in (b"\x01", b"1")
        return []

    def _place(self, name: bytes) -> list[Mark]:
        low, high = self._take(2)
        dots = low + 256 * high
        here = self._used() * CELL_DOTS
        if name == b"\x1b\\":
            dots = here + (dots if dots < 0x8000 else dots - 0x10000)
        # Going back would print over what is there; nobody reads that, and blanks cannot show it.
        blanks = (min(dots // CELL_DOTS, self.columns) - self._used()) // (2 if self._wide else 1)
        self._line += " " * blanks
        return []

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

    def _bar_setting(self, name: bytes) -> list[Mark]:
        (value,) = self._take(1)
        match name:
            case b"\x1dh":
                self._bar_height = value or 162
            case b"\x1dw":
                self._bar_module = value if 1 <= value <= 6 else self._bar_module
            case _:
                self._hri = HRI[value % 48] if value % 48 < len(HRI) else "none"
        return []

    def _bar_code(self, name: bytes) -> list[Mark]:
        (m,) = self._take(1)
        if m > 6:
            data = self._take(self._take(1)[0])
        else:
            data = b""
            while (byte := self._take(1)) != b"\0":
                data += byte
        system = SYSTEMS.get(m, SYSTEMS.get(m - 65, "?"))
        text = code_128(data) if system == "CODE128" else data.decode("ascii", "replace")
        bars = Bars(text, system, self._bar_height, self._bar_module, self._hri, self._align)
        return [*self._flush(), bars]

    def _block(self, name: bytes) -> list[Mark]:
        """GS ( and FS (: a letter, then two bytes of length; GS 8 L: four bytes of length."""
        if name == b"\x1d8":
            name = b"\x1d(" + self._take(1)
            body = self._take(int.from_bytes(self._take(4), "little"))
        else:
            name += self._take(1)
            body = self._take(int.from_bytes(self._take(2), "little"))
        match name:
            case b"\x1d(k" if body[:1] == b"1":
                return self._qr_code(body)
            case b"\x1d(L":
                return self._graphics(body)
            case b"\x1d(H" if body[:2] == b"00" and len(body) == 6:
                return [IdAsked(body[2:])]
        return []

    def _qr_code(self, body: bytes) -> list[Mark]:
        match body[1:2]:
            case b"C":
                self._qr_dots = (body[2:3] or b"\x03")[0]
            case b"P":
                self._qr = body[3:]
            case b"Q":
                return [*self._flush(), QrCode(self._qr.decode("utf-8", "replace"), self._qr_dots, self._align)]
        return []

    def _graphics(self, body: bytes) -> list[Mark]:
        """<Function 112> stores a picture, 50 prints it, 69 prints one from the printer's own memory."""
        match body[1:2]:
            case b"p" if len(body) >= 10:
                width, height = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
                self._stored = Picture(width, height, body[10:], self._align)
            case b"2" | b"\x02" if self._stored:
                picture, self._stored = self._stored, None
                return [*self._flush(), picture]
            case b"E" if len(body) == 6:
                return [*self._flush(), StoredPicture(body[2:4].decode("ascii", "replace"), self._align)]
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
    **dict.fromkeys((b"\x1dr", b"\x1dI", b"\x1da"), Paper._asked),
    **dict.fromkeys((b"\x1b$", b"\x1b\\"), Paper._place),
    **dict.fromkeys((b"\x1dh", b"\x1dw", b"\x1dH"), Paper._bar_setting),
    b"\x1dk": Paper._bar_code,
    b"\x1cC": Paper._table,
    **dict.fromkeys((b"\x1d(", b"\x1c(", b"\x1d8"), Paper._block),
    b"\x1dv": Paper._raster,
    b"\x1b*": Paper._columns_image,
}


def columns_of(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def code_128(data: bytes) -> str:
    """What a scanner reads: {A, {B and {C switch sets, in C a byte is two digits, {{ is a brace, {1 is FNC1."""
    text, places = "", iter(data)
    pairs = False
    for byte in places:
        if byte != 0x7B:
            text += f"{byte:02}" if pairs else chr(byte)
            continue
        match next(places, 0):
            case 0x7B:
                text += "{"
            case 0x31:
                text += "\x1d"
            case code_set:
                pairs = code_set == 0x43
    return text
