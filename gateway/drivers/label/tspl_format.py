"""A label as TSPL: SIZE, GAP, CLS, the elements, PRINT.

Source: TSC TSPL/TSPL2 Programming Manual, 2013 (SIZE, GAP, REFERENCE, CODEPAGE, CLS, TEXT, BARCODE, QRCODE, BOX, BAR,
        PRINT; sizes of fonts 1 to 5; a quotation mark in a text is \\["]). Chinese needs a font in the printer:
        TST24.BF2 (Big5) and TSS24.BF2 (GB 18030) are TSC's names; that Latin letters take half their width is [MEM].

Fonts are of fixed pitch, so what fits is counted, not guessed. The code page is an option, for nobody can ask the
printer which ones it has.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.drivers.label.layout import ELLIPSIS, CannotPrint, checked, dots, is_wide, named, printable, room
from gateway.peripherals import Label, LabelBarCode, LabelBox, LabelQr, LabelText, Symbology

#: what CODEPAGE is told -> Python's name for it
CODE_PAGES = {
    "437": "cp437", "850": "cp850", "852": "cp852", "860": "cp860", "863": "cp863", "865": "cp865", "857": "cp857",
    "1250": "cp1250", "1252": "cp1252", "1253": "cp1253", "1254": "cp1254", "866": "cp866", "WPC1251": "cp1251",
    "WPC1257": "cp1257", "UTF-8": "utf-8",
}  # fmt: skip
#: name -> dots of one cell, smallest first
FONTS = {"1": (8, 12), "2": (12, 20), "3": (16, 24), "4": (24, 32), "5": (32, 48)}
CHINESE = {"big5": ("TST24.BF2", "big5"), "gb18030": ("TSS24.BF2", "gb2312")}
CHINESE_CELL = (12, 24)  # half of it is a Latin letter
BAR_CODES: dict[Symbology, str] = {
    "EAN13": "EAN13", "EAN8": "EAN8", "UPCA": "UPCA", "CODE39": "39", "CODE128": "128", "ITF": "25",
}  # fmt: skip
WIDE_BARS = ("39", "25")  # these two have wide bars: three times the narrow ones
MOST_TIMES = 10


@dataclass(frozen=True, slots=True)
class Letters:
    """How tall and wide letters become: a font, its cell, how often it is enlarged, and how text is encoded."""

    font: str
    width: int
    height: int
    times: int
    encoding: str


def render(labels: tuple[Label, ...], copies: int, dpi: int, code_page: str, cjk: str) -> bytes:
    """All labels, one PRINT each.

    Raises:
        CannotPrint: a character that code page and font do not have, or bar code data that is wrong.
    """
    return b"".join(_one(label, copies, dpi, code_page, cjk) for label in labels)


def _one(label: Label, copies: int, dpi: int, code_page: str, cjk: str) -> bytes:
    lines = [
        f"SIZE {_mm(label.width)} mm,{_mm(label.height)} mm",
        f"GAP {_mm(label.gap)} mm,0 mm",
        "REFERENCE 0,0",
        f"CODEPAGE {code_page}",
        "CLS",
    ]
    data = [line.encode("ascii") for line in lines]
    for element in label.elements:
        match element:
            case LabelText():
                data += _text(element, label, dpi, code_page, cjk)
            case LabelBarCode():
                data.append(_bar_code(element, dpi))
            case LabelQr():
                data.append(_qr(element, dpi, code_page))
            case LabelBox():
                data.append(_box(element, dpi))
    data.append(b"PRINT 1,%d" % copies)
    return b"".join(line + b"\r\n" for line in data)


def _mm(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def letters(text: str, height: int, code_page: str, cjk: str) -> Letters:
    """The largest letters that are not taller than `height` dots."""
    if cjk in CHINESE and any(is_wide(character) for character in text):
        font, encoding = CHINESE[cjk]
        width, cell = CHINESE_CELL
        times = min(max(height // cell, 1), MOST_TIMES)
        return Letters(font, width * times, cell * times, times, encoding)
    found = Letters("1", *FONTS["1"], 1, CODE_PAGES[code_page])
    for font, (width, cell) in FONTS.items():
        times = min(height // cell, MOST_TIMES)
        if times and cell * times >= found.height:
            found = Letters(font, width * times, cell * times, times, CODE_PAGES[code_page])
    return found


def _text(text: LabelText, label: Label, dpi: int, code_page: str, cjk: str) -> list[bytes]:
    words = printable(text.text)
    kind = letters(words, dots(text.height, dpi), code_page, cjk)
    width = dots(room(text, label), dpi)
    words = _fitted(words, width // kind.width)
    data = _quoted(_encoded(words, kind.encoding, text.text))
    spare = width - _columns(words) * kind.width
    x = dots(text.x, dpi) + {"left": 0, "center": spare // 2, "right": spare}[text.align]
    steps = [0, dots(1, dpi, least=1)] if text.bold else [0]
    head = '{},{},"{}",0,{},{},'
    return [
        b"TEXT " + head.format(x + step, dots(text.y, dpi), kind.font, kind.times, kind.times).encode() + data
        for step in steps
    ]


def _columns(text: str) -> int:
    return sum(2 if is_wide(character) else 1 for character in text)


def _fitted(text: str, columns: int) -> str:
    if _columns(text) <= columns:
        return text
    while text and _columns(text) + len(ELLIPSIS) > columns:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS if text else ""


def _encoded(text: str, encoding: str, whole: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        missing = "".join(character for character in text if not character.encode(encoding, "ignore"))
        raise CannotPrint(
            f"text {whole!r}: {encoding} has no {named(missing)}; choose the options code_page and cjk to suit"
        ) from None


def _quoted(data: bytes) -> bytes:
    return b'"' + data.replace(b'"', b'\\["]') + b'"'


def _bar_code(code: LabelBarCode, dpi: int) -> bytes:
    data, kind = checked(code.data, code.symbology), BAR_CODES[code.symbology]
    narrow = dots(code.module, dpi, least=1)
    wide = narrow * 3 if kind in WIDE_BARS else narrow
    place = f'{dots(code.x, dpi)},{dots(code.y, dpi)},"{kind}",{dots(code.height, dpi, least=1)}'
    return f"BARCODE {place},{int(code.hri)},0,{narrow},{wide},".encode() + _quoted(data.encode("ascii"))


def _qr(code: LabelQr, dpi: int, code_page: str) -> bytes:
    data = _encoded(printable(code.data), CODE_PAGES[code_page], code.data)
    cell = min(dots(code.module, dpi, least=1), MOST_TIMES)
    # M: 15 % of it may be unreadable; A: the printer chooses how it packs the data; M2: the QR code that phones read
    return f"QRCODE {dots(code.x, dpi)},{dots(code.y, dpi)},M,{cell},A,0,M2,".encode() + _quoted(data)


def _box(box: LabelBox, dpi: int) -> bytes:
    x, y = dots(box.x, dpi), dots(box.y, dpi)
    width, height = dots(box.width, dpi, least=1), dots(box.height, dpi, least=1)
    thickness = dots(box.thickness, dpi, least=1)
    if 2 * thickness >= min(width, height):
        return f"BAR {x},{y},{width},{height}".encode()
    return f"BOX {x},{y},{x + width},{y + height},{thickness}".encode()
