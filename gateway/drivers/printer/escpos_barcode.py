"""Linear bar codes: what may stand in one, how wide it gets, GS k, and its bars for printers that have none.

Wire:   GS h height, GS w module, GS H 0|2 (nothing, or characters below), GS f 0, GS k m n data ("function B").
Units:  dots. A bar code that is wider than the paper is not printed, the printer only feeds: so it is measured here.
Source: Epson ESC/POS command reference, GS k (m 65 UPC-A, 67 EAN-13, 68 EAN-8, 69 CODE39, 70 ITF, 73 CODE128), GS w,
        GS h, GS H; the same table in manuals of Bematech, Ithaca and HPRT. Bars as dots: python-barcode (MIT).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.peripherals import BarCode, Symbology

SYSTEMS: dict[Symbology, int] = {"UPCA": 65, "EAN13": 67, "EAN8": 68, "CODE39": 69, "ITF": 70, "CODE128": 73}
LENGTHS: dict[Symbology, int] = {"UPCA": 12, "EAN13": 13, "EAN8": 8}
CHARACTERS: dict[Symbology, tuple[re.Pattern[str], str]] = {
    "CODE39": (re.compile(r"[0-9A-Z \-.$/+%]{1,48}"), "capital letters, digits and -.$/+% (48 at most)"),
    "ITF": (re.compile(r"(?:[0-9]{2}){1,40}"), "digits, an even number of them (80 at most)"),
    "CODE128": (re.compile(r"[ -~]{1,80}"), "characters of ASCII (80 at most)"),
}
EAN_DIGITS = re.compile(r"[0-9]+")
WIDTHS = (3, 2)  # GS w: every printer that knows GS k knows 2 to 6; below 2 bars are drawn as a picture
QUIET = 10  # modules of white on both sides; EAN-13 wants 11 and 7


def checked(code: BarCode) -> str:
    """The data as it is printed, with its check digit.

    Raises:
        ValueError: this symbology cannot hold it, or its check digit is wrong.
    """
    if code.symbology not in LENGTHS:
        pattern, allowed = CHARACTERS[code.symbology]
        if not pattern.fullmatch(code.data):
            raise ValueError(f"a {code.symbology} bar code holds {allowed}, not {code.data!r}")
        return code.data
    length = LENGTHS[code.symbology]
    if not EAN_DIGITS.fullmatch(code.data) or len(code.data) not in (length - 1, length):
        raise ValueError(f"a {code.symbology} bar code holds {length} digits, not {code.data!r}")
    body = code.data[: length - 1]
    full = body + check_digit(body)
    if not full.startswith(code.data):
        raise ValueError(f"the check digit of {code.data!r} is wrong; it would be {full[-1]}")
    return full


def check_digit(body: str) -> str:
    """Of an EAN or UPC: weights 3 and 1 in turn, from the right (GS1 General Specifications, 7.9)."""
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def modules(code: BarCode, data: str) -> int:
    """How many modules wide at most; where a printer's wide bars are 2.5 modules, 3 are counted."""
    match code.symbology:
        case "EAN13" | "UPCA":
            return 95
        case "EAN8":
            return 67
        case "CODE39":
            return 16 * (len(data) + 2)
        case "ITF":
            return 9 * len(data) + 9
        case _:
            return 11 * (len(_code_128(data)) - 2 + 2) + 13


def native(code: BarCode, data: str, dots: int) -> bytes:
    """The commands that print it; empty if it does not fit on so many dots."""
    fitting = [width for width in WIDTHS if (modules(code, data) + 2 * QUIET) * width <= dots]
    if not fitting:
        return b""
    body = _code_128(data) if code.symbology == "CODE128" else data.encode("ascii")
    settings = b"\x1dh" + bytes([height(code)]) + b"\x1dw" + bytes([fitting[0]]) + b"\x1df\x00"
    settings += b"\x1dH" + bytes([2 if code.hri else 0])
    return settings + b"\x1dk" + bytes([SYSTEMS[code.symbology], len(body)]) + body


def height(code: BarCode) -> int:
    return max(1, min(code.height_dots, 255))


def _code_128(data: str) -> bytes:
    """Set C for digits, two in one; else set B, in which a brace is written twice."""
    if len(data) >= 4 and len(data) % 2 == 0 and EAN_DIGITS.fullmatch(data):
        return b"{C" + bytes(int(data[at : at + 2]) for at in range(0, len(data), 2))
    return b"{B" + data.replace("{", "{{").encode("ascii")


def bars(code: BarCode, data: str, dots: int) -> tuple[int, tuple[bytes, ...]]:
    """Width and rows of it as a picture, as wide as it fits.

    Raises:
        ValueError: it is wider than the paper even at one dot a module.
    """
    import barcode  # type: ignore[import-untyped]

    maker: Callable[..., barcode.base.Barcode] = barcode.get_barcode_class(code.symbology.lower())
    built = maker(data, add_checksum=False) if code.symbology == "CODE39" else maker(data)
    line: str = built.build()[0]
    width = next((width for width in (3, 2, 1) if len(line) * width <= dots), 0)
    if not width:
        raise ValueError(f"the {code.symbology} bar code {data!r} is wider than the paper")
    wide = "".join(module * width for module in line)
    padded = wide + "0" * (-len(wide) % 8)
    row = int(padded, 2).to_bytes(len(padded) // 8, "big")
    return len(wide), (row,) * height(code)
