"""Datalogic (PSC) Magellan scanner-scales on a single cable: scans and weights on one wire, RS-232 or USB-COM.

Wire:   9600 7O1. Everything ends with CR. S08 id data: a label was read. S14 asks the scale: S14 status [weight], with
        status 0 no zero, 1 moving, 2 over capacity, 3 stable zero, 4 stable weight, 5 under zero; S11 asks for the next
        stable weight. E and D let the scanner read or not, B and F are its beeps, h asks for its health; these are
        single letters. The answer to h is SOH, then STX letter text ETX for each part, then EOT.
Units:  5 digits are grams, 4 digits are hundredths of a pound, no point; whole grams everywhere else, half up.
Source: Datalogic knowledge base KA-01089 (weights), KA-01506 (letters, health); Magellan 9300i product reference guide,
        page 469 (letters); PowerScan product reference guide, page 381 (SOH STX ETX EOT); CORE-POS SPH_Magellan_Scale
        (S334, and 150 ms between beeps); labels: magellan_labels.py.

The scale is a scale to the gateway, and its scans are events: name the device as `scale` and among `scanners` of its
workstation. Three things to know:

- S11 stays asked until the weight is stable, which may be when other goods lie there: S14 is the default, asked again.
- Some models (800i, PowerScan) stop reading after F until E comes: so E follows F, unless the till had stopped them.
- Zero and tare are buttons of the device; the host has no command for them.
"""

from __future__ import annotations

import re
from dataclasses import replace

from gateway.drivers.scale import asked, magellan_labels
from gateway.drivers.scale.asked import AskedScale, Reading, illegal, legal
from gateway.peripherals import (
    Answer,
    Beep,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Line,
    Oddity,
    Output,
    Power,
    ReadWeight,
    Refusal,
    Request,
    SelfTest,
    Send,
    SetScanning,
    WakeAt,
)

SOH, STX, ETX, EOT, CR, LF = 0x01, 0x02, 0x03, 0x04, 0x0D, 0x0A
LONGEST_LABEL = 4296  # the longest alphanumeric QR code
BEEP_APART_S = 0.15
MOST_BEEPS = 8
STATUSES = {b"0": "outside_zero", b"1": "unstable", b"2": "overweight", b"5": "under_zero"}
WEIGHT = re.compile(rb"[0-9]{4}|[0-9]{5}")
HEALTH = re.compile(rb"\x02([A-Za-z])([^\x02\x03]*)\x03")
PARTS = {b"m": "motor", b"h": "horizontal laser", b"v": "vertical laser", b"s": "scale", b"d": "display", b"e": "EAS"}
BEEPS = {"letters": {"good": [b"B"], "bad": [b"F"]}, "s334": {"good": [b"S334\r"], "bad": [b"S334\r"] * 3}}


def grams_of(digits: bytes) -> int:
    """Five digits are grams; four are hundredths of a pound, half up to the gram."""
    return int(digits) if len(digits) == 5 else (int(digits) * 45_359_237 + 5_000_000) // 10_000_000


