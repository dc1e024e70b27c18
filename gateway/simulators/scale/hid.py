"""A pretend USB scale of the HID point-of-sale class, as a Pitney Bowes describes itself.

Wire:   the records of gateway/peripherals/reports.py: D is answered with the report descriptor, and from then on input
        reports (I) come by themselves: id, status, unit, power of ten, weight (two bytes, low one first). O with the
        control report: bit 1 zeroes, bit 0 is the enforced zero return. G 1 and G 5 are answered with F.
Units:  grams, kilograms x 10^-3, ounces x 10^-1 or pounds x 10^-2, as the knob unit says.
Source: USB-IF HID Point of Sale Usage Tables 1.02, chapter 5; a Pitney Bowes descriptor as a public emulator carries
        it; Dymo reports as published (antradar.com, "Dymo USB scale interface specs").
"""

from __future__ import annotations

import random

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.peripherals.reports import Record, Records, pack
from gateway.simulators import knobs

KNOBS = {
    "grams": "what lies on the pan (default 0)",
    "moving": "yes: the weight does not settle (default no)",
    "over": "yes: more than its capacity (default no)",
    "under_zero": "yes: the pan was taken off (default no)",
    "status": "the status it reports whatever lies on the pan: 1 fault, 7 calibrate, 8 zero me; 0 is none (default 0)",
    "capacity": "grams above which it reports over capacity by itself (default 15000)",
    "unit": "g, kg, oz, lb, or tael, whose grams nobody knows (default g)",
    "report_id": "id of the data report, 3 as Dymo's or another; turn it before the line is opened (default 3)",
    "zero": "output, feature, or none: where its zero command is; turn it before the line is opened (default output)",
    "stale": "grams that its first report after opening still tells; -1 is none (default -1)",
    "on_change": "yes: reports only when the weight changes (default no)",
    "late": "seconds between two reports (default 0.1)",
    "silent": "yes: answers and reports nothing (default no)",
    "garbage": "yes: reports random bytes (default no)",
    "cut": "so many bytes of each report are sent; -1 is all (default -1)",
}
#: unit -> code of the unit, power of ten, grams of one count as a fraction
UNITS = {
    "g": (2, 0, (1, 1)),
    "kg": (3, -3, (1, 1)),
    "oz": (11, -1, (28_349_523_125, 10_000_000_000)),
    "lb": (12, -2, (45_359_237, 10_000_000)),
    "tael": (5, 0, (75, 2)),
}
FAULT, ZERO, MOVING, STABLE, UNDER, OVER = 1, 2, 3, 4, 5, 6
_UNIT_ARRAY = "09 50 a1 02 15 01 25 0c 19 51 29 5c {} 00 c0"


def descriptor(report_id: int, zero: str) -> bytes:
    """Attribute (1, feature), control (2), data (report_id, input) and weight limit (5, feature) reports."""
    control = {"output": "91", "feature": "b1"}.get(zero, "")
    parts = [
        "05 8d 09 20 a1 01",
        "09 30 a1 02 85 01 75 08 95 01 15 01 09 27 a1 02 25 0a 19 21 29 2a b1 00 c0",
        _UNIT_ARRAY.format("b1") + "c0",
        control and f"09 31 a1 02 85 02 75 01 95 02 15 00 25 01 09 81 09 80 {control} 02 75 06 95 01 {control} 03 c0",
        f"09 32 a1 02 85 {report_id:02x} 75 08 95 01 15 01 09 70 a1 02 25 08 19 71 29 78 81 00 c0",
        _UNIT_ARRAY.format("81"),
        "15 81 25 7f 09 41 81 02 75 10 15 00 27 ff ff 00 00 09 40 81 02 c0",
        "09 34 a1 02 85 05 75 08 95 01",
        _UNIT_ARRAY.format("b1"),
        "15 81 25 7f 09 41 b1 02 75 10 15 00 27 ff ff 00 00 09 40 b1 03 c0",
        "c0",
    ]
    return bytes.fromhex("".join(parts))


