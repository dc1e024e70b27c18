"""A pretend scanner in Zebra's SSI mode: `scan=4711...` sends DECODE_DATA and waits for the host's acknowledgement.

Wire:   9600 8N1; length, opcode, source 0, status, data, checksum (two's complement of the sum, high byte first). It
        sends a packet again, with status bit 0, 2 s after nobody acknowledged it, and twice at most; on a NAK with
        cause 1 at once. Long labels go in several packets with status bit 1 in all but the last.
Source: Datalogic Dragon D151 Reference Manual, "Simple Serial Interface"; Symbol SE-923 Integration Guide, page 6-15;
        Zebra DS2208 Product Reference Guide, page 7-8; docs.zebra.com SM72 "ACK/NAK Enabled and Packeted Data".
"""

from __future__ import annotations

import random

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.scanner.later import Later

WAITS_S = 2.0
RESENDS = 2

KNOBS = {
    "scan": "reads a label with these data, now; \\x1d is a GS",
    "type": "the bar code's type in DECODE_DATA, two hex digits (default 0B, EAN-13)",
    "aim": "the AIM identifier it sends before the data (default none)",
    "suffix": "what ends the data: cr, lf, crlf, tab, none (default none)",
    "packet": "bytes of data that go into one packet (default 250)",
    "deaf": "yes: it does not hear acknowledgements, and sends again (default no)",
    "wrong_checksum": "yes: the next packet leaves with a wrong checksum (default no)",
    "refuses": "the cause of the NAK to each command: 1 garbled, 2 unknown, 6 denied, 0 obeys (default 0)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "sends so many random bytes, now",
    "silent": "yes: answers nothing and reads nothing (default no)",
}


class PretendSsi:
    """enabled, beeps: what the host made of it; unacknowledged: packets of a label that it still keeps."""

    def __init__(self) -> None:
        self.type, self.aim, self.suffix, self.packet = 0x0B, "", "", 250
        self.refuses, self.late = 0, 0.0
        self.deaf = self.wrong_checksum = self.silent = False
        self.enabled = True
        self.beeps: list[int] = []
        self._held = bytearray()
        self.unacknowledged: list[bytes] = []  # the first is on the line
        self._sent = 0
        self._sent_at: float | None = None
        self._later = Later()
        self._noise = random.Random(8217)  # noqa: S311 -- the same noise each time, on purpose

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self._held += data
        said: list[Send | WakeAt] = []
        while self._held and len(self._held) >= self._held[0] + 2:
            length = max(self._held[0], 1)
            whole, self._held = bytes(self._held[: length + 2]), self._held[length + 2 :]
            if self.silent or len(whole) < 6 or whole[2] != 4:
                continue
            if whole[-2:] != _checksum(whole[:-2]):
                said += self._later.say(_packet(0xD1, b"\x01"), self.late)
            else:
                said += self._heard(whole[1], whole[4:-2])
        return said

    def _heard(self, opcode: int, data: bytes) -> list[Send | WakeAt]:
        if opcode == 0xD0:
            return [] if self.deaf else self._acknowledged()
        if opcode == 0xD1:
            return self._put(again=True) if data[:1] == b"\x01" and self.unacknowledged else []
        if opcode == 0xA3:
            return self._later.say(_packet(0xA4, b"PRETEND1.00 S"), self.late)
        if self.refuses:
            return self._later.say(_packet(0xD1, bytes([self.refuses])), self.late)
        match opcode:
            case 0xE9 | 0xEA:
                self.enabled = opcode == 0xE9
            case 0xE6 if len(data) == 1:
                self.beeps.append(data[0])
            case _:
                return self._later.say(_packet(0xD1, b"\x02"), self.late)
        return self._later.say(_packet(0xD0), self.late)

    def _acknowledged(self) -> list[Send | WakeAt]:
        if not self.unacknowledged:
            return []
        del self.unacknowledged[0]
        self._sent, self._sent_at = 0, None
        return self._put(again=False) if self.unacknowledged else []

    def _put(self, again: bool) -> list[Send | WakeAt]:
        """Send the packet that is next, and look at the clock for when to send it again."""
        if self._sent > RESENDS:
            self.unacknowledged.clear()
            self._sent = 0
            return []
        self._sent += 1
        self._sent_at = None
        whole = self.unacknowledged[0]
        if again:
            whole = whole[:3] + bytes([whole[3] | 1]) + whole[4:]
        ending = _checksum(whole)
        if self.wrong_checksum:
            ending, self.wrong_checksum = bytes([ending[0] ^ 0xFF, ending[1]]), False
        return [Send(whole + ending), WakeAt(0.0)]

    def on_time(self, now: float) -> list[Send | WakeAt]:
        said = self._later.on_time(now)
        if not self.unacknowledged:
            return said
        if self._sent_at is None:
            self._sent_at = now
        if now >= self._sent_at + WAITS_S:
            return [*said, *self._put(again=True)]
        wakes = [output.at for output in said if isinstance(output, WakeAt)]
        sends = [output for output in said if isinstance(output, Send)]
        return [*sends, WakeAt(min([*wakes, self._sent_at + WAITS_S]))]

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "scan":
                return self._scan((self.aim + knobs.written(value) + self.suffix).encode())
            case "garbage":
                return [Send(self._noise.randbytes(knobs.whole(value)))]
            case "type":
                self.type = int(value, 16) & 0xFF
            case "aim" | "suffix":
                setattr(self, knob, knobs.written(value))
            case "packet":
                self.packet = min(knobs.whole(value, least=1), 250)
            case "refuses":
                if knobs.whole(value) > 255:
                    raise ValueError(f"refuses {value!r} is not a byte")
                self.refuses = knobs.whole(value)
            case "late":
                self.late = knobs.seconds(value)
            case "deaf" | "wrong_checksum" | "silent":
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []

    def _scan(self, data: bytes) -> list[Send | WakeAt]:
        if self.silent or not self.enabled or self.unacknowledged:
            return []
        parts = [data[at : at + self.packet] for at in range(0, len(data), self.packet)] or [b""]
        for number, part in enumerate(parts):
            goes_on = 2 if number < len(parts) - 1 else 0
            self.unacknowledged.append(bytes([5 + len(part), 0xF3, 0, goes_on, self.type]) + part)
        self._sent = 0
        return self._put(again=False)


def _packet(opcode: int, data: bytes = b"") -> bytes:
    whole = bytes([4 + len(data), opcode, 0, 0]) + data
    return whole + _checksum(whole)


def _checksum(whole: bytes) -> bytes:
    return ((0x10000 - sum(whole)) & 0xFFFF).to_bytes(2, "big")


SIMULATOR = Simulator(name="scanner-ssi", device_class=DeviceClass.SCANNER, device=PretendSsi, knobs=KNOBS)