class MagellanScale(AskedScale):
    maker = "a Magellan scanner-scale"

    def __init__(
        self, *, ask: str = "S14", beep: str = "letters", prefix: str = "S", poll_s: float = 0.0, reply_s: float = 1.0
    ) -> None:
        if ask not in ("S11", "S14"):
            raise ValueError(f"ask {ask!r} is neither S11 nor S14")
        if beep not in BEEPS:
            raise ValueError(f"beep {beep!r} is neither {' nor '.join(BEEPS)}")
        super().__init__(poll_s=poll_s, reply_s=reply_s)
        self.ask, self.beep, self.prefix = ask[1:].encode(), beep, prefix.encode("ascii")
        self._too_long = False
        self._failed: list[str] = []
        self._scanning = True
        self._beeps: list[bytes] = []
        self._beep_at = 0.0

    # --- commands -------------------------------------------------------------------------------------------

    def _question(self, request: Request) -> bytes | None:
        kind = self._kind(request)
        return None if kind is None else kind if kind == b"h" else self.prefix + kind + b"\r"

    def _kind(self, request: Request) -> bytes | None:
        """What an answer to this begins with: 11, 14, or h for the health block."""
        match request:
            case ReadWeight():
                return self.ask
            case CheckHealth():
                return b"14"
            case SelfTest():
                return b"h"
        return None

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case SetScanning(enabled=enabled):
                told: list[bytes] = [b"E" if enabled else b"D"]
            case Beep(sound=sound):
                told = BEEPS[self.beep][sound]
            case _:
                return super().on_command(command, now)
        if self._power is Power.OFF:
            code, text = asked.REFUSALS["silent"]
            return [Refusal(command.number, code, "silent", text)]
        if isinstance(command.request, Beep):
            if len(self._beeps) + len(told) > MOST_BEEPS:
                return [Refusal(command.number, ErrorCode.BUSY, "beeping", "still beeping; wait a second")]
            # F puts some models to sleep; E wakes them.
            self._beeps += [*told, *([b"E"] if told == [b"F"] and self._scanning else [])]
            return [*self._due_beeps(now), Answer(command.number), *self._wake()]
        self._scanning = command.request == SetScanning(True)
        return [Send(told[0]), Answer(command.number)]

    def _due_beeps(self, now: float) -> list[Output]:
        if not self._beeps or now < self._beep_at:
            return []
        self._beep_at = now + BEEP_APART_S
        return [Send(self._beeps.pop(0))]

    def on_time(self, now: float) -> list[Output]:
        return [*self._due_beeps(now), *super().on_time(now)]

    def _unanswered(self, now: float) -> list[Output]:
        if self._command and self._kind(self._command.request) == b"11":
            self._reply_by = None  # S11 is answered when the weight is stable, and not before
            return []
        return super()._unanswered(now)

    def _wake(self) -> list[Output]:
        deadline = self._deadline if self._command else None
        beep = self._beep_at if self._beeps else None
        at = min((t for t in (self._ask_at, self._reply_by, deadline, beep) if t is not None), default=None)
        if at is None or at == self._told:
            return []
        self._told = at
        return [WakeAt(at)]

    def _refuse(self, command: Command, reason: str, now: float) -> list[Output]:
        outputs = super()._refuse(command, reason, now)
        if reason != "broken":
            return outputs
        text = f"its own test says that this failed: {', '.join(self._failed)}; switch it off and on, then call service"
        return [replace(output, text=text) if isinstance(output, Refusal) else output for output in outputs]

    # --- bytes ----------------------------------------------------------------------------------------------

    def _byte(self, byte: int, now: float) -> list[Output]:
        byte &= 0x7F
        frame = self._frame
        is_block = frame[:1] == bytes([SOH])
        if byte == SOH or (byte == EOT and not is_block):
            # A block that begins within something else: the something was torn.
            outputs = self._torn()
            self._frame += bytes([SOH]) if byte == SOH else b""
            return outputs
        if (byte == EOT and is_block) or (byte == CR and not is_block):
            whole, self._frame = bytes(frame), bytearray()
            too_long, self._too_long = self._too_long, False
            if too_long:
                return self._odd(whole[:64])
            return self._block(whole, now) if is_block else self._line(whole, now)
        if len(frame) >= LONGEST_LABEL:
            self._too_long = True
        elif frame or byte != LF:
            frame.append(byte)
        return []

    def _torn(self) -> list[Output]:
        torn, self._frame, self._too_long = bytes(self._frame), bytearray(), False
        return self._odd(torn[:64]) if torn else []

    def _line(self, line: bytes, now: float) -> list[Output]:
        """A label, or an answer of the scale."""
        if not line:
            return []
        kind, body = line[len(self.prefix) :][:2], line[len(self.prefix) + 2 :]
        if not line.startswith(self.prefix):
            return self._odd(line[:64])
        if kind == b"08":
            return [magellan_labels.read(body)]
        reading = self._reading(kind, body, now)
        return self._odd(line[:64]) if reading is None else self._of_kind(kind, reading, line, now)

    def _reading(self, kind: bytes, body: bytes, now: float) -> Reading | None:
        if kind == b"11" and WEIGHT.fullmatch(body):
            return legal(grams_of(body), net=False, at=now)
        if kind != b"14":
            return None
        if body == b"3":
            return legal(0, net=False, at=now)
        if body[:1] == b"4" and WEIGHT.fullmatch(body[1:]):
            return legal(grams_of(body[1:]), net=False, at=now)
        return illegal(STATUSES[body], now) if body in STATUSES else None

    def _block(self, block: bytes, now: float) -> list[Output]:
        """The answer to h: parts that are OK, FAIL, or NA (not there)."""
        parts = HEALTH.findall(block)
        if not parts:
            return self._odd(block[:64])
        self._failed = [PARTS.get(part, part.decode("ascii")) for part, said in parts if said.strip() == b"FAIL"]
        return self._of_kind(b"h", Reading(None, "broken" if self._failed else ""), block, now)

    def _of_kind(self, kind: bytes, reading: Reading, body: bytes, now: float) -> list[Output]:
        """An answer counts for the question of its own kind only."""
        if kind != self._kind(self._command.request if self._command else CheckHealth()):
            return [Oddity("an answer that nobody asked for", body[:64])]
        return self._answered(reading, body, now)


DRIVER = Driver(
    name="scale-magellan",
    device_class=DeviceClass.SCALE,
    codec=MagellanScale,
    line=Line(9600, 7, "O"),
    options={
        "ask": "how a weight is asked for: S14, or S11 for scales without it (default S14)",
        "beep": "letters (B and F) or s334 (one beep is good, three are bad) (default letters)",
        "prefix": "what the device is set to send before every message (default S)",
        "poll_s": "ask for the weight every so many seconds while nobody weighs; 0 is never (default 0)",
        "reply_s": "seconds after which an unanswered S14 is asked again (default 1.0)",
    },
)
