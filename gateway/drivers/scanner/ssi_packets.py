"""SSI packets: cutting them out of a stream, building them, and the bar code types of DECODE_DATA.

A packet has no mark at its beginning, so only length, source and checksum together tell one from noise. The stream is
tried byte by byte: after noise or a torn packet the next whole one is found again.

Source: as scanner/ssi.py. AIM identifiers of types: ISO/IEC 15424; Symbol PDT 687C Reference Guide, table F-6 (types
        13 to 61). A GS1 DataMatrix or QR has the type of its plain sister: only an AIM identifier tells them apart.
"""

from __future__ import annotations

from typing import NamedTuple

REQUEST_REVISION, REPLY_REVISION, PARAM_SEND = 0xA3, 0xA4, 0xC6
ACK, NAK = 0xD0, 0xD1
BEEP, SCAN_ENABLE, SCAN_DISABLE = 0xE6, 0xE9, 0xEA
DECODE_DATA, EVENT = 0xF3, 0xF6
#: causes of a NAK
RESEND, BAD_CONTEXT, DENIED = 1, 2, 6
#: bits of the status
AGAIN, GOES_ON = 0x01, 0x02
DECODER, HOST = 0, 4
#: what a decoder sends; a wrong checksum behind another opcode is noise and not worth a NAK
FROM_DECODER = (REPLY_REVISION, PARAM_SEND, ACK, NAK, DECODE_DATA, EVENT)
JUNK_KEPT = 64

TYPES = {
    0x01: "]A0", 0x02: "]F0", 0x03: "]C0", 0x04: "]S0", 0x06: "]I0", 0x07: "]G0", 0x08: "]E0", 0x09: "]E0",
    0x0A: "]E4", 0x0B: "]E0", 0x0C: "]H0", 0x0E: "]M0", 0x0F: "]C1", 0x10: "]E0", 0x11: "]L0", 0x13: "]A4",
    0x16: "]X0", 0x19: "]C0", 0x1A: "]L0", 0x1B: "]d0", 0x1C: "]Q0", 0x2C: "]Q0", 0x2D: "]z0", 0x30: "]e0",
    0x31: "]e0", 0x32: "]e0", 0x48: "]E3", 0x49: "]E3", 0x4B: "]E3", 0x50: "]E3", 0x88: "]E3", 0x89: "]E3",
    0x8B: "]E3", 0x90: "]E3",
}  # fmt: skip


class Packet(NamedTuple):
    opcode: int
    status: int
    data: bytes


class Junk(NamedTuple):
    """Bytes that were passed over; garbled: among them what looked like a packet with a wrong checksum."""

    data: bytes
    garbled: bool


def packet(opcode: int, data: bytes = b"", status: int = 0) -> bytes:
    """One packet from the host."""
    whole = bytes([4 + len(data), opcode, HOST, status]) + data
    return whole + checksum(whole)


def checksum(whole: bytes) -> bytes:
    return (-sum(whole) & 0xFFFF).to_bytes(2, "big")


class Packets:
    def __init__(self) -> None:
        self._held = bytearray()
        self._junk = bytearray()
        self._garbled = False

    def __len__(self) -> int:
        """How many bytes are not accounted for yet."""
        return len(self._held) + len(self._junk)

    def feed(self, data: bytes) -> list[Packet | Junk]:
        self._held += data
        return self._cut(torn=False)

    def give_up(self) -> list[Packet | Junk]:
        """No more bytes came: what waits for its rest is torn; look for whole packets behind its beginning."""
        return self._cut(torn=True)

    def _cut(self, torn: bool) -> list[Packet | Junk]:
        found: list[Packet | Junk] = []
        held = self._held
        while held:
            length = held[0]
            plausible = length >= 4 and (len(held) < 3 or held[2] == DECODER)
            if plausible and len(held) < length + 2 and not torn:
                break
            if plausible and len(held) >= length + 2:
                if held[length : length + 2] == checksum(bytes(held[:length])):
                    found += self._passed_over()
                    found.append(Packet(held[1], held[3], bytes(held[4:length])))
                    del held[: length + 2]
                    continue
                self._garbled |= held[1] in FROM_DECODER
            self._junk += held[:1]
            del self._junk[JUNK_KEPT:]
            del held[0]
        # Told when a whole packet follows or nothing more comes: else it would depend on how the bytes were cut.
        return found + (self._passed_over() if torn else [])

    def _passed_over(self) -> list[Packet | Junk]:
        if not self._junk:
            return []
        junk, self._junk = bytes(self._junk), bytearray()
        garbled, self._garbled = self._garbled, False
        return [Junk(junk, garbled)]
