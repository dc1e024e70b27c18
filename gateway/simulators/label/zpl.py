"""A pretend Zebra printer: it reads ZPL II into the elements of its labels, prints them and says how it is.

Wire:   ^XA ... ^XZ is a label; ~HS -> three lines STX ... ETX CR LF; ~HQES -> STX, errors and warnings, ETX. With the
        head open, without media or ribbon, or too hot, ~HS is not answered, unless the knob talkative says so;
        ~HQES is. ^FH hex and ^CI28 are decoded; a command that is not known here is kept in `unknown`.
Source: Zebra ZPL Programming Guide, docs.zebra.com, ~HS, ~HQ and ~WQ (error flags), ^FH, ^PQ; OKI LE840 Technical
        Reference p. 98 (the frame of ~HQES).
"""

from __future__ import annotations

import re
from typing import ClassVar

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators.label import roll
from gateway.simulators.label.roll import Element, PrintedLabel

KNOBS = {
    **roll.KNOBS,
    "talkative": "yes: answers ~HS in every state, with its flags, as newer firmware does (default no)",
    "mute_errors": "yes: ~HQES is answered no more than ~HS is (default no)",
}
COMMAND = re.compile(rb"[\^~]([A-Z][A-Z0-9@])([^\^~]*)", re.DOTALL)
HEX = re.compile(rb"_([0-9A-Fa-f]{2})")
ASKED = (b"~HS", b"~HQES")
BAR_CODES = {"BC": "CODE128", "BE": "EAN13", "BU": "UPCA", "B8": "EAN8", "B3": "CODE39", "B2": "ITF"}
SETTINGS = ("CI", "LH", "LS", "LT", "MM", "MN", "PO", "PM", "PR", "MD", "FW", "CF")
MOST_PENDING = 400_000


class PretendZpl(roll.PretendRoll):
    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        super().__init__()
        self.talkative = self.mute_errors = False
        self._format = bytearray()
        self._length = 1225

    def _byte(self, byte: int, now: float) -> list[Send | WakeAt]:
        buffer = self._format
        buffer.append(byte)
        for question in ASKED:
            # ~ commands are carried out at once, also in the middle of a format.
            if buffer.endswith(question):
                del buffer[-len(question) :]
                return self._host_status(now) if question == b"~HS" else self._errors(now)
        if buffer.endswith(b"^XA"):
            buffer[:] = b"^XA"
        elif buffer.endswith(b"^XZ"):
            self._whole(bytes(buffer), now)
            buffer.clear()
        elif len(buffer) > MOST_PENDING:
            buffer.clear()
        return []

    # --- a label --------------------------------------------------------------------------------------------

    def _whole(self, data: bytes, now: float) -> None:
        field = Field()
        width, copies = 0, 1
        for found in COMMAND.finditer(data):
            name, argument = found[1].decode(), found[2]
            numbers = [int(part) if part.isdigit() else 0 for part in argument.strip().split(b",")]
            match name:
                case "XA" | "XZ":
                    pass
                case "PW":
                    width = numbers[0]
                case "LL":
                    self._length = numbers[0]
                case "PQ":
                    copies = max(numbers[0], 1)
                case _ if not field.take(name, argument, numbers) and name not in SETTINGS:
                    self.unknown.append(name)
        self._queue(PrintedLabel(width, self._length, tuple(field.elements)), copies, now)

    # --- its state ------------------------------------------------------------------------------------------

    def _host_status(self, now: float) -> list[Send | WakeAt]:
        if self._mute():
            return []
        partial = self._format.startswith(b"^XA")
        first = f"030,{self.media_out:d},{self.paused:d},{self._length:04},000,0,0,{partial:d},000,0,0"
        second = f"000,0,{self.head_open:d},{self.ribbon_out:d},0,2,4,0,{self.left():08},1,000"
        lines = (f"{first},{self.hot:d}", second, "1234,0")
        return self._say(b"".join(b"\x02" + line.encode() + b"\x03\r\n" for line in lines), now)

    def _mute(self) -> bool:
        return not self.talkative and (self.media_out or self.ribbon_out or self.head_open or self.hot)

    def _errors(self, now: float) -> list[Send | WakeAt]:
        if self.mute_errors and self._mute():
            return []
        flags = 0x01 * self.media_out | 0x02 * self.ribbon_out | 0x04 * self.head_open | 0x10 * self.hot
        flags |= 0x10000 * self.paused
        text = (
            "\x02\r\n  PRINTER STATUS                                 \r\n"
            f"   ERRORS:         {bool(flags):d} 00000000 {flags:08X}\r\n"
            "   WARNINGS:       0 00000000 00000000\r\n\x03"
        )
        return self._say(text.encode(), now)


class Field:
    """From ^FO to ^FS, and what was set before."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self._start()

    def _start(self) -> None:
        self._at = (0, 0)
        self._kind, self._what, self._hex, self._data = "", "", False, None
        self._size = (0, 0)

    _data: bytes | None

    def take(self, name: str, argument: bytes, numbers: list[int]) -> bool:
        """True: this command is known here."""
        two = (numbers[0], numbers[1] if len(numbers) > 1 else 0)
        if name == "FO":
            self._start()
            self._at = two
        elif name.startswith("A"):
            self._kind, self._what = "text", argument.rsplit(b",", 1)[-1].decode("latin-1") if name == "A@" else name[1]
            self._size = (numbers[1], numbers[1]) if len(numbers) > 1 else (0, 0)
        elif name in BAR_CODES:
            self._kind, self._what = "bar code", BAR_CODES[name]
        elif name == "BQ":
            self._kind, self._what = "qr", "M"
        elif name == "GB":
            self.elements.append(Element("box", *self._at, size=two))
        elif name == "FH":
            self._hex = True
        elif name == "FD":
            self._data = HEX.sub(lambda code: bytes([int(code[1], 16)]), argument) if self._hex else argument
        elif name == "FS":
            self._finish()
        else:
            return name in ("FB", "BY")
        return True

    def _finish(self) -> None:
        if self._data is not None:
            text = self._data.decode("utf-8", "replace")
            if self._kind == "qr":
                self._what, text = text[:2], text[3:]  # MA,data: error correction and mode come before it
            self.elements.append(Element(self._kind or "text", *self._at, text, self._what, self._size))
        self._start()


SIMULATOR = Simulator(name="label-zpl", device_class=DeviceClass.LABEL_PRINTER, device=PretendZpl, knobs=KNOBS)
