"""ZVT messages: the APDU, its bitmaps (BMP) and TLV containers, and what a status information (04 0F) says.

Units:  amounts are 6 bytes of BCD in the currency's minor unit; a length byte FF is followed by two, low byte first.
Source: PA00P015 13.08, chapters "Summary of utilised BMPs" and "TLV-container". Lengths of BMPs compared with
        Portalum.Zvt (BmpParser.cs) and with the crate zvt (packets.rs); the messages in the tests are theirs.

Tracks, card verification values and chip data (BMP 23, 24, 2D, 2E, 3A) are skipped here and never kept; of a card
number (22) only its masked form is kept. Nothing behind this file can leak what it never had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.drivers.terminal.masking import cleaned, masked

ACK, COMPLETION, ABORTED, STATUS, INTERMEDIATE = 0x8000, 0x060F, 0x061E, 0x040F, 0x04FF
PRINT_LINE, PRINT_BLOCK = 0x06D1, 0x06D3
#: what a terminal may send; anything else is a line that is out of step. 84 xx is an answer with any second byte.
FROM_TERMINAL = frozenset(
    {ACK, COMPLETION, ABORTED, STATUS, INTERMEDIATE, PRINT_LINE, PRINT_BLOCK, 0x0401, 0x040D, 0x040E, 0x06D8, 0x06D9}
    | {0x06DA, 0x06DB, 0x06DD, 0x06E0, 0x06E1, 0x06E2, 0x06E3, 0x06E4, 0x0685, 0x0686, 0x0687, 0x0688}
)
LONGEST = 8192

CARD_NUMBER = 0x22
SECRET = frozenset({0x23, 0x24, 0x2D, 0x2E, 0x3A})
FIXED = {
    0x01: 1, 0x02: 1, 0x03: 1, 0x04: 6, 0x05: 1, 0x0B: 3, 0x0C: 3, 0x0D: 2, 0x0E: 2, 0x17: 2, 0x19: 1, 0x27: 1, 0x29: 4,
    0x2A: 15, 0x37: 3, 0x3A: 2, 0x3B: 8, 0x3D: 3, 0x49: 2, 0x87: 2, 0x88: 3, 0x8A: 1, 0x8C: 1, 0xA0: 1, 0xAA: 3,
    0xBA: 5, 0xD0: 1, 0xD2: 1, 0xD3: 1,
}  # fmt: skip
#: BMP -> how many length digits (each in a byte F0 to F9) stand before it
VARIABLE = {0x22: 2, 0x23: 2, 0x24: 3, 0x2D: 2, 0x2E: 3, 0x3C: 3, 0x60: 3, 0x8B: 2, 0x9A: 3, 0xA7: 2, 0xAF: 3, 0xD1: 2}
TLV = 0x06


@dataclass(frozen=True, slots=True)
class Apdu:
    """control: class and instruction, such as 0x0601. The data may be a card's: it is not shown."""

    control: int
    data: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        length = len(self.data)
        head = bytes([length]) if length < 0xFF else b"\xff" + length.to_bytes(2, "little")
        return self.control.to_bytes(2, "big") + head + self.data

    @property
    def negative(self) -> int:
        """The code of a negative answer 84 xx; 0 for any other message, 84 00 counts as positive."""
        return self.control & 0xFF if self.control >> 8 == 0x84 else 0

    @property
    def is_answer(self) -> bool:
        return self.control == ACK or self.control >> 8 == 0x84


def head_of(data: bytes | bytearray) -> tuple[int, int] | None:
    """(bytes of the head, bytes of the data) of the APDU that begins here; None if more bytes are needed.

    Raises:
        ValueError: no terminal begins a message like this.
    """
    if data and data[0] not in (0x04, 0x06, 0x80, 0x84):
        raise ValueError("class")
    if len(data) < 3:
        if len(data) == 2 and not known(data[0] << 8 | data[1]):
            raise ValueError("instruction")
        return None
    control, length = data[0] << 8 | data[1], data[2]
    if not known(control):
        raise ValueError("instruction")
    if length < 0xFF:
        if control == ACK and length not in (0, 3):
            raise ValueError("an acknowledgement with data")  # three bytes: a currency code with its BMP
        return 3, length
    if len(data) < 5:
        return None
    if (length := data[3] | data[4] << 8) > LONGEST:
        raise ValueError("length")
    return 5, length


def known(control: int) -> bool:
    return control in FROM_TERMINAL or control >> 8 == 0x84


def bcd(number: int, size: int) -> bytes:
    return bytes.fromhex(f"{number:0{2 * size}d}")


def digits_of(value: bytes) -> str:
    """The digits of a BCD field, "" if it holds anything else."""
    return value.hex() if re.fullmatch("[0-9]+", value.hex()) else ""


def bitmaps(data: bytes) -> dict[int, bytes]:
    """The bitmaps of a message up to the first unknown one: behind it nobody can tell where the next begins."""
    found: dict[int, bytes] = {}
    place = 0
    while place < len(data):
        number, place = data[place], place + 1
        if (size := _size(number, data, place)) is None:
            break
        start, place = size[0], size[0] + size[1]
        if place > len(data):
            break
        if number == CARD_NUMBER:
            pan = data[start:place].hex().upper().removesuffix("F").replace("D", "E")
            found.setdefault(number, masked(pan).encode())
        elif number not in SECRET:
            found.setdefault(number, data[start:place])
    return found


