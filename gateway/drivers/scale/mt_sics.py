"""Mettler-Toledo scales and balances with MT-SICS level 0 and 1, and those of others that took it over (Ohaus, B-Tek).

Wire:   9600 8N1. Commands in upper case, ended by CR LF. SI -> S S|D weight unit, S I, S + or S -; Z -> Z A|I|+|-;
        T -> T S weight unit, T I, T + or T -; TA weight unit -> TA A weight unit, TA I or TA L; TAC -> TAC A|I.
        ES, ET, EL: not understood, garbled on the line, not possible now. @ and switching on -> I4 A "serial number".
Units:  each answer names its own: g, kg, lb or oz; whole grams everywhere else (half up).
Source: Mettler-Toledo AL-IC operating instructions p. 72 and AT p. 87 (S S, S I, S +, S -; CR LF); B-Tek T104 p. 44
        (levels); the answers to T, TA, TAC, Z as two independent emulators and one client have them. Some devices
        answer T A instead of T S: both are taken.

SI is asked again and again until it says S (stable), rather than S once: the scale answers S only when the goods lie
still, perhaps long after nobody waits for it any more. Scales that do not know SI take ask=S.
An answer does not tell net from gross; a weight counts as net after a tare that this driver set, until it is cleared.
An I4 that nobody asked for means that the scale was switched on: what it owed, it no longer does.
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
    Power,
    ReadWeight,
    Request,
    ScaleStatus,
    TareScale,
    Weight,
    ZeroScale,
)

CR, LF = 0x0D, 0x0A
ANSWER = re.compile(
    rb"(?P<of>S|Z|ZI|T|TI|TA|TAC) (?P<state>[SDIAL+-])"
    rb"(?: +(?P<minus>-?) *(?P<weight>[0-9.]{1,12}) (?P<unit>[A-Za-z]{1,3}) *)?"
)
HINDRANCES = {b"+": "overweight", b"-": "under_zero", b"I": "unstable"}
ERRORS = {b"ES": "not_understood", b"ET": "garbled", b"EL": "no_weight"}
SWITCHED_ON = re.compile(rb'I4 A "[ -~]{0,40}"')
LONGEST_LINE = 64
#: which answer belongs to which request
ANSWERS = {ReadWeight: b"S", CheckHealth: b"S", ZeroScale: b"Z", TareScale: b"T", ClearTare: b"TAC"}


class MtSicsScale(AskedScale):
    questions: ClassVar[dict[type[Request], bytes]] = {
        ReadWeight: b"SI\r\n",
        CheckHealth: b"SI\r\n",
        ZeroScale: b"Z\r\n",
        TareScale: b"T\r\n",
        ClearTare: b"TAC\r\n",
    }
    maker = "an MT-SICS scale"

    def __init__(self, *, ask: str = "SI", poll_s: float = 0.0, reply_s: float = 1.0) -> None:
        super().__init__(poll_s=poll_s, reply_s=reply_s)
        if ask not in ("SI", "S"):
            raise ValueError(f"ask {ask!r} is neither SI nor S")
        self.ask = ask
        self._of = b""
        self._net = False

    def _question(self, request: Request) -> bytes | None:
        if isinstance(request, TareScale) and request.grams is not None:
            return b"TA %d g\r\n" % request.grams if request.grams >= 0 else None
        if isinstance(request, ReadWeight) and self.ask == "S":
            return b"S\r\n"
        return super()._question(request)

    def _byte(self, byte: int, now: float) -> list[Output]:
        self._frame.append(byte)
        if byte != LF and len(self._frame) < LONGEST_LINE:
            return []
        line = bytes(self._frame)
        self._frame.clear()
        if line.strip() == b"":
            return []
        if not line.endswith(b"\r\n"):
            return self._odd(line)
        body = line[:-2]
        if SWITCHED_ON.fullmatch(body):
            self._owed = self._stale = 0
            self._net = False
            if self._reply_by is not None:
                self._reply_by, self._ask_at = None, now
            return self._power_is(Power.ONLINE)
        if reason := ERRORS.get(body):
            self._of = b""
            return self._answered(Reading(None, reason), body, now)
        reading = self._reading(found, now) if (found := ANSWER.fullmatch(body)) else None
        return self._answered(reading, body, now) if reading else self._odd(body)

    def _reading(self, found: re.Match[bytes], now: float) -> Reading | None:
        self._of = found["of"]
        if reason := HINDRANCES.get(found["state"]):
            return illegal(reason, now, self._net)
        if found["state"] == b"L":
            return Reading(None, "no_weight")
        grams = grams_of(found["weight"], found["unit"]) if found["weight"] else None
        match self._of, found["state"]:
            case b"S", b"S" | b"D" if grams is not None:
                if found["state"] == b"D" or (found["minus"] and grams):
                    return illegal("unstable" if found["state"] == b"D" else "under_zero", now, self._net)
                return legal(grams, self._net, now)
            case b"Z" | b"ZI", b"A" | b"S" | b"D":
                self._net = False
                return Reading(Weight(0, stable=True, net=False, status=ScaleStatus.WEIGHT_ZERO, at=now))
            case b"T" | b"TI" | b"TA" | b"TAC", b"A" | b"S" | b"D":
                self._net = self._of != b"TAC" and grams != 0
                return Reading(None)
        return None

    def _verdict(self, request: Request, reading: Reading) -> str:
        if self._of and self._of != self._expected(request):
            return "other"
        reason = super()._verdict(request, reading)
        if reason == "no_weight" and isinstance(request, TareScale):
            return "not_tared"
        return reason

    def _expected(self, request: Request) -> bytes:
        if isinstance(request, TareScale) and request.grams is not None:
            return b"TA"
        return ANSWERS[type(request)]


DRIVER = Driver(
    name="scale-mt-sics",
    device_class=DeviceClass.SCALE,
    codec=MtSicsScale,
    line=Line(9600),
    options={
        "ask": "SI: ask at once and again until the weight is stable; S: let the scale wait for that (default SI)",
        "poll_s": "ask for the weight every so many seconds while nobody weighs; 0 is never (default 0)",
        "reply_s": "seconds after which an unanswered question is asked again (default 1.0)",
    },
)
