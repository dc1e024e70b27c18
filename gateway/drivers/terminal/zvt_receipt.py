"""Receipts that a ZVT terminal hands over for printing: single lines (06 D1) or whole text blocks (06 D3).

Wire:   06 D1: an attribute byte (bit 7: the last line; FF: empty lines, their number follows), then text. 06 D3: a TLV
        container with 1F07 (1 merchant, 2 customer, 3 administration), 25 holding the lines (07), and 09 at its end.
Source: PA00P015 13.08, "Print Line" and "Print Text-Block"; attributes as in Portalum.Zvt (PrintLineParser.cs), blocks
        as in its recorded ones (PrintTextBlockTest.cs).

Single lines do not say whose copy they are: the words on it tell (Kundenbeleg, Händlerbeleg); without them the first of
two is the merchant's, which is the usual order [MEM], and a single one goes to the customer.
"""

from __future__ import annotations

import re
from typing import Literal

from gateway.drivers.terminal.masking import cleaned
from gateway.drivers.terminal.zvt_apdu import PRINT_LINE, TLV, Apdu, bitmaps, tlv_values
from gateway.peripherals import PaymentReceipt

Copy = Literal["customer", "merchant"]
MOST_LINES = 500
_CUSTOMER = re.compile("kundenbeleg|customer|cardholder|client", re.IGNORECASE)
_MERCHANT = re.compile("händlerbeleg|h.ndlerbeleg|merchant|kassenschnitt|tagesabschluss|end of day", re.IGNORECASE)


class Receipts:
    def __init__(self) -> None:
        self._done: list[tuple[Copy | None, list[str]]] = []
        self._lines: list[str] = []

    def take(self, apdu: Apdu) -> None:
        """06 D1 or 06 D3."""
        if apdu.control == PRINT_LINE:
            self.line(apdu.data)
        else:
            self.block(apdu.data)

    def line(self, data: bytes) -> None:
        """One 06 D1."""
        attribute, text = (data[0], data[1:]) if data else (0, b"")
        if attribute == 0xFF:
            self._lines += [""] * min(text[0] if text else 1, 10)
            return
        self._lines.append(_text(text))
        if (attribute & 0x80 and attribute != 0x80) or len(self._lines) > MOST_LINES:
            self._close(None)

    def block(self, data: bytes) -> None:
        """One 06 D3; a long receipt may come in several, the last of which holds the end mark."""
        kind, ended = 0, False
        for tag, value in tlv_values(bitmaps(data).get(TLV, b"")):
            if tag == 0x1F07 and value:
                kind = value[0]
            elif tag == 0x07 and len(self._lines) <= MOST_LINES:
                self._lines.append(_text(value))
            elif tag == 0x09:
                ended = True
        if ended:
            self._close({1: "merchant", 2: "customer", 3: "merchant"}.get(kind))  # type: ignore[arg-type]

    def _close(self, copy: Copy | None) -> None:
        lines, self._lines = self._lines, []
        if lines and len(self._done) < 8:
            self._done.append((copy, lines))

    def all(self) -> tuple[PaymentReceipt, ...]:
        self._close(None)
        return tuple(
            PaymentReceipt(copy or self._whose(lines, place), tuple(cleaned(line) for line in lines))
            for place, (copy, lines) in enumerate(self._done)
        )

    def _whose(self, lines: list[str], place: int) -> Copy:
        text = "\n".join(lines)
        if _CUSTOMER.search(text):
            return "customer"
        if _MERCHANT.search(text):
            return "merchant"
        return "merchant" if place == 0 and len(self._done) > 1 else "customer"


def _text(data: bytes) -> str:
    return "".join(sign for sign in data.decode("cp437") if sign.isprintable()).rstrip()
