"""A receipt as ESC/POS bytes: the only place that writes with python-escpos, which comes with the first job.

Source: Epson ESC/POS command reference; Chinese and Japanese text stands between FS & and FS . in the table of the
        printer's firmware (Big5, GB18030, Shift JIS), which nobody can ask a printer about. Stored pictures: GS ( L
        <Function 69>.

A character goes out as text if one of the printer's code pages has it, or its firmware's table (two bytes); a line with
any other character is drawn with a font from Debian and printed as a picture, that one line only.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from gateway.drivers.printer import escpos_barcode, escpos_pictures
from gateway.drivers.printer.escpos_profile import FEWEST_COLUMNS, GENERIC, Profile, profile_of
from gateway.drivers.printer.receipt_layout import lines_of, printable, wrapped
from gateway.peripherals import BarCode, Columns, Cut, Logo, PrintLine, Qr, Raster, Rule, Text

MISSING = "?"
QR_DOTS = 6
QR_WAYS = ("auto", "native", "raster")
#: option -> Python's codec. Big5 as Windows has it, which has the full-width yuan sign where receipts expect it
CHARSETS = {"none": "", "big5": "cp950", "gb18030": "gb18030", "shift_jis": "shift_jis"}
BIG5_ENDS = b"\xf9\xd6"  # from here on come additions of ETEN, which not every font has
#: FS C 1: the multi-byte table of a Japanese printer is read as Shift JIS, not as JIS
SHIFT_JIS = b"\x1cC\x01"
STORED_LOGO = re.compile(r"nv:([ -~]{2})")


@dataclass(frozen=True, slots=True)
class Look:
    """What the configuration says about a printer's paper; see DRIVER.options in escpos.py."""

    profile: str = GENERIC
    columns: int = 0
    cut: bool = True
    charset: str = "none"
    font: str = ""
    logo: str = ""
    qr: str = "auto"

    def __post_init__(self) -> None:
        if self.columns and self.columns < FEWEST_COLUMNS:
            raise ValueError(f"columns: a receipt needs {FEWEST_COLUMNS} at least")
        if self.charset not in CHARSETS:
            raise ValueError(f"charset {self.charset!r} is none of {', '.join(CHARSETS)}")
        if self.qr not in QR_WAYS:
            raise ValueError(f"qr {self.qr!r} is none of {', '.join(QR_WAYS)}")


@dataclass(frozen=True, slots=True)
class Job:
    #: from ESC @ to its last line feed or cut
    data: bytes
    #: what is missing on the paper, for the technician
    notes: tuple[str, ...] = ()


def prepare() -> None:
    """Import python-escpos ahead of the first job: 0.2 s here, a second on a small board."""
    import escpos.printer.dummy  # noqa: F401


def render(lines: tuple[PrintLine, ...], look: Look) -> Job:
    """Raises ValueError: there is no such printer, or something in the job cannot be printed on it."""
    writer = _Writer(look)
    for line in lines:
        writer.write(line)
    return Job(bytes(writer.paper.output), tuple(dict.fromkeys(writer.notes)))


