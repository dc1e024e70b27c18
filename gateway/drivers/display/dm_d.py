"""Epson customer displays DM-D (DM-D110, D120, D210) and those with an Epson mode; two rows, alone or before a printer.

Wire:   9600 8N1, one way. ESC @ resets; ESC t n code table; US $ x y places the cursor; CLR (0C) clears; US X n is the
        brightness, 1 to 4; US E n blinks, n x 50 ms, 0 is steady; US C 0 hides the cursor; US SOH overwrites; ESC = 2
        selects the display, ESC = 1 the printer behind it.
Source: Epson DM-D110 Specification (STANDARD) rev. E p. 49-64; POS-X XP8200 manual p. 12 (Epson mode). The numbers of
        the code tables as ESC/POS has them everywhere; the specification gives the same range.

Nothing comes back: US v only moves the DTR line, and US ( E is for setting it up. A row does not wander here: a text
too long is cut. Behind the display hangs a printer, so after each command the printer is selected again (chained).
"""

from __future__ import annotations

from gateway.drivers.display.rows import ShownDisplay, row
from gateway.peripherals import DeviceClass, DisplayText, Driver, Line

#: Python's name -> page of ESC t
CODE_TABLES = {
    "cp437": 0, "cp850": 2, "cp860": 3, "cp863": 4, "cp865": 5, "cp1252": 16, "cp866": 17, "cp852": 18, "cp858": 19,
}  # fmt: skip
CLEAR = b"\x0c"
BLINK_50_MS = 10


class DmDDisplay(ShownDisplay):
    def __init__(self, *, columns: int = 20, code_page: str = "cp858", chained: bool = False) -> None:
        super().__init__(columns=columns, code_page=code_page, chained=chained)
        self._blinks = False

    def _start(self) -> bytes:
        page = CODE_TABLES.get(self.code_page)
        table = b"" if page is None else b"\x1bt" + bytes([page])
        return b"\x1b@" + table + b"\x1fC\x00\x1f\x01"

    def _text(self, text: DisplayText) -> bytes:
        upper, lower = (*text.rows[:2], "", "")[:2]
        data = b"".join(
            b"\x1f$\x01" + bytes([place]) + row(words, self.columns, self.code_page)
            for place, words in ((1, upper), (2, lower))
        )
        return self._blink(text.blink) + data

    def _blink(self, wanted: bool) -> bytes:
        if wanted is self._blinks:
            return b""
        self._blinks = wanted
        return b"\x1fE" + bytes([BLINK_50_MS if wanted else 0])

    def _clear(self) -> bytes:
        return self._blink(False) + CLEAR

    def _bright(self, step: int) -> bytes:
        return b"\x1fX" + bytes([step])


DRIVER = Driver(
    name="display-dm-d",
    device_class=DeviceClass.LINE_DISPLAY,
    codec=DmDDisplay,
    line=Line(9600),
    options={
        "columns": "letters in a row (default 20)",
        "code_page": f"its code table: {', '.join(CODE_TABLES)}; another one, as big5, is set on the display itself "
        "(default cp858)",
        "chained": "true: a printer hangs behind it on the same line and is selected again after each command "
        "(default false)",
    },
)
