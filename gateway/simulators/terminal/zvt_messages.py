"""What a pretend ZVT terminal says: its messages as bytes, and the receipts it prints.

Source: PA00P015 13.08, "Status-Information", "Print Line", "Print Text-Block", "Summary of utilised BMPs"; a real 04 0F
        and a real 06 D3, as recorded in the tests of Portalum.Zvt, were the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Booking:
    """One line of the ledger. kind: sale, refund, reversal. state: pending, booked, taken_back, reversed."""

    kind: str
    amount: int
    trace: int
    receipt: int
    state: str = "pending"


def message(control: str, data: bytes = b"") -> bytes:
    """control: class and instruction in hexadecimal, such as 04 0F."""
    size = bytes([len(data)]) if len(data) < 255 else b"\xff" + len(data).to_bytes(2, "little")
    return bytes.fromhex(control) + size + data


def packed(number: int, size: int) -> bytes:
    return bytes.fromhex(str(number).zfill(size * 2))


def counted(tag: str, data: bytes, figures: int) -> bytes:
    """A bitmap with two or three length figures, F0 to F9 each."""
    return bytes.fromhex(tag) + bytes(0xF0 | int(figure) for figure in str(len(data)).zfill(figures)) + data


def tlv(tag: str, data: bytes) -> bytes:
    if len(data) < 0x80:
        return bytes.fromhex(tag) + bytes([len(data)]) + data
    size = b"\x81" + bytes([len(data)]) if len(data) < 0x100 else b"\x82" + len(data).to_bytes(2, "big")
    return bytes.fromhex(tag) + size + data


def card_number(pan: str, clear: bool) -> bytes:
    """BMP 22: masked digits as E, an odd last half byte as F."""
    shown = pan if clear else "E" * (len(pan) - 4) + pan[-4:]
    return counted("22", bytes.fromhex(shown + "F" * (len(shown) % 2)), 2)


def approved(booking: Booking, pan: bytes, now: float) -> bytes:
    seconds = int(now) % 86400
    clock = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
    data = b"\x27\x00\x04" + packed(booking.amount, 6) + b"\x0b" + packed(booking.trace, 3)
    data += b"\x0c" + bytes.fromhex(clock) + bytes.fromhex("0D1006 0E2512 170001 1970") + pan
    data += bytes.fromhex("29 28004869") + b"\x2a100461763      "
    data += b"\x3b611804\x00\x00" + counted("3C", b"GEN.NR.:611804", 3) + bytes.fromhex("490978")
    data += b"\x87" + packed(booking.receipt, 2) + b"\x88" + packed(booking.trace, 3) + b"\x8a\x2e"
    return message("040F", data + counted("8B", b"Debit Mastercard\x00", 2))


def declined(code: int, text: str) -> bytes:
    data = bytes([0x27, code]) + bytes.fromhex("29 28004869")
    return message("040F", data + (counted("3C", text.encode("cp437"), 3) if text else b""))


def day_totals(bookings: list[Booking], trace: int) -> bytes:
    count, total = len(bookings), sum(booking.amount for booking in bookings)
    first, last = (bookings[0].receipt, bookings[-1].receipt) if bookings else (0, 0)
    kinds = packed(0, 7) * 2 + packed(count % 100, 1) + packed(total, 6) + packed(0, 7) * 4
    data = b"\x27\x00\x04" + packed(total, 6) + b"\x0b" + packed(trace, 3) + bytes.fromhex("0C 235900 0D 1006")
    return message("040F", data + counted("60", packed(first, 2) + packed(last, 2) + kinds, 3))


def receipt_of(booking: Booking, copy: str, pan: str) -> list[str]:
    euros = f"{booking.amount // 100},{booking.amount % 100:02d}"
    head = {"customer": "     KUNDENBELEG", "merchant": "     HÄNDLERBELEG"}[copy]
    words = {"sale": "Kartenzahlung", "refund": "Gutschrift", "reversal": "Storno"}
    return [
        "  Muster-Markt für alle",
        head,
        words[booking.kind],
        f"Karte: {pan}",
        f"Trace-Nr. {booking.trace:06d}",
        f"Beleg-Nr. {booking.receipt:04d}",
        f"EUR {euros:>12}",
        "",
        "Zahlung erfolgt",
    ]


def as_lines(receipt: list[str]) -> list[bytes]:
    """06 D1 each; the last one has bit 7 of its attribute set."""
    texts = [line.encode("cp437") for line in receipt]
    return [
        message("06D1", bytes([0x81 if place == len(texts) - 1 else 0x00]) + text) for place, text in enumerate(texts)
    ]


def as_block(receipt: list[str], kind: int) -> list[bytes]:
    """06 D3. kind: 1 merchant, 2 customer, 3 administration."""
    lines = b"".join(tlv("07", line.encode("cp437") or b" ") for line in receipt) + bytes.fromhex("09 01 81")
    return [message("06D3", tlv("06", tlv("1F07", bytes([kind])) + tlv("25", lines)))]
