"""HID POS scanners (usage page 0x8C) of Honeywell, Zebra, Datalogic, Access-IS and others in their "HID POS" mode.

Wire:   records of gateway/peripherals/reports.py. The report descriptor says where decoded data (FE), symbology
        identifiers (FB FC FD, together an AIM identifier) and the number of bytes (page 01, 3B) stand; Decoded Data
        Continued (FF) says that the next report carries more of the same label. The trigger report, output or feature,
        has Prevent Read (5F) and the beeps: 86 good read, 87 not on file, 85 error.
Units:  text; a CR or LF that the scanner was told to add is taken off.
Source: USB HID Point of Sale Usage Tables 1.02, chapter "Bar Code Scanner"; Access-IS LSR118 Product Manual, appendix B
        (two reports byte for byte); the trigger report as two firmwares have it (JieLi SDK hid_pos, HHP). That a
        Honeywell must first be told feature FF66:03 = 1 ("output redirection"): NielsLeenheer/WebHidBarcodeScanner,
        src/main.js; it is sent only where the descriptor has this feature.

Nothing is at a fixed place: the driver asks for the descriptor first, and without a field for decoded data it says that
the scanner is in another mode. A label whose rest does not come sells nothing.
"""

from __future__ import annotations

from gateway.drivers.scanner.labels import AIM, MAX_LENGTH, TORN_S, decoded
from gateway.peripherals import (
    Answer,
    Beep,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Event,
    Oddity,
    Output,
    Power,
    PowerChanged,
    Refusal,
    Send,
    SetScanning,
    WakeAt,
)
from gateway.peripherals.hid_descriptor import BadDescriptor, Field, Kind, Layout, Report, parse
from gateway.peripherals.reports import Records, pack

BYTE_COUNT = 0x01003B
SYMBOLOGY = (0x8C00FB, 0x8C00FC, 0x8C00FD)
DATA, CONTINUED = 0x8C00FE, 0x8C00FF
PREVENT_READ, ERROR_BEEP, GOOD_BEEP, NOT_ON_FILE_BEEP = 0x8C005F, 0x8C0085, 0x8C0086, 0x8C0087
OUTPUT_REDIRECTION = 0xFF660003
BEEPS = {"good": (GOOD_BEEP,), "bad": (NOT_ON_FILE_BEEP, ERROR_BEEP)}

ASK_AGAIN_S = (1.0, 2.0, 5.0)  # between questions for the descriptor of a silent device
#: labels read in the instant between opening the line and the answer to our first question
MOST_EARLY = 16
WRONG_MODE = "not in HID POS mode; scan the maker's bar code for USB HID POS"


