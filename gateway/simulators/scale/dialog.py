"""A pretend checkout scale of Checkout-Dialog 02, 04 or 06, which shows price and total itself.

Wire:   EOT resets; STX record ETX: 01 price, 03 price and tare, 04 price and text, 05 all three -> ACK or NAK, or
        record 11 when it wants checksums; ENQ after EOT -> record 02, NAK, or record 11 with the verdict; 08 -> record
        09; 10 -> ACK. Bit 7 is masked: whoever talks 7O1 sends parity there.
Units:  grams in five digits (or hundredths of a pound), unit price and total in six (or five) digits.
Source: Mettler-Toledo DIVA Service Manual 72191202, 05/2012, pages 52-56; Ohaus Aviator 7000 Service Manual, pages
        38-46. The made-up secrets of the knobs cs and kw are ours: real ones come from the scale's maker.
"""

from __future__ import annotations

import random
import re

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "grams": "what lies on the pan; turning it is motion, without which no second sale is possible (default 0)",
    "moving": "yes: the weight does not settle (default no)",
    "over": "yes: more than its capacity (default no)",
    "under_zero": "yes: the pan was taken off (default no)",
    "counting": "yes: the result is not finished (default no)",
    "capacity": "grams above which it is overloaded by itself (default 15000)",
    "minimum": "grams below which nothing is sold (default 20)",
    "unit": "kg or lb (default kg)",
    "dialog": "02, 04 or 06; checksums are of 06 (default 06)",
    "price_digits": "5 or 6 (default 6)",
    "texts": "no: records 04 and 05 are refused as invalid text (default yes)",
    "checksums": "yes: it asks for checksums at the next price, after an error, and every 50 sales (default no)",
    "cs": "the till's checksums that it expects, as the driver's option (default 1234)",
    "kw": "their check words (default ABCD)",
    "z": "the challenge's two hexadecimal digits; none is another one each time (default none)",
    "status": "the status it gives for every ENQ, such as 01; none is what the pan says (default none)",
    "silent": "yes: answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: answers random bytes (default no)",
    "cut": "so many bytes of each answer are sent; -1 is all (default -1)",
    "parity": "yes: sets bit 7 to odd parity, as a 7O1 line seen through 8 bits (default no)",
}
STX, ETX, EOT, ENQ, ACK, NAK, ESC = b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x15", b"\x1b"
PRICES = {
    b"01": re.compile(rb"(?P<price>[0-9]{5,6})\x1b"),
    b"03": re.compile(rb"(?P<price>[0-9]{5,6})\x1b(?P<tare>[0-9]{4})"),
    b"04": re.compile(rb"(?P<price>[0-9]{5,6})\x1b(?P<text>[ -~]{13})"),
    b"05": re.compile(rb"(?P<price>[0-9]{5,6})\x1b(?P<tare>[0-9]{4})\x1b(?P<text>[ -~]{13})"),
}
SUMS = re.compile(rb"(?:[0-9A-F]{8}){1,5}")
#: sales after which the checksums are asked for again
SALES = 50


