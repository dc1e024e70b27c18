"""What customer displays have in common: rows that fit, letters that they have, and a codec that nobody answers.

Text is data of strangers: a control character in it would be a command to the display.
"""

from __future__ import annotations

import unicodedata

from gateway.peripherals import (
    Answer,
    CheckHealth,
    ClearText,
    Command,
    DisplayStatus,
    DisplayText,
    ErrorCode,
    Oddity,
    Output,
    Power,
    PowerChanged,
    Refusal,
    Send,
    SetBrightness,
)

FLOW_CONTROL = (0x11, 0x13)  # XON and XOFF of a serial line
#: percent of each step, 1 to 4; Bematech LDX1000 manual p. 47
STEPS = (20, 40, 60, 100)
SELECT_DISPLAY, SELECT_PRINTER = b"\x1b=\x02", b"\x1b=\x01"


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def encoded(text: str, code_page: str) -> bytes:
    """The text in the display's letters; é becomes e where there is no é, and what has no likeness a question mark."""
    data = b""
    for character in text:
        if unicodedata.category(character).startswith("Z") or character in "\n\r\t":
            data += b" "
        elif unicodedata.category(character) not in ("Cc", "Cf", "Cs"):
            data += _letter(character, code_page)
    return data


def _letter(character: str, code_page: str) -> bytes:
    for likeness in (character, unicodedata.normalize("NFKD", character)[:1]):
        try:
            letter = likeness.encode(code_page)
        except UnicodeEncodeError:
            continue
        if len(letter) == _width(likeness) and letter[0] >= 0x20:
            return letter
    return b"?" * _width(character)


def row(text: str, columns: int, code_page: str) -> bytes:
    """Exactly so many columns: cut at the edge, filled with blanks."""
    fitting = b""
    for character in text:
        letter = encoded(character, code_page)
        if len(fitting) + len(letter) > columns:
            break
        fitting += letter
    return fitting.ljust(columns)


class ShownDisplay:
    """A protocol gives the bytes of `_start`, `_text`, `_clear` and `_bright`; this keeps what is shown.

    Nobody can ask these displays anything, so a command has done its work when its bytes are on the line.
    """

    def __init__(self, *, columns: int, code_page: str, chained: bool) -> None:
        if not 8 <= columns <= 40:
            raise ValueError(f"columns {columns!r}: a display has 8 to 40")
        try:
            "A".encode(code_page)
        except LookupError:
            raise ValueError(f"code_page {code_page!r} is not known; cp437, cp858, cp866 and big5 are") from None
        self.columns, self.code_page, self.chained = columns, code_page, chained
        self.shown = DisplayText(())
        self._started = False
        self._odd = self._known = False

    def _start(self) -> bytes:
        raise NotImplementedError

    def _text(self, text: DisplayText) -> bytes:
        raise NotImplementedError

    def _clear(self) -> bytes:
        raise NotImplementedError

    def _bright(self, step: int) -> bytes:
        raise NotImplementedError

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case DisplayText() as text:
                data, self.shown = self._text(text), text
            case ClearText():
                data, self.shown = self._clear(), DisplayText(())
            case SetBrightness(percent=percent) if 0 <= percent <= 100:
                data = self._bright(min(range(1, 5), key=lambda step: abs(STEPS[step - 1] - percent)))
            case CheckHealth():
                data = b""
            case SetBrightness():
                return [Refusal(command.number, ErrorCode.ILLEGAL, "percent", "brightness is 0 to 100 percent")]
            case _:
                return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a customer display cannot do this")]
        if not self._started and data:
            data, self._started = self._start() + data, True
        if data and self.chained:
            # Back to the printer at once: its bytes come from another codec, which knows nothing of us.
            data = SELECT_DISPLAY + data + SELECT_PRINTER
        sends: list[Output] = [Send(data)] if data else []
        return [*sends, Answer(command.number, self.status())]

    def status(self) -> DisplayStatus:
        rows = tuple(row(text, self.columns, self.code_page).decode(self.code_page) for text in self.shown.rows[:2])
        return DisplayStatus(rows, known="sent")

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        strange = [byte for byte in data if byte not in FLOW_CONTROL]
        if not strange or self._odd:
            return []
        self._odd = True  # one is enough: a display has nothing to say
        return [Oddity("a display answers nothing", bytes(strange[:1]))]

    def on_time(self, now: float) -> list[Output]:
        # It answers nothing, so an open line is all that can be known of it.
        self._known, first = True, not self._known
        return [PowerChanged(Power.ONLINE)] if first else []
