"""A pretend CD5220 customer display; it keeps its rows as text.

Wire:   ESC Q A|B text CR writes a row and leaves the display in string mode, where nothing but ESC Q, CLR and CAN is
        taken; ESC Q D text CR lets the upper row wander until the next command, which clears it. In normal mode letters
        go where the cursor is, ESC l x y places it.
Source: Partner Tech CD5220 User's Manual p. 10 and 15; Epson-labelled CD5220 manual p. 28 (remarks on string mode).
"""

from __future__ import annotations

from gateway.peripherals import DeviceClass, Simulator
from gateway.simulators.display import screen
from gateway.simulators.display.screen import KNOBS

#: letter after ESC -> how many bytes follow it
ESC = {
    0x40: 0, 0x11: 0, 0x12: 0, 0x13: 0, 0x2A: 1, 0x5F: 1, 0x66: 1, 0x63: 1, 0x25: 1, 0x3F: 1, 0x6C: 2, 0x5B: 1, 0x57: 4,
    0x73: 1, 0x64: 1, 0x74: 1, 0x23: 1,
}  # fmt: skip
CLEAR, CANCEL, CR = 0x0C, 0x18, 0x0D
MOST_STRING = 80


class PretendCd5220(screen.PretendScreen):
    def __init__(self) -> None:
        super().__init__()
        self.mode = "normal"
        self.wandering = b""

    def _take(self, data: bytearray) -> int:
        if data[0] in (CLEAR, CANCEL):
            self._stop()
            self.mode = "normal"
            self._simple(data[0])
            return 1
        if data[:1] == b"\x1b":
            return self._escape(data)
        if self.mode != "normal":
            self.ignored += 1
        elif not self._simple(data[0]) and data[0] >= 0x20:
            self._letter(data[0])
        return 1

    def _stop(self) -> None:
        """What ends a wandering row clears it."""
        if self.wandering:
            self.wandering = b""
            self._cells[: self.columns] = b" " * self.columns
            self._at = 0

    def _escape(self, data: bytearray) -> int:
        if len(data) < 2:
            return 0
        if data[1] == 0x51:
            return self._string(data)
        length = 2 + ESC.get(data[1], 0)
        if len(data) < length:
            return 0
        self._stop()
        if self.mode != "normal":
            self.ignored += 1
        else:
            self._command(data[1], data[2:length])
        return length

    def _string(self, data: bytearray) -> int:
        end = data.find(CR, 3)
        if end < 0:
            return 1 if len(data) > MOST_STRING else 0
        text = bytes(data[3:end])
        self._stop()
        self.mode = "string"
        if data[2] == 0x44:
            self.mode, self.wandering = "scroll", text
        elif data[2] in (0x41, 0x42):
            start = 0 if data[2] == 0x41 else self.columns
            self._cells[start : start + self.columns] = text[: self.columns].ljust(self.columns)
        return end + 1

    def _command(self, letter: int, arguments: bytearray) -> None:
        match letter:
            case 0x40:
                self._clear()
                self.brightness, self.cursor_shown = 4, True
            case 0x2A if 1 <= arguments[0] <= 4:
                self.brightness = arguments[0]
            case 0x5F:
                self.cursor_shown = arguments[0] == 1
            case 0x6C:
                self._move(*arguments)


SIMULATOR = Simulator(name="display-cd5220", device_class=DeviceClass.LINE_DISPLAY, device=PretendCd5220, knobs=KNOBS)
