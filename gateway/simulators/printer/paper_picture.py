"""Draws printed paper as a PNG, as a person would hold it: each character in its cell, real codes, torn edges.

Units:  dots; a column of font A is 12 x 24. Import this only when a picture is asked for: Pillow is 10 MiB.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from typing import Any

import barcode  # type: ignore[import-untyped]
import qrcode  # type: ignore[import-untyped]
from PIL import Image, ImageDraw, ImageFont, ImageOps

from gateway.simulators.printer.escpos_marks import (
    Bars,
    CutHere,
    Feed,
    Mark,
    Picture,
    Printed,
    QrCode,
    StoredPicture,
)
from gateway.simulators.printer.escpos_paper import columns_of

CELL_WIDTH, CELL_HEIGHT, LINE_HEIGHT, MARGIN = 12, 24, 30, 24
WHITE, BLACK = 255, 0
#: fonts by name, wherever the system keeps them; Pillow's own draws what they lack
LATIN_FONTS = ("DejaVuSansMono.ttf", "LiberationMono-Regular.ttf")
CHINESE_FONTS = ("NotoSansCJK-Regular.ttc", "NotoSerifCJK-Regular.ttc", "wqy-microhei.ttc", "DroidSansFallbackFull.ttf")


def png(marks: Iterable[Mark], columns: int = 48) -> bytes:
    """The whole strip of paper as one PNG."""

    strips = [strip for mark in marks if (strip := _strip(mark, columns)) is not None]
    height = sum(strip.height for strip in strips) + 2 * MARGIN
    sheet = Image.new("L", (columns * CELL_WIDTH + 2 * MARGIN, height), WHITE)
    y = MARGIN
    for strip in strips:
        sheet.paste(strip, (MARGIN, y))
        y += strip.height
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _strip(mark: Mark, columns: int) -> Image.Image | None:
    match mark:
        case Printed():
            return _text(mark, columns)
        case QrCode():
            return _aligned(_qr(mark), mark.align, columns)
        case Bars():
            return _bars(mark, columns)
        case Picture():
            return _aligned(_raster(mark), mark.align, columns)
        case StoredPicture(key=key, align=align):
            return _text(Printed(f"[picture {key}]", align), columns)
        case Feed(lines=lines):
            return _blank(columns, lines * LINE_HEIGHT)
        case CutHere():
            return _knife(columns)
    return None


def _blank(columns: int, height: int) -> Image.Image:

    return Image.new("L", (columns * CELL_WIDTH, max(height, 1)), WHITE)


@cache
def _font(chinese: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in CHINESE_FONTS if chinese else LATIN_FONTS:
        try:
            return ImageFont.truetype(name, 22 if chinese else 20)
        except OSError:
            continue
    return ImageFont.load_default(20)


def _text(line: Printed, columns: int) -> Image.Image:

    across, down = (2 if line.wide else 1), (2 if line.tall else 1)
    small = Image.new("L", (max(columns_of(line.text), 1) * CELL_WIDTH, LINE_HEIGHT), WHITE)
    pen = ImageDraw.Draw(small)
    x = 0
    for character in line.text:
        cell = columns_of(character) * CELL_WIDTH
        font = _font(cell > CELL_WIDTH)
        pen.text((x + cell / 2, CELL_HEIGHT - 3), character, BLACK, font, "ms", stroke_width=1 if line.bold else 0)
        x += cell
    return _aligned(small.resize((small.width * across, small.height * down)), line.align, columns)


def _aligned(image: Image.Image, align: str, columns: int) -> Image.Image:
    sheet = _blank(columns, image.height)
    room = sheet.width - image.width
    sheet.paste(image, ({"left": 0, "center": room // 2, "right": room}[align], 0))
    return sheet


def _qr(code: QrCode) -> Image.Image:

    maker: Any = qrcode.QRCode(box_size=max(code.dots, 1), border=4, error_correction=qrcode.constants.ERROR_CORRECT_L)
    maker.add_data(code.data)
    picture: Image.Image = maker.make_image().get_image()
    return picture.convert("L")


def _bars(code: Bars, columns: int) -> Image.Image:
    """Bars, quiet zones and characters; nothing but paper where the printer would only feed."""
    name = code.symbology.lower()
    try:
        maker: Any = barcode.get_barcode_class(name)
        built: Any = maker(code.data, add_checksum=False) if name == "code39" else maker(code.data)
    except (barcode.errors.BarcodeError, KeyError):
        return _blank(columns, code.height)
    modules: str = built.build()[0]
    bars = Image.new("L", (len(modules), 1), WHITE)
    bars.putdata([BLACK if module == "1" else WHITE for module in modules])
    wide = bars.resize((len(modules) * code.module, code.height), Image.Resampling.NEAREST)
    if wide.width > columns * CELL_WIDTH:
        return _blank(columns, code.height)
    strips = [_aligned(wide, code.align, columns)]
    characters = _text(Printed(code.data, code.align), columns)
    strips = [characters] * (code.hri in ("above", "both")) + strips + [characters] * (code.hri in ("below", "both"))
    sheet = _blank(columns, sum(strip.height for strip in strips))
    y = 0
    for strip in strips:
        sheet.paste(strip, (0, y))
        y += strip.height
    return sheet


def _raster(picture: Picture) -> Image.Image:

    dots = Image.frombytes("1", (picture.width, picture.height), picture.rows)
    return ImageOps.invert(dots.convert("L"))


def _knife(columns: int) -> Image.Image:

    sheet = _blank(columns, LINE_HEIGHT)
    pen = ImageDraw.Draw(sheet)
    for x in range(0, sheet.width, 16):
        pen.line((x, LINE_HEIGHT // 2, x + 8, LINE_HEIGHT // 2), 128)
    return sheet
