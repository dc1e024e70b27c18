"""NCI scales (SCP-01, SCP-02): Weigh-Tronix, Avery, Brecknell, Fairbanks, Ohaus and Samsung bench scales, and "ECR".

Wire:   9600 7E1 by default, other settings exist. The host sends a letter and CR. W is answered LF weight unit CR LF
        status CR ETX, S and Z LF status CR ETX, anything unknown LF ? CR ETX. The ECR variant writes an S before the
        status, and leaves the weight out while there is none to sell by. Bit 7 is masked.
Units:  each frame names its own: kg, g, lb or oz; whole grams everywhere else (half up).
Source: Avery Weigh-Tronix 7821 User Instructions p. 25; NCI 6702 User Manual p. 14 (field marks, status byte 1, bit 6);
        Ohaus Aviator 7000 Service Manual p. 49 (all status bytes); Mettler-Toledo DIVA Service Manual p. 34 (ECR);
        Brecknell 6702U p. 68 (five letters of unit, four status bytes).

Status bytes: the first and at least one more; bit 6 says that another follows. Byte 1: 1 motion, 2 at zero, 4 RAM
error, 8 EEPROM error. Byte 2: 1 under capacity, 2 over capacity, 4 ROM error, 8 faulty calibration. Byte 3: 4 net,
8 no zero when switched on. A general scale sends whatever its display shows, also in motion and below zero, so a weight
counts only with a clean status. H (ten times the resolution) is never asked for: nobody may sell by it.
"""

from __future__ import annotations

import re
from typing import ClassVar

from gateway.drivers.scale.asked import AskedScale, Reading, grams_of, illegal, legal
from gateway.peripherals import (
    CheckHealth,
    DeviceClass,
    Driver,
    Line,
    Output,
    ReadWeight,
    Request,
    ScaleStatus,
    Weight,
    ZeroScale,
)

LF, CR, ETX = 0x0A, 0x0D, 0x03
FRAME = re.compile(
    rb"(?:(?P<field>[ 0-9.^_-]{4,10}?) *(?P<unit>[A-Za-z]{1,2}) *\r\n)?"
    rb"S?(?P<status>[\x30-\x3f][\x70-\x7f]{0,4}[\x30-\x3f])\r"
)
UNKNOWN = b"?\r"
LONGEST_FRAME = 40
MOTION, AT_ZERO, RAM, EEPROM = 0x01, 0x02, 0x04, 0x08
UNDER, OVER, ROM, CALIBRATION = 0x01, 0x02, 0x04, 0x08
NET, NO_ZERO = 0x04, 0x08


class NciScale(AskedScale):
    questions: ClassVar[dict[type[Request], bytes]] = {ReadWeight: b"W\r", CheckHealth: b"W\r", ZeroScale: b"Z\r"}
    maker = "an NCI scale"

    def __init__(self, *, poll_s: float = 0.0, reply_s: float = 1.0) -> None:
        super().__init__(poll_s=poll_s, reply_s=reply_s)

    def _byte(self, byte: int, now: float) -> list[Output]:
        byte &= 0x7F
        frame = self._frame
        if not frame and byte != LF:
            return []
        frame.append(byte)
        if byte != ETX and len(frame) < LONGEST_FRAME:
            return []
        body = bytes(frame[1:-1] if byte == ETX else frame)
        frame.clear()
        if body == UNKNOWN:
            return self._answered(Reading(None, "not_understood"), body, now)
        found = FRAME.fullmatch(body)
        reading = self._reading(found, now) if found else None
        return self._answered(reading, body, now) if reading else self._odd(body)

    def _reading(self, found: re.Match[bytes], now: float) -> Reading | None:
        first, second, third = (*found["status"][:3], 0)[:3]
        net = bool(third & NET)
        reason = trouble(first, second, third)
        if found["field"] is None:
            if reason:
                return illegal(reason, now, net)
            status = ScaleStatus.WEIGHT_ZERO if first & AT_ZERO else ScaleStatus.NOT_READY
            stable = bool(first & AT_ZERO)
            return Reading(Weight(None, stable=stable, net=net, status=status, at=now), "no_weight")
        field = found["field"].strip()
        marks = {b"^": "overweight", b"_": "under_zero", b"-": "outside_zero"}
        if len(set(field)) == 1 and field[:1] in marks:
            return illegal(marks[field[:1]], now, net)
        grams = grams_of(field.removeprefix(b"-").strip(), found["unit"])
        if grams is None:
            return None
        if field.startswith(b"-") and grams:
            reason = reason or "under_zero"
        return illegal(reason, now, net) if reason else legal(grams, net, now)

    def _verdict(self, request: Request, reading: Reading) -> str:
        if not isinstance(request, ZeroScale) or reading.reason in ("broken", "not_understood"):
            return super()._verdict(request, reading)
        zeroed = reading.weight is not None and reading.weight.status is ScaleStatus.WEIGHT_ZERO
        return "" if zeroed else ("unstable" if reading.reason == "unstable" else "not_zeroed")


def trouble(first: int, second: int, third: int) -> str:
    """Why there is no weight to sell by; "" if the status is clean."""
    if first & (RAM | EEPROM) or second & (ROM | CALIBRATION):
        return "broken"
    if second & OVER:
        return "overweight"
    if second & UNDER:
        return "under_zero"
    if third & NO_ZERO:
        return "outside_zero"
    return "unstable" if first & MOTION else ""


DRIVER = Driver(
    name="scale-nci",
    device_class=DeviceClass.SCALE,
    codec=NciScale,
    line=Line(9600, 7, "E"),
    options={
        "poll_s": "ask for the weight every so many seconds while nobody weighs; 0 is never (default 0)",
        "reply_s": "seconds after which an unanswered question is asked again (default 1.0)",
    },
)
