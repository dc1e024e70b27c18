"""A label as ZPL II: ^XA ... ^XZ.

Source: Zebra ZPL II Programming Guide P1099958 (^A, ^BC, ^BE, ^BU, ^B8, ^B3, ^B2, ^BQ, ^BY, ^CI, ^FB, ^FD, ^FH, ^FO,
        ^GB, ^LH, ^LL, ^PQ, ^PW). That ^BQ stands ten dots below its ^FO is how two renderers read it; the label is
        drawn so that the code stands where it was asked for.

Text is UTF-8 (^CI28). The built-in font 0 has the letters of code pages 850 and 1252 and no more; whatever else a shop
needs, Chinese say, takes a font in the printer and its name in the option font. Every character that is not a plain
letter goes as ^FH hex, so no description can hold a command.
"""

from __future__ import annotations

from gateway.drivers.label.layout import ELLIPSIS, CannotPrint, checked, dots, is_wide, named, printable, room
from gateway.peripherals import Label, LabelBarCode, LabelBox, LabelQr, LabelText, Symbology

#: symbology -> command with {height} and {hri}
BAR_CODES: dict[Symbology, str] = {
    "EAN13": "^BEN,{height},{hri},N",
    "EAN8": "^B8N,{height},{hri},N",
    "UPCA": "^BUN,{height},{hri},N,Y",
    "CODE39": "^B3N,N,{height},{hri},N",
    "CODE128": "^BCN,{height},{hri},N,N,A",
    "ITF": "^B2N,{height},{hri},N,N",
}
ALIGN = {"left": "L", "center": "C", "right": "R"}
QR_BELOW_ITS_ORIGIN = 10
#: widths in font 0 in hundredths of its height, as zpl-renderer-js draws them, rounded up
WIDTHS = {
    34: " !\"'(),./:;I[\\]`fijlrt{|}·",
    50: "#$*+0123456789<=>?EFJLTZ^_abcdeghknopqsuvxyzäöüßéèêàçñøå€£¥°",
    86: "%-@MWmwœæŒÆ©®™½¼¾",
    102: "…—",
}
WIDTH_OF = {letter: width for width, letters in WIDTHS.items() for letter in letters}
CAPITAL = 64  # what is not listed, mostly capital letters


def render(labels: tuple[Label, ...], copies: int, dpi: int, font: str) -> bytes:
    """All labels, one format each.

    Raises:
        CannotPrint: a character that the font does not have, or bar code data that is wrong.
    """
    return b"".join(_format(label, copies, dpi, font) for label in labels)


def _format(label: Label, copies: int, dpi: int, font: str) -> bytes:
    parts = [f"^XA^CI28^PW{dots(label.width, dpi)}^LL{dots(label.height, dpi)}^LH0,0"]
    for element in label.elements:
        match element:
            case LabelText():
                parts += _text(element, label, dpi, font)
            case LabelBarCode():
                parts.append(_bar_code(element, dpi))
            case LabelQr():
                parts.append(_qr(element, dpi))
            case LabelBox():
                parts.append(_box(element, dpi))
    parts.append(f"^PQ{copies},0,1,Y^XZ\n")
    return "".join(parts).encode("ascii")


def _text(text: LabelText, label: Label, dpi: int, font: str) -> list[str]:
    height, width = dots(text.height, dpi, least=10), dots(room(text, label), dpi, least=1)
    words = fitted(printable(text.text), height, width)
    if font == "0" and (missing := "".join(letter for letter in words if not _in_font_0(letter))):
        raise CannotPrint(f"text {text.text!r}: font 0 has no {named(missing)}; load a font and name it in option font")
    letters = f"^A0N,{height},{height}" if font == "0" else f"^A@N,{height},{height},{font}"
    # In a ^FB block \ and the next character are a command; two of them are one on paper.
    data = _hex(words.replace("\\", "\\\\"))
    at = [0, dots(1, dpi, least=1)] if text.bold else [0]
    return [
        f"^FO{dots(text.x, dpi) + step},{dots(text.y, dpi)}^FB{width},1,0,{ALIGN[text.align]},0{letters}^FH^FD{data}^FS"
        for step in at
    ]


def _in_font_0(letter: str) -> bool:
    return any(letter.encode(page, "ignore") for page in ("cp850", "cp1252"))


def fitted(text: str, height: int, width: int) -> str:
    """The text, cut with an ellipsis where it would not fit: a second line would be printed over the first."""
    if letters_width(text, height) <= width:
        return text
    while text and letters_width(text + ELLIPSIS, height) > width:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS if text else ""


def letters_width(text: str, height: int) -> int:
    """Dots that a text takes in font 0 of this height, rather too many than too few."""
    hundredths = 0
    for letter in text:
        hundredths += 102 if is_wide(letter) else WIDTH_OF.get(letter, CAPITAL)
    return -(-hundredths * height // 100)


def _bar_code(code: LabelBarCode, dpi: int) -> str:
    data = checked(code.data, code.symbology)
    if code.symbology == "CODE128" and ">" in data:
        raise CannotPrint(f"bar code {data!r}: ZPL takes > for a command inside of Code 128")
    command = BAR_CODES[code.symbology].format(height=dots(code.height, dpi, least=1), hri="Y" if code.hri else "N")
    module = min(dots(code.module, dpi, least=1), 10)
    return f"^FO{dots(code.x, dpi)},{dots(code.y, dpi)}^BY{module},3.0{command}^FH^FD{_hex(data)}^FS"


def _qr(code: LabelQr, dpi: int) -> str:
    x, y = dots(code.x, dpi), max(dots(code.y, dpi) - QR_BELOW_ITS_ORIGIN, 0)
    module = min(dots(code.module, dpi, least=1), 10)
    # M: 15 % of it may be unreadable; A: the printer chooses how it packs the data
    return f"^FO{x},{y}^BQN,2,{module}^FH^FDMA,{_hex(printable(code.data))}^FS"


def _box(box: LabelBox, dpi: int) -> str:
    width, height = dots(box.width, dpi, least=1), dots(box.height, dpi, least=1)
    thickness = min(dots(box.thickness, dpi, least=1), max(width, height))
    return f"^FO{dots(box.x, dpi)},{dots(box.y, dpi)}^GB{width},{height},{thickness}^FS"


def _hex(text: str) -> str:
    """Letters, digits and a few marks as they are, all else as _XX of its UTF-8."""
    plain = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:;/-+()%$*=?!'\"#@&")
    return "".join(
        character if character in plain else "".join(f"_{byte:02X}" for byte in character.encode())
        for character in text
    )
