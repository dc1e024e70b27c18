"""Customer displays of two rows that speak CD5220: Partner Tech, Posiflex, POS-X and most VFDs of Taiwan and China.

Wire:   9600 8N1, one way. ESC @ resets; ESC Q A text CR and ESC Q B text CR write the upper and the lower row; ESC Q D
        text CR lets the upper row wander; CLR (0C) clears; ESC * n is the brightness, 1 to 4; ESC _ 0 hides the cursor;
        ESC = 2 selects the display, ESC = 1 the printer behind it.
Source: Partner Tech CD5220 User's Manual p. 10 and 15; Epson-labelled CD5220 manual p. 28; POS-X XP8200 manual p. 19;
        Bematech LDX1000 manual p. 47 (steps of brightness).

After ESC Q A or B the display takes no other command but these two until CLR or CAN: so brightness clears it first and
shows the rows again. The upper row wanders until the next command, so the lower one is written before it. Blinking is
not in its list of commands. Its code table is chosen with keys or in a maker's own way: the option `select` holds those
bytes, and code_page says which letters there are then.
"""

from __future__ import annotations

import re

from gateway.drivers.display.rows import ShownDisplay, encoded, row
from gateway.peripherals import DeviceClass, DisplayText, Driver, Line

CLEAR, CR = b"\x0c", b"\r"
UPPER, LOWER, WANDER = b"\x1bQA", b"\x1bQB", b"\x1bQD"
MOST_WANDERING = 39


class Cd5220Display(ShownDisplay):
    def __init__(self, *, columns: int = 20, code_page: str = "cp437", select: str = "", chained: bool = False) -> None:
        super().__init__(columns=columns, code_page=code_page, chained=chained)
        if not re.fullmatch(r"([0-9A-Fa-f]{2} ?)*", select):
            raise ValueError(f"select {select!r} is not bytes in hexadecimal, as 1B 74 13")
        self.select = bytes.fromhex(select)

    def _start(self) -> bytes:
        # CLR first: whoever was here before may have left it in string mode, where ESC @ is not heard.
        return CLEAR + b"\x1b@" + self.select + b"\x1b_\x00"

    def _text(self, text: DisplayText) -> bytes:
        upper, lower = (*text.rows[:2], "", "")[:2]
        below = LOWER + row(lower, self.columns, self.code_page) + CR
        wandering = encoded(upper, self.code_page)[:MOST_WANDERING]
        if text.scroll and len(wandering) > self.columns:
            return CLEAR + below + WANDER + wandering + CR
        return UPPER + row(upper, self.columns, self.code_page) + CR + below

    def _clear(self) -> bytes:
        return CLEAR

    def _bright(self, step: int) -> bytes:
        again = self._text(self.shown) if self.shown.rows else b""
        return CLEAR + b"\x1b*" + bytes([step]) + again


DRIVER = Driver(
    name="display-cd5220",
    device_class=DeviceClass.LINE_DISPLAY,
    codec=Cd5220Display,
    line=Line(9600),
    options={
        "columns": "letters in a row (default 20)",
        "code_page": "the letters it has: cp437, cp858, cp866, big5 or another name that Python knows (default cp437)",
        "select": "bytes in hexadecimal that choose this code page, from its manual, as 1B 74 13 (default none)",
        "chained": "true: a printer hangs on the same line; ESC = selects the display and then the printer again "
        "(default false)",
    },
)
