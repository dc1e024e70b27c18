"""A pretend NCI scale (SCP-01, SCP-02): the general form and the form for cash registers (ECR).

Wire:   W CR -> LF weight unit CR LF status CR ETX; S CR and Z CR -> LF status CR ETX; H CR -> W with ten times the
        resolution; anything else -> LF ? CR ETX. variant=ecr: S before the status, and only the status while the
        weight is negative, in motion or out of capacity. Bit 7 is masked: whoever talks 7E1 sends parity there.
Units:  kilograms with three decimals or pounds with two, as the knob unit says.
Source: Avery Weigh-Tronix 7821 User Instructions p. 25; NCI 6702 User Manual p. 14 (a display over its capacity shows
        ^^^^^^, under ______, without a zero ------); Ohaus Aviator 7000 Service Manual p. 49 (status bytes);
        Mettler-Toledo DIVA Service Manual p. 34 (ECR).
"""

from __future__ import annotations

from typing import ClassVar

from gateway.peripherals import DeviceClass, Simulator
from gateway.simulators.scale import pan

KNOBS = {
    **pan.KNOBS,
    "variant": "general or ecr (default general)",
    "status_bytes": "how many status bytes it sends, 2 to 4 (default 2)",
    "broken": "yes: its memory test failed (default no)",
    "no_zero": "yes: switched on with a load, so without a zero (default no)",
    "parity": "yes: sets bit 7 to even parity, as a 7E1 line seen through 8 bits (default no)",
}
LF, CR, ETX = b"\n", b"\r", b"\x03"


class PretendNci(pan.PretendPan):
    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        super().__init__()
        self.variant, self.status_bytes = "general", 2
        self.broken = self.no_zero = self.parity = False
        self._command = bytearray()

    def _turn(self, knob: str, value: str) -> None:
        if knob == "variant":
            self.variant = pan.one_of(knob, value, "general", "ecr")
        elif knob == "status_bytes":
            self.status_bytes = int(pan.one_of(knob, value, "2", "3", "4"))
        else:
            super()._turn(knob, value)

    def _answers(self, byte: int) -> list[bytes]:
        byte &= 0x7F
        if byte != 0x0D:
            self._command = (self._command + bytes([byte]))[-8:]
            return []
        command = bytes(self._command)
        self._command.clear()
        said = self._answer(command)
        return [even(said) if self.parity else said]

    def _answer(self, command: bytes) -> bytes:
        match command:
            case b"W" | b"H":
                return self._weight(high=command == b"H")
            case b"S":
                return self._status()
            case b"Z":
                if self.zero():
                    self.no_zero = False
                return self._status()
        return LF + b"?" + CR + ETX

    def _weight(self, high: bool) -> bytes:
        if self.variant == "ecr" and (self.moving or self.is_over() or self.is_under() or self.no_zero):
            return self._status()
        width = 7 if high else 6
        field = self.shown(self.net()) + ("0" if high else "")
        if self.is_over():
            field = "^" * width
        elif self.under_zero:
            field = "_" * width
        elif self.no_zero:
            field = "-" * width
        unit = self.unit.upper() if self.variant == "ecr" else self.unit
        return LF + f"{field:>{width}}{unit}".encode() + CR + self._status()

    def _status(self) -> bytes:
        first = 0x30 | 0x01 * self.moving | 0x02 * self.at_zero() | 0x04 * self.broken
        second = 0x30 | 0x01 * self.is_under() | 0x02 * self.is_over()
        third = 0x30 | 0x04 * bool(self.tare) | 0x08 * self.no_zero
        fourth = 0x30 | 0x04 * (self.unit == "kg")
        status = [first, second, third, fourth][: self.status_bytes]
        following = [byte | 0x40 * (0 < place < len(status) - 1) for place, byte in enumerate(status)]
        return LF + (b"S" if self.variant == "ecr" else b"") + bytes(following) + CR + ETX


def even(data: bytes) -> bytes:
    return bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in data)


SIMULATOR = Simulator(name="scale-nci", device_class=DeviceClass.SCALE, device=PretendNci, knobs=KNOBS)
