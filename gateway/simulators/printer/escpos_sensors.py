"""The state of a pretend receipt printer and the status bytes that show it.

Wire:   DLE EOT 1-4, GS r 1 and 2, automatic status (GS a), GS I.
Source: Epson TM-T88III specification, DLE EOT, GS a, GS r, GS I; bits of DLE EOT as recorded from an
        independent emulator.
"""

from __future__ import annotations

from gateway.simulators.drawer import kick as drawer_kick

FIXED = 0x12
AUTOMATIC_FIXED = 0x10
MODEL, KIND, ROM = 0x20, 0x03, 0x01  # GS I 1 to 3; kind: two-byte characters and a knife
NAMES = {65: "1.00", 66: "EPSON", 67: "TM-T88V", 68: "PRETEND1", 69: "CHINA BIG5"}
#: which bits of the four bytes each bit of GS a n watches
WATCHED = {
    0x01: (0x04, 0, 0, 0),
    0x02: (0x68, 0, 0x0F, 0),
    0x04: (0, 0x6C, 0, 0),
    0x08: (0, 0, 0x0F, 0),
}


class Sensors:
    def __init__(self) -> None:
        self.drawer = drawer_kick.PretendDrawer()
        self.paper_out = self.near_end = self.cover_open = self.too_hot = False
        #: the knife is jammed: printing has stopped until DLE ENQ, and until somebody has freed it
        self.error = False
        self.broken = False

    @property
    def offline(self) -> bool:
        return self.paper_out or self.cover_open or self.error or self.broken or self.too_hot

    def real_time(self, n: int) -> int:
        match n:
            case 1:
                return FIXED | 0x04 * self.drawer.pin_3_high | 0x08 * self.offline
            case 2:
                failed = self.error or self.broken or self.too_hot
                return FIXED | 0x04 * self.cover_open | 0x20 * self.paper_out | 0x40 * failed
            case 3:
                return FIXED | self._failures
            case _:
                return FIXED | 0x0C * (self.near_end or self.paper_out) | 0x60 * self.paper_out

    def in_turn(self, n: int) -> bytes:
        """The answer to GS r; none to a number it does not know."""
        if n in (1, 49):
            return bytes([0x0F * self.paper_out | 0x03 * self.near_end])
        return bytes([int(self.drawer.pin_3_high)]) if n in (2, 50) else b""

    def automatic(self) -> bytes:
        first = 0x04 * self.drawer.pin_3_high | 0x08 * self.offline | 0x20 * self.cover_open
        paper = 0x03 * (self.near_end or self.paper_out) | 0x0C * self.paper_out
        return bytes([AUTOMATIC_FIXED | first, self._failures, paper, 0])

    @property
    def _failures(self) -> int:
        return 0x08 * self.error | 0x20 * self.broken | 0x40 * self.too_hot

    @staticmethod
    def named(n: int) -> bytes:
        if n in (1, 2, 3, 49, 50, 51):
            return bytes([(MODEL, KIND, ROM)[n % 48 - 1]])
        return b"_" + NAMES[n].encode() + b"\0" if n in NAMES else b""


def differs(old: bytes, new: bytes, watched: int) -> bool:
    """Whether anything changed that GS a was told to watch."""
    masks = [mask for bit, mask in WATCHED.items() if watched & bit]
    return any((a ^ b) & mask[place] for mask in masks for place, (a, b) in enumerate(zip(old, new, strict=True)))
