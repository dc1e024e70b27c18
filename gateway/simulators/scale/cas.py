"""A pretend CAS scale: the dialogue of ENQ and DC1, or an indicator that sends 22 bytes without end.

Wire:   ENQ -> ACK; DC1 within three seconds -> SOH STX state sign weight(6) unit(2) BCC ETX EOT, else NAK.
        mode=stream: ST|US|OL , GS|NT , device lamp , weight(8) blank unit(2) CR LF, every so many seconds.
Units:  kilograms with three decimals or pounds with two, as the knob unit says.
Source: Ohaus Aviator 7000 Service Manual p. 36 (CAS format); CAS SW-II manual p. 15; CAS CI-400 p. 103, CI-600D p. 74
        (the 22 bytes; a weight of 13.5 is sent as 000013.5).
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import ClassVar

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.scale import pan

KNOBS = {
    **pan.KNOBS,
    "mode": "dialogue or stream (default dialogue)",
    "every": "seconds between two lines of the stream (default 0.2)",
    "wrong_checksum": "yes: the BCC is wrong (default no)",
    "refuse": "yes: answers NAK to everything (default no)",
    "device": "the indicator's number, as one character (default 1)",
}
ENQ, ACK, DC1, NAK = 0x05, b"\x06", 0x11, b"\x15"
DC1_WITHIN_S = 3.0


class PretendCas(pan.PretendPan):
    KNOBS: ClassVar[dict[str, str]] = KNOBS

    def __init__(self) -> None:
        super().__init__()
        self.mode, self.every, self.device = "dialogue", 0.2, "1"
        self.wrong_checksum = self.refuse = False
        self._dc1_until: float | None = None
        self._now = 0.0
        self._line_at: float | None = None

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        super().set(knob, value)
        if self.mode != "stream" or self._line_at is not None:
            return []
        self._line_at = 0.0
        return [WakeAt(0.0)]  # at once, whatever the time is

    def _turn(self, knob: str, value: str) -> None:
        match knob:
            case "mode":
                self.mode = pan.one_of(knob, value, "dialogue", "stream")
            case "every":
                self.every = max(knobs.seconds(value), 0.02)
            case "device":
                if len(value) != 1 or not "!" <= value <= "~":
                    raise ValueError(f"device {value!r} is not one character")
                self.device = value
            case _:
                super()._turn(knob, value)

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self._now = now
        return [] if self.mode == "stream" else super().on_bytes(data, now)

    def on_time(self, now: float) -> list[Send | WakeAt]:
        outputs = super().on_time(now)
        if self.mode != "stream" or self._line_at is None:
            self._line_at = None
            return outputs
        if now >= self._line_at:
            outputs = [*self._say([self._line()], now), *(output for output in outputs if isinstance(output, Send))]
            self._line_at = now + self.every
        sends: list[Send | WakeAt] = [output for output in outputs if isinstance(output, Send)]
        due = [at for at, _ in self._later[:1]]
        return [
            *sends,
            WakeAt(min([self._line_at, *due])),
        ]

    def _answers(self, byte: int) -> list[bytes]:
        if byte not in (ENQ, DC1):
            return []
        if self.refuse:
            return [NAK]
        if byte == ENQ:
            self._dc1_until = self._now + DC1_WITHIN_S
            return [ACK]
        in_time = self._dc1_until is not None and self._now <= self._dc1_until
        self._dc1_until = None
        return [self._block()] if in_time else [NAK]

    def _block(self) -> bytes:
        sign = "F" if self.is_over() else "-" if self.is_under() else " "
        digits = "F" * 6 if self.is_over() else f"{self.shown(abs(self.net())):>06}"
        block = f"{'U' if self.moving else 'S'}{sign}{digits}{self.unit.upper()}".encode()
        return b"\x01\x02" + block + bytes([reduce(xor, block) ^ self.wrong_checksum]) + b"\x03\x04"

    def _line(self) -> bytes:
        state = "OL" if self.is_over() else "US" if self.moving else "ST"
        net = "NT" if self.tare else "GS"
        lamp = 0x80 | 0x40 * (not self.moving) | 0x04 * (not self.tare) | 0x02 * bool(self.tare) | self.at_zero()
        shown = self.shown(-1 if self.under_zero else self.net())
        field = f"-{shown[1:]:>07}" if shown.startswith("-") else f"{shown:>08}"
        head = f"{state},{net},{self.device}".encode()
        return head + bytes([lamp]) + f",{field} {self.unit}\r\n".encode()


SIMULATOR = Simulator(name="scale-cas", device_class=DeviceClass.SCALE, device=PretendCas, knobs=KNOBS)
