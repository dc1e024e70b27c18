"""A neighbour on the box's network that asks for backroom.local, frame by frame: QEMU hands Ethernet over in datagrams.

Wire:   Ethernet, IPv6 to ff02::fb, UDP 5353, DNS; IPv6, since every port of a box has a link-local address at once.
Source: RFC 6762, 5 and 11; RFC 8200, 8.1 (the checksum); QEMU 7.2, "-netdev socket,udp=...".
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address

OWN_MAC = bytes.fromhex("525400123499")
GROUP_MAC = bytes.fromhex("3333000000fb")
OWN, GROUP = IPv6Address("fe80::1:99"), IPv6Address("ff02::fb")
PORT, AAAA, IN, ANSWER = 5353, 28, 1, 0x8000
ETHERNET, IPV6, UDP = 14, 40, 8


class Neighbour:
    """ours, theirs: the datagram ports of this machine that stand for the two ends of the cable."""

    def __init__(self, ours: int, theirs: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", ours))
        self._socket.setblocking(False)
        self._theirs = theirs

    def close(self) -> None:
        self._socket.close()

    def ask(self, name: str) -> None:
        self._socket.sendto(query(name), ("127.0.0.1", self._theirs))

    def heard(self, name: str) -> IPv6Address | None:
        """The address in an answer that has come meanwhile."""
        while True:
            try:
                frame = self._socket.recv(2048)
            except BlockingIOError:
                return None
            if address := answer(frame, name):
                return address


def query(name: str) -> bytes:
    """The frame that asks everybody for the address of that name."""
    dns = struct.pack("!6H", 0, 0, 1, 0, 0, 0) + _encoded(name) + struct.pack("!HH", AAAA, IN)
    length = UDP + len(dns)
    udp = struct.pack("!HHH", PORT, PORT, length)
    summed = OWN.packed + GROUP.packed + struct.pack("!IxxxB", length, socket.IPPROTO_UDP) + udp + b"\0\0" + dns
    ip = struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_UDP, 255) + OWN.packed + GROUP.packed
    return GROUP_MAC + OWN_MAC + struct.pack("!H", 0x86DD) + ip + udp + struct.pack("!H", _checksum(summed)) + dns


def answer(frame: bytes, name: str) -> IPv6Address | None:
    """The address, where the frame is an answer that gives one for that name."""
    head = ETHERNET + IPV6 + UDP
    if frame[12:14] != b"\x86\xdd" or len(frame) < head + 12 or frame[ETHERNET + 6] != socket.IPPROTO_UDP:
        return None
    dns = frame[head:]
    flags, questions, answers = struct.unpack_from("!HHH", dns, 2)
    if not flags & ANSWER or questions or not answers:
        return None
    # An answer begins with the name that was asked for; those behind it may point back to it.
    wanted = _encoded(name)
    if dns[12 : 12 + len(wanted)].lower() != wanted:
        return None
    at = 12 + len(wanted)
    kind, _class, _ttl, size = struct.unpack_from("!HHIH", dns, at)
    return IPv6Address(dns[at + 10 : at + 26]) if (kind, size) == (AAAA, 16) else None


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF
