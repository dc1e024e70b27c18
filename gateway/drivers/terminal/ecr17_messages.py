"""ECR17 messages: frames with their LRC, requests by position, and replies read by a table of positions.

Wire:   STX message ETX LRC; ACK or NAK, ETX, LRC; SOH, 20 characters, EOT for progress. The LRC is the exclusive or of
        0x7F and the message's bytes; terminals differ in whether STX and ETX count: lrc = std (neither), stx (both),
        noext (ETX only), stx_noext (STX only).
Source: developer.nexigroup.com/traditionalpos, "Communication Protocol" and the page of each message; positions are
        theirs, counted from 1. The four ways of the LRC: rust-ecr17-protocol (padosoft), lrc.rs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

SOH, STX, ETX, EOT, ACK, NAK = 0x01, 0x02, 0x03, 0x04, 0x06, 0x15
LRC_BASE = {"std": 0x7F, "stx": 0x7F ^ STX ^ ETX, "noext": 0x7F ^ ETX, "stx_noext": 0x7F ^ STX}
LONGEST = 2048
LARGEST_AMOUNT = 99_999_999

#: name -> (first position, length), common to every reply to a payment or reversal
COMMON = {"terminal": (1, 8), "code": (10, 1), "result": (11, 2), "card_type": (48, 1), "acquirer": (49, 11),
          "stan": (60, 6), "online": (66, 6), "action": (72, 3), "amount": (75, 8)}  # fmt: skip
LAYOUTS = {
    "payment 00": COMMON | {"pan": (13, 19), "entry": (32, 3), "approval": (35, 6), "host_time": (41, 7)},
    "payment ko": COMMON | {"description": (13, 24)},
    "status": {"terminal": (1, 8), "code": (10, 1), "time": (21, 10), "status": (31, 1), "release": (32, 80)},
    "close 00": {"result": (11, 2), "terminal_total": (13, 16), "host_total": (29, 16)},
    "close ko": {"result": (11, 2), "description": (13, 19), "action": (32, 3)},
    "totals": {"result": (11, 2), "terminal_total": (13, 16)},
}


def lrc(message: bytes, mode: str) -> int:
    value = LRC_BASE[mode]
    for byte in message:
        value ^= byte
    return value


def frame(message: bytes, mode: str) -> bytes:
    return bytes([STX]) + message + bytes([ETX, lrc(message, mode)])


def control(byte: int, mode: str) -> bytes:
    return bytes([byte, ETX, lrc(bytes([byte]), mode)])


def value(message: bytes, layout: str, name: str) -> str:
    """A field of a reply; "" where the message ends before it does."""
    start, length = LAYOUTS[layout][name]
    if name == "release":
        length = len(message)
    elif len(message) < start - 1 + length:
        return ""
    return message[start - 1 : start - 1 + length].decode("ascii", "replace").strip()


def number(message: bytes, layout: str, name: str) -> int | None:
    text = value(message, layout, name)
    return int(text) if re.fullmatch("[0-9]+", text) else None


# --- requests ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names:
    """Who asks whom: both have eight digits."""

    terminal: str
    till: str

    def head(self, code: str) -> str:
        return f"{self.terminal}0{code}"


def payment(names: Names, code: str, amount_minor: int, card: str) -> bytes:
    """P or X, 167 bytes. card: 0 any, 1 debit, 2 credit, 3 other."""
    return (names.head(code) + names.till + "0000" + card + f"{amount_minor:08d}" + " " * 128 + "0" * 8).encode()


def reversal(names: Names, stan: str) -> bytes:
    return (names.head("S") + names.till + stan + "00").encode()


def last_result(names: Names) -> bytes:
    return (names.head("G") + names.till + "0000").encode()


def close(names: Names) -> bytes:
    return (names.head("C") + names.till + "0" * 8).encode()


def totals(names: Names) -> bytes:
    return (names.head("T") + names.till + "0" * 8).encode()


def receipts_to_till(names: Names, wanted: bool) -> bytes:
    return (names.head("E") + str(int(wanted))).encode()


def reprint(names: Names, to_till: bool) -> bytes:
    return (names.head("R") + str(int(to_till)) + "0" * 11).encode()


def status(names: Names) -> bytes:
    return names.head("s").encode()


# --- what comes in ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """An application message; valid: its LRC is right. It may hold a card number: it is not shown."""

    data: bytes = field(repr=False)
    valid: bool

    @property
    def code(self) -> str:
        return self.data[9:10].decode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class Progress:
    text: str


@dataclass(frozen=True, slots=True)
class Control:
    ack: bool


@dataclass(frozen=True, slots=True)
class Junk:
    """Bytes that are no frame; told once for each stretch of them."""


class Reader:
    """Cuts the line's bytes into frames, however they come."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._buffer = bytearray()
        self._in_junk = False

    def reset(self) -> None:
        self._buffer.clear()
        self._in_junk = False

    def feed(self, data: bytes) -> Iterator[Message | Progress | Control | Junk]:
        self._buffer += data
        while self._buffer:
            length = self._length()
            if length == 0:
                return
            if length < 0:
                del self._buffer[0]
                if not self._in_junk:
                    self._in_junk = True
                    yield Junk()
                continue
            whole = bytes(self._buffer[:length])
            del self._buffer[:length]
            self._in_junk = False
            yield self._meaning(whole)

    def _length(self) -> int:
        """Bytes of the frame at the front; 0 while it is not complete, -1 if none begins here."""
        buffer = self._buffer
        if buffer[0] in (ACK, NAK):
            if len(buffer) > 1 and buffer[1] != ETX:
                return -1
            if len(buffer) < 3:
                return 0
            # A terminal set to another way of the LRC is understood here, and told by its replies.
            return 3 if any(buffer[2] == lrc(bytes(buffer[:1]), mode) for mode in LRC_BASE) else -1
        if buffer[0] == SOH:
            body = buffer[1:22]
            if any(byte < 0x20 for byte in body[:20]) or (len(buffer) >= 22 and buffer[21] != EOT):
                return -1
            return 22 if len(buffer) >= 22 else 0
        if buffer[0] != STX:
            return -1
        end = buffer.find(ETX, 1, LONGEST)
        if end < 0:
            return -1 if len(buffer) >= LONGEST else 0
        return end + 2 if len(buffer) >= end + 2 else 0

    def _meaning(self, whole: bytes) -> Message | Progress | Control:
        if whole[0] in (ACK, NAK):
            return Control(whole[0] == ACK)
        if whole[0] == SOH:
            return Progress(whole[1:21].decode("ascii", "replace").strip())
        return Message(whole[1:-2], lrc(whole[1:-2], self._mode) == whole[-1])
