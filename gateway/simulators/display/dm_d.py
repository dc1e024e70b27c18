"""A pretend Epson DM-D customer display; it keeps its rows as text.

Wire:   letters go where the cursor is and wrap; US $ x y places it, CLR clears, CAN clears the row, HOM goes home; US X
        brightness, US E blinking, US C cursor, ESC t code table, ESC @ reset, ESC = selects display and printer.
Source: Epson DM-D110 Specification (STANDARD) rev. E p. 49-64; POS-X XP8200 manual p. 12 (Epson mode).
"""

from __future__ import annotations

from gateway.peripherals import DeviceClass, Simulator
from gateway.simulators.display import screen
from gateway.simulators.display.screen import KNOBS

#: letter after US or ESC -> how many bytes follow it
US = {
    0x01: 0, 0x02: 0, 0x03: 0, 0x0A: 0, 0x0D: 0, 0x40: 0, 0x42: 0, 0x24: 2, 0x43: 1, 0x45: 1, 0x58: 1, 0x72: 1, 0x76: 1,
    0x23: 2, 0x2E: 1, 0x2C: 1, 0x3B: 1, 0x54: 2, 0x55: 0,
}  # fmt: skip
ESC = {0x40: 0, 0x74: 1, 0x52: 1, 0x25: 1, 0x3F: 1}


class PretendDmD(screen.PretendScreen):
    def __init__(self) -> None:
        super().__init__()
        self.blink = 0
        self.code_table = 0

    def _take(self, data: bytearray) -> int:
        first = data[0]
        if first not in (0x1B, 0x1F):
            if not self._simple(first) and first >= 0x20:
                self._letter(first)
            return 1
        if len(data) < 2:
            return 0
        length = 2 + (US if first == 0x1F else ESC).get(data[1], 0)
        if len(data) < length:
            return 0
        self._command(first, data[1], data[2:length])
        return length

    def _command(self, first: int, letter: int, arguments: bytearray) -> None:
        match first, letter:
            case 0x1B, 0x40:
                self._clear()
                self.brightness, self.cursor_shown, self.blink, self.code_table = 4, True, 0, 0
            case 0x1B, 0x74:
                self.code_table = arguments[0]
            case 0x1F, 0x24:
                self._move(*arguments)
            case 0x1F, 0x43:
                self.cursor_shown = arguments[0] in (1, 0x31)
            case 0x1F, 0x45:
                self.blink = arguments[0]
            case 0x1F, 0x58 if 1 <= arguments[0] <= 4:
                self.brightness = arguments[0]


SIMULATOR = Simulator(name="display-dm-d", device_class=DeviceClass.LINE_DISPLAY, device=PretendDmD, knobs=KNOBS)
