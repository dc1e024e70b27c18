"""The serial line of a pretend ZVT terminal: frames, acknowledgements and repeats, with the faults of real cables.

Wire:   DLE STX, the message with each DLE doubled, DLE ETX, check sum (two bytes, low one first); ACK 06, NAK 15. A
        frame without ACK is sent again after 5 s, after NAK at once, twice at most.
Source: PA00P016 rev 04 (2016); check sum CRC-16/KERMIT over message and ETX.
"""

from __future__ import annotations

DLE, STX, ETX, ACK, NAK = 0x10, 0x02, 0x03, 0x06, 0x15
T2_S = 5.0
_TABLE = []
for _value in range(256):
    for _ in range(8):
        _value = (_value >> 1) ^ (0x8408 if _value & 1 else 0)
    _TABLE.append(_value)


def check_sum(data: bytes) -> bytes:
    value = 0
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value.to_bytes(2, "little")


class SerialLine:
    """wrong_checksum and lost_ack count down: so many frames are spoilt, so many ACKs are never sent."""

    def __init__(self) -> None:
        self.wrong_checksum = self.lost_ack = 0
        self._in = bytearray()
        self._queue: list[bytes] = []
        self._last = b""
        self._tries = 0
        self._resend_at: float | None = None

    def wrap(self, message: bytes, now: float) -> bytes:
        self._queue.append(message)
        return self._send_first(now) if len(self._queue) == 1 else b""

    def _send_first(self, now: float) -> bytes:
        if not self._queue:
            self._resend_at = None
            return b""
        self._tries += 1
        if self._tries > 3:
            self._queue.clear()
            self._tries, self._resend_at = 0, None
            return b""
        self._resend_at = now + T2_S
        message = self._queue[0]
        check = check_sum(message + b"\x03")
        if self.wrong_checksum:
            self.wrong_checksum -= 1
            check = bytes([check[0] ^ 0xFF, check[1]])
        return b"\x10\x02" + message.replace(b"\x10", b"\x10\x10") + b"\x10\x03" + check

    def forget(self) -> None:
        """What could not be delivered while the cable was out is given up."""
        self._queue.clear()
        self._in.clear()
        self._tries, self._resend_at = 0, None

    def resend_at(self) -> float | None:
        return self._resend_at

    def on_time(self, now: float) -> bytes:
        return self._send_first(now) if self._resend_at is not None and now >= self._resend_at else b""

    def heard(self, data: bytes, now: float) -> tuple[list[bytes], bytes]:
        """(messages that came in whole, bytes to send back at once)."""
        self._in += data
        messages: list[bytes] = []
        reply = b""
        while self._in:
            if self._in[0] == ACK:
                del self._in[0]
                if self._queue:
                    self._queue.pop(0)
                    self._tries = 0
                reply += self._send_first(now)
            elif self._in[0] == NAK:
                del self._in[0]
                reply += self._send_first(now)
            elif self._in[0] != DLE:
                del self._in[0]
            elif (length := self._frame_length()) == 0:
                break
            else:
                frame = bytes(self._in[:length])
                del self._in[:length]
                reply += self._frame(frame, messages)
        return messages, reply

    def _frame_length(self) -> int:
        """0 while the frame at the front is not complete; 1 to throw away what is none."""
        if len(self._in) < 2:
            return 0
        if self._in[1] != STX:
            return 1
        place = 2
        while place + 1 < len(self._in):
            if self._in[place] != DLE:
                place += 1
            elif self._in[place + 1] == ETX:
                return place + 4 if len(self._in) >= place + 4 else 0
            else:
                place += 2
        return 0

    def _frame(self, frame: bytes, messages: list[bytes]) -> bytes:
        if len(frame) < 6:
            return b""
        message = frame[2:-4].replace(b"\x10\x10", b"\x10")
        if check_sum(message + b"\x03") != frame[-2:]:
            return bytes([NAK])
        repeated = message == self._last and bool(self._queue)
        self._last = message
        if not repeated:
            messages.append(message)
        if self.lost_ack:
            self.lost_ack -= 1
            return b""
        return bytes([ACK])
