"""A pretend card terminal of a Taiwanese bank: 144 or 400 bytes, ACK and NAK, sale, refund, inquiry, settlement.

Wire:   STX data ETX LRC (XOR of data and ETX) -> ACK, later a record of the same length; wants two ACK, repeats it
        after two NAK. The knob layout chooses the record.
Units:  twelve digits with two decimals.
Source: ECPay's developer pages (p=32622, 32645) for the order of things; the records of NCCC and Taishin as public
        implementations write them, here as widths in their order. What an inquiry says of a payment that never was is
        the knob none_code, for no public text tells it.

It books in `ledger`: what a test asks is whether money was taken, and how often.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs

#: the widths of a record's fields in their order; None has no name here
WIDTHS: dict[str, list[tuple[str | None, int]]] = {
    "majority-144": [
        ("type", 2), ("host", 2), ("slip", 6), ("pan", 19), ("expiry", 4), ("amount", 12), ("date", 6), ("time", 6),
        ("auth", 9), (None, 12), ("answer", 4), ("tid", 8), ("rrn", 12), (None, 12), ("shop", 6), (None, 24),
    ],
    "as320-144": [
        ("type", 2), ("host", 2), ("slip", 6), ("pan", 19), ("expiry", 4), ("amount", 12), ("date", 6), ("time", 6),
        ("auth", 9), ("answer", 4), ("tid", 8), ("rrn", 12), ("shop", 16), (None, 38),
    ],
    "nccc-400": [
        (None, 1), (None, 6), (None, 1), ("type", 2), ("wallet", 1), ("host", 2), ("slip", 6), ("pan", 19),
        ("count", 4), ("amount", 12), ("date", 6), ("time", 6), ("auth", 9), (None, 1), ("answer", 4),
        ("merchant", 15), ("tid", 8), (None, 12), ("shop", 18), (None, 79), ("brand", 2), ("batch", 6), ("start", 2),
        (None, 178),
    ],
    "taishin-400": [
        ("type", 2), ("host", 2), ("slip", 6), ("pan", 19), (None, 4), ("amount", 12), ("date", 6), ("time", 6),
        ("auth", 9), (None, 12), ("answer", 4), ("tid", 8), (None, 24), ("shop", 18), (None, 2), ("brand", 2),
        (None, 123), ("finished", 1), ("timer", 4), (None, 136),
    ],
}  # fmt: skip
KNOBS = {
    "layout": f"which bank's record: {', '.join(WIDTHS)} (default nccc-400)",
    "answer": "the response code of the next payments, such as 0001 or 0006 (default 0000)",
    "takes": "seconds that a customer takes (default 0)",
    "cut": "once: before_ack: the request is lost; ack: it is done, its ACK lost; booking: ACK, then nothing is done;"
    " after: booked, its record lost (default none)",
    "nak": "how many requests are answered with NAK first (default 0)",
    "wrong_lrc": "how many records go out with a wrong check byte first (default 0)",
    "interim": "how many records in between, finished N, go out before the last one; Taishin only (default 0)",
    "timer": "the new time to wait in such a record, four digits (default 0250)",
    "inquiry": "match: finds the payment of that amount and time; last: tells of its last one (default match)",
    "none_code": "the response code for a payment that it does not find (default 0001)",
    "full_pan": "yes: sends the whole card number, as it must not (default no)",
    "other_amount": "yes: its records bear another amount (default no)",
    "parity": "yes: sets bit 7 to even parity, as a 7E1 line seen through 8 bits (default no)",
    "silent": "yes: answers nothing and books nothing (default no)",
    "late": "seconds that each record takes, after it is booked (default 0)",
    "garbage": "yes: sends random bytes for records (default no)",
}
CHOICES = {
    "layout": tuple(WIDTHS),
    "cut": ("none", "before_ack", "ack", "booking", "after"),
    "inquiry": ("match", "last"),
}
NUMBERS = ("nak", "wrong_lrc", "interim")
STX, ETX, ACK, NAK = 2, 3, 6, 21
PAN = "4746090000009784"
MOST_REPEATS = 3


@dataclass
class Slip:
    """One payment in the terminal's books: what was asked, and what it printed."""

    kind: str
    cents: int
    asked: str
    slip: str
    auth: str
    answer: str
    voided: bool = False


