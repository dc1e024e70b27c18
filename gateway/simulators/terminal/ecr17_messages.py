"""What a pretend ECR17 terminal says, field by field.

Source: developer.nexigroup.com/traditionalpos: "Payment with extended result", "Reversal", "Close session", "Terminal
        totals", "Terminal status", "Send ticket"; positions count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass

STX, ETX = b"\x02", b"\x03"


@dataclass(slots=True)
class Booking:
    """One line of the ledger. kind: sale, reversal. state: booked, reversed."""

    kind: str
    amount: int
    stan: int
    state: str = "booked"


def check_byte(data: bytes, way: str) -> bytes:
    """way: std counts the text only, stx STX and ETX too, noext ETX too, stx_noext STX too."""
    counted = data + (ETX if way in ("stx", "noext") else b"") + (STX if way in ("stx", "stx_noext") else b"")
    value = 0x7F
    for byte in counted:
        value ^= byte
    return bytes([value])


def result(
    terminal: str, code: str, outcome: str, first: str, stan: int, amount: int | None, *, exchange: bool = False
) -> str:
    """E or V. first: positions 13 to 47; amount None: a terminal whose result ends before it."""
    text = f"{terminal}0{code}{outcome}{first:<35}2{'88105000002':<11}{stan:06d}{stan:06d}000"
    if amount is None:
        return text[:71]
    text += f"{amount:08d}"
    return text + ("1" + "00010850" + "USD" + f"{amount:012d}" + "2" + "0" * 10 if exchange else "0" * 10)


def approved(pan: str, approval: str, now: float) -> str:
    """Positions 13 to 47: card number, kind of reading, approval code, day of the year with hour and minute."""
    minutes = int(now) // 60
    return pan.rjust(19, "0") + "ICC" + approval.ljust(6) + f"211{minutes // 60 % 24:02d}{minutes % 60:02d}"


def refused(why: str) -> str:
    return f"{why[:24]:<24}" + "0" * 11


def tickets(terminal: str, lines: list[str]) -> list[str]:
    """S messages with at most 200 characters each; lines of 24 characters need no end."""
    text = "".join(line if len(line.lstrip("\x7f")) == 24 else line + "}" for line in lines) + "}" * 6 + "\x1b"
    return [f"{terminal}0S{text[start : start + 200]}" for start in range(0, len(text), 200)]


def receipt(booking: Booking, pan: str, copy: str) -> list[str]:
    title = "ACQUISTO" if booking.kind == "sale" else "STORNO"
    return [
        f"{'NEGOZIO DI PROVA':^24}",
        title,
        f"PAN {pan}",
        f"STAN {booking.stan:06d}",
        "",
        f"\x7fIMPORTO EUR {booking.amount // 100},{booking.amount % 100:02d}",
        f"COPIA {copy}",
    ]
