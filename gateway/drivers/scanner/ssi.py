"""Zebra, Symbol and Motorola scanners in SSI mode (Simple Serial Interface), and imitators by Datalogic and Opticon.

Wire:   9600 8N1. A packet is length, opcode, source (0 decoder, 4 host), status, data, and two bytes of checksum: the
        two's complement of the sum of all before, high byte first; length counts all but the checksum. Status bit 0:
        sent again; bit 1: the message goes on in the next packet. Each packet is acknowledged (D0) or not (D1, cause);
        the decoder waits 2 s and sends twice more. DECODE_DATA (F3) is the bar code's type and its data.
Units:  text; the type is turned into an AIM identifier where the data does not begin with one.
Source: Datalogic Dragon D151 Reference Manual, "Simple Serial Interface" (CMD_NACK, SCAN_DISABLE); Symbol SE-923
        Integration Guide 70-37052-01, page 6-15 (DECODE_DATA); Zebra DS2208 Product Reference Guide, page 7-8 (status
        bits); docs.zebra.com SM72 "ACK/NAK Enabled and Packeted Data"; opcodes and types also in three programs
        (clocklimited/motorola-ssi-scanner, alvinnguyen-chipmunk/zebra-scanner-library, enioka Scanner: SsiCommand).
        Beep codes 0 to 6: Symbol MK1000 Product Reference Guide, table 5-8. Whether the type stands again in the
        packets after the first is general knowledge [MEM]: so continued_type is an option.

An ACK has no number. After a command that nobody answered, the next one first asks for the revision (A3), whose answer
(A4) cannot be mistaken: whatever ACK comes before it belongs to the past. A packet that the scanner repeats because our
ACK was lost is acknowledged again and sold once.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.drivers.scanner.labels import MAX_LENGTH, decoded
from gateway.drivers.scanner.ssi_packets import (
    ACK,
    AGAIN,
    BAD_CONTEXT,
    BEEP,
    DECODE_DATA,
    DENIED,
    EVENT,
    GOES_ON,
    NAK,
    PARAM_SEND,
    REPLY_REVISION,
    REQUEST_REVISION,
    RESEND,
    SCAN_DISABLE,
    SCAN_ENABLE,
    TYPES,
    Junk,
    Packet,
    Packets,
    packet,
)
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
    PowerChanged,
    Refusal,
    Send,
    SetScanning,
    WakeAt,
)

ANSWER_S = 0.8  # until a command that nobody answered is sent again
QUIET_S = 0.25
SENDS = 3
#: a packet that waits longer for its rest is torn; what follows is looked at afresh
TORN_S = 0.5
#: the scanner sends a packet again within twice its 2 s; the same label read later than that is a new one
REPEATED_S = 5.0
LOOK_AGAIN_S = (1.0, 2.0, 5.0)

REFUSALS: dict[str, tuple[ErrorCode, str]] = {
    "silent": (ErrorCode.TIMEOUT, "no answer; check that the scanner is in SSI mode, its power and cable"),
    "denied": (ErrorCode.ILLEGAL, "the scanner refuses this; allow it with the maker's bar codes"),
    "unsupported": (ErrorCode.ILLEGAL, "this scanner does not know the command"),
    "garbled": (ErrorCode.FAILURE, "it does not understand what is sent; check baud and parity"),
}


@dataclass(slots=True)
class _Question:
    """What was sent last and is not answered yet; barrier: only to let old answers pass."""

    opcode: int
    data: bytes
    barrier: bool
    sent: int = 0


class SsiScanner:
    def __init__(
        self,
        *,
        prefix: str = "",
        aim: bool = True,
        good_beep: int = 0,
        bad_beep: int = 6,
        continued_type: bool = True,
        max_length: int = MAX_LENGTH,
    ) -> None:
        for name, code in (("good_beep", good_beep), ("bad_beep", bad_beep)):
            if not 0 <= code <= 0xFF:
                raise ValueError(f"{name} {code} is not from 0 to 255")
        self.prefix, self.aim, self.max_length = prefix.encode(), aim, max_length
        self.beeps = {"good": good_beep, "bad": bad_beep}
        self.continued_type = continued_type
        self._packets = Packets()
        self._label = bytearray()
        self._type: int | None = None
        self._last = (b"", 0.0)  # the last message packet and when it came
        self._command: Command | None = None
        self._deadline = 0.0
        self._question: _Question | None = None
        self._act_at: float | None = 0.0  # when to send, or to send again
        self._doubt = False  # an answer may still be on its way
        self._power = Power.UNKNOWN
        self._silences = 0
        self._torn_at: float | None = None

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case SetScanning(enabled=enabled):
                question = _Question(SCAN_ENABLE if enabled else SCAN_DISABLE, b"", barrier=False)
            case Beep(sound=sound):
                question = _Question(BEEP, bytes([self.beeps[sound]]), barrier=False)
            case CheckHealth():
                question = _Question(REQUEST_REVISION, b"", barrier=False)
            case _:
                return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a scanner cannot do this")]
        doubt = self._doubt or self._question is not None
        self._command, self._deadline, self._question = command, now + command.timeout_s, question
        if not doubt:
            return [*self._send(now), *self._wake()]
        self._doubt = True
        self._act_at = now + QUIET_S
        return self._wake()

    def _send(self, now: float) -> list[Output]:
        """Send the question, or first the barrier that old answers cannot pass."""
        question = self._question
        if question is None:
            return []
        self._act_at = now + ANSWER_S
        if self._doubt and question.opcode != REQUEST_REVISION:
            question.barrier = True
            return [Send(packet(REQUEST_REVISION))]
        question.barrier = False
        question.sent += 1
        return [Send(packet(question.opcode, question.data, AGAIN if question.sent > 1 else 0))]

    def _answered(self, number: int) -> list[Output]:
        self._command, self._question, self._act_at = None, None, None
        return [Answer(number)]

    def _refuse(self, reason: str, now: float) -> list[Output]:
        command, self._command, self._question, self._act_at = self._command, None, None, None
        if command is None:
            return []
        code, text = REFUSALS[reason]
        outputs: list[Output] = [Refusal(command.number, code, reason, text)]
        if reason == "silent":
            self._doubt = True
            outputs += self._silence(now)
        return outputs

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self._torn_at is not None and now >= self._torn_at:
            outputs += self._take(self._packets.give_up(), now)
        if self._command and now >= self._deadline:
            outputs += self._refuse("silent", now)
        elif self._act_at is not None and now >= self._act_at:
            outputs += self._act(now)
        return outputs + self._wake()

    def _act(self, now: float) -> list[Output]:
        if self._question is None:  # nobody asks: is there a scanner at all?
            self._question = _Question(REQUEST_REVISION, b"", barrier=False)
            return self._send(now)
        if self._question.sent >= SENDS and self._command:
            self._act_at = None  # the deadline ends it
            return []
        if self._command is None and self._question.sent:
            self._question = None
            return self._silence(now)
        return self._send(now)

    def _silence(self, now: float) -> list[Output]:
        self._act_at = now + LOOK_AGAIN_S[min(self._silences, len(LOOK_AGAIN_S) - 1)]
        self._silences += 1
        return self._power_is(Power.OFF)

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        timers = (self._act_at, self._torn_at, self._deadline if self._command else None)
        due = [at for at in timers if at is not None]
        return [WakeAt(min(due))] if due else []

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs = self._take(self._packets.feed(data), now)
        return outputs + self._wake()

    def _take(self, found: list[Packet | Junk], now: float) -> list[Output]:
        outputs: list[Output] = []
        for item in found:
            if isinstance(item, Packet):
                outputs += self._power_is(Power.ONLINE)
                self._silences = 0
                outputs += self._packet(item, now)
            else:
                outputs.append(Oddity("not a packet of SSI", item.data))
                outputs += [Send(packet(NAK, bytes([RESEND])))] if item.garbled else []
        self._torn_at = now + TORN_S if len(self._packets) else None
        if self._doubt and self._question and not self._question.sent and not self._question.barrier:
            self._act_at = now + QUIET_S
        return outputs

    def _packet(self, one: Packet, now: float) -> list[Output]:
        if one.opcode == DECODE_DATA:
            return [Send(packet(ACK)), *self._decoded(one, now)]
        if one.opcode in (EVENT, PARAM_SEND):
            return [Send(packet(ACK))]
        if one.opcode == REPLY_REVISION:
            return self._revision(now)
        if one.opcode == ACK:
            return self._acknowledged()
        if one.opcode == NAK:
            return self._not_acknowledged(one.data[:1], now)
        return [Oddity(f"SSI message {one.opcode:02X}", one.data[:64])]

    def _revision(self, now: float) -> list[Output]:
        question = self._question
        self._doubt = False
        if question is None:
            return []
        if question.barrier:
            return self._send(now)
        if question.opcode != REQUEST_REVISION:
            return []
        if self._command:
            return self._answered(self._command.number)
        self._question, self._act_at = None, None
        return []

    def _acknowledged(self) -> list[Output]:
        question = self._question
        if question is None or question.barrier or not question.sent or self._command is None:
            return []  # a late one
        return self._answered(self._command.number) if question.opcode != REQUEST_REVISION else []

    def _not_acknowledged(self, cause: bytes, now: float) -> list[Output]:
        question = self._question
        if question is None or question.barrier or not question.sent:
            return []
        if cause == bytes([RESEND]):
            return self._send(now) if question.sent < SENDS else self._refuse("garbled", now)
        if self._command is None:
            # It does not tell its revision, but it is there.
            self._question, self._act_at = None, None
            return []
        if question.opcode == REQUEST_REVISION:
            return self._answered(self._command.number)
        known = {bytes([BAD_CONTEXT]): "unsupported", bytes([DENIED]): "denied"}
        return self._refuse(known.get(cause, "denied"), now)

    # --- labels ---------------------------------------------------------------------------------------------

    def _decoded(self, one: Packet, now: float) -> list[Output]:
        before, at = self._last
        self._last = (one.data, now)
        if one.status & AGAIN and one.data == before and now - at < REPEATED_S:
            return []
        if not one.data:
            return [Oddity("a label without a type", b"")]
        torn: list[Output] = []
        if self._type is not None and now - at >= REPEATED_S:
            # The scanner gave the rest up: what comes now is another label.
            torn = [Oddity("a label whose rest never came; read it again", bytes(self._label[:64]))]
            self._label.clear()
            self._type = None
        return torn + self._part(one)

    def _part(self, one: Packet) -> list[Output]:
        first = self._type is None
        self._type = one.data[0] if first else self._type
        part = one.data[1:] if first or self.continued_type else one.data
        self._label += part[: max(0, self.max_length + 1 - len(self._label))]
        if one.status & GOES_ON:
            return []
        raw, kind = bytes(self._label), self._type
        self._label.clear()
        self._type = None
        if len(raw) > self.max_length:
            return [Oddity(f"a label of more than {self.max_length} bytes", raw[:64])]
        if not raw.startswith(self.prefix):
            return [Oddity("a label without the prefix", raw)]
        label = raw[len(self.prefix) :].rstrip(b"\r\n")
        return [decoded(label, aim=self.aim, symbology=TYPES.get(kind or 0, ""))]


DRIVER = Driver(
    name="scanner-ssi",
    device_class=DeviceClass.SCANNER,
    codec=SsiScanner,
    line=Line(9600),
    options={
        "prefix": 'text before each label, left out of the scan; a label without it sells nothing (default "")',
        "aim": "split off an AIM identifier such as ]E0 at the label's beginning (default true)",
        "good_beep": "the scanner's beep code for an item that was found (default 0, one short high)",
        "bad_beep": "the scanner's beep code for one that was not (default 6, two short low)",
        "continued_type": "in a label of several packets the type stands in each of them (default true)",
        "max_length": "longer labels sell nothing (default 4296, the longest alphanumeric QR code)",
    },
)