class PretendEdc:
    def __init__(self) -> None:
        self.layout, self.answer, self.cut, self.timer = "nccc-400", "0000", "none", "0250"
        self.inquiry, self.none_code = "match", "0001"
        self.nak = self.wrong_lrc = self.interim = 0
        self.takes = self.late = 0.0
        self.full_pan = self.other_amount = self.parity = self.silent = self.garbage = False
        self.ledger: list[Slip] = []
        self.requests: list[str] = []  # their types, as they came
        self.acknowledged = 0
        self._buffer = bytearray()
        self._later: list[tuple[float, str, bytes]] = []
        self._last_record = b""
        self._repeats = 0
        self._acks = self._naks = 0
        self._noise = random.Random(886)  # noqa: S311 -- the same noise each time, on purpose

    def charged(self) -> int:
        """Cents taken, less cents given back."""
        signs = {"01": 1, "02": -1}
        good = (one for one in self.ledger if one.answer == "0000" and not one.voided)
        return sum(one.cents * signs.get(one.kind, 0) for one in good)

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        if knob in CHOICES:
            if value not in CHOICES[knob]:
                raise ValueError(f"{knob} {value!r} is none of {', '.join(CHOICES[knob])}")
            setattr(self, knob, value)
        elif knob in ("answer", "none_code", "timer"):
            if len(value) != 4 or not value.isascii():
                raise ValueError(f"{knob} {value!r} has not four characters")
            setattr(self, knob, value)
        elif knob in NUMBERS:
            setattr(self, knob, knobs.whole(value))
        elif knob in ("takes", "late"):
            setattr(self, knob, knobs.seconds(value))
        elif knob in KNOBS:
            setattr(self, knob, knobs.yes(value))
        else:
            raise knobs.unknown(knob, KNOBS)
        return []

    # --- the link -------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        if self.silent:
            return []
        said: list[Send | WakeAt] = []
        for byte in data:
            said += self._byte(byte & 0x7F, now)
        return said

    def _byte(self, byte: int, now: float) -> list[Send | WakeAt]:
        size = sum(width for _, width in WIDTHS[self.layout]) + 3
        if not self._buffer and byte != STX:
            return self._link(byte)
        # A till that starts anew in the middle of a record begins with STX, which stands in no field.
        if byte == STX and len(self._buffer) < size - 2:
            self._buffer.clear()
        self._buffer.append(byte)
        if len(self._buffer) < size:
            return []
        frame = bytes(self._buffer)
        self._buffer.clear()
        return self._request(frame, now)

    def _link(self, byte: int) -> list[Send | WakeAt]:
        """Two ACK are the till's yes to a record, two NAK its wish to have it again."""
        self._acks = self._acks + 1 if byte == ACK else 0
        self._naks = self._naks + 1 if byte == NAK else 0
        if self._acks == 2:
            self._acks, self._last_record = 0, b""
            self.acknowledged += 1
        if self._naks == 2 and self._last_record and self._repeats < MOST_REPEATS:
            self._naks = 0
            self._repeats += 1
            return [Send(self._spoiled(self._last_record))]
        return []

    def _request(self, frame: bytes, now: float) -> list[Send | WakeAt]:
        cut, self.cut = self.cut, "none"
        if cut == "before_ack":
            return []
        if self.nak or frame[-2] != ETX or check(frame[1:-1]) != frame[-1] or self._later:
            self.nak = max(0, self.nak - 1)
            return [Send(bytes([NAK]))]
        fields = cells(self.layout, frame[1:-2])
        self.requests.append(fields["type"])
        said: list[Send | WakeAt] = [] if cut == "ack" else [Send(self._on_line(bytes([ACK])))]
        if cut == "booking":
            return said
        record = b"" if cut == "after" else b"record"
        self._later.append((now + self.takes, "book" if record else "book only", frame[1:-2]))
        for count in range(self.interim if self.layout == "taishin-400" else 0):
            interim = cells(self.layout, frame[1:-2]) | {"answer": "0000", "finished": "N", "timer": self.timer}
            self._later.insert(count, (now, "send", framed(self.layout, interim)))
        return [*said, *self.on_time(now)]

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            _, what, data = self._later.pop(0)
            if what == "send":
                due += self._send(data)
                continue
            record = self._done(cells(self.layout, data))
            if what == "book" and self.late:
                self._later.append((now + self.late, "send", record))
            elif what == "book":
                due += self._send(record)
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    def _send(self, record: bytes) -> list[Send | WakeAt]:
        self._last_record, self._repeats = record, 0
        return [Send(self._spoiled(record))]

    def _spoiled(self, record: bytes) -> bytes:
        if self.garbage:
            return self._noise.randbytes(len(record))
        if self.wrong_lrc:
            self.wrong_lrc -= 1
            record = record[:-1] + bytes([record[-1] ^ 0x40])
        return self._on_line(record)

    def _on_line(self, data: bytes) -> bytes:
        if not self.parity:
            return data
        return bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in data)

    # --- the books ------------------------------------------------------------------------------------------

    def _done(self, asked: dict[str, str]) -> bytes:
        """Do what a request asks; the record that answers it."""
        match asked["type"]:
            case "01" | "02":
                told = self._paid(asked)
            case "30":
                told = self._voided(asked)
            case "62":
                told = self._inquired(asked)
            case "50":
                done = [one for one in self.ledger if one.answer == "0000"]
                told = {"answer": "0000", "amount": f"{self.charged():012d}", "count": f"{len(done):04d}"}
            case _:
                told = {"answer": "0010"}
        return framed(self.layout, asked | {"tid": "12345678", "finished": "Y"} | told)

    def _paid(self, asked: dict[str, str]) -> dict[str, str]:
        number = len(self.ledger) + 1
        auth = f"A{number:05d}" if self.answer == "0000" else ""
        when = (asked["date"] + asked["time"]).strip()
        slip = Slip(asked["type"], int(asked["amount"] or "0"), when, f"{number:06d}", auth, self.answer)
        self.ledger.append(slip)
        return self._told(slip, asked)

    def _told(self, slip: Slip, asked: dict[str, str]) -> dict[str, str]:
        if slip.answer != "0000":
            return {"answer": slip.answer, "slip": slip.slip}
        cents = slip.cents + 100 * self.other_amount
        card = PAN if self.full_pan else f"{PAN[:6]}******{PAN[-4:]}"
        when = {} if (asked["date"] + asked["time"]).strip() else {"date": "261122", "time": "173000"}
        told = {"answer": "0000", "slip": slip.slip, "pan": card, "amount": f"{cents:012d}", "auth": slip.auth}
        return told | {"rrn": f"{slip.slip:0>12}", "brand": "02"} | when

    def _voided(self, asked: dict[str, str]) -> dict[str, str]:
        found = [one for one in self.ledger if one.slip == asked["slip"] and not one.voided]
        if not found or self.answer != "0000":
            return {"answer": "0004"}
        found[0].voided = True
        return self._told(found[0], asked)

    def _inquired(self, asked: dict[str, str]) -> dict[str, str]:
        if self.inquiry == "last":
            found = self.ledger[-1:]
        else:
            when = (asked["date"] + asked["time"]).strip()
            found = [one for one in self.ledger if (one.cents, one.asked) == (int(asked["amount"]), when)]
        if not found:
            return {"answer": self.none_code}
        return self._told(found[-1], asked)


def cells(layout: str, data: bytes) -> dict[str, str]:
    """A record's named fields."""
    found: dict[str, str] = {}
    at = 0
    for name, width in WIDTHS[layout]:
        if name is not None:
            found[name] = data[at : at + width].decode("ascii", "replace").strip()
        at += width
    return found


def framed(layout: str, fields: dict[str, str]) -> bytes:
    parts = [(fields.get(name, "") if name else "").ljust(width)[:width] for name, width in WIDTHS[layout]]
    data = "".join(parts).encode("ascii", "replace") + bytes([ETX])
    return bytes([STX]) + data + bytes([check(data)])


def check(data: bytes) -> int:
    """XOR of all bytes, the ETX among them."""
    result = 0
    for byte in data:
        result ^= byte
    return result


SIMULATOR = Simulator(
    name="terminal-taiwan-edc", device_class=DeviceClass.PAYMENT_TERMINAL, device=PretendEdc, knobs=KNOBS
)
