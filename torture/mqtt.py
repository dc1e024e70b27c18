"""MQTT 5 packets, just enough to tell them apart, copy them and answer for another (MQTT 5.0, chapter 2)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, DISCONNECT = 1, 2, 3, 4, 8, 9, 14
DUP, QOS = 0x08, 0x06


@dataclass(frozen=True, slots=True)
class Packet:
    """One control packet: its first byte, and all that follows the length."""

    first: int
    rest: bytes

    @property
    def kind(self) -> int:
        return self.first >> 4

    @property
    def qos(self) -> int:
        return (self.first & QOS) >> 1

    @property
    def topic(self) -> str:
        """Of a PUBLISH; an empty text for all others."""
        if self.kind != PUBLISH:
            return ""
        return self.rest[2 : 2 + int.from_bytes(self.rest[:2], "big")].decode(errors="replace")

    @property
    def packet_id(self) -> int:
        """Of a PUBLISH with QoS 1, or of a PUBACK."""
        at = 2 + int.from_bytes(self.rest[:2], "big") if self.kind == PUBLISH else 0
        return int.from_bytes(self.rest[at : at + 2], "big")

    def encoded(self) -> bytes:
        return bytes([self.first]) + varint(len(self.rest)) + self.rest

    def copy_without_id(self) -> Packet:
        """The same message with QoS 0: a duplicate that nobody answers for."""
        at = 2 + int.from_bytes(self.rest[:2], "big")
        return Packet(self.first & ~(QOS | DUP), self.rest[:at] + self.rest[at + 2 :])

    def answer(self) -> Packet:
        """A PUBACK for it: success."""
        return Packet(PUBACK << 4, self.packet_id.to_bytes(2, "big"))


def varint(number: int) -> bytes:
    """A Variable Byte Integer: seven bits a byte, the low ones first."""
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | 0x80 if number else low)
        if not number:
            return bytes(out)


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """Raises asyncio.IncompleteReadError at the end of the stream."""
    first = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return Packet(first, await reader.readexactly(length))
        shift += 7