class PretendDialog:
    def __init__(self) -> None:
        self.grams, self.capacity, self.minimum, self.price_digits, self.cut = 0, 15_000, 20, 6, -1
        self.unit, self.dialog, self.cs, self.kw, self.z, self.status = "kg", "06", "1234", "ABCD", "", ""
        self.late = 0.0
        self.moving = self.over = self.under_zero = self.counting = self.checksums = False
        self.silent = self.garbage = self.parity = False
        self.texts = True
        self.shown: dict[str, str] = {}
        self._record: bytes | None = None  # between STX and ETX
        self._why = "00"
        self._price: int | None = None
        self._tare = 0
        self._sold = False  # nothing moved since the last sale
        self._unproven = 0  # sales that are still free before checksums are due
        self._challenge = b""
        self._verdict = b""
        self._later: list[tuple[float, bytes]] = []
        self._noise = random.Random(6)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        choices = {"unit": ("kg", "lb"), "dialog": ("02", "04", "06"), "price_digits": ("5", "6")}
        match knob:
            case "grams" | "capacity" | "minimum":
                setattr(self, knob, knobs.whole(value))
                self._sold = self._sold and knob != "grams"
            case "cut":
                self.cut = knobs.whole(value, least=-1)
            case "late":
                self.late = knobs.seconds(value)
            case "unit" | "dialog" | "price_digits":
                if value not in choices[knob]:
                    raise ValueError(f"{knob} {value!r} is none of {', '.join(choices[knob])}")
                setattr(self, knob, int(value) if knob == "price_digits" else value)
            case "cs" | "kw" | "z" | "status":
                setattr(self, knob, "" if value == "none" else value.upper())
            case _ if knob in KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []

    # --- the wire -------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        said = [answer for byte in data if (answer := self._byte(bytes([byte & 0x7F])))]
        if self.silent or not said:
            return []
        for answer in said:
            whole = self._noise.randbytes(len(answer)) if self.garbage else answer
            whole = whole[: self.cut] if self.cut >= 0 else whole
            if self.parity:
                whole = bytes(byte if byte.bit_count() % 2 else byte | 0x80 for byte in whole)
            self._later.append((now + self.late, whole))
        return self.on_time(now)

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    def _byte(self, byte: bytes) -> bytes:
        if byte == EOT:
            self._record = None
        elif byte == STX:
            self._record = b""
        elif byte == ENQ and self._record is None:
            return self._polled()
        elif byte == ETX and self._record is not None:
            record, self._record = self._record, None
            return self._told(record)
        elif self._record is not None and len(self._record) < 64:
            self._record += byte
        return b""

    def _no(self, why: str) -> bytes:
        self._why = why
        if why in ("01", "02"):
            self._unproven = 0  # an error was detected: the checksums are asked for again
        return NAK

    # --- records --------------------------------------------------------------------------------------------

    def _told(self, record: bytes) -> bytes:
        number, rest = record[:2], record[3:]
        if number == b"08" and not rest:
            why, self._why = self._why, "00"
            return STX + b"09" + ESC + why.encode() + ETX
        if number == b"10" and self._challenge and record[2:3] == ESC:
            return self._proof(rest)
        if number not in PRICES or record[2:3] != ESC:
            return self._no("10")
        return self._priced(number, rest)

    def _priced(self, number: bytes, rest: bytes) -> bytes:
        if not self.texts and number in (b"04", b"05"):
            return self._no("13")
        found = PRICES[number].fullmatch(rest)
        if not found or len(found["price"]) != self.price_digits:
            return self._no("11")
        if self.checksums and self.dialog == "06" and self._unproven <= 0:
            self._challenge = self.z.encode() or b"%02X" % self._noise.randrange(256)
            return STX + b"11" + ESC + b"2" + self._challenge + ETX
        fields = {name: value.decode() for name, value in found.groupdict().items() if value is not None}
        self.shown = fields
        self._price, self._tare = int(fields["price"]), int(fields.get("tare", "0"))
        return ACK

    def _proof(self, sums: bytes) -> bytes:
        """Record 10: each checksum turned left by the challenge's first digit, each check word right by its second."""
        left, right = int(self._challenge[:1], 16), int(self._challenge[1:], 16)
        self._challenge = b""
        if not SUMS.fullmatch(sums):
            return self._no("10")
        pairs = zip(self.cs.split(","), self.kw.split(","), strict=False)
        right_ones = "".join(_turned(cs, left) + _turned(kw, -right) for cs, kw in pairs).encode()
        self._verdict = b"1" if sums == right_ones else b"0"
        return ACK

    def _polled(self) -> bytes:
        if self._verdict:
            verdict, self._verdict = self._verdict, b""
            self._unproven = SALES if verdict == b"1" else 0
            return STX + b"11" + ESC + verdict + ETX
        why = self.status or self._trouble()
        if why:
            return self._no(why)
        price_minor, self._price = self._price or 0, None
        self._sold, self._unproven = True, self._unproven - 1
        net = self.grams - self._tare
        count, unit = net, b"3"
        total = (net * price_minor + 500) // 1000
        if self.unit == "lb":
            count, unit = (net * 10_000_000 + 22_679_618) // 45_359_237, b"1"
            total = (count * price_minor + 50) // 100
        shown = b"%0*d" % (self.price_digits, price_minor)
        return STX + b"02" + ESC + unit + ESC + b"%05d" % count + ESC + shown + ESC + b"%06d" % (total % 10**6) + ETX

    def _trouble(self) -> str:
        """The status that record 09 will tell, "" for none."""
        net = self.grams - self._tare
        found = [
            (self._price is None, "01"),
            (self.moving, "20"),
            (self.over or self.grams > self.capacity, "32"),
            (self.under_zero or net < 0, "31"),
            (net < self.minimum, "30"),
            (self.counting, "22"),
            (self._sold, "21"),
        ]
        return next((status for wrong, status in found if wrong), "")


def _turned(digits: str, left: int) -> str:
    """Four hexadecimal digits as sixteen bits, turned left; right if negative."""
    bits = f"{int(digits, 16):016b}"
    place = left % 16
    return f"{int(bits[place:] + bits[:place], 2):04X}"


SIMULATOR = Simulator(name="scale-dialog", device_class=DeviceClass.SCALE, device=PretendDialog, knobs=KNOBS)
