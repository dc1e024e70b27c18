"""A pretend Mettler-Toledo scale with MT-SICS level 0 and 1.

Wire:   upper-case commands ended by CR LF. S, SI, Z, ZI, T, TI, TA, TAC, @, I0, I1, I4; ES for what it does not know.
        S, Z and T answer with I (not executable) while the goods move; SI, ZI and TI do not wait. Weights stand to
        the right in ten places, then a blank and the unit.
Units:  kilograms with three decimals, or grams, as the knob unit says.
Source: Mettler-Toledo AL-IC operating instructions p. 72 (S and its example); B-Tek T104 p. 44 (list of commands);
        answers to T, TA, TAC and Z as independent emulators give them. A real S waits for rest until its own time-out
        and answers S I then: here at once.
"""

from __future__ import annotations

import re
from typing import ClassVar

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.scale import pan

KNOBS = {
    **pan.KNOBS,
    "unit": "kg or g (default kg)",
    "busy": "yes: every command is answered with I, not executable (default no)",
    "error": "none, ES, ET or EL to every command (default none)",
    "serial": "its serial number (default B012345678)",
    "switch_on": "yes: says its serial number, as after switching on; its tare is gone",
}
COMMANDS = ("@", "I0", "I1", "I4", "S", "SI", "T", "TA", "TAC", "TI", "Z", "ZI")
TARE = re.compile(r"TA ([0-9]{1,6})(?:\.([0-9]{1,3}))? (g|kg)")


class PretendMtSics(pan.PretendPan):
    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        super().__init__()
        self.busy, self.error, self.serial = False, "none", "B012345678"
        self._line = bytearray()

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        if knob == "unit":
            self.unit = pan.one_of(knob, value, "kg", "g")
            return []
        super().set(knob, value)
        if knob == "switch_on" and knobs.yes(value):
            self.tare = 0
            return [Send(b"".join(self._own_name()))]
        return []

    def _turn(self, knob: str, value: str) -> None:
        match knob:
            case "error":
                self.error = pan.one_of(knob, value, "none", "ES", "ET", "EL")
            case "serial":
                self.serial = value
            case "switch_on":
                knobs.yes(value)
            case _:
                super()._turn(knob, value)

    def _own_name(self) -> list[bytes]:
        return [f'I4 A "{self.serial}"\r\n'.encode()]

    def _answers(self, byte: int) -> list[bytes]:
        if byte != 0x0A:
            self._line = (self._line + bytes([byte]))[-64:]
            return []
        command = self._line.rstrip(b"\r").decode("latin-1")
        self._line.clear()
        if command == "@":
            return self._own_name()
        if self.error != "none":
            return [f"{self.error}\r\n".encode()]
        return [f"{line}\r\n".encode() for line in self._lines(command)]

    def _lines(self, command: str) -> list[str]:
        if command == "I0":
            listed = [f'I0 B {1 if name.startswith("T") else 0} "{name}"' for name in COMMANDS]
            return [*listed[:-1], listed[-1].replace("I0 B", "I0 A")]
        match command:
            case "S" | "SI":
                said = "S " + self._weighed(at_once=command == "SI")
            case "Z" | "ZI":
                said = command + " " + (self._hindrance(command == "ZI") or (self.zero() and "A") or "I")
            case "T" | "TI":
                said = command + " " + self._tared(at_once=command == "TI")
            case "TA":
                said = "TA A " + self._value(self.tare)
            case "TAC":
                self.tare, said = 0, "TAC A"
            case "I4":
                said = f'I4 A "{self.serial}"'
            case "I1":
                said = 'I1 A "01" "2.20" "2.20" "" ""'
            case _:
                said = self._preset(command)
        return [said]

    def _preset(self, command: str) -> str:
        if not (found := TARE.fullmatch(command)):
            return "ES" if not command.startswith("TA ") else "TA L"
        decimals = found[2] or ""
        self.tare = int(found[1] + decimals.ljust(3, "0")) if found[3] == "kg" else int(found[1])
        return "TA A " + self._value(self.tare)

    def _hindrance(self, at_once: bool = False) -> str:
        if self.is_over():
            return "+"
        if self.under_zero:
            return "-"
        return "I" if self.busy or (self.moving and not at_once) else ""

    def _weighed(self, at_once: bool) -> str:
        if reason := self._hindrance(at_once):
            return reason
        return f"{'D' if self.moving else 'S'} {self._value(self.net())}"

    def _tared(self, at_once: bool) -> str:
        if reason := self._hindrance(at_once):
            return reason
        self.tare = self.grams
        return f"{'D' if self.moving else 'S'} {self._value(self.tare)}"

    def _value(self, grams: int) -> str:
        return f"{grams if self.unit == 'g' else self.shown(grams):>10} {self.unit}"


SIMULATOR = Simulator(name="scale-mt-sics", device_class=DeviceClass.SCALE, device=PretendMtSics, knobs=KNOBS)
