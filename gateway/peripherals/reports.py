"""HID reports and key events as byte streams, so that a codec of such a device reads bytes as every other codec does.

A HID line carries records: kind (1 byte), length of the payload (2 bytes, little-endian), payload.

    D  out  asks for the report descriptor (no payload); a codec sends it first of all, in its first on_time
    D  in   the report descriptor: the answer. Nothing sends it unasked: a pretend device cannot see a line being opened
    I  in   an input report, with its report id where the descriptor uses ids
    F  in   a feature report that was asked for with G, with its id as an input report has it
    O  out  an output report; the first byte is the report id, 0 where the device uses none
    S  out  set a feature report, its id first
    G  out  get the feature report of this id (1 byte)

An evdev line carries key events of 8 bytes each, little-endian: type (u16), code (u16), value (s32); and, of all other
events, only SYN_DROPPED: the kernel had no room and threw events away, so what was being typed is incomplete.

Source: Linux Documentation/hid/hidraw.rst (report id first, 0 for none); linux/input.h (struct input_event, whose time
is left out here: it would be 24 bytes on one machine and 16 on the other). The record form itself is ours.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

EV_SYN, EV_KEY, SYN_DROPPED = 0, 1, 3
KINDS = b"DIFOSG"
#: the longest report descriptor that Linux takes (HID_MAX_DESCRIPTOR_SIZE)
LONGEST = 4096
_HEAD = struct.Struct("<cH")
_KEY = struct.Struct("<HHi")


class Record(NamedTuple):
    kind: str
    payload: bytes


def pack(kind: str, payload: bytes) -> bytes:
    """One record of a HID line."""
    return _HEAD.pack(kind.encode("ascii"), len(payload)) + payload


class Records:
    """Cuts a stream into records, however its bytes come. What cannot be a record's beginning is skipped, bytewise."""

    def __init__(self) -> None:
        self._held = bytearray()
        self.skipped = 0

    def feed(self, data: bytes) -> list[Record]:
        self._held += data
        found: list[Record] = []
        while len(self._held) >= _HEAD.size:
            kind, length = _HEAD.unpack_from(self._held)
            if kind not in KINDS or length > LONGEST:
                del self._held[0]
                self.skipped += 1
                continue
            end = _HEAD.size + length
            if len(self._held) < end:
                break
            found.append(Record(kind.decode("ascii"), bytes(self._held[_HEAD.size : end])))
            del self._held[:end]
        return found

    def __len__(self) -> int:
        return len(self._held)


class Key(NamedTuple):
    """type: EV_KEY is 1; value: 0 released, 1 pressed, 2 repeated."""

    type: int
    code: int
    value: int


def pack_key(key: Key) -> bytes:
    return _KEY.pack(*key)


class Keys:
    """Cuts a stream into key events."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Key]:
        self._held += data
        whole = len(self._held) - len(self._held) % _KEY.size
        found = [Key(*fields) for fields in _KEY.iter_unpack(bytes(self._held[:whole]))]
        del self._held[:whole]
        return found

    def __len__(self) -> int:
        return len(self._held)
