"""How ZVT messages travel: bare over TCP; over a serial line in frames with a check sum and an acknowledgement.

Wire:   serial: DLE STX, the APDU with each DLE doubled, DLE ETX, CRC low, CRC high; answered by ACK (06) or NAK (15).
        The CRC is CRC-16/KERMIT over the APDU and the ETX. T1: 200 ms between two bytes of a frame; T2: 5 s for ACK;
        a frame is repeated twice at most.
Source: PA00P016 rev 04 (2016), as collected in device-protocols.md 5.1. It calls the check sum XModem; that published
        programs compute KERMIT was tried there, and Portalum.Zvt tests its own against the same sum with ETX appended.

A frame is repeated by its own line only, never by the driver: the receiver knows a repeated frame by its coming before
it has answered the first one. So no order to pay is ever carried out twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gateway.drivers.terminal.zvt_apdu import LONGEST, Apdu, head_of

DLE, STX, ETX, ACK, NAK = 0x10, 0x02, 0x03, 0x06, 0x15
T1_S, T2_S, T3_S, REPEATS = 0.2, 5.0, 5.0, 2


@dataclass(frozen=True, slots=True)
class Junk:
    """Bytes that are no message; told once for each stretch of them."""


#: bytes are to be sent; the others came in
Item = bytes | Apdu | Junk


class Framing(Protocol):
    #: "" while the line works; "garbled" if the terminal refused a frame each time, "silent" if it said nothing
    broken: str
    #: T3, and the time that repeats on the way there and back may take
    answer_s: float

    def send(self, apdu: Apdu, now: float) -> bytes: ...

    def receive(self, data: bytes, now: float) -> Iterator[Item]: ...

    def on_time(self, now: float) -> bytes: ...

    def wake_at(self) -> float | None: ...

    def reset(self) -> None:
        """Forget all that is half done."""
        ...


class BareFraming:
    """TCP: one APDU after the other, told apart by their lengths."""

    answer_s = T3_S

    def __init__(self) -> None:
        self.broken = ""
        self._buffer = bytearray()
        self._in_junk = False

    def send(self, apdu: Apdu, now: float) -> bytes:
        return apdu.encode()

    def receive(self, data: bytes, now: float) -> Iterator[Item]:
        self._buffer += data
        while self._buffer:
            try:
                head = head_of(self._buffer)
            except ValueError:
                del self._buffer[0]
                if not self._in_junk:
                    self._in_junk = True
                    yield Junk()
                continue
            if head is None or len(self._buffer) < sum(head):
                return
            apdu = Apdu(int.from_bytes(self._buffer[:2], "big"), bytes(self._buffer[head[0] : sum(head)]))
            del self._buffer[: sum(head)]
            self._in_junk = False
            yield apdu

    def on_time(self, now: float) -> bytes:
        return b""

    def wake_at(self) -> float | None:
        return None

    def reset(self) -> None:
        self._buffer.clear()
        self._in_junk = False


class SerialFraming:
    answer_s = T3_S + 2 * REPEATS * T2_S

    def __init__(self) -> None:
        self.broken = ""
        self._frame: bytearray | None = None  # between DLE STX and the end
        self._after_dle = False
        self._check: bytearray | None = None  # the CRC, byte by byte
        self._last_byte = 0.0
        self._in_junk = False
        self._previous: bytes | None = None
        self._unsent: deque[bytes] = deque()
        self._sent: bytes | None = None  # waits for its ACK
        self._tries = self._refused = 0
        self._ack_by = 0.0

    # --- out ------------------------------------------------------------------------------------------------

    def send(self, apdu: Apdu, now: float) -> bytes:
        body = apdu.encode()
        check = crc(body + bytes([ETX])).to_bytes(2, "little")
        doubled = body.replace(bytes([DLE]), bytes([DLE, DLE]))
        self._unsent.append(bytes([DLE, STX]) + doubled + bytes([DLE, ETX]) + check)
        return self._next(now)

    def _next(self, now: float) -> bytes:
        if self._sent is not None or not self._unsent:
            return b""
        self._sent, self._tries, self._refused = self._unsent.popleft(), 0, 0
        return self._transmit(now)

    def _transmit(self, now: float) -> bytes:
        if self._sent is None:
            return b""
        if self._tries > REPEATS:
            self.broken = "garbled" if self._refused == self._tries else "silent"
            self._sent = None
            return b""
        self._tries += 1
        self._ack_by = now + T2_S
        return self._sent

    def _acknowledged(self, now: float) -> bytes:
        self._sent = None
        return self._next(now)

    # --- in -------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> Iterator[Item]:
        for byte in data:
            yield from self._byte(byte, now)
        self._last_byte = now

    def _byte(self, byte: int, now: float) -> Iterator[Item]:
        if self._check is not None:
            self._check.append(byte)
            if len(self._check) == 2:
                yield from self._whole(now)
        elif self._frame is not None:
            yield from self._inside(self._frame, byte)
        else:
            yield from self._outside(byte, now)

    def _outside(self, byte: int, now: float) -> Iterator[Item]:
        after_dle, self._after_dle = self._after_dle, byte == DLE
        if after_dle and byte == STX:
            self._frame, self._in_junk = bytearray(), False
        elif byte == ACK and self._sent is not None:
            yield self._acknowledged(now)
        elif byte == NAK and self._sent is not None:
            self._refused += 1
            yield self._transmit(now)
        elif byte not in (DLE, ACK, NAK) and not self._in_junk:
            self._in_junk = True
            yield Junk()

    def _inside(self, frame: bytearray, byte: int) -> Iterator[Item]:
        if self._after_dle:
            self._after_dle = False
            if byte == DLE:
                frame.append(byte)
            elif byte == ETX:
                self._check = bytearray()
            elif byte == STX:
                frame.clear()  # it began anew
            else:
                yield from self._spoilt()
        elif byte == DLE:
            self._after_dle = True
        elif len(frame) > LONGEST:
            yield from self._spoilt()
        else:
            frame.append(byte)

    def _spoilt(self) -> Iterator[Item]:
        self._frame, self._check, self._after_dle = None, None, False
        yield bytes([NAK])

    def _whole(self, now: float) -> Iterator[Item]:
        body, check = bytes(self._frame or b""), bytes(self._check or b"")
        if crc(body + bytes([ETX])).to_bytes(2, "little") != check:
            yield from self._spoilt()
            return
        self._frame, self._check = None, None
        yield bytes([ACK])
        if self._sent is not None and body == self._previous:
            return  # our ACK was lost and it sent the same again: our answer is on its way already
        self._previous = body
        if self._sent is not None:
            yield self._acknowledged(now)  # it answers, so it has what we sent
        yield _apdu_in(body)

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> bytes:
        out = b""
        if self._frame is not None and now >= self._last_byte + T1_S:
            out += b"".join(item for item in self._spoilt() if isinstance(item, bytes))
        if self._sent is not None and now >= self._ack_by:
            out += self._transmit(now)
        return out

    def wake_at(self) -> float | None:
        timers = [self._last_byte + T1_S] if self._frame is not None else []
        timers += [self._ack_by] if self._sent is not None else []
        return min(timers, default=None)

    def reset(self) -> None:
        self._frame = self._check = self._sent = self._previous = None
        self._after_dle = self._in_junk = False
        self._unsent.clear()
        self.broken = ""


def _apdu_in(body: bytes) -> Item:
    try:
        head = head_of(body)
    except ValueError:
        return Junk()
    if head is None or sum(head) != len(body):
        return Junk()
    return Apdu(int.from_bytes(body[:2], "big"), body[head[0] :])


def crc(data: bytes) -> int:
    """CRC-16/KERMIT: polynomial 0x1021 reflected, from zero."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value
