"""A pretend Mettler-Toledo 8217 scale, and its relations: 8213, Datalogic SASI, Ohaus and Baxtran.

Wire:   W -> STX weight ['N'] CR or STX '?' status CR; Z zeroes; T weighs a tare, T and five digits set one (a CR after
        either is taken too), C clears it, each answered after 150 ms; A -> STX CR, B -> STX '?' result CR; E -> STX E
        CR and echo until F; any other letter -> STX '?' with the bad-command bit. Bit 7 is masked: whoever talks 7E1
        sends parity there.
Units:  kilograms WW.WWW or pounds WW.WW, as the knob unit says.
Source: Mettler-Toledo DIVA Service Manual 72191202, 05/2012, pages 39-45; Ohaus Courier 7000 manual, page EN-39;
        Baxtran "tw-vw-protocols" v5; datalogic/androidPOS-core (DLSSerialScale).
"""

from __future__ import annotations

import random

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "grams": "what lies on the pan (default 0)",
    "moving": "yes: the weight does not settle (default no)",
    "tare": "grams taken off as tare; the scale then shows net weights (default 0)",
    "tare_enabled": "no: T and C are not answered and do nothing, as set up without tare (default yes)",
    "tare_answer": "how T and C are answered: status, cr (a bare CR) or none (default status)",
    "over": "yes: more than its capacity (default no)",
    "under_zero": "yes: the pan was taken off (default no)",
    "outside_zero": "yes: switched on with a load, so without a zero (default no)",
    "capacity": "grams above which it reports over capacity by itself (default 15000)",
    "capture": "grams up to which Z takes what is on the pan for zero (default 300)",
    "unit": "kg or lb (default kg)",
    "dialect": "mettler, 8213, datalogic, ohaus or baxtran (default mettler)",
    "failed": "parts that fail the self-test: novram, ram, cpu, rom, with commas between (default none)",
    "once": "yes: says a weight once, then '?' with no bit set until the weight changes (default no)",
    "silent": "yes: answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
    "parity": "yes: sets bit 7 to even parity, as a 7E1 line seen through 8 bits (default no)",
}
STX, CR = b"\x02", b"\r"
MOTION, OVER, UNDER, OUTSIDE, CENTRE, NET, BAD = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40
DIALECTS = ("mettler", "8213", "datalogic", "ohaus", "baxtran")
TARE_ANSWERS = ("status", "cr", "none")
PARTS = {"novram": 0x02, "ram": 0x04, "cpu": 0x08, "rom": 0x10}
TARE_S = 0.15  # the manual's delay before the status that answers T and C
DIGITS_S = 0.1  # how long the scale waits for the digits of a known tare


