"""A pretend Honeywell scanner on a serial line: `scan=4711...` makes it read; it beeps, triggers and has a menu.

Wire:   [prefix] [AIM identifier] data suffix; SYN T CR and SYN U CR pull and release the trigger, SYN BEL CR beeps; SYN
        M CR and a menu command ending with "!" or "." is repeated with ACK, ENQ or NAK before each punctuation mark.
Source: Honeywell N86 Series User's Guide, chapter 10 "Serial Programming Commands", pages 10-1 to 10-4.
"""

from __future__ import annotations

import random
import re

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.scanner.later import Later

LONGEST = 200
COMMAND = re.compile(rb"\x16(?:(T)\r|(U)\r|(\x07)\r|M\r([ -~]*?)([!.]))")
#: its menu: tag and subtag -> (value, the values that it takes)
MENU = {"CBRENA": ("1", "01"), "TRGMOD": ("0", "0123"), "ALLENA": ("1", "01")}

KNOBS = {
    "scan": "reads a label with these data, now; \\x1d is a GS",
    "prefix": "what the scanner sends before each label (default none)",
    "suffix": "what ends a label: cr, lf, crlf, tab, none (default cr)",
    "aim": "the AIM identifier it sends before the data, such as ]E0 (default none)",
    "manual": "yes: it reads only while the trigger is pulled by SYN T (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "sends so many random bytes, now",
    "silent": "yes: it neither reads nor answers (default no)",
}


class PretendHoneywell:
    """triggered, beeps, menu: what the host made of it."""

    def __init__(self) -> None:
        self.prefix, self.suffix, self.aim = "", "\r", ""
        self.late = 0.0
        self.manual = self.silent = self.triggered = False
        self.beeps = 0
        self.menu = {name: value for name, (value, _) in MENU.items()}
        self._held = b""
        self._later = Later()
        self._noise = random.Random(8217)  # noqa: S311 -- the same noise each time, on purpose

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self._held = (self._held + data)[-LONGEST:]
        said: list[Send | WakeAt] = []
        while found := COMMAND.search(self._held):
            self._held = self._held[found.end() :]
            if found[1] or found[2]:
                self.triggered = bool(found[1])
            elif found[3]:
                self.beeps += 1
            elif not self.silent:
                said += self._later.say(self._answer(found[4].decode("ascii"), found[5].decode("ascii")), self.late)
        return said

    def _answer(self, settings: str, mark: str) -> bytes:
        """Each setting with its status, divided as they came."""
        said, tag = "", ""
        for part in re.split("([,;])", settings):
            if part in (",", ";"):
                said += part
                continue
            text = part.upper()
            name = tag + text[:3] if said.endswith(",") else text[:6]
            tag = name[:3]
            said += self._one(text, name, text.removeprefix(name if text.startswith(name) else name[3:]))
        return (said + mark).encode("ascii")

    def _one(self, text: str, name: str, value: str) -> str:
        if name not in MENU:
            return text + "\x05"
        shipped, allowed = MENU[name]
        if value in ("?", "^", "*"):
            return name + {"?": self.menu[name], "^": shipped, "*": f"{allowed[0]}-{allowed[-1]}"}[value] + "\x06"
        if len(value) != 1 or value not in allowed:
            return text + "\x15"
        self.menu[name] = value
        return text + "\x06"

    def on_time(self, now: float) -> list[Send | WakeAt]:
        return self._later.on_time(now)

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "scan":
                label = self.prefix + self.aim + knobs.written(value) + self.suffix
                reads = not self.silent and (self.triggered or not self.manual) and self.menu["ALLENA"] == "1"
                self.triggered = False if reads else self.triggered
                return [Send(label.encode())] if reads else []
            case "garbage":
                return [Send(self._noise.randbytes(knobs.whole(value)))]
            case "prefix" | "suffix" | "aim":
                setattr(self, knob, knobs.written(value))
            case "late":
                self.late = knobs.seconds(value)
            case "manual" | "silent":
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []


SIMULATOR = Simulator(name="scanner-honeywell", device_class=DeviceClass.SCANNER, device=PretendHoneywell, knobs=KNOBS)
