"""Keyboards through Linux evdev, as the key events of gateway/peripherals/reports.py: for scanners that type.

    evdev:///dev/input/by-id/usb-...-event-kbd
    evdev://0c2e:0b61/SERIAL                    see plugged.py

The device is grabbed: what it types goes to this program only, and not into whatever has the focus of a screen. Without
the grab a scanner would type into the login screen and press Enter, so a device that cannot be grabbed is not used.

Source: Linux Documentation/input/input.rst, event-codes.rst; include/uapi/linux/input.h.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from gateway.devices.plugged import Node, find, text_of
from gateway.devices.transport import DescriptorTransport, Transport, gone
from gateway.peripherals.reports import EV_KEY, EV_SYN, SYN_DROPPED, Key, pack_key

SYS = Path("/sys/class/input")
#: seconds and microseconds in the machine's own long, then type, code, value
_EVENT = struct.Struct("@llHHi")
_LONG_BITS = struct.calcsize("@l") * 8
GRAB = 1 << 30 | 4 << 16 | ord("E") << 8 | 0x90
#: keys that a keyboard has and a volume knob or a mouse has not
KEY_1, KEY_ENTER, KEY_A = 2, 28, 30
EVENTS_AT_ONCE = 64


def nodes() -> Iterator[Node]:
    """Every input device that has event numbers."""
    for entry in sorted(SYS.glob("event*")):
        about = entry / "device"
        vendor, product = text_of(about / "id" / "vendor"), text_of(about / "id" / "product")
        if vendor and product:
            yield Node(
                path=f"/dev/input/{entry.name}",
                vendor=int(vendor, 16),
                product=int(product, 16),
                serial=text_of(about / "uniq"),
                physical=text_of(about / "phys"),
                about=entry,
            )


def is_keyboard(node: Node) -> bool:
    keys = 0
    for word in text_of(node.about / "device" / "capabilities" / "key").split():
        keys = keys << _LONG_BITS | int(word, 16)
    return all(keys >> key & 1 for key in (KEY_1, KEY_ENTER, KEY_A))


def path_of(url: str) -> str:
    """Raises DeviceGone where no device, or more than one, fits."""
    return find(url, nodes(), is_keyboard)


def open_evdev(url: str) -> Transport:
    path = path_of(url)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise gone(path, problem) from problem
    try:
        fcntl.ioctl(descriptor, GRAB, 1)
    except OSError as problem:
        os.close(descriptor)
        raise gone(path, problem) from problem
    return EvdevTransport(path, descriptor)


class EvdevTransport(DescriptorTransport):
    """Key events only, and the one that says that some were lost. The grab ends with the descriptor."""

    def _take(self, descriptor: int) -> bytes | None:
        raw = os.read(descriptor, _EVENT.size * EVENTS_AT_ONCE)
        if not raw:
            return b""
        whole = raw[: len(raw) - len(raw) % _EVENT.size]
        said = b"".join(
            pack_key(Key(kind, code, value))
            for _, _, kind, code, value in _EVENT.iter_unpack(whole)
            if kind == EV_KEY or (kind, code) == (EV_SYN, SYN_DROPPED)
        )
        return said or None

    async def write(self, data: bytes) -> None:
        """Nothing is sent to a keyboard; no driver of this line does."""
