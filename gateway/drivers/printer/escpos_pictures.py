"""Pictures for ESC/POS: rasters in bands, lines of text drawn with a font, QR codes and logos as dots.

Wire:   GS v 0 m xL xH yL yH data (1D 76 30 00 ...): most significant bit left, 1 is black, at most 255 rows in one.
Units:  dots.
Source: Epson ESC/POS command reference, GS v 0, and the notes of DLE EOT: bytes of a picture that happen to be a
        real-time command are carried out, so such neighbours get one dot more.

The font and the logo are files, and a codec does no I/O. They are read here the way a module is imported: by their
first use, once: the text to be printed decides whether they are needed at all (most receipts never load Pillow's font
engine), and they never change while the program runs. Everything else in the driver stays free of it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from gateway.drivers.printer.receipt_layout import width

if TYPE_CHECKING:
    from PIL import ImageFont

MOST_ROWS = 255
MOST_ROWS_OF_A_PICTURE = 4000
#: DLE before EOT, ENQ or DC4, wherever it stands in the dots of a picture
REAL_TIME_START = re.compile(rb"\x10(?=[\x04\x05\x14])")
NOTO = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"  # Debian: fonts-noto-cjk
#: faces of that collection with Latin letters half as wide as Chinese characters, by the shapes a place expects
MONO_FACES = {"none": 8, "big5": 8, "gb18030": 7, "shift_jis": 5}
MISSING = "?"


def raster(dots: int, rows: tuple[bytes, ...]) -> bytes:
    """A picture in bands; whoever calls it has checked that it fits."""
    across = (dots + 7) // 8
    out = bytearray()
    for at in range(0, len(rows), MOST_ROWS):
        band = rows[at : at + MOST_ROWS]
        out += b"\x1dv0\x00" + across.to_bytes(2, "little") + len(band).to_bytes(2, "little")
        out += REAL_TIME_START.sub(b"\x18", b"".join(band))
    return bytes(out)


def check(dots: int, rows: tuple[bytes, ...], paper: int) -> None:
    """Raises ValueError: it is no picture, or wider than the paper."""
    if not 1 <= dots <= paper:
        raise ValueError(f"a picture of {dots} dots does not fit on {paper} dots of paper")
    if not 1 <= len(rows) <= MOST_ROWS_OF_A_PICTURE or any(len(row) != (dots + 7) // 8 for row in rows):
        raise ValueError(f"a picture has 1 to {MOST_ROWS_OF_A_PICTURE} rows, all as long as its width says")


@cache
def load_font(path: str, charset: str, size: int) -> ImageFont.FreeTypeFont | None:
    """The font at this size; None if there is none. A path may end in #2 for the third face of a collection."""
    from PIL import ImageFont

    path, _, face = (path or f"{NOTO}#{MONO_FACES[charset]}").partition("#")
    try:
        return ImageFont.truetype(path, size, index=int(face) if face.isdecimal() else 0)
    except OSError:
        return None


@lru_cache(2000)
def has(font: ImageFont.FreeTypeFont, character: str) -> bool:
    """Whether the font can draw it: Pillow does not say, so its picture is held against that of no character."""
    return character.isspace() or _shape(font, character) != _shape(font, "\U0010fffe")


def _shape(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    mask: Any = font.getmask(character, mode="1")
    return bytes(mask)


def text_row(
    row: str, columns: int, cell: int, font: ImageFont.FreeTypeFont, align: str = "left", bold: bool = False
) -> tuple[int, tuple[bytes, ...]]:
    """One line of text as wide as the paper, each character in its cell as the printer itself would set it."""
    from PIL import Image, ImageDraw

    dots, tall = columns * cell, cell * 5 // 2
    sheet = Image.new("1", (dots, tall), 0)
    pen = ImageDraw.Draw(sheet)
    room = columns - width(row)
    column = {"left": 0, "center": room // 2, "right": room}[align]
    for character in row:
        cells = width(character)
        place = (column * cell + cells * cell // 2, cell * 2)
        drawn = character if has(font, character) else MISSING
        for beside in (0, 1) if bold else (0,):
            pen.text((place[0] + beside, place[1]), drawn, 1, font, "ms")
        column += cells
    return dots, _rows(sheet.tobytes(), dots)


def _rows(packed: bytes, dots: int) -> tuple[bytes, ...]:
    across = (dots + 7) // 8
    return tuple(packed[at : at + across] for at in range(0, len(packed), across))


def qr_modules(data: str) -> int:
    """How many modules wide the QR code of this text is, without its white border."""
    return len(_qr(data, border=0))


def qr_picture(data: str, dots: int) -> tuple[int, tuple[bytes, ...]]:
    from PIL import Image

    matrix = _qr(data, border=4)
    size = len(matrix)
    small = Image.new("1", (size, size), 0)
    small.putdata([int(dark) for line in matrix for dark in line])
    large = small.resize((size * dots, size * dots))
    return size * dots, _rows(large.tobytes(), size * dots)


def _qr(data: str, border: int) -> list[list[bool]]:
    import qrcode  # type: ignore[import-untyped]

    maker = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=border)
    # One piece of 8-bit data, as the printer itself makes it of our text; mixed modes would have another size.
    maker.add_data(qrcode.util.QRData(data.encode(), mode=qrcode.util.MODE_8BIT_BYTE))
    matrix: list[list[bool]] = maker.get_matrix()
    return matrix


@cache
def load_logo(path: str, paper: int) -> tuple[int, tuple[bytes, ...]] | None:
    """A picture file in black and white, made smaller if it is wider than the paper; None if it cannot be read."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            picture = file.convert("RGBA")
    except OSError:
        return None
    white = Image.new("RGBA", picture.size, "white")
    grey = Image.alpha_composite(white, picture).convert("L")
    if grey.width > paper:
        grey = grey.resize((paper, max(1, grey.height * paper // grey.width)))
    dots = ImageOps.invert(grey).convert("1")
    rows = _rows(dots.tobytes(), dots.width)
    return (dots.width, rows) if len(rows) <= MOST_ROWS_OF_A_PICTURE else None