class _Writer:
    def __init__(self, look: Look) -> None:
        from escpos.printer.dummy import Dummy

        self.look = look
        self.profile: Profile = profile_of(look.profile, look.columns)
        self.paper: Any = Dummy(profile=look.profile or GENERIC)
        self.notes: list[str] = []
        self.paper._raw(b"\x1b@")
        if look.charset != "none":
            # Chinese models begin with two-byte characters switched on, and an accent would swallow its neighbour.
            self.paper._raw((SHIFT_JIS if look.charset == "shift_jis" else b"") + b"\x1c.")

    def write(self, line: PrintLine) -> None:
        match line:
            case Text() | Columns() | Rule():
                self._text(line)
            case Qr(data=data):
                self._qr(data)
            case BarCode():
                self._bar_code(line)
            case Raster(width=dots, rows=rows):
                escpos_pictures.check(dots, rows, self.profile.dots)
                self._picture(dots, rows)
            case Logo():
                self._logo()
            case Cut() if self.look.cut and self.profile.knife != "none":
                self.paper.cut()
            case Cut():
                self.paper.print_and_feed(4)

    # --- text -----------------------------------------------------------------------------------------------

    def _text(self, line: Text | Columns | Rule) -> None:
        bold, double = (False, False) if isinstance(line, Rule) else (line.bold, line.double)
        align = line.align if isinstance(line, Text) else "left"
        self._set(align, bold, 2 if double else 1)
        for row in lines_of(self._in_its_money(line), self.profile.columns):
            if self._is_native(row) or not self._drawn(row, align, bold, double):
                self._row(row)
                self.paper._raw(b"\n")

    def _set(self, align: str, bold: bool = False, size: int = 1) -> None:
        # GS ! sets the size of letters and Chinese characters, ESC ! of letters only.
        self.paper.set(align=align, bold=bold, custom_size=True, width=size, height=size)

    def _in_its_money(self, line: Text | Columns | Rule) -> Text | Columns | Rule:
        """The yuan sign as the firmware's table has it: U+00A5 is not in Big5, and four bytes in GB18030."""
        if self.look.charset == "none" or isinstance(line, Rule):
            return line
        if isinstance(line, Text):
            return Text(line.text.replace("¥", "￥"), line.align, line.bold, line.double)
        return Columns(line.left.replace("¥", "￥"), line.right.replace("¥", "￥"), line.bold, line.double)

    def _is_native(self, row: str) -> bool:
        return all(self._encoded(char) if is_wide(char) else self._has_page(char) for char in row)

    def _has_page(self, character: str) -> bool:
        if self.look.charset == "shift_jis":
            # In Shift JIS an accented letter's byte begins a character of two, whatever the code page.
            return character.isascii()
        return character.isascii() or self.paper.magic.encoder.find_suitable_encoding(character) is not None

    def _encoded(self, character: str) -> bytes:
        """Two bytes of the firmware's table; none if it does not have the character."""
        if self.look.charset == "none":
            return b""
        try:
            encoded = character.encode(CHARSETS[self.look.charset])
        except UnicodeEncodeError:
            return b""
        if self.look.charset == "big5" and encoded >= BIG5_ENDS:
            return b""
        # A four-byte GB18030 code is not in the fonts of receipt printers.
        return encoded if len(encoded) == 2 else b""

    def _row(self, row: str) -> None:
        for wide, run in itertools.groupby(row, key=is_wide):
            text = "".join(run)
            if not wide:
                self.paper.text(text)
                continue
            # Two marks for what is missing, as it would have taken two columns. python-escpos itself would send
            # GB18030, unasked, and a printer without that font makes letters and commands of it.
            pieces = [(known, self._encoded(known) or MISSING.encode() * 2) for known in text]
            for kanji, part in itertools.groupby(pieces, key=lambda piece: piece[1] != b"??"):
                data = b"".join(encoded for _, encoded in part)
                self.paper._raw(b"\x1c&" + data + b"\x1c." if kanji else data)

    def _drawn(self, row: str, align: str, bold: bool, double: bool) -> bool:
        """Print the row as a picture; False if this printer or this box cannot."""
        scale = 2 if double else 1
        cell = self.profile.cell * scale
        font = escpos_pictures.load_font(self.look.font, self.look.charset, 2 * cell)
        if not self.profile.rasters or font is None:
            why = "no font there; apt-get install fonts-noto-cjk" if font is None else "it prints no pictures"
            self.notes.append(f"characters that the printer does not have are printed as '?': {why}")
            return False
        columns = self.profile.columns // scale
        self.paper._raw(escpos_pictures.raster(*escpos_pictures.text_row(row, columns, cell, font, align, bold)))
        return True

    # --- pictures and codes ---------------------------------------------------------------------------------

    def _picture(self, dots: int, rows: tuple[bytes, ...]) -> None:
        if not self.profile.rasters:
            raise ValueError(f"the printer {self.look.profile!r} prints no pictures")
        self._set("center")
        self.paper._raw(escpos_pictures.raster(dots, rows))

    def _logo(self) -> None:
        if stored := STORED_LOGO.fullmatch(self.look.logo):
            self._set("center")
            self.paper._raw(b"\x1d(L\x06\x00\x30\x45" + stored[1].encode() + b"\x01\x01")
        elif self.look.logo and (picture := escpos_pictures.load_logo(self.look.logo, self.profile.dots)):
            self._picture(*picture)
        elif self.look.logo:
            self.notes.append(f"no picture in {self.look.logo}; the receipt was printed without the logo")

    def _qr(self, data: str) -> None:
        text = printable(data)
        if len(text.encode()) > 2953:
            raise ValueError("a QR code holds 2,953 bytes at most")
        if not text:
            return
        modules = escpos_pictures.qr_modules(text) + 8
        dots = min(QR_DOTS, self.profile.dots // modules)
        if dots < 1:
            raise ValueError(f"the QR code of {len(text.encode())} bytes is wider than the paper")
        if self.look.qr == "raster" or (self.look.qr == "auto" and not self.profile.qr):
            self._picture(*escpos_pictures.qr_picture(text, dots))
            return
        self._set("center")
        self.paper.qr(text, native=True, size=dots)
        self.paper._raw(b"\n")

    def _bar_code(self, code: BarCode) -> None:
        data = escpos_barcode.checked(code)
        commands = escpos_barcode.native(code, data, self.profile.dots) if self.profile.bar_codes else b""
        if commands:
            self._set("center")
            self.paper._raw(commands)
            return
        self._picture(*escpos_barcode.bars(code, data, self.profile.dots))
        if code.hri:
            for row in wrapped(data, self.profile.columns):
                self.paper.text(row + "\n")


def is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