class PretendToledo:
    def __init__(self) -> None:
        self.grams = self.tare = 0
        self.capacity, self.capture = 15_000, 300
        self.unit, self.dialect, self.tare_answer = "kg", "mettler", "status"
        self.failed: tuple[str, ...] = ()
        self.late = 0.0
        self.moving = self.over = self.under_zero = self.outside_zero = self.once = False
        self.silent = self.garbage = self.parity = False
        self.tare_enabled = True
        self._said: int | None = None
        self._echo = False
        self._digits: bytes | None = None  # of a T that is not over yet
        self._digits_by = 0.0
        self._tested = False  # a result waits to be read
        self._later: list[tuple[float, bytes]] = []
        self._noise = random.Random(8217)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        choices = {"unit": ("kg", "lb"), "dialect": DIALECTS, "tare_answer": TARE_ANSWERS}
        match knob:
            case "grams" | "tare" | "capacity" | "capture":
                setattr(self, knob, knobs.whole(value))
            case "late":
                self.late = knobs.seconds(value)
            case "unit" | "dialect" | "tare_answer":
                if value not in choices[knob]:
                    raise ValueError(f"{knob} {value!r} is none of {', '.join(choices[knob])}")
                setattr(self, knob, value)
            case "failed":
                parts = tuple(part for part in value.lower().split(",") if part)
                if wrong := [part for part in parts if part not in PARTS]:
                    raise ValueError(f"failed {wrong[0]!r} is none of {', '.join(PARTS)}")
                self.failed = parts
            case _ if knob in KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []

    # --- the wire -------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        now_said = b""
        for byte in data:
            now_said += self._byte(bytes([byte & 0x7F]), now)
        if now_said:
            self._say(now_said, now)
        return self._due(now)

    def on_time(self, now: float) -> list[Send | WakeAt]:
        if self._digits is not None and now >= self._digits_by:
            self._take_tare(now)
        return self._due(now)

    def _say(self, said: bytes, at: float) -> None:
        if self.silent:
            return
        if self.garbage:
            said = self._noise.randbytes(9)
        if self.parity:
            said = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in said)
        self._later.append((at + self.late, said))

    def _due(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        timers = [self._later[0][0]] if self._later else []
        if self._digits is not None:
            timers.append(self._digits_by)
        return [*due, WakeAt(min(timers))] if timers else due

    def _byte(self, letter: bytes, now: float) -> bytes:
        if self._echo and letter != b"F":
            return letter
        if self._digits is not None:
            if letter.isdigit():
                self._digits += letter
                if len(self._digits) == 5:
                    self._take_tare(now)
                return b""
            self._take_tare(now)
        return self._answer(letter, now)

    def _answer(self, letter: bytes, now: float) -> bytes:
        match letter:
            case b"W":
                return STX + self._weight() + CR
            case b"Z":
                return STX + self._zero() + CR
            case b"T":
                self._digits, self._digits_by = b"", now + DIGITS_S
            case b"C":
                if self.tare_enabled and not self.moving:
                    self.tare = 0
                self._tare_said(now)
            case b"A" | b"B":
                return STX + self._test(letter) + CR
            case b"E":
                self._echo = True
                return STX + b"E" + CR
            case b"F":
                self._echo = False
            case b"\r" | b"\n":
                pass  # hosts that end their letters with a CR are common
            case _:
                return STX + self._status(BAD) + CR
        return b""

    # --- what it does ---------------------------------------------------------------------------------------

    def _take_tare(self, now: float) -> None:
        """T is over: with five digits a known tare, with none what stands on the pan."""
        digits, self._digits = self._digits, None
        if self.tare_enabled and not self.moving:
            if digits:
                self.tare = self._as_grams(int(digits)) if len(digits) == 5 else self.tare
            elif self.grams and not self._is_over():
                self.tare = self.grams
        self._tare_said(now)

    def _tare_said(self, now: float) -> None:
        if self.tare_enabled and self.tare_answer != "none":
            self._say(CR if self.tare_answer == "cr" else STX + self._status(0) + CR, now + TARE_S)

    def _zero(self) -> bytes:
        if not (self.moving or self._is_over() or self.tare) and self.grams <= self.capture:
            self.grams, self.under_zero, self.outside_zero = 0, False, False
        return self._status(0)

    def _test(self, letter: bytes) -> bytes:
        """A begins the self-test, B tells its result; Mettler's result loses its bit 6 once it was read."""
        if letter == b"A":
            self._tested = True
            return b""
        bits = sum(PARTS[part] for part in set(self.failed))
        fresh, self._tested = self._tested, False
        results = {
            "datalogic": 0x1F & ~bits,
            "ohaus": 0x08 * ("ram" in self.failed) | 0x10 * ("rom" in self.failed),
        }
        return b"?" + bytes([results.get(self.dialect, (0x40 | bits) if fresh else 0)])

    def _status(self, bits: int) -> bytes:
        bits |= MOTION * self.moving | OVER * self._is_over() | UNDER * self._is_under()
        zero = not bits & (MOTION | OVER | UNDER) and self.grams == 0 and not self.tare
        if self.dialect == "baxtran":
            return b"?" + bytes([bits & 0x07 | 0x08 * zero | 0x60])
        bits |= OUTSIDE * self.outside_zero | CENTRE * zero | NET * bool(self.tare)
        always = {"8213": 0x40, "ohaus": 0x60}.get(self.dialect, 0)
        return b"?" + bytes([bits | always])

    def _is_over(self) -> bool:
        return self.over or self.grams > self.capacity

    def _is_under(self) -> bool:
        return self.under_zero or self.grams < self.tare

    def _weight(self) -> bytes:
        net = self.grams - self.tare
        if self.moving or self._is_over() or self._is_under() or self.outside_zero:
            return self._status(0)
        if self.once and self._said == net:
            return b"?" + bytes([NET * bool(self.tare)])
        self._said = net
        flag = b"N" if self.tare else b""
        number = net if self.unit == "kg" else (net * 10_000_000 + 22_679_618) // 45_359_237  # 0.01 lb, half up
        if self.dialect == "baxtran":
            return b"%05d" % number
        if self.unit == "kg":
            return b"%02d.%03d" % divmod(number, 1000) + flag
        # SASI too sends pounds with one more leading zero, as the 8213 does
        lead = b"0" if self.dialect in ("8213", "datalogic") else b""
        return lead + b"%02d.%02d" % divmod(number, 100) + flag

    def _as_grams(self, number: int) -> int:
        """The five digits of a known tare: WW.WWW kg or WWW.WW lb."""
        return number if self.unit == "kg" else (number * 45_359_237 + 5_000_000) // 10_000_000


SIMULATOR = Simulator(name="scale-toledo-8217", device_class=DeviceClass.SCALE, device=PretendToledo, knobs=KNOBS)
