"""A pretend scale with the protocol of the Scale Manufacturers Association (SCP-0499).

Wire:   LF letter CR -> LF s r n m f weight(10) unit(3) CR. W and P weight, H and Q the same in high resolution, Z zero,
        T tare, M the tare, C clear it, D self-test, A and B who made it; LF ? CR for anything else.
Units:  kilograms with three decimals or pounds with two, as the knob unit says.
Source: Fairbanks FB2550 manual 51254 rev. 3 p. 180; Sartorius PR 5220 manual p. 130 and PR 5210 p. 37 (examples);
        Fairbanks X-Series 51207 p. 120 (Q, M, T); B-Tek T419S service manual p. 61 (A and B).
"""

from __future__ import annotations

from typing import ClassVar

from gateway.peripherals import DeviceClass, Simulator
from gateway.simulators import knobs
from gateway.simulators.scale import pan

KNOBS = {
    **pan.KNOBS,
    "zero_error": "yes: it cannot be zeroed (default no)",
    "initial_zero_error": "yes: switched on with a load (default no)",
    "tare_error": "yes: the next answer reports a tare that failed (default no)",
    "line_error": "so many of the next commands arrive garbled (default 0)",
    "broken": "none, R (memory), E (EEPROM) or C (calibration), for the self-test (default none)",
    "pad": "what fills the unit's three places: a blank or _ (default blank)",
}
ABOUT = (b"SMA:1/1.0", b"MFG:Pretend", b"MOD:scale", b"REV:1")


class PretendSma(pan.PretendPan):
    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        super().__init__()
        self.zero_error = self.initial_zero_error = self.tare_error = False
        self.line_error, self.broken, self.pad = 0, "none", " "
        self._command: bytearray | None = None
        self._about = 0

    def _turn(self, knob: str, value: str) -> None:
        match knob:
            case "line_error":
                self.line_error = knobs.whole(value)
            case "broken":
                self.broken = pan.one_of(knob, value, "none", "R", "E", "C")
            case "pad":
                self.pad = "_" if pan.one_of(knob, value, "blank", "_") == "_" else " "
            case _:
                super()._turn(knob, value)

    def _answers(self, byte: int) -> list[bytes]:
        if byte == 0x0A:
            self._command = bytearray()
        elif self._command is None:
            pass
        elif byte != 0x0D:
            self._command = (self._command + bytes([byte]))[-8:]
        else:
            command, self._command = bytes(self._command), None
            return [b"\n" + self._answer(command) + b"\r"]
        return []

    def _answer(self, command: bytes) -> bytes:
        if self.line_error:
            self.line_error -= 1
            return b"!"
        match command:
            case b"W" | b"P" | b"H" | b"Q":
                return self._weight(high=command in (b"H", b"Q"))
            case b"Z" | b"T" | b"C":
                self._key(command)
                return self._weight()
            case b"M":
                return self._line(" ", "T", self.shown(self.tare))
            case b"D":
                return "".join(part if self.broken == part else " " for part in "REC").encode() + b" "
            case b"A" | b"B":
                self._about = 0 if command == b"A" else self._about + 1
                return ABOUT[self._about] if self._about < len(ABOUT) else b"?"
        return b"?"

    def _key(self, command: bytes) -> None:
        if command == b"C":
            self.tare = 0
        elif command == b"Z" and not (self.zero_error or self.initial_zero_error):
            self.zero()
        elif command == b"T" and (self.moving or self.is_over() or self.grams <= 0):
            self.tare_error = True
        elif command == b"T":
            self.tare = self.grams

    def _weight(self, high: bool = False) -> bytes:
        letter = ("n" if high else "N") if self.tare else ("g" if high else "G")
        if self.initial_zero_error or self.zero_error or self.tare_error:
            error = "I" if self.initial_zero_error else "E" if self.zero_error else "T"
            self.tare_error = False
            return self._line(error, letter, "-" * 10)
        status = "O" if self.is_over() else "U" if self.is_under() else "Z" if self.at_zero() else " "
        shown = self.shown(-1 if self.under_zero else self.net())
        return self._line(status, letter, shown + ("0" if high else ""))

    def _line(self, status: str, letter: str, field: str) -> bytes:
        motion = "M" if self.moving else " "
        return f"{status}1{letter}{motion} {field:>10}{self.unit:{self.pad}<3}".encode()


SIMULATOR = Simulator(name="scale-sma", device_class=DeviceClass.SCALE, device=PretendSma, knobs=KNOBS)
