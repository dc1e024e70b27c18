"""The neighbour's frames: what it asks is a right question, and only a right answer is one."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

from images.story import mdns

BOX = IPv6Address("fe80::5054:ff:fe12:3456")


def _answered(name: str) -> bytes:
    """What systemd-resolved sends to the group: no question, one AAAA that begins with the name."""
    question = mdns.query(name)
    head = question[: mdns.ETHERNET + mdns.IPV6 + mdns.UDP]
    dns = struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0) + mdns._encoded(name)
    return head + dns + struct.pack("!HHIH", mdns.AAAA, 0x8001, 120, 16) + BOX.packed


def test_an_answer_gives_the_address() -> None:
    assert mdns.answer(_answered("backroom.local"), "backroom.local") == BOX


def test_what_is_no_answer_to_the_name_is_none() -> None:
    assert mdns.answer(mdns.query("backroom.local"), "backroom.local") is None
    assert mdns.answer(_answered("printer.local"), "backroom.local") is None
    assert mdns.answer(b"\x33" * 12 + b"\x08\x06" + bytes(46), "backroom.local") is None
    assert mdns.answer(b"", "backroom.local") is None


def test_the_checksum_of_the_question_is_right() -> None:
    """Summed with its own checksum, pseudo header and all, it is 0xffff (RFC 1071)."""
    frame = mdns.query("backroom.local")
    ip, udp = frame[14:54], frame[54:]
    summed = ip[8:40] + struct.pack("!IxxxB", len(udp), 17) + udp
    summed += b"\0" * (len(summed) % 2)
    total = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF
