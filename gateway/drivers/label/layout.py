"""What ZPL and TSPL labels have in common: tenths of a millimetre to dots, clean text, and bar code data checked.

Text and codes are data of strangers: a control character in them would be a command to the printer.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.peripherals import Label, LabelText, Symbology

#: dots per millimetre, as the makers round them: 203 dpi is 8, 300 dpi is 12, 600 dpi is 24
DOTS_PER_MM = {203: 8, 300: 12, 600: 24}
ELLIPSIS = "..."  # not U+2026, which not every font has

_CHARACTERS: dict[str, re.Pattern[str]] = {
    "CODE39": re.compile(r"[0-9A-Z .$/+%-]{1,40}"),
    "CODE128": re.compile(r"[ -~]{1,80}"),
    "ITF": re.compile(r"([0-9]{2}){1,20}"),
}
#: digits without the check digit
_DIGITS = {"EAN13": 12, "EAN8": 7, "UPCA": 11}


class CannotPrint(ValueError):
    """Something on the label that this printer cannot print; the text names it."""


def dots(tenths: int, dpi: int, least: int = 0) -> int:
    """Tenths of a millimetre as dots, half up."""
    return max((2 * tenths * DOTS_PER_MM[dpi] + 10) // 20, least)


def printable(text: str) -> str:
    """The text without control and format characters; line breaks, tabs and special blanks become plain blanks."""
    # Prices carry a no-break blank in most locales, which few fonts have.
    blanks = "".join(
        " " if character in "\n\r\t" or unicodedata.category(character).startswith("Z") else character
        for character in text
    )
    return "".join(character for character in blanks if unicodedata.category(character) not in ("Cc", "Cf", "Cs"))


def is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def named(characters: str) -> str:
    """What cannot be printed, each once, so that a person finds it in the description."""
    return ", ".join(f"{character} (U+{ord(character):04X})" for character in dict.fromkeys(characters))


def room(text: LabelText, label: Label) -> int:
    """Tenths of a millimetre that a text may take: its own width, or as far as the label's right edge."""
    return text.width if text.width is not None else max(label.width - text.x, 1)


def checked(data: str, symbology: Symbology) -> str:
    """The data as printers want it: EAN and UPC without their check digit, which the printer counts itself.

    Raises:
        CannotPrint: characters that the symbology does not have, or a check digit that is wrong.
    """
    if symbology in _DIGITS:
        length = _DIGITS[symbology]
        if not re.fullmatch(r"[0-9]+", data, re.ASCII) or len(data) not in (length, length + 1):
            raise CannotPrint(f"bar code {data!r}: {symbology} has {length + 1} digits")
        if len(data) == length + 1 and check_digit(data[:-1]) != data[-1]:
            raise CannotPrint(f"bar code {data!r}: its check digit is wrong, {check_digit(data[:-1])} fits the others")
        return data[:length]
    pattern = _CHARACTERS.get(symbology)
    if pattern is None:
        raise CannotPrint(f"bar code {data!r}: this printer has no {symbology}")
    if not pattern.fullmatch(data):
        raise CannotPrint(f"bar code {data!r}: not what {symbology} can hold")
    return data


def check_digit(digits: str) -> str:
    """The GS1 check digit that follows these digits."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)