class PretendHidScale:
    def __init__(self) -> None:
        self.grams, self.capacity, self.status, self.stale = 0, 15_000, 0, -1
        self.report_id, self.cut = 3, -1
        self.unit, self.zero = "g", "output"
        self.late = 0.1
        self.moving = self.over = self.under_zero = self.on_change = self.silent = self.garbage = False
        self._records = Records()
        self._open = False
        self._said_at = 0.0
        self._said: bytes | None = None
        self._noise = random.Random(0x8D)  # noqa: S311 -- the same noise each time, on purpose

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        choices = {"unit": tuple(UNITS), "zero": ("output", "feature", "none")}
        match knob:
            case "grams" | "capacity":
                setattr(self, knob, knobs.whole(value))
            case "report_id":
                if knobs.whole(value, least=1) > 255:
                    raise ValueError(f"report_id {value!r} is not one of 1 to 255")
                self.report_id = knobs.whole(value)
            case "status":
                self.status = min(knobs.whole(value), 255)
            case "stale" | "cut":
                setattr(self, knob, knobs.whole(value, least=-1))
            case "late":
                self.late = knobs.seconds(value)
            case "unit" | "zero":
                if value not in choices[knob]:
                    raise ValueError(f"{knob} {value!r} is none of {', '.join(choices[knob])}")
                setattr(self, knob, value)
            case _ if knob in KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return self._if_changed()

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        outputs: list[Send | WakeAt] = []
        for record in self._records.feed(data):
            outputs += self._asked(record, now)
        return outputs

    def on_time(self, now: float) -> list[Send | WakeAt]:
        if not self._open or self.on_change:
            return []
        if now < self._due():
            return [WakeAt(self._due())]
        self._said_at = now
        return [*self._report(), WakeAt(self._due())]

    def _due(self) -> float:
        return self._said_at + max(self.late, 0.01)

    def _asked(self, record: Record, now: float) -> list[Send | WakeAt]:
        if self.silent:
            return []
        match record.kind, record.payload[:1]:
            case "D", _:
                outputs: list[Send | WakeAt] = [Send(pack("D", descriptor(self.report_id, self.zero)))]
                if not self._open and self.stale >= 0:
                    outputs.append(Send(pack("I", self._data(self.stale))))
                self._open, self._said_at = True, now
                return outputs if self.on_change else [*outputs, WakeAt(self._due())]
            case ("O" | "S") as kind, b"\x02" if kind == {"output": "O", "feature": "S"}.get(self.zero):
                if len(record.payload) == 2 and record.payload[1] & 2 and not self.moving:
                    self.grams, self.under_zero = 0, False
                return self._if_changed()
            case "G", b"\x01":
                return [Send(pack("F", bytes([1, 4, UNITS[self.unit][0]])))]
            case "G", b"\x05":
                code, tens, fraction = UNITS[self.unit]
                limit = min(_counts(self.capacity, fraction), 65_535)
                return [Send(pack("F", bytes([5, code, tens & 0xFF]) + limit.to_bytes(2, "little")))]
        return []

    # --- reports --------------------------------------------------------------------------------------------

    def _if_changed(self) -> list[Send | WakeAt]:
        if not self._open or not self.on_change or self._data(self.grams) == self._said:
            return []
        return self._report()

    def _report(self) -> list[Send | WakeAt]:
        if self.silent:
            return []
        self._said = data = self._data(self.grams)
        if self.garbage:
            data = data[:1] + self._noise.randbytes(len(data) - 1)
        return [Send(pack("I", data[: self.cut] if self.cut >= 0 else data))]

    def _data(self, grams: int) -> bytes:
        code, tens, fraction = UNITS[self.unit]
        counts = min(_counts(grams, fraction), 65_535)
        return bytes([self.report_id, self._status(grams), code, tens & 0xFF]) + counts.to_bytes(2, "little")

    def _status(self, grams: int) -> int:
        if self.status:
            return self.status
        if self.moving:
            return MOVING
        if self.over or grams > self.capacity:
            return OVER
        if self.under_zero:
            return UNDER
        return STABLE if _counts(grams, UNITS[self.unit][2]) else ZERO


def _counts(grams: int, fraction: tuple[int, int]) -> int:
    """What the display counts, half up."""
    return (2 * grams * fraction[1] + fraction[0]) // (2 * fraction[0])


SIMULATOR = Simulator(name="scale-hid", device_class=DeviceClass.SCALE, device=PretendHidScale, knobs=KNOBS)
