"""A pretend Datalogic Magellan scanner-scale on a single cable.

Wire:   S11 CR -> S11 weight CR, as soon as it is stable; S14 CR -> S14 status [weight] CR; S10 CR resets; S334 CR
        beeps; the letters E D R B F 0x01 0x07 as the host commands of the guide; i, h, s -> SOH (STX letter text
        ETX)... EOT. A label is S08 id data CR. Bit 7 is masked: whoever talks 7O1 sends parity there.
Units:  metric: 5 digits of grams; English: 4 digits of hundredths of a pound; no point.
Source: Datalogic knowledge base KA-01089 and KA-01506; Magellan 9300i product reference guide, page 469, and "Datalogic
        Handheld Data Format Requirements"; PowerScan product reference guide, page 381.
"""

from __future__ import annotations

import random

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "scan": "reads a label, now: its id and data, such as F4006381333931 or B3ABC123; \\x1d is a GS",
    "grams": "what lies on the pan (default 0)",
    "moving": "yes: the weight does not settle (default no)",
    "over": "yes: more than its capacity (default no)",
    "under_zero": "yes: the pan was taken off (default no)",
    "not_ready": "yes: it cannot find its zero (default no)",
    "capacity": "grams above which it reports over capacity by itself (default 15000)",
    "unit": "kg or lb (default kg)",
    "failed": "letters of the parts that fail in its health: m motor, h and v lasers, s scale (default none)",
    "reset": "seconds for which it is deaf after R or S10 (default 30)",
    "silent": "yes: answers nothing and reads no labels (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
    "torn": "yes: the CR of each message is lost (default no)",
    "parity": "yes: sets bit 7 to odd parity, as a 7O1 line seen through 8 bits (default no)",
}
CR = b"\r"
BEEP_S = 0.15  # a beep that comes sooner than this after another is not heard


class PretendMagellan:
    def __init__(self) -> None:
        self.grams, self.capacity, self.unit, self.failed = 0, 15_000, "kg", ""
        self.late, self.reset = 0.0, 30.0
        self.moving = self.over = self.under_zero = self.not_ready = False
        self.silent = self.garbage = self.torn = self.parity = False
        self.scanning = True
        self.beeps = self.sad_beeps = 0
        self._message = b""  # an S command that is not over yet
        self._s11 = 0  # asked for, and not answered before the weight is stable
        self._deaf_until = self._beeped_at = -1.0
        self._now = 0.0
        self._later: list[tuple[float, bytes]] = []
        self._noise = random.Random(8217)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "scan":
                return self._scan(knobs.written(value))
            case "grams" | "capacity":
                setattr(self, knob, knobs.whole(value))
            case "late" | "reset":
                setattr(self, knob, knobs.seconds(value))
            case "unit":
                if value not in ("kg", "lb"):
                    raise ValueError(f"unit {value!r} is neither kg nor lb")
                self.unit = value
            case "failed":
                self.failed = value
            case _ if knob in KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        self._answer_s11()
        return self._due(self._now)

    # --- the wire -------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self._now = now
        for byte in data:
            if now >= self._deaf_until:
                self._byte(bytes([byte & 0x7F]), now)
        return self._due(now)

    def on_time(self, now: float) -> list[Send | WakeAt]:
        self._now = now
        return self._due(now)

    def _say(self, said: bytes) -> None:
        if self.silent:
            return
        if self.garbage:
            said = self._noise.randbytes(9)
        if self.torn:
            said = said.rstrip(CR)
        if self.parity:
            said = bytes(byte if byte.bit_count() % 2 else byte | 0x80 for byte in said)
        self._later.append((self._now + self.late, said))

    def _due(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    def _byte(self, letter: bytes, now: float) -> None:
        if self._message:
            if letter == CR:
                message, self._message = self._message, b""
                self._command(message, now)
            else:
                self._message = (self._message + letter)[:40]
            return
        match letter:
            case b"S":
                self._message = letter
            case b"E" | b"D":
                self.scanning = letter == b"E"
            case b"R":
                self._restart(now)
            case b"B" | b"\x01" | b"\x07":
                self._beep(now)
            case b"F":
                self.scanning = False  # as the 800i does; E brings it back
                self.sad_beeps += 1
            case b"i":
                self._say(b"\x01" + b"".join(b"\x02" + part + b"\x03" for part in (b"M9300i", b"SE12345")) + b"\x04")
            case b"h":
                parts = [
                    part + (b"FAIL" if part.decode() in self.failed else b"OK") for part in (b"m", b"h", b"v", b"s")
                ]
                self._say(b"\x01" + b"".join(b"\x02" + part + b"\x03" for part in parts) + b"\x04")
            case b"s":
                self._say(b"\x01\x02P00120\x03\x04")

    def _command(self, message: bytes, now: float) -> None:
        match message:
            case b"S11":
                self._s11 = 1  # a second one while the first waits is the same question
                self._answer_s11()
            case b"S14":
                self._say(b"S14" + self._status() + CR)
            case b"S10":
                self._restart(now)
            case b"S334":
                self._beep(now)

    # --- what it does ---------------------------------------------------------------------------------------

    def _scan(self, label: str) -> list[Send | WakeAt]:
        if self.scanning:
            self._say(b"S08" + label.encode("ascii") + CR)
        return self._due(self._now)

    def _beep(self, now: float) -> None:
        if now - self._beeped_at >= BEEP_S or self._beeped_at < 0:
            self.beeps += 1
        self._beeped_at = now

    def _restart(self, now: float) -> None:
        self._deaf_until, self._s11, self.scanning = now + self.reset, 0, True

    def _answer_s11(self) -> None:
        status = self._status()
        if self._s11 and status[:1] == b"4":
            self._s11 = 0
            self._say(b"S11" + status[1:] + CR)

    def _status(self) -> bytes:
        if self.not_ready:
            return b"0"
        if self.moving:
            return b"1"
        if self.over or self.grams > self.capacity:
            return b"2"
        if self.under_zero:
            return b"5"
        if self.unit == "kg":
            return b"4%05d" % self.grams if self.grams else b"3"
        hundredths = (self.grams * 10_000_000 + 22_679_618) // 45_359_237  # 0.01 lb is 4.5359237 g, half up
        return b"4%04d" % hundredths if hundredths else b"3"


SIMULATOR = Simulator(name="scale-magellan", device_class=DeviceClass.SCALE, device=PretendMagellan, knobs=KNOBS)
