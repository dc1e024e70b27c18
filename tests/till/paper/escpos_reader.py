"""A second reader of ESC/POS: bytes to the words and the picture of a receipt. It knows neither driver nor simulator.

Written from Epson's ESC/POS command reference (ESC @, ESC a, ESC E, ESC M, ESC t, ESC d, GS !, GS v 0, GS k, GS ( k,
GS V, FS &, FS ., FS C, GS ( L). A command that it does not know is an error: nothing on a receipt may be passed over.
Symbols are drawn by zxing-cpp, which the driver does not use. Code pages by Epson's numbers; 80 mm, 576 dots, font A.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import zxingcpp
from PIL import Image, ImageDraw, ImageFont

DOTS, CELL, TALL, LINE = 576, 12, 24, 30
CODE_PAGES = {0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 16: "cp1252", 17: "cp866", 18: "cp852"}
CODE_PAGES |= {19: "cp858", 13: "cp857", 14: "cp737", 15: "iso8859_7", 47: "cp1253"}
#: a font with letters half as wide as Chinese characters, else any
FONTS = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 8),
    ("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf", 0),
)


@dataclass
class Style:
    align: int = 0
    bold: bool = False
    wide: int = 1
    high: int = 1


@dataclass
class Paper:
    """What came out: words line by line, what codes say, the picture, and how often it was cut."""

    words: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    rasters: int = 0
    cuts: int = 0
    strips: list[Image.Image] = field(default_factory=list)

    def picture(self) -> Image.Image:
        sheet = Image.new("L", (DOTS + 48, sum(strip.height for strip in self.strips) + 48), 255)
        top = 24
        for strip in self.strips:
            sheet.paste(strip, (24, top))
            top += strip.height
        return sheet


class Reader:
    """chinese: the table between FS & and FS . of this printer's firmware."""

    def __init__(self, data: bytes, chinese: str = "big5") -> None:
        self._data, self._at, self._chinese_table = data, 0, chinese
        self.paper = Paper()
        self._reset()

    def _reset(self) -> None:
        self._style, self._page, self._chinese = Style(), "cp437", False
        self._row: list[tuple[str, Style]] = []
        self._qr, self._module, self._height, self._width, self._hri = b"", 3, 162, 3, 0

    def read(self) -> Paper:
        while self._at < len(self._data):
            byte = self._take()
            if byte == 0x1B:
                self._esc(chr(self._take()))
            elif byte == 0x1D:
                self._gs(chr(self._take()))
            elif byte == 0x1C:
                self._fs(chr(self._take()))
            elif byte == 0x0A:
                self._feed_line()
            elif byte == 0x10:
                assert self._take() == 0x04, "DLE"
                self._take()
            else:
                self._letter(byte)
        assert not self._row, "the last line was never printed"
        return self.paper

    def _take(self, count: int = 1) -> int:
        """The next bytes as one little-endian number."""
        return int.from_bytes(self._bytes(count), "little")

    def _bytes(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        assert len(part) == count, "the job ends in the middle of a command"
        self._at += count
        return part

    # --- text -------------------------------------------------------------------------------------------------------

    def _letter(self, byte: int) -> None:
        assert byte >= 0x20, f"control character {byte:#04x} among the text"
        if self._chinese and byte >= 0x80:
            text = bytes((byte, self._take())).decode(self._chinese_table)
        else:
            text = bytes((byte,)).decode(self._page)
        style = self._style
        self._row.append((text, Style(style.align, style.bold, style.wide, style.high)))

    def _feed_line(self) -> None:
        row, self._row = self._row, []
        self.paper.words.append("".join(text for text, _ in row))
        high = max([style.high for _, style in row], default=1)
        strip = Image.new("L", (DOTS, LINE * high), 255)
        width = sum(_cells(text) * CELL * style.wide for text, style in row)
        assert width <= DOTS, f"a line of {width} dots runs over the paper: {self.paper.words[-1]!r}"
        align = row[0][1].align if row else 0
        x = (0, (DOTS - width) // 2, DOTS - width)[align]
        for text, style in row:
            cell = Image.new("L", (_cells(text) * CELL, TALL), 255)
            _draw(cell, text, style.bold)
            big = cell.resize((cell.width * style.wide, cell.height * style.high))
            strip.paste(big, (x, strip.height - big.height - 2))
            x += big.width
        self.paper.strips.append(strip)

    def _block(self, image: Image.Image) -> None:
        assert not self._row, "a picture in the middle of a line"
        strip = Image.new("L", (DOTS, image.height), 255)
        strip.paste(image, ((0, (DOTS - image.width) // 2, DOTS - image.width)[self._style.align], 0))
        self.paper.strips.append(strip)

    # --- commands ---------------------------------------------------------------------------------------------------

    def _esc(self, name: str) -> None:
        match name:
            case "@":
                self._reset()
            case "a":
                self._style.align = self._take() % 48
            case "E":
                self._style.bold = bool(self._take() & 1)
            case "!":
                mode = self._take()
                self._style.bold = bool(mode & 8)
                self._style.high, self._style.wide = 1 + bool(mode & 16), 1 + bool(mode & 32)
            case "t":
                self._page = CODE_PAGES[self._take()]
            case "d":
                self.paper.strips.append(Image.new("L", (DOTS, LINE * self._take()), 255))
            case "M" | "-" | "G" | "R" | "{" | "3" | "J" | "V":
                self._take()
            case "2":
                pass
            case _:
                raise AssertionError(f"ESC {name!r}")

    def _fs(self, name: str) -> None:
        match name:
            case "&":
                self._chinese = True
            case ".":
                self._chinese = False
            case "C":
                self._take()
            case _:
                raise AssertionError(f"FS {name!r}")

    def _gs(self, name: str) -> None:
        match name:
            case "!":
                size = self._take()
                self._style.wide, self._style.high = (size >> 4) + 1, (size & 7) + 1
            case "v":
                self._raster()
            case "k":
                self._bars()
            case "(":
                self._long()
            case "V":
                if self._take() in (65, 66, 97, 98):
                    self._take()
                self.paper.cuts += 1
            case "h":
                self._height = self._take()
            case "w":
                self._width = self._take()
            case "H":
                self._hri = self._take() % 48
            case "f" | "a" | "r" | "B" | "b":
                self._take()
            case _:
                raise AssertionError(f"GS {name!r}")

    def _raster(self) -> None:
        kind, mode = self._bytes(1), self._take()
        across, rows = self._take(2), self._take(2)
        assert (kind, mode) == (b"0", 0)
        bits = bytes(byte ^ 0xFF for byte in self._bytes(across * rows))
        self._block(Image.frombytes("1", (across * 8, rows), bits).convert("L"))
        self.paper.rasters += 1

    def _bars(self) -> None:
        kind = self._take()
        assert kind >= 65, "only the form with a length is used"
        data = self._bytes(self._take())
        formats: dict[int, Any] = {
            65: zxingcpp.BarcodeFormat.UPCA,
            67: zxingcpp.BarcodeFormat.EAN13,
            68: zxingcpp.BarcodeFormat.EAN8,
            69: zxingcpp.BarcodeFormat.Code39,
            70: zxingcpp.BarcodeFormat.ITF,
            73: zxingcpp.BarcodeFormat.Code128,
        }
        text = data.decode("ascii")
        if kind == 73:
            text = _code128(data)
        self._symbol(formats[kind], text, self._width, self._height)
        if self._hri:
            for letter in text:
                self._row.append((letter, Style(align=1)))
            self._feed_line()

    def _long(self) -> None:
        name = chr(self._take())
        body = self._bytes(self._take(2))
        if name == "k":
            self._qr_command(body)
        else:
            assert name in ("H", "L", "E"), f"GS ( {name}"

    def _qr_command(self, body: bytes) -> None:
        assert body[0] == 49
        match body[1]:
            case 65 | 69:
                pass
            case 67:
                self._module = body[2]
            case 80:
                self._qr = body[3:]
            case 81:
                self._symbol(zxingcpp.BarcodeFormat.QRCode, self._qr.decode(), self._module, 0)
            case _:
                raise AssertionError(f"GS ( k fn {body[1]}")

    def _symbol(self, kind: Any, text: str, module: int, height: int) -> None:
        made: Any = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(text, kind), scale=1)
        rows, across = made.shape
        drawn = Image.frombytes("L", (across, rows), bytes(memoryview(made)))
        size = (across * module, height or rows * module)
        drawn = drawn.resize(size, Image.Resampling.NEAREST)
        assert drawn.width <= DOTS, "the symbol is wider than the paper"
        self.paper.codes.append(text)
        self._block(drawn)


def _code128(data: bytes) -> str:
    """Epson's form: {A, {B, {C choose the set; in C a byte is two digits, and {{ is a brace."""
    text, at, pairs = "", 0, False
    while at < len(data):
        if data[at : at + 1] == b"{":
            shift = data[at + 1 : at + 2]
            at += 2
            if shift == b"{":
                text += "{"
            else:
                pairs = shift == b"C"
            continue
        text += f"{data[at]:02d}" if pairs else chr(data[at])
        at += 1
    return text


def _cells(text: str) -> int:
    return 2 if ord(text) >= 0x1100 else 1


@cache
def _font(size: int) -> Any:
    for path, face in FONTS:
        try:
            return ImageFont.truetype(path, size, index=face)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _draw(cell: Image.Image, text: str, bold: bool) -> None:
    pen = ImageDraw.Draw(cell)
    for beside in (0, 1) if bold else (0,):
        pen.text((cell.width / 2 + beside, TALL - 5), text, 0, _font(20 if _cells(text) == 1 else 22), "ms")
