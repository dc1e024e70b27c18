"""A pretend line scanner: `scan=4711...` makes it read a label; it ignores whatever the host sends.

Wire:   [prefix] [AIM identifier] data suffix.
Source: Honeywell and Zebra programming guides, "Prefix/Suffix" and "Transmit code ID"; ISO/IEC 15424.
"""

from __future__ import annotations

import random

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "scan": "reads a label with these data, now; \\x1d is a GS",
    "prefix": "what the scanner sends before each label (default none)",
    "suffix": "what ends a label: cr, lf, crlf, tab, none (default cr)",
    "aim": "the AIM identifier it sends before the data, such as ]E0 (default none)",
    "garbage": "sends so many random bytes, now",
    "silent": "yes: a label is read and nothing is sent (default no)",
}


class PretendScanner:
    def __init__(self) -> None:
        self.prefix = ""
        self.suffix = "\r"
        self.aim = ""
        self.silent = False
        self._noise = random.Random(8217)  # noqa: S311 -- the same noise each time, on purpose

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        return []

    def on_time(self, now: float) -> list[Send | WakeAt]:
        return []

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "scan":
                label = self.prefix + self.aim + knobs.written(value) + self.suffix
                return [] if self.silent else [Send(label.encode())]
            case "garbage":
                return [Send(self._noise.randbytes(knobs.whole(value)))]
            case "prefix" | "suffix" | "aim":
                setattr(self, knob, knobs.written(value))
            case "silent":
                self.silent = knobs.yes(value)
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []


SIMULATOR = Simulator(name="scanner-line", device_class=DeviceClass.SCANNER, device=PretendScanner, knobs=KNOBS)
