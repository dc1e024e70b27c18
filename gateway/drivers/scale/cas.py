"""CAS scales: PD-II, ER, AP, SW-II and others with ENQ and DC1, and CAS indicators that send 22 bytes without end.

Wire:   9600 8N1. mode=dialogue: ENQ -> ACK; DC1 -> SOH STX state sign weight(6) unit(2) BCC ETX EOT; NAK where the
        scale will not. mode=stream: ST|US|OL , GS|NT , device lamp , weight(8) blank unit(2) CR LF, all the time.
Units:  each frame names its own: kg, g or lb; whole grams everywhere else (half up).
Source: Ohaus Aviator 7000 Service Manual p. 36 (CAS format: dialogue, overflow, BCC); CAS SW-II manual p. 15 (states,
        units); CAS CI-400 p. 103, CI-600D p. 74, NT-200 p. 48 (the 22 bytes). That the scale waits three seconds for
        DC1 comes from one implementation.

state: S stable, U unstable. sign: space, - or F for more than its capacity. BCC: exclusive or of all between STX and
itself. There is no zero and no tare in either form: they are keys on the scale.

In the stream nobody asks, so nothing tells an old weight from a new one but its time: a weight counts if its first byte
came LATENCY_S after the command or later, for a USB adapter hands bytes on that much late.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor
from typing import ClassVar

from gateway.drivers.scale.asked import REFUSALS, AskedScale, Reading, grams_of, illegal, legal
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Codec,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Line,
    Oddity,
    Output,
    Power,
    PowerChanged,
    ReadWeight,
    Refusal,
    Request,
    Send,
    WakeAt,
)

SOH, STX, EOT, ENQ, ACK, DC1, NAK = 0x01, 0x02, 0x04, 0x05, 0x06, 0x11, 0x15
BLOCK = re.compile(rb"(?P<state>[SU])(?P<sign>[ F-])(?P<weight>[ 0-9.F]{6})(?P<unit>[A-Za-z ]{2})")
FRAME_LENGTH = 15  # SOH STX, ten of data, BCC ETX EOT
STREAM = re.compile(
    rb"(?P<state>ST|US|OL),(?P<net>GS|NT),[^\r\n]{2},"  # [^\r\n]{2}: the device's number and its lamps
    rb"(?P<weight>[ 0-9.+-]{8})[ ](?P<unit>[A-Za-z ]{2})"
)
LINE_LENGTH = 22
LATENCY_S = 0.05
STREAM_SILENT_S = 2.0


class CasScale(AskedScale):
    """mode=dialogue."""

    questions: ClassVar[dict[type[Request], bytes]] = {
        ReadWeight: bytes([ENQ]),
        CheckHealth: bytes([ENQ]),
    }
    maker = "a CAS scale"

    def __init__(self, *, poll_s: float = 0.0, reply_s: float = 1.0) -> None:
        super().__init__(poll_s=poll_s, reply_s=reply_s)
        self._may_send_dc1 = False

    def _ask(self, now: float) -> list[Output]:
        # The ENQ is not owed a weight: only a DC1 is.
        self._ask_at, self._reply_by, self._may_send_dc1 = None, now + self.reply_s, True
        return [Send(bytes([ENQ]))]

    def _byte(self, byte: int, now: float) -> list[Output]:
        frame = self._frame
        if not frame:
            if byte == SOH:
                frame.append(byte)
            return self._single(byte, now) if byte in (ACK, NAK) else []
        frame.append(byte)
        # By length, for the BCC may equal any of the marks.
        if len(frame) < FRAME_LENGTH:
            return []
        body = bytes(frame)
        frame.clear()
        reading = self._reading(body, now)
        return self._answered(reading, body, now) if reading else self._odd(body)

    def _single(self, byte: int, now: float) -> list[Output]:
        if self._reply_by is None or not self._may_send_dc1:
            return []  # an answer to an ENQ that was given up: harmless
        self._may_send_dc1 = False
        if byte == ACK:
            self._owed += 1
            self._reply_by = now + self.reply_s
            return [Send(bytes([DC1]))]
        self._reply_by, self._ask_at, self._worst = None, now + self.reply_s / 4, "no_weight"
        return []

    def _reading(self, frame: bytes, now: float) -> Reading | None:
        if frame[:2] != bytes([SOH, STX]) or frame[-2:] != b"\x03\x04" or reduce(xor, frame[2:12]) != frame[12]:
            return None
        return None if (found := BLOCK.fullmatch(frame[2:12])) is None else reading_of(found, now)


def reading_of(found: re.Match[bytes], now: float) -> Reading | None:
    if found["sign"] == b"F":
        return illegal("overweight", now)
    grams = grams_of(found["weight"].strip(), found["unit"].strip())
    if grams is None:
        return None
    if found["state"] == b"U":
        return illegal("unstable", now)
    return illegal("under_zero", now) if found["sign"] == b"-" and grams else legal(grams, False, now)


class CasStream:
    """mode=stream: an indicator that talks by itself."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._began = 0.0
        self._command: Command | None = None
        self._asked_at = self._deadline = 0.0
        self._worst = "silent"
        self._heard_at: float | None = None
        self._power = Power.UNKNOWN
        self._odd = False

    def on_command(self, command: Command, now: float) -> list[Output]:
        if not isinstance(command.request, ReadWeight | CheckHealth):
            text = "a scale that talks by itself cannot be asked for this; use its keys"
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", text)]
        self._command, self._asked_at, self._deadline = command, now, now + command.timeout_s
        self._worst, self._odd = "silent", False
        return self._wake()

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self._command and now >= self._deadline:
            outputs += self._end(self._worst)
        if self._heard_at is None:
            self._heard_at = now
        if now >= self._heard_at + STREAM_SILENT_S:
            outputs += self._power_is(Power.OFF)
        return outputs + self._wake()

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            if not self._line:
                self._began = now
            self._line.append(byte)
            if byte == 0x0A or len(self._line) > LINE_LENGTH:
                line = bytes(self._line)
                self._line.clear()
                outputs += self._whole(line, now)
        return outputs + self._wake()

    def _whole(self, line: bytes, now: float) -> list[Output]:
        found = STREAM.fullmatch(line[:-2]) if line.endswith(b"\r\n") and len(line) == LINE_LENGTH else None
        reading = self._reading(found, now) if found else None
        if reading is None or reading.weight is None:
            if self._worst == "silent":
                self._worst = "garbled"
            if self._odd:
                return []  # one is enough: the stream never ends
            self._odd = True
            return [Oddity("not a line of a CAS indicator", line)]
        self._heard_at = now
        outputs = self._power_is(Power.ONLINE)
        if self._command is None or self._began < self._asked_at + LATENCY_S:
            return outputs
        outputs.append(reading.weight)
        if not reading.reason or isinstance(self._command.request, CheckHealth):
            number, self._command = self._command.number, None
            return [*outputs, Answer(number, reading.weight)]
        self._worst = reading.reason
        return outputs + (self._end(reading.reason) if reading.reason in ("overweight", "under_zero") else [])

    def _reading(self, found: re.Match[bytes], now: float) -> Reading | None:
        if found["state"] == b"OL":
            return illegal("overweight", now)
        field = found["weight"].strip()
        grams = grams_of(field.lstrip(b"+-").strip(), found["unit"].strip())
        if grams is None:
            return None
        net = found["net"] == b"NT"
        if found["state"] == b"US":
            return illegal("unstable", now, net)
        return illegal("under_zero", now, net) if field.startswith(b"-") and grams else legal(grams, net, now)

    def _end(self, reason: str) -> list[Output]:
        command, self._command = self._command, None
        code, text = REFUSALS[reason]
        return [Refusal(command.number, code, reason, text)] if command else []

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        timers = [self._deadline] if self._command else []
        if self._heard_at is not None and self._power is not Power.OFF:
            timers.append(self._heard_at + STREAM_SILENT_S)
        return [WakeAt(min(timers))] if timers else []


def cas_scale(*, mode: str = "dialogue", poll_s: float = 0.0, reply_s: float = 1.0) -> Codec:
    match mode:
        case "dialogue":
            return CasScale(poll_s=poll_s, reply_s=reply_s)
        case "stream":
            return CasStream()
    raise ValueError(f"mode {mode!r} is neither dialogue nor stream")


DRIVER = Driver(
    name="scale-cas",
    device_class=DeviceClass.SCALE,
    codec=cas_scale,
    line=Line(9600),
    options={
        "mode": "dialogue: it is asked; stream: an indicator that sends its 22 bytes without end (default dialogue)",
        "poll_s": "ask for the weight every so many seconds while nobody weighs; 0 is never (default 0)",
        "reply_s": "seconds after which an unanswered question is asked again (default 1.0)",
    },
)
