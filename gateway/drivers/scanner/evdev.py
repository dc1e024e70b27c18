"""Scanners that type like a keyboard ("keyboard wedge", USB HID keyboard), whatever the maker, through Linux evdev.

Wire:   key events of gateway/peripherals/reports.py: EV_KEY, Linux key code, 1 pressed, 0 released, 2 repeated. The
        transport has grabbed the device. A label ends with Enter, the keypad's Enter or Tab, or after idle_ms without
        a key. GS comes as Ctrl+] or as Alt with 29 on the keypad.
Units:  text, by the layout for which the scanner was set up: it sends keys, and only that table makes them characters.
Source: Linux Documentation/input/event-codes.rst and input-event-codes.h; Zebra DS2208 Product Reference Guide, "USB
        Keyboard" (country codes, ALT+numeric keypad, Control characters); xkeyboard-config for the layouts. Burst and
        idle times of scanners are general knowledge [MEM]: so idle_ms is an option.

Three decisions:

- A repeat (2) is not a character. The kernel makes it up when a key stays down for 250 ms, as it does when the bus
  stalls in the middle of a label; typed twice, a digit comes with a release in between.
- A label in which a key had no meaning in the layout, or in which the kernel lost events, sells nothing at all: what is
  left of it would be another article's number.
- Ctrl is looked up by the key's place on a US keyboard for [ \\ ] and by the letter for A to Z: so do scanners, and so
  does Windows, in all layouts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gateway.drivers.scanner.keyboards import DEAD, KEYPAD, LAYOUTS
from gateway.drivers.scanner.labels import MAX_LENGTH, TORN_S, label_of
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Event,
    Oddity,
    Output,
    Power,
    PowerChanged,
    Refusal,
    WakeAt,
)
from gateway.peripherals.reports import EV_KEY, EV_SYN, SYN_DROPPED, Key, Keys

ENTER, KEYPAD_ENTER, TAB = 28, 96, 15
SHIFTS, CTRLS, ALT, ALTGR, CAPS_LOCK = (42, 54), (29, 97), 56, 100, 58
#: locks and Windows keys: held or switched by some scanners on the way, without a character
SILENT = (58, 69, 70, 125, 126)
#: Ctrl with these is a control character by place: [ backslash ]
CTRL_BY_PLACE = {26: "\x1b", 43: "\x1c", 27: "\x1d"}
ENDS = {"enter": (ENTER, KEYPAD_ENTER), "tab": (TAB,), "any": (ENTER, KEYPAD_ENTER, TAB), "none": ()}
_ALT_CODE = re.compile(r"(0?)([0-9]{1,3})", re.ASCII)


@dataclass(slots=True)
class _Held:
    """Which of the keys that change others are down."""

    down: set[int]
    caps: bool

    @property
    def shift(self) -> bool:
        return any(code in self.down for code in SHIFTS)

    @property
    def ctrl(self) -> bool:
        return any(code in self.down for code in CTRLS)

    @property
    def altgr(self) -> bool:
        """Ctrl and Alt together are AltGr to Windows, and some scanners send that."""
        return ALTGR in self.down or (self.ctrl and ALT in self.down)


class WedgeScanner:
    def __init__(
        self,
        *,
        layout: str = "us",
        prefix: str = "",
        suffix: str = "any",
        aim: bool = True,
        idle_ms: int = 0,
        caps_lock: bool = False,
        max_length: int = MAX_LENGTH,
    ) -> None:
        if layout not in LAYOUTS:
            raise ValueError(f"layout {layout!r} is none of {', '.join(LAYOUTS)}")
        if suffix not in ENDS:
            raise ValueError(f"suffix {suffix!r} is none of {', '.join(ENDS)}")
        if suffix == "none" and idle_ms <= 0:
            raise ValueError("suffix 'none' needs idle_ms: else no label ever ends")
        self.layout, self.prefix, self.ends, self.aim = LAYOUTS[layout], prefix, ENDS[suffix], aim
        self.layout_name, self.idle_s, self.max_length = layout, idle_ms / 1000, max_length
        self._keys = Keys()
        self._held = _Held(set(), caps_lock)
        self._label = ""
        self._dead = ""
        self._typed = ""  # digits of an Alt code under way
        self._spoiled = ""
        self._last_key_at = 0.0
        self._online = False

    def on_command(self, command: Command, now: float) -> list[Output]:
        if isinstance(command.request, CheckHealth):
            return [Answer(command.number)]
        text = "a scanner that types as a keyboard cannot be asked for this; set it to HID POS or serial"
        return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", text)]

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if not self._online:
            self._online = True
            outputs.append(PowerChanged(Power.ONLINE))
        if self.idle_s and self._begun() and now >= self._last_key_at + self.idle_s:
            outputs += self._end()
        return outputs

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for key in self._keys.feed(data):
            outputs += self._pause(now)
            outputs += self._key(key)
            self._last_key_at = now
        if self.idle_s and self._begun():
            outputs.append(WakeAt(self._last_key_at + self.idle_s))
        return outputs

    def _pause(self, now: float) -> list[Event]:
        """A label that is over by its pause must not begin the next one, even if nobody told the time in between."""
        waited_s = now - self._last_key_at
        if self._begun() and (waited_s >= self.idle_s if self.idle_s else waited_s > TORN_S):
            self._spoiled = self._spoiled or ("" if self.idle_s else "a label without an end")
            return self._end()
        return []

    # --- keys -----------------------------------------------------------------------------------------------

    def _key(self, key: Key) -> list[Event]:
        if (key.type, key.code) == (EV_SYN, SYN_DROPPED):
            self._held.down.clear()
            self._spoiled = "keys were lost in the kernel; is the box overloaded?"
            return []
        if key.type != EV_KEY or key.value not in (0, 1):
            return []
        if key.code in (*SHIFTS, *CTRLS, ALT, ALTGR):
            self._change_held(key)
            return []
        if key.value == 0:
            return []
        if key.code == CAPS_LOCK:
            self._held.caps = not self._held.caps
        return [] if key.code in SILENT else self._pressed(key.code)

    def _change_held(self, key: Key) -> None:
        if key.value:
            self._held.down.add(key.code)
            return
        self._held.down.discard(key.code)
        if key.code == ALT and self._typed:
            digits, self._typed = self._typed, ""
            character = _alt_character(digits)
            if character is None:
                self._spoil(f"Alt code {digits}")
            else:
                self._type(character)

    def _pressed(self, code: int) -> list[Event]:
        held = self._held
        if ALT in held.down and not held.ctrl and KEYPAD.get(code, "").isdigit():
            self._typed = (self._typed + KEYPAD[code])[:8]
            return []
        if code in self.ends and not held.down.difference(SHIFTS):
            return self._end()
        character = self._character(code)
        if character in ("\r", "\n"):
            return self._end()
        if character is None:
            self._spoil(f"key {code} has no meaning in the layout {self.layout_name}")
        else:
            self._type(character, dead=self._is_dead(code))
        return []

    def _character(self, code: int) -> str | None:
        if code in KEYPAD:
            return KEYPAD[code]
        if self._held.ctrl and not self._held.altgr:
            letter = self.layout.levels[0].get(code, "").upper()
            return chr(ord(letter) & 0x1F) if letter.isascii() and letter.isalpha() else CTRL_BY_PLACE.get(code)
        character = self.layout.levels[self._level()].get(code)
        if self._held.caps and character and character.isalpha() and not self._held.altgr:
            return character.lower() if self._held.shift else _upper(character)
        return character

    def _level(self) -> int:
        return self._held.shift + 2 * self._held.altgr

    def _is_dead(self, code: int) -> bool:
        return (self._level(), code) in self.layout.dead and not (self._held.ctrl and not self._held.altgr)

    # --- the label ------------------------------------------------------------------------------------------

    def _begun(self) -> bool:
        return bool(self._label or self._spoiled or self._dead)

    def _spoil(self, why: str) -> None:
        self._spoiled = self._spoiled or why

    def _type(self, character: str, dead: bool = False) -> None:
        """Add a character; a dead key waits for the next one and is added with it, or alone before it."""
        before, self._dead = self._dead, character if dead else ""
        if before:
            together = unicodedata.normalize("NFC", character + DEAD[before])
            if character == " " or (dead and character == before):
                character, self._dead = before, ""
            elif len(together) == 1 and not dead:
                character = together
            else:
                character = before if dead else before + character
        elif dead:
            return
        if len(self._label) + len(character) > self.max_length:
            self._spoil(f"a label of more than {self.max_length} characters")
        else:
            self._label += character

    def _end(self) -> list[Event]:
        label, spoiled = self._label + self._dead, self._spoiled
        self._label = self._dead = self._spoiled = self._typed = ""
        raw = label.encode()
        if spoiled:
            return [Oddity(spoiled, raw[:64])]
        if not label:
            return []
        if not label.startswith(self.prefix):
            return [Oddity("a label without the prefix", raw)]
        return [label_of(label[len(self.prefix) :], raw, aim=self.aim)]


def _upper(character: str) -> str:
    upper = character.upper()
    return upper if len(upper) == 1 else character  # ß has no capital on a keyboard


def _alt_character(digits: str) -> str | None:
    """What Windows makes of Alt with digits: by code page 1252 with a leading zero, else by 437. None: nothing."""
    found = _ALT_CODE.fullmatch(digits)
    if not found or not 0 < int(found[2]) < 256:
        return None
    number = int(found[2])
    if number < 128:
        return chr(number)
    try:
        return bytes([number]).decode("cp1252" if found[1] else "cp437")
    except UnicodeDecodeError:
        return None


DRIVER = Driver(
    name="scanner-evdev",
    device_class=DeviceClass.SCANNER,
    codec=WedgeScanner,
    options={
        "layout": f"the country for which the scanner is set up: {', '.join(LAYOUTS)} (default us, also for Taiwan)",
        "prefix": 'text before each label, left out of the scan; a label without it sells nothing (default "")',
        "suffix": f"what ends a label: {', '.join(ENDS)}; any is Enter or Tab (default any)",
        "aim": "split off an AIM identifier such as ]E0 at the label's beginning (default true)",
        "idle_ms": "a label also ends after so many milliseconds without a key; 50 to 100 suits most; 0 is never "
        "(default 0)",
        "caps_lock": "Caps Lock is on when the line is opened (default false)",
        "max_length": "longer labels sell nothing (default 4296, the longest alphanumeric QR code)",
    },
)