def _size(number: int, data: bytes, place: int) -> tuple[int, int] | None:
    """Where the value begins and how long it is; None if that cannot be told."""
    if number in FIXED:
        return place, FIXED[number]
    if number == TLV:
        return tlv_length(data, place)
    count = VARIABLE.get(number, 0)
    figures = data[place : place + count]
    if not count or len(figures) < count or any(figure >> 4 != 0xF or figure & 0xF > 9 for figure in figures):
        return None
    return place + count, int("".join(str(figure & 0xF) for figure in figures))


def tlv_length(data: bytes, place: int) -> tuple[int, int] | None:
    """Where the value begins and how long it is, by the rules of BER."""
    if place >= len(data):
        return None
    first = data[place]
    if first < 0x80:
        return place + 1, first
    count = first & 0x7F
    if count not in (1, 2) or place + 1 + count > len(data):
        return None
    return place + 1 + count, int.from_bytes(data[place + 1 : place + 1 + count], "big")


def tlv_values(data: bytes, depth: int = 0) -> Iterator[tuple[int, bytes]]:
    """(tag, value) of every primitive object, the inside of constructed ones in its order."""
    place = 0
    while place < len(data):
        tag, constructed = data[place], bool(data[place] & 0x20)
        place += 1
        if tag & 0x1F == 0x1F:
            if place >= len(data):
                return
            tag, place = tag << 8 | data[place], place + 1
        size = tlv_length(data, place)
        if size is None or size[0] + size[1] > len(data):
            return
        value, place = data[size[0] : size[0] + size[1]], size[0] + size[1]
        if constructed and depth < 6:
            yield from tlv_values(value, depth + 1)
        else:
            yield tag, value


def text_of(value: bytes) -> str:
    """Text in code page 437, up to a closing zero, without card numbers."""
    text = value.split(b"\x00")[0].decode("cp437")
    return cleaned("".join(sign for sign in text if sign.isprintable())).strip()


@dataclass(frozen=True, slots=True)
class StatusInformation:
    """04 0F. result 0 is approved; None where a terminal left a field out."""

    result: int | None = None
    amount: int | None = None
    currency: str = ""
    trace: str = ""
    receipt: str = ""
    card: str = ""
    scheme: str = ""
    terminal_id: str = ""
    approval: str = ""
    at: str = ""
    text: str = ""
    totals: bytes = b""

    @property
    def reference(self) -> str:
        """trace/receipt: the one is compared, the other is asked for by a reversal; "" without a trace."""
        return f"{self.trace}/{self.receipt}" if self.trace else ""


def status_information(data: bytes) -> StatusInformation:
    maps = bitmaps(data)
    inside = dict(tlv_values(maps.get(TLV, b"")))
    trace = digits_of(maps.get(0x0B, b""))
    if not trace.strip("0"):
        # Some terminals count in eight digits and send zeros in the old field (tag 1F2B, trace number long format).
        trace = digits_of(inside.get(0x1F2B, b""))
    amount = digits_of(maps.get(0x04, b""))
    approval = maps.get(0x3B, b"").rstrip(b"\x00 ").decode("cp437")
    return StatusInformation(
        result=maps[0x27][0] if 0x27 in maps else None,
        amount=int(amount) if amount else None,
        currency=digits_of(maps.get(0x49, b""))[-3:],
        trace=trace if trace.strip("0") else "",
        receipt=digits_of(maps.get(0x87, b"")),
        card=maps.get(CARD_NUMBER, b"").decode(),
        scheme=text_of(maps.get(0x8B, b"")),
        terminal_id=digits_of(maps.get(0x29, b"")),
        approval=approval if re.fullmatch("[0-9A-Za-z]{1,8}", approval) else "",
        at=_date_and_time(digits_of(maps.get(0xAA, b"")), digits_of(maps.get(0x0C, b""))),
        text=text_of(maps.get(0x3C, b"")),
        totals=maps.get(0x60, b""),
    )


def _date_and_time(date: str, time: str) -> str:
    """RFC 3339 without a zone; "" where the terminal sends no year (BMP 0D is month and day only)."""
    if len(date) != 6 or len(time) != 6:
        return ""
    return f"20{date[:2]}-{date[2:4]}-{date[4:]}T{time[:2]}:{time[2:4]}:{time[4:]}"


def totals_in_words(totals: bytes, currency: str) -> str:
    """BMP 60 of an end of day: first and last receipt, then number and sum of each kind of card."""
    names = ("girocard", "JCB", "Mastercard", "American Express", "Visa", "Diners", "others")
    figures = digits_of(totals)
    if len(figures) < 8 + 14 * len(names):
        return ""
    lines = [f"receipts {figures[:4]} to {figures[4:8]}"]
    for place, name in enumerate(names):
        start = 8 + 14 * place
        count, cents = int(figures[start : start + 2]), int(figures[start + 2 : start + 14])
        if count:
            lines.append(f"{name}: {count}, {cents // 100}.{cents % 100:02d} {currency}")
    return "\n".join(lines)
