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

    @property
    def payload(self) -> bytes:
        """Of a PUBLISH without a topic alias."""
        at = 2 + int.from_bytes(self.rest[:2], "big") + (2 if self.qos else 0)
        return self.rest[at + 1 + self.rest[at] :]  # properties of one length byte: a broker adds few

    def encoded(self) -> bytes:
        return bytes([self.first]) + varint(len(self.rest)) + self.rest

    def copy_without_id(self) -> Packet:
        """The same message with QoS 0: a duplicate that nobody answers for."""
        at = 2 + int.from_bytes(self.rest[:2], "big")
        return Packet(self.first & ~(QOS | DUP), self.rest[:at] + self.rest[at + 2 :])

    def answer(self) -> Packet:
        """A PUBACK for it: success."""
        return Packet(PUBACK << 4, self.packet_id.to_bytes(2, "big"))


def text(words: str) -> bytes:
    data = words.encode()
    return len(data).to_bytes(2, "big") + data


def connect(client_id: str, username: str, password: str, keepalive_s: int = 120) -> Packet:
    """MQTT 5, clean start, no will, no properties."""
    head = text("MQTT") + bytes([5, 0xC2]) + keepalive_s.to_bytes(2, "big") + b"\0"
    return Packet(CONNECT << 4, head + text(client_id) + text(username) + text(password))


def subscribe(packet_id: int, topic_filter: str) -> Packet:
    return Packet(SUBSCRIBE << 4 | 2, packet_id.to_bytes(2, "big") + b"\0" + text(topic_filter) + b"\1")


def publish(topic: str, payload: bytes, packet_id: int, retain: bool = False) -> Packet:
    """With QoS 1."""
    return Packet(PUBLISH << 4 | 2 | retain, text(topic) + packet_id.to_bytes(2, "big") + b"\0" + payload)


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
