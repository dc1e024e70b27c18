"""The records of Checkout-Dialog 02, 04 and 06, and the two rotations of its checksums; used by dialog.py."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

STX, ETX, EOT, ENQ, ACK, NAK, ESC = b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x15", b"\x1b"
ASK_STATUS = EOT + STX + b"08" + ETX
ASK_RESULT = EOT + ENQ
TEXT = 13
RESULT = re.compile(rb"02\x1b([0-3])\x1b([0-9]{5})\x1b([0-9]{5,6})\x1b([0-9]{6})")
STATUS = re.compile(rb"09\x1b([0-9]{2})")
CHALLENGE = re.compile(rb"11\x1b2([0-9A-Fa-f]{2})")
VERDICT = re.compile(rb"11\x1b([01])")
_SECRETS = re.compile(r"[0-9A-Fa-f]{4}(,[0-9A-Fa-f]{4}){0,4}")


def price_record(price: bytes, tare: bytes, text: str) -> bytes:
    """Record 01, 03, 04 or 05: price, and tare and text where there are any."""
    parts = [price, *([tare] if tare else []), *([text.encode("ascii")] if text else [])]
    number = {(False, False): b"01", (True, False): b"03", (False, True): b"04", (True, True): b"05"}
    # Record 01 alone has an ESC before its ETX.
    end = ESC if len(parts) == 1 else b""
    return EOT + STX + number[bool(tare), bool(text)] + ESC + ESC.join(parts) + end + ETX


def shown_text(text: str) -> str:
    """Thirteen characters of the seven-bit line; letters lose their accents, the rest becomes a space."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = "".join(c if " " <= c <= "~" else " " for c in plain)
    return plain[:TEXT].ljust(TEXT) if plain.strip() else ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Pairs of checksum and check word, 16 bits each, as the maker of the scale gave them to the maker of the till."""

    pairs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, cs: str, kw: str) -> Secrets:
        """Four hexadecimal digits each, up to five with commas between.

        Raises:
            ValueError: not of that form, or not as many of one as of the other. The text never shows a secret.
        """
        if not cs and not kw:
            return cls()
        for name, value in (("cs", cs), ("kw", kw)):
            if not _SECRETS.fullmatch(value):
                raise ValueError(f"{name} is not one to five groups of four hexadecimal digits, commas between")
        sums, words = cs.split(","), kw.split(",")
        if len(sums) != len(words):
            raise ValueError(f"cs has {len(sums)} groups and kw has {len(words)}; they go in pairs")
        return cls(tuple((int(a, 16), int(b, 16)) for a, b in zip(sums, words, strict=True)))

    def record(self, z: bytes) -> bytes:
        """Record 10, the answer to a challenge: each cs turned left by z's first digit, each kw right by its second."""
        left, right = int(z[:1], 16), int(z[1:], 16)
        turned = b"".join(b"%04X%04X" % (_left(cs, left), _left(kw, 16 - right)) for cs, kw in self.pairs)
        return EOT + STX + b"10" + ESC + turned + ETX


def _left(value: int, bits: int) -> int:
    """A 16-bit number rotated left."""
    bits %= 16
    return (value << bits | value >> 16 - bits) & 0xFFFF
