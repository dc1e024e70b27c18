"""What the pretend displays have in common: letters in rows, a cursor, and a printer that may hang behind them."""

from __future__ import annotations

import random
from typing import ClassVar

from gateway.peripherals import Send, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "columns": "letters in a row, 8 to 40 (default 20)",
    "code_page": "the letters of its code table, by Python's name (default cp858)",
    "silent": "yes or no: it never answers anyway (default no)",
    "late": "seconds; it never answers anyway (default 0)",
    "garbage": "yes: sends a random byte for each command that it takes, as a loose plug does (default no)",
}
ROWS = 2
MOST_BYTES = 1_000_000


class PretendScreen:
    """A language takes one whole command from `_pending` in `_take`: how many bytes it used, 0 for not whole yet."""

    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        self.columns, self.code_page = 20, "cp858"
        self.silent = self.garbage = False
        self.late = 0.0
        self.brightness = 4
        self.cursor_shown = True
        #: what went through to the printer while it was selected
        self.printer = bytearray()
        self.ignored = 0  # commands that it did not take in the state it was in
        self._cells = bytearray(b" " * self.columns * ROWS)
        self._at = 0
        self._selected = 2  # bit 0 the printer, bit 1 the display
        self._pending = bytearray()
        self._noise = random.Random(5220)  # noqa: S311 -- the same noise each time, on purpose

    @property
    def rows(self) -> tuple[str, ...]:
        cells = [bytes(self._cells[start : start + self.columns]) for start in range(0, len(self._cells), self.columns)]
        return tuple(cell.decode(self.code_page, "replace") for cell in cells)

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "columns":
                self.columns = min(knobs.whole(value, least=8), 40)
                self._clear()
            case "code_page":
                try:
                    "A".encode(value)
                except LookupError:
                    raise ValueError(f"code_page {value!r} is not known to Python") from None
                self.code_page = value
            case "late":
                self.late = knobs.seconds(value)
            case _ if knob in self.KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, self.KNOBS)
        return []

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self._pending += data
        taken = 0
        while self._pending and (used := self._next()):
            del self._pending[:used]
            taken += 1
        return [Send(self._noise.randbytes(1))] if self.garbage and taken else []

    def on_time(self, now: float) -> list[Send | WakeAt]:
        return []

    def _next(self) -> int:
        """ESC = is heard in every state; the rest only while the display is selected."""
        head = self._pending[:3]
        if head[:2] == b"\x1b=":
            if len(head) < 3:
                return 0
            self._selected = head[2] & 0x03
            return 3
        if head == b"\x1b":
            return 0  # perhaps ESC =
        if self._selected & 0x01 and len(self.printer) < MOST_BYTES:
            self.printer += head[:1]
        return self._take(self._pending) if self._selected & 0x02 else 1

    def _take(self, data: bytearray) -> int:
        raise NotImplementedError

    # --- letters --------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        self._cells = bytearray(b" " * self.columns * ROWS)
        self._at = 0

    def _clear_row(self) -> None:
        start = self._at - self._at % self.columns
        self._cells[start : start + self.columns] = b" " * self.columns
        self._at = start

    def _letter(self, byte: int) -> None:
        self._cells[self._at] = byte
        self._at = (self._at + 1) % len(self._cells)

    def _move(self, x: int, y: int) -> None:
        if 1 <= x <= self.columns and 1 <= y <= ROWS:
            self._at = (y - 1) * self.columns + x - 1

    def _simple(self, byte: int) -> bool:
        """The one-byte commands that both languages share."""
        match byte:
            case 0x08:
                self._at = (self._at - 1) % len(self._cells)
            case 0x09:
                self._at = (self._at + 1) % len(self._cells)
            case 0x0A:
                self._at = (self._at + self.columns) % len(self._cells)
            case 0x0B:
                self._at = 0
            case 0x0C:
                self._clear()
            case 0x0D:
                self._at -= self._at % self.columns
            case 0x18:
                self._clear_row()
            case _:
                return False
        return True
