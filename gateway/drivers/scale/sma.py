"""Scales with the protocol of the Scale Manufacturers Association (SCP-0499): Fairbanks, Sartorius, B-Tek, Rice Lake.

Wire:   9600 8N1. The host sends LF letter CR: W weight, Z zero, T tare, C clear tare, D self-test. The answer has fixed
        places: LF s r n m f weight(10) unit(3) CR. LF ? CR: command unknown; LF ! CR: the line garbled it.
Units:  each frame names its own: kg, g, lb or oz; whole grams everywhere else (half up).
Source: Fairbanks FB2550 manual 51254 rev. 3 p. 180 and X-Series 51207 p. 120; Sartorius PR 5220 manual p. 130 and
        PR 5210 p. 37; B-Tek T419S service manual p. 61. The `_` at the unit's end was seen on the wire.

s: Z at zero, O over capacity, U under it, E zero error, I no zero when switched on, T tare error (said once), space for
none of them. r: range. n: G gross, N net, T the tare itself; g and n in high resolution, by which nobody may sell.
m: M in motion. f: future. With E, I and T the weight is ten minus signs.
"""

from __future__ import annotations

import re
from typing import ClassVar

from gateway.drivers.scale.asked import AskedScale, Reading, grams_of, illegal, legal
from gateway.peripherals import (
    CheckHealth,
    ClearTare,
    DeviceClass,
    Driver,
    Line,
    Output,
    ReadWeight,
    Request,
    ScaleStatus,
    SelfTest,
    TareScale,
    Weight,
    ZeroScale,
)

LF, CR = 0x0A, 0x0D
FRAME = re.compile(
    rb"(?P<s>[ZOUEIT _])[0-9 _](?P<n>[GNTgn])(?P<m>[M _])[ -~]"  # [0-9 _]: range; [ -~]: future
    rb"(?P<weight>[ 0-9.+_-]{10})(?P<unit>kg|g|lb|oz|KG|G|LB|OZ)[ _]{0,2}"
)
DIAGNOSTICS = re.compile(rb"([R _])([E _])([C _])[M _]")
LONGEST_FRAME = 30
WORDS = {b"?": "not_understood", b"!": "garbled"}
REASONS = {b"O": "overweight", b"U": "under_zero", b"E": "outside_zero", b"I": "outside_zero", b"T": "not_tared"}


class SmaScale(AskedScale):
    questions: ClassVar[dict[type[Request], bytes]] = {
        ReadWeight: b"\nW\r",
        CheckHealth: b"\nW\r",
        ZeroScale: b"\nZ\r",
        TareScale: b"\nT\r",
        ClearTare: b"\nC\r",
        SelfTest: b"\nD\r",
    }
    maker = "an SMA scale"

    def __init__(self, *, poll_s: float = 0.0, reply_s: float = 1.0) -> None:
        super().__init__(poll_s=poll_s, reply_s=reply_s)

    def _question(self, request: Request) -> bytes | None:
        if isinstance(request, TareScale) and request.grams is not None:
            return None  # the protocol has no command for a known tare
        return super()._question(request)

    def _byte(self, byte: int, now: float) -> list[Output]:
        byte &= 0x7F
        frame = self._frame
        if byte == LF:
            junk = bytes(frame)
            frame[:] = [LF]
            return self._odd(junk) if len(junk) > 1 else []
        if not frame:
            return []
        frame.append(byte)
        if byte != CR and len(frame) < LONGEST_FRAME:
            return []
        body = bytes(frame[1:-1] if byte == CR else frame)
        frame.clear()
        reading = self._reading(body, now)
        return self._answered(reading, body, now) if reading else self._odd(body)

    def _reading(self, body: bytes, now: float) -> Reading | None:
        if body in WORDS:
            return Reading(None, WORDS[body])
        if found := DIAGNOSTICS.fullmatch(body):
            return Reading(None, "tested" if found[1] + found[2] + found[3] in (b"   ", b"___") else "broken")
        found = FRAME.fullmatch(body)
        return self._weighed(found, now) if found else None

    def _weighed(self, found: re.Match[bytes], now: float) -> Reading | None:
        net = found["n"] in b"Nn"
        if reason := REASONS.get(found["s"]):
            return illegal(reason, now, net)
        field = found["weight"].replace(b"_", b" ").strip()
        grams = grams_of(field.lstrip(b"+-").strip(), found["unit"])
        if grams is None or found["n"] in b"gnT":
            return None
        if found["m"] == b"M":
            return illegal("unstable", now, net)
        if field.startswith(b"-") and grams:
            return illegal("under_zero", now, net)
        if found["s"] == b"Z" and grams == 0:
            return Reading(Weight(0, stable=True, net=net, status=ScaleStatus.WEIGHT_ZERO, at=now))
        return legal(grams, net, now)

    def _verdict(self, request: Request, reading: Reading) -> str:
        reason = super()._verdict(request, reading)
        if reason in ("not_understood", "broken", "garbled"):
            return reason
        if isinstance(request, SelfTest):
            return "" if reason == "tested" else "other"
        if reason == "tested":
            return "other"
        weight = reading.weight
        match request:
            case ZeroScale():
                return "" if weight and weight.grams == 0 else ("unstable" if reason == "unstable" else "not_zeroed")
            case TareScale():
                return "" if weight and weight.net and not reason else reason or "not_tared"
            case ClearTare():
                return "not_tared" if weight and weight.net else ""
            case _:
                return reason


DRIVER = Driver(
    name="scale-sma",
    device_class=DeviceClass.SCALE,
    codec=SmaScale,
    line=Line(9600),
    options={
        "poll_s": "ask for the weight every so many seconds while nobody weighs; 0 is never (default 0)",
        "reply_s": "seconds after which an unanswered question is asked again (default 1.0)",
    },
)
