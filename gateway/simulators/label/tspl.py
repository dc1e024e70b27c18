"""A pretend TSC printer: it reads TSPL into the elements of its labels, prints them and says how it is.

Wire:   lines from SIZE to PRINT sets,copies. ESC ! ? -> one byte of flags; ESC ! S -> STX message warning error error
        ETX CR LF; both at any time, also in the middle of a line. ESC ! R restarts it: what it had to print is gone.
Source: Gprinter GP-2120T programming manual p. 34; TSC TSPL/TSPL2 Programming Manual 2013 p. 63 and 85.
"""

from __future__ import annotations

import re
from typing import ClassVar

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.label import roll
from gateway.simulators.label.roll import Element, PrintedLabel

KNOBS = {
    **roll.KNOBS,
    "jam": "yes: labels are jammed (default no)",
    "dots_per_mm": "8, 12 or 24 (default 8)",
    "frame": "yes: knows ESC ! S, as TSC printers since V6.29 do (default yes)",
}
CODE_PAGES = {"UTF-8": "utf-8", "WPC1251": "cp1251", "WPC1257": "cp1257"}
FONT_ENCODINGS = {"TST24.BF2": "big5", "TSS24.BF2": "gb2312"}
ARGUMENT = re.compile(rb'"((?:\\\["\]|[^"])*)"|([^",]+)')
MOST_PENDING = 4_000


class PretendTspl(roll.PretendRoll):
    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        super().__init__()
        self.jam, self.frame = False, True
        self.dots_per_mm = 8
        self._line = bytearray()
        self._size = (0, 0)
        self._code_page = "cp437"
        self._elements: list[Element] = []

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        if knob == "dots_per_mm":
            self.dots_per_mm = knobs.whole(value, least=8)
            return []
        return super().set(knob, value)

    def hindered(self) -> bool:
        return super().hindered() or self.jam

    def _byte(self, byte: int, now: float) -> list[Send | WakeAt]:
        line = self._line
        line.append(byte)
        if line[-3:-1] == b"\x1b!":
            command = bytes(line[-1:])
            del line[-3:]
            return self._at_once(command, now)
        if byte == 0x0A:
            whole = bytes(line).rstrip(b"\r\n")
            line.clear()
            if whole.strip():
                self._command(whole, now)
        elif len(line) > MOST_PENDING:
            line.clear()
        return []

    def _at_once(self, command: bytes, now: float) -> list[Send | WakeAt]:
        if command == b"?":
            return self._say(bytes([self._flags()]), now)
        if command == b"S" and self.frame:
            return self._say(self._framed(), now)
        if command == b"R":
            self._waiting.clear()
        return []

    def _flags(self) -> int:
        flags = 0x01 * self.head_open | 0x02 * self.jam | 0x04 * self.media_out | 0x08 * self.ribbon_out
        printing = bool(self.left()) and not self.hindered()
        return flags | 0x10 * self.paused | 0x20 * printing | 0x80 * self.hot

    def _framed(self) -> bytes:
        fault = 0x40 | 0x01 * self.hot
        media = 0x40 | 0x01 * self.media_out | 0x02 * self.jam | 0x04 * self.ribbon_out | 0x20 * self.head_open
        message = b"@"
        if fault != 0x40 or media != 0x40:
            message = b"E"
        elif self.paused:
            message = b"`"
        elif self.left():
            message = b"P"
        return b"\x02" + message + b"@" + bytes([fault, media]) + b"\x03\r\n"

    # --- a label --------------------------------------------------------------------------------------------

    def _command(self, line: bytes, now: float) -> None:
        name, _, rest = line.strip().partition(b" ")
        found = [(quoted.replace(b'\\["]', b'"'), plain.strip()) for quoted, plain in ARGUMENT.findall(rest)]
        plain = [bare.decode("latin-1") for _, bare in found if bare]
        match name.upper():
            case b"SIZE":
                self._size = (self._dots(plain[0]), self._dots(plain[1])) if len(plain) > 1 else self._size
            case b"CODEPAGE":
                self._code_page = CODE_PAGES.get(plain[0], f"cp{plain[0]}")
            case b"CLS":
                self._elements = []
            case b"TEXT" | b"BARCODE" | b"QRCODE" | b"BOX" | b"BAR":
                self._element(name.upper().decode(), plain, [quoted for quoted, bare in found if not bare])
            case b"PRINT":
                sets, copies = [*(int(number) for number in plain if number.isdigit()), 1, 1][:2]
                self._queue(PrintedLabel(*self._size, tuple(self._elements)), sets * copies, now)
            case b"GAP" | b"REFERENCE" | b"DIRECTION" | b"SPEED" | b"DENSITY" | b"OFFSET" | b"SET":
                pass
            case _:
                self.unknown.append(name.decode("latin-1"))

    def _dots(self, millimetres: str) -> int:
        whole, _, tenths = millimetres.removesuffix("mm").strip().partition(".")
        return (int(whole or 0) * 10 + int(tenths[:1] or 0)) * self.dots_per_mm // 10

    def _element(self, name: str, plain: list[str], quoted: list[bytes]) -> None:
        numbers = [int(number) for number in plain if number.isdigit()]
        if len(numbers) < 2 or not (quoted or name in ("BOX", "BAR")):
            self.unknown.append(name)
            return
        at = (numbers[0], numbers[1])
        match name:
            case "TEXT":
                font = quoted[0].decode("latin-1")
                text = quoted[-1].decode(FONT_ENCODINGS.get(font, self._code_page), "replace")
                self._elements.append(Element("text", *at, text, font, (numbers[-2], numbers[-1])))
            case "BARCODE":
                data, kind = quoted[-1].decode("latin-1"), quoted[0].decode("latin-1")
                self._elements.append(Element("bar code", *at, data, kind, (numbers[-2], numbers[2])))
            case "QRCODE":
                text = quoted[-1].decode(self._code_page, "replace")
                self._elements.append(Element("qr", *at, text, plain[2] + plain[4]))
            case "BAR":
                self._elements.append(Element("box", *at, size=(numbers[2], numbers[3])))
            case "BOX":
                self._elements.append(Element("box", *at, size=(numbers[2] - at[0], numbers[3] - at[1])))


SIMULATOR = Simulator(name="label-tspl", device_class=DeviceClass.LABEL_PRINTER, device=PretendTspl, knobs=KNOBS)