class HidPosScanner:
    def __init__(self, *, prefix: str = "", aim: bool = True, max_length: int = MAX_LENGTH) -> None:
        self.prefix, self.aim, self.max_length = prefix.encode(), aim, max_length
        self._records = Records()
        self._layout: Layout | None = None
        self._early: list[bytes] = []  # reports that came before the descriptor
        self._label = bytearray()
        self._symbology = ""
        self._more = False
        self._torn_at = 0.0
        self._prevent = False
        self._command: Command | None = None
        self._deadline = 0.0
        self._ask_at: float | None = 0.0
        self._asked = 0
        self._power = Power.UNKNOWN

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        if not isinstance(command.request, CheckHealth | SetScanning | Beep):
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a scanner cannot do this")]
        if self._layout is not None and not isinstance(command.request, CheckHealth):
            return self._do(command, self._layout)
        # Its health is asked, or it has not told yet what it can do: both wait for the descriptor.
        self._command, self._deadline = command, now + command.timeout_s
        return [Send(pack("D", b"")), *self._wake()]

    def _do(self, command: Command, layout: Layout) -> list[Output]:
        match command.request:
            case SetScanning(enabled=enabled):
                _, field = _settable(layout, (PREVENT_READ,))
                self._prevent = not enabled if field else self._prevent
                values: dict[int, int | bytes] = {}
            case Beep(sound=sound):
                usage, field = _settable(layout, BEEPS[sound])
                values = {usage: 1}
            case _:
                return [Answer(command.number)]
        if field is None:
            text = "this scanner's descriptor has no such control; set it with the maker's bar codes"
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", text)]
        try:
            sent = self._control(layout, field, values)
        except ValueError as contradiction:
            text = f"this scanner's descriptor contradicts itself ({contradiction}); set it with the maker's bar codes"
            return [Refusal(command.number, ErrorCode.EXTENDED, "descriptor", text)]
        return [sent, Answer(command.number)]

    def _control(self, layout: Layout, field: Field, values: dict[int, int | bytes]) -> Send:
        """The whole report: a beep must not let a stopped scanner read again."""
        siblings = layout.of(field.kind, field.report_id)
        if self._prevent and any(sibling.has(PREVENT_READ) for sibling in siblings):
            values = {**values, PREVENT_READ: 1}
        report = layout.build(field.kind, field.report_id, values)
        return Send(pack("O" if field.kind == "output" else "S", report))

    # --- time -----------------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self._command and now >= self._deadline:
            command, self._command = self._command, None
            text = "no answer; check the scanner's cable"
            outputs.append(Refusal(command.number, ErrorCode.TIMEOUT, "silent", text))
            outputs += self._power_is(Power.OFF)
            self._ask_at = self._ask_at or now
        if self._more and now >= self._torn_at:
            outputs += self._torn()
        if self._ask_at is not None and now >= self._ask_at:
            outputs += self._power_is(Power.OFF) if self._asked else []
            self._ask_at = now + ASK_AGAIN_S[min(self._asked, len(ASK_AGAIN_S) - 1)]
            self._asked += 1
            outputs.append(Send(pack("D", b"")))
        return outputs + self._wake()

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        timers = (self._ask_at, self._torn_at if self._more else None, self._deadline if self._command else None)
        due = [at for at in timers if at is not None]
        return [WakeAt(min(due))] if due else []

    # --- bytes ----------------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for kind, payload in self._records.feed(data):
            match kind:
                case "D":
                    outputs += self._described(payload, now)
                case "I" if self._layout is not None:
                    outputs += self._report(self._layout, payload, now)
                case "I" if len(self._early) < MOST_EARLY:
                    self._early.append(payload)
                case _:
                    outputs.append(Oddity(f"a record {kind} that nobody asked for", payload[:64]))
        return outputs + self._wake()

    def _described(self, descriptor: bytes, now: float) -> list[Output]:
        """The device is there and has told what it can do."""
        try:
            layout = parse(descriptor)
        except BadDescriptor as problem:
            return [Oddity(f"not a report descriptor: {problem}", descriptor[:64])]
        first, self._layout, self._ask_at = self._layout is None, layout, None
        readable = layout.find(DATA, "input") is not None
        outputs = self._power_is(Power.ONLINE if readable else Power.OFFLINE)
        if not readable:
            outputs.append(Oddity(WRONG_MODE, descriptor[:64]))
        redirection = layout.find(OUTPUT_REDIRECTION, "feature")
        if first and redirection:
            outputs.append(self._control(layout, redirection, {OUTPUT_REDIRECTION: 1}))
        if self._command:
            command, self._command = self._command, None
            wrong = Refusal(command.number, ErrorCode.NOHARDWARE, "wrong_mode", WRONG_MODE)
            outputs += self._do(command, layout) if readable else [wrong]
        early, self._early = self._early, []
        for payload in early:
            outputs += self._report(layout, payload, now)
        return outputs

    def _report(self, layout: Layout, payload: bytes, now: float) -> list[Output]:
        report = layout.read(payload)
        if report is None:
            return [Oddity("a report that the descriptor does not know, or a short one", payload[:64])]
        data = bytes(value & 0xFF for value in report.values(DATA))
        if not data:
            return []  # the trigger's state, a battery's: no label
        outputs = self._torn() if self._more and now >= self._torn_at else []
        count = report.value(BYTE_COUNT)
        if count is None:
            part = data.rstrip(b"\0")
        elif count <= len(data):
            part = data[:count]
        else:
            self._forget()
            return [*outputs, Oddity(f"a label part of {count} bytes in a report for {len(data)}", payload[:64])]
        return [*outputs, *self._part(report, part, now)]

    def _part(self, report: Report, part: bytes, now: float) -> list[Event]:
        if not self._more:
            self._symbology = _identifier(report)
        self._label += part[: max(0, self.max_length + 1 - len(self._label))]
        # Honeywell declares eight bits of this usage and uses the first.
        self._more = bool(report.value(CONTINUED))
        if self._more:
            self._torn_at = now + TORN_S
            return []
        raw, symbology = bytes(self._label), self._symbology
        self._forget()
        if len(raw) > self.max_length:
            return [Oddity(f"a label of more than {self.max_length} bytes", raw[:64])]
        if not raw.startswith(self.prefix):
            return [Oddity("a label without the prefix", raw)]
        return [decoded(raw[len(self.prefix) :].rstrip(b"\r\n"), aim=self.aim, symbology=symbology)]

    def _torn(self) -> list[Output]:
        raw = bytes(self._label[:64])
        self._forget()
        return [Oddity("a label whose rest never came; read it again", raw)]

    def _forget(self) -> None:
        self._label.clear()
        self._symbology, self._more = "", False


def _settable(layout: Layout, usages: tuple[int, ...]) -> tuple[int, Field | None]:
    """The first of these that can be set, and where: in an output report, else a feature."""
    kinds: tuple[Kind, ...] = ("output", "feature")
    for usage in usages:
        for kind in kinds:
            if field := layout.find(usage, kind):
                return usage, field
    return 0, None


def _identifier(report: Report) -> str:
    """The three bytes as an AIM identifier; "" where the scanner sends none."""
    values = [report.value(usage) or 0 for usage in SYMBOLOGY]
    text = bytes(value & 0xFF for value in values).decode("latin-1")
    return text if AIM.fullmatch(text) else ""


DRIVER = Driver(
    name="scanner-hid-pos",
    device_class=DeviceClass.SCANNER,
    codec=HidPosScanner,
    options={
        "prefix": 'text before each label, left out of the scan; a label without it sells nothing (default "")',
        "aim": "split off an AIM identifier at the label's beginning, where the scanner sends it in the data too "
        "(default true)",
        "max_length": "longer labels sell nothing (default 4296, the longest alphanumeric QR code)",
    },
)
