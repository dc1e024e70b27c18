"""A receipt as ESC/POS bytes: the only place that knows python-escpos, and it imports it when the first job is made.

Source: Epson ESC/POS command reference; Chinese text stands between FS & and FS . in the table of the printer's
        firmware (Big5 or GB18030), which nobody can ask a printer about.
"""

from __future__ import annotations

import itertools
import unicodedata
from typing import Any

from gateway.drivers.printer.receipt_layout import lines_of, printable
from gateway.peripherals import Columns, Cut, PrintLine, Qr, Rule, Text

MISSING = "?"
QR_DOTS = 6


def render(lines: tuple[PrintLine, ...], columns: int, profile: str, cut: bool, cjk: str) -> bytes:
    """The job from ESC @ to its last line feed or cut.

    Raises:
        ValueError: python-escpos does not know the profile, or a QR code's text is too long.
    """
    from escpos.printer.dummy import Dummy

    try:
        paper = Dummy(profile=profile or None)
    except KeyError as unknown:
        raise ValueError(f"python-escpos has no printer profile {profile!r}") from unknown
    paper._raw(b"\x1b@")
    for line in lines:
        match line:
            case Qr(data=data):
                _qr(paper, data)
            case Cut():
                paper.cut() if cut else paper.print_and_feed(4)
            case Text() | Columns() | Rule():
                _text(paper, line, columns, cjk)
    return bytes(paper.output)


def prepare() -> None:
    """Import python-escpos ahead of the first job: 0.2 s here, a second on a small board."""
    import escpos.printer.dummy  # noqa: F401


def _text(paper: Any, line: Text | Columns | Rule, columns: int, cjk: str) -> None:
    bold, double = (False, False) if isinstance(line, Rule) else (line.bold, line.double)
    align = line.align if isinstance(line, Text) else "left"
    if double:
        paper.set(align=align, bold=bold, double_width=True, double_height=True)
    else:
        paper.set(align=align, bold=bold, normal_textsize=True)
    for row in lines_of(line, columns):
        _row(paper, row, cjk)
        paper._raw(b"\n")


def _row(paper: Any, row: str, cjk: str) -> None:
    for wide, run in itertools.groupby(row, key=_is_wide):
        text = "".join(run)
        if not wide:
            paper.text(text)
        elif cjk == "none":
            # Two marks a character, for it would have taken two columns. python-escpos itself would send GB18030 here,
            # unasked, and a printer without that font makes letters and commands of it.
            paper.text(MISSING * 2 * len(text))
        else:
            paper._raw(b"\x1c&" + b"".join(_double_byte(character, cjk) for character in text) + b"\x1c.")


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _double_byte(character: str, cjk: str) -> bytes:
    encoded = character.encode(cjk, errors="replace")
    # A four-byte GB18030 code is not in the fonts of receipt printers.
    return encoded if len(encoded) == 2 else MISSING.encode() * 2


def _qr(paper: Any, data: str) -> None:
    text = printable(data)
    if len(text.encode()) > 2953:
        raise ValueError("a QR code holds 2,953 bytes at most")
    if not text:
        return
    paper.set(align="center")
    paper.qr(text, native=True, size=QR_DOTS)
    paper._raw(b"\n")
