"""A pretend HID POS scanner: `scan=4711...` sends input reports, long labels in several.

Wire:   records of gateway/peripherals/reports.py. Input report 2 of 63 bytes: number of bytes, three bytes of AIM
        identifier, 56 bytes of data, code id, reserved, bit 0 of the last: more follows. Output report 4, the trigger
        report: bit 1 prevents reading, bit 5 error beep, bit 6 good-read beep. Feature report 254: output redirection.
Source: Access-IS LSR118 Product Manual, appendix B; USB HID Point of Sale Usage Tables 1.02; the same reports in the
        JieLi SDK's hid_pos and in a fake of Honeywell's. `shape=plain` is the least that the usage tables ask for:
        no report id, no number of bytes, no controls.
"""

from __future__ import annotations

import random

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.peripherals.reports import Records, pack
from gateway.simulators import knobs
from gateway.simulators.scanner.later import Later

ROOM = 56
#: as items of HID 1.11, 6.2.2: usage page 8C, application 02
HEAD = bytes.fromhex("05 8c 09 02 a1 01")
SCANNED_DATA = bytes.fromhex(
    "09 12 a1 02 85 02 15 00 26 ff 00 75 08 95 01 05 01 09 3b 81 02"  # byte count
    "95 03 05 8c 09 fb 09 fc 09 fd 81 02 95 38 09 fe 82 02 01"  # identifier, 56 bytes of data
    "06 66 ff 95 02 09 04 09 00 81 02 05 8c 25 01 75 01 95 08 09 ff 81 02 c0"  # code id, reserved, continued
)
TRIGGER = bytes.fromhex("09 14 a1 02 85 04 15 00 25 01 75 01 95 08 09 00 09 5f 09 60 09 00 09 00 09 85 09 86 91 86 c0")
REDIRECTION = bytes.fromhex("06 66 ff 75 08 26 ff 00 09 03 a1 02 85 fe 95 01 09 03 b2 82 01 c0")
PLAIN = bytes.fromhex("15 00 26 ff 00 75 08 95 03 09 fb 09 fc 09 fd 81 02 95 38 09 fe 82 02 01")
END = b"\xc0"
#: a boot keyboard: what such a scanner says of itself before it was switched to HID POS
KEYBOARD = bytes.fromhex("05 01 09 06 a1 01 05 07 19 00 29 65 15 00 25 65 75 08 95 08 81 00 c0")
SHAPES = {
    "honeywell": HEAD + SCANNED_DATA + TRIGGER + REDIRECTION + END,
    "access": HEAD + SCANNED_DATA + TRIGGER + END,
    "plain": HEAD + PLAIN + END,
    "keyboard": KEYBOARD,
}

KNOBS = {
    "scan": "reads a label with these data, now; \\x1d is a GS",
    "aim": "the AIM identifier it sends beside the data (default ]E0; none for no identifier)",
    "suffix": "what ends the data: cr, lf, crlf, tab, none (default none)",
    "shape": f"which reports it has: {', '.join(SHAPES)} (default access; honeywell is mute until feature 254 is 1)",
    "cut": "yes: the rest of a label that needs several reports never comes (default no)",
    "wrong_count": "yes: the number of bytes is more than the report holds (default no)",
    "late": "seconds that a label and each answer take (default 0)",
    "garbage": "sends so many random bytes, now",
    "silent": "yes: answers nothing and reads nothing (default no)",
}


class PretendHidPos:
    """prevented, beeps: what the host made of it."""

    def __init__(self) -> None:
        self.aim, self.suffix, self.shape = "]E0", "", "access"
        self.late = 0.0
        self.cut = self.wrong_count = self.silent = False
        self.prevented = self.redirected = False
        self.beeps: list[str] = []
        self._records = Records()
        self._later = Later()
        self._noise = random.Random(8217)  # noqa: S311 -- the same noise each time, on purpose

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        said: list[Send | WakeAt] = []
        for kind, payload in self._records.feed(data):
            if kind == "D" and not self.silent:
                said += self._later.say(pack("D", SHAPES[self.shape]), self.late)
            elif kind == "O" and len(payload) == 2 and payload[0] == 4 and self.shape in ("access", "honeywell"):
                self._trigger(payload[1])
            elif kind == "S" and payload == b"\xfe\x01" and self.shape == "honeywell":
                self.redirected = True
        return said

    def _trigger(self, bits: int) -> None:
        self.prevented = bool(bits & 0x02)
        self.beeps += ["error"] * bool(bits & 0x20) + ["good"] * bool(bits & 0x40)

    def on_time(self, now: float) -> list[Send | WakeAt]:
        return self._later.on_time(now)

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "scan":
                return self._scan(knobs.written(value).encode() + self.suffix.encode())
            case "garbage":
                return [Send(self._noise.randbytes(knobs.whole(value)))]
            case "shape":
                if value not in SHAPES:
                    raise ValueError(f"shape {value!r} is none of {', '.join(SHAPES)}")
                self.shape = value
            case "aim" | "suffix":
                setattr(self, knob, knobs.written(value))
            case "late":
                self.late = knobs.seconds(value)
            case "cut" | "wrong_count" | "silent":
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []

    def _scan(self, data: bytes) -> list[Send | WakeAt]:
        asleep = self.shape == "keyboard" or (self.shape == "honeywell" and not self.redirected)
        if self.silent or self.prevented or asleep:
            return []
        parts = [data[at : at + ROOM] for at in range(0, len(data), ROOM)] or [b""]
        reports = [self._report(part, more=number < len(parts) - 1) for number, part in enumerate(parts)]
        if self.cut and len(reports) > 1:
            del reports[-1]
        return self._later.say(b"".join(pack("I", report) for report in reports), self.late)

    def _report(self, part: bytes, more: bool) -> bytes:
        identifier = self.aim.encode().ljust(3, b"\0")
        if self.shape == "plain":
            return identifier + part.ljust(ROOM, b"\0")
        count = ROOM + 1 if self.wrong_count else len(part)
        return bytes([2, count]) + identifier + part.ljust(ROOM, b"\0") + b"\0\0" + bytes([more])


SIMULATOR = Simulator(name="scanner-hid-pos", device_class=DeviceClass.SCANNER, device=PretendHidPos, knobs=KNOBS)
