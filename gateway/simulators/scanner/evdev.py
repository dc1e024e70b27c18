"""A pretend scanner that types as a keyboard: `scan=4711...` presses and releases keys.

Wire:   key events of gateway/peripherals/reports.py, as the kernel reports them; it ignores whatever the host sends.
Source: Zebra DS2208 Product Reference Guide, "USB Keyboard" (country types, ALT+numeric keypad, control characters);
        Linux input-event-codes.h; strokes.py for the countries.
"""

from __future__ import annotations

import random

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.peripherals.reports import EV_KEY, EV_SYN, SYN_DROPPED, Key, pack_key
from gateway.simulators import knobs
from gateway.simulators.scanner.later import Later
from gateway.simulators.scanner.strokes import STROKES

SHIFT, CTRL, ALT, ALTGR, CAPS_LOCK, SPACE = 42, 29, 56, 100, 58, 57
ENDS = {"enter": 28, "kpenter": 96, "tab": 15, "none": 0}
KEYPAD = {"0": 82, "1": 79, "2": 80, "3": 81, "4": 75, "5": 76, "6": 77, "7": 71, "8": 72, "9": 73}
KEYS = {"]": 27}

KNOBS = {
    "scan": "reads a label with these data, now; \\x1d is a GS",
    "layout": f"the country it is set up for: {', '.join(STROKES)} (default us)",
    "suffix": "the key at the end: enter, kpenter, tab, none (default enter)",
    "prefix": "what it types before each label (default none)",
    "aim": "the AIM identifier it types before the data, such as ]E0 (default none)",
    "gs": "how it types a GS: ctrl (Ctrl and the key of the US ]), alt (Alt and 029), drop (default ctrl)",
    "caps_lock": "yes: it believes Caps Lock is on, and types letters the other way round (default no)",
    "late": "seconds between reading a label and typing it (default 0)",
    "lost": "yes: the kernel throws events away in the middle of the next label (default no)",
    "garbage": "sends so many random bytes, now",
    "silent": "yes: a label is read and nothing is typed (default no)",
}


class PretendWedge:
    def __init__(self) -> None:
        self.layout, self.suffix, self.gs = "us", "enter", "ctrl"
        self.prefix = self.aim = ""
        self.late = 0.0
        self.silent = self.caps_lock = self.lost = False
        self._later = Later()
        self._noise = random.Random(8217)  # noqa: S311 -- the same noise each time, on purpose

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        return []

    def on_time(self, now: float) -> list[Send | WakeAt]:
        return self._later.on_time(now)

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "scan":
                return self._scan(knobs.written(value))
            case "garbage":
                return [Send(self._noise.randbytes(knobs.whole(value)))]
            case "layout" | "suffix" | "gs":
                known = {"layout": tuple(STROKES), "suffix": tuple(ENDS), "gs": ("ctrl", "alt", "drop")}[knob]
                if value not in known:
                    raise ValueError(f"{knob} {value!r} is none of {', '.join(known)}")
                setattr(self, knob, value)
            case "prefix" | "aim":
                setattr(self, knob, knobs.written(value))
            case "late":
                self.late = knobs.seconds(value)
            case "silent" | "caps_lock" | "lost":
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []

    def _scan(self, data: str) -> list[Send | WakeAt]:
        keys = [stroke for character in self.prefix + self.aim + data for stroke in self._strokes(character)]
        if self.lost:
            keys.insert(len(keys) // 2, Key(EV_SYN, SYN_DROPPED, 0))
            self.lost = False
        if end := ENDS[self.suffix]:
            keys += _tap(end)
        typed = b"".join(map(pack_key, keys))
        return [] if self.silent else self._later.say(typed, self.late)

    def _strokes(self, character: str) -> list[Key]:
        if character == "\x1d" and self.gs == "drop":
            return []
        if character == "\x1d" and self.gs == "ctrl":
            return [*_down(CTRL), *_tap(KEYS["]"]), *_up(CTRL)]
        order = ord(character) - 0x20
        stroke = STROKES[self.layout].split()[order] if 0 <= order < 95 else "-"
        if stroke == "-":
            return _alt(character)
        code = int(stroke.rstrip("sad"))
        shift = ("s" in stroke) != (self.caps_lock and character.isalpha())
        before = [key for held, is_held in ((SHIFT, shift), (ALTGR, "a" in stroke)) if is_held for key in _down(held)]
        after = [Key(EV_KEY, key.code, 0) for key in reversed(before)]
        return [*before, *_tap(code), *after, *(_tap(SPACE) if "d" in stroke else [])]


def _down(code: int) -> list[Key]:
    return [Key(EV_KEY, code, 1)]


def _up(code: int) -> list[Key]:
    return [Key(EV_KEY, code, 0)]


def _tap(code: int) -> list[Key]:
    return [*_down(code), *_up(code)]


def _alt(character: str) -> list[Key]:
    """Alt held, the character's number in code page 1252 with a leading zero, Alt released; nothing if it has none."""
    try:
        number = character.encode("cp1252")[0]
    except UnicodeEncodeError:
        return []
    return [*_down(ALT), *(key for digit in f"0{number:03d}" for key in _tap(KEYPAD[digit])), *_up(ALT)]


SIMULATOR = Simulator(name="scanner-evdev", device_class=DeviceClass.SCANNER, device=PretendWedge, knobs=KNOBS)
