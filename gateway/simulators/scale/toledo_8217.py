"""A pretend Mettler-Toledo 8217 scale.

Wire:   W -> STX weight ['N'] CR or STX '?' status CR; Z zeroes; T and C set and clear the tare; E and F switch echo;
        any other letter -> STX '?' with the bad-command bit. Bit 7 is masked: whoever talks 7E1 sends parity there.
Units:  kilograms WW.WWW or pounds WW.WW, as the knob unit says.
Source: Mettler-Toledo DIVA Service Manual 72191202, 05/2012, pages 41-61.
"""

from __future__ import annotations

import random

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "grams": "what lies on the pan (default 0)",
    "moving": "yes: the weight does not settle (default no)",
    "tare": "grams taken off as tare; the scale then shows net weights (default 0)",
    "over": "yes: more than its capacity (default no)",
    "under_zero": "yes: the pan was taken off (default no)",
    "capacity": "grams above which it reports over capacity by itself (default 15000)",
    "unit": "kg or lb (default kg)",
    "once": "yes: says a weight once, then '?' with no bit set until the weight changes (default no)",
    "silent": "yes: answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
    "parity": "yes: sets bit 7 to even parity, as a 7E1 line seen through 8 bits (default no)",
}
STX, CR = b"\x02", b"\r"
MOTION, OVER, UNDER, CENTRE, NET, BAD = 0x01, 0x02, 0x04, 0x10, 0x20, 0x40


class PretendToledo:
    def __init__(self) -> None:
        self.grams = 0
        self.tare = 0
        self.capacity = 15_000
        self.unit = "kg"
        self.late = 0.0
        self.moving = self.over = self.under_zero = self.once = False
        self.silent = self.garbage = self.parity = False
        self._said: int | None = None
        self._echo = False
        self._later: list[tuple[float, bytes]] = []
        self._noise = random.Random(8217)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "grams" | "tare" | "capacity":
                setattr(self, knob, knobs.whole(value))
            case "late":
                self.late = knobs.seconds(value)
            case "unit":
                if value not in ("kg", "lb"):
                    raise ValueError(f"unit {value!r} is neither kg nor lb")
                self.unit = value
            case _ if knob in KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        said = b"".join(self._answer(bytes([byte & 0x7F])) for byte in data)
        if self.silent or not said:
            return []
        if self.garbage:
            said = self._noise.randbytes(9)
        if self.parity:
            said = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in said)
        if not self.late:
            return [Send(said)]
        self._later.append((now + self.late, said))
        return [WakeAt(self._later[0][0])]

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    def _answer(self, letter: bytes) -> bytes:
        if self._echo and letter != b"F":
            return letter
        match letter:
            case b"W":
                return STX + self._weight() + CR
            case b"Z":
                return STX + self._zero() + CR
            case b"T":
                self.tare = self.grams
                return CR
            case b"C":
                self.tare = 0
                return CR
            case b"E":
                self._echo = True
                return STX + b"E" + CR
            case b"F":
                self._echo = False
                return b""
            case _:
                return STX + self._status(BAD) + CR

    def _zero(self) -> bytes:
        if not (self.moving or self.over):
            self.grams, self.under_zero = 0, False
        return self._status(CENTRE)

    def _status(self, bits: int) -> bytes:
        bits |= MOTION * self.moving | OVER * self._is_over() | UNDER * self.under_zero | NET * bool(self.tare)
        return b"?" + bytes([bits])

    def _is_over(self) -> bool:
        return self.over or self.grams > self.capacity

    def _weight(self) -> bytes:
        net = self.grams - self.tare
        if self.moving or self._is_over() or self.under_zero or net < 0:
            return self._status(UNDER if net < 0 else 0)
        if self.once and self._said == net:
            return self._status(0)
        self._said = net
        flag = b"N" if self.tare else b""
        if self.unit == "kg":
            return b"%02d.%03d" % divmod(net, 1000) + flag
        hundredths = (net * 10_000_000 + 22_679_618) // 45_359_237  # 0.01 lb is 4.5359237 g, half up
        return b"%02d.%02d" % divmod(hundredths, 100) + flag


SIMULATOR = Simulator(name="scale-toledo-8217", device_class=DeviceClass.SCALE, device=PretendToledo, knobs=KNOBS)
