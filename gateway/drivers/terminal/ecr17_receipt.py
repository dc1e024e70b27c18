"""Receipts of ECR17 terminals: text in S messages of up to 200 characters, to be put together by the till.

Wire:   position 11 on: text in lines of 24 characters, which end by themselves; 7D ends one early. 7E and 7F begin
        double height (24), 7B and 7C double width (12), 5E compressed (42). 1B ends the receipt, after six 7D.
Source: developer.nexigroup.com/traditionalpos, "Send ticket".
"""

from __future__ import annotations

import re
from typing import Literal

from gateway.drivers.terminal.masking import cleaned
from gateway.peripherals import PaymentReceipt

NEW_LINE, TICKET_END = 0x7D, 0x1B
WIDTHS = {0x7E: 24, 0x7F: 24, 0x7B: 12, 0x7C: 12, 0x5E: 42}
MOST_BYTES = 20_000
_MERCHANT = re.compile("esercente|merchant", re.IGNORECASE)


class Receipts:
    def __init__(self) -> None:
        self._text = bytearray()
        self._done: list[bytes] = []

    @property
    def ended(self) -> bool:
        """The last receipt that was begun is complete."""
        return bool(self._done) and not self._text

    def take(self, message: bytes) -> None:
        """One S message."""
        for byte in message[10:]:
            if byte == TICKET_END:
                self._done.append(bytes(self._text))
                self._text.clear()
            elif len(self._text) < MOST_BYTES:
                self._text.append(byte)

    def all(self) -> tuple[PaymentReceipt, ...]:
        texts = [*self._done, *([bytes(self._text)] if self._text else [])][:4]
        return tuple(PaymentReceipt(_copy(lines), lines) for lines in map(_lines, texts) if lines)


def _copy(lines: tuple[str, ...]) -> Literal["customer", "merchant"]:
    return "merchant" if _MERCHANT.search("\n".join(lines)) else "customer"


def _lines(text: bytes) -> tuple[str, ...]:
    lines: list[str] = []
    line, width = "", 24
    for byte in text:
        if byte in WIDTHS and not line:
            width = WIDTHS[byte]
        elif byte == NEW_LINE:
            lines.append(line)
            line, width = "", 24
        elif 0x20 <= byte < 0x7F:
            line += chr(byte)
            if len(line) == width:
                lines.append(line)
                line, width = "", 24
    lines += [line] if line else []
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(cleaned(one).rstrip() for one in lines)
