"""Scanners on a serial line or USB-CDC: they speak when a label was read, and the host only listens.

Wire:   [prefix] [AIM identifier] data suffix; suffix CR, LF or CR LF unless configured. 9600 or 115200 baud, 8N1.
Units:  text; GS (0x1D, the FNC1 of GS1 labels) stays in the data, any other control character sells nothing.
Source: Honeywell and Zebra programming guides, "Prefix/Suffix" and "Transmit code ID"; AIM identifiers: ISO/IEC 15424.
        The idle time after which a label without a suffix is over is general knowledge [MEM]: so it is an option.

A scanner cannot be asked anything: as soon as its line is open it counts as online.
"""

from __future__ import annotations

from gateway.drivers.scanner.labels import MAX_LENGTH, TORN_S, decoded
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    Driver,
    ErrorCode,
    Event,
    Line,
    Oddity,
    Output,
    Power,
    PowerChanged,
    Refusal,
    WakeAt,
)

SUFFIXES = {"cr": b"\r\n", "lf": b"\r\n", "crlf": b"\r\n", "tab": b"\t", "etx": b"\x03", "none": b""}


class LineScanner:
    def __init__(
        self, *, prefix: str = "", suffix: str = "cr", aim: bool = True, idle_ms: int = 0, max_length: int = MAX_LENGTH
    ) -> None:
        if suffix not in SUFFIXES:
            raise ValueError(f"suffix {suffix!r} is none of {', '.join(SUFFIXES)}")
        if suffix == "none" and idle_ms <= 0:
            raise ValueError("suffix 'none' needs idle_ms: else no label ever ends")
        self.prefix = prefix.encode()
        self.ends = SUFFIXES[suffix]
        self.aim = aim
        self.idle_s = idle_ms / 1000
        self.max_length = max_length
        self._label = bytearray()
        self._too_long = False
        self._last_byte_at = 0.0
        self._online = False

    def on_command(self, command: Command, now: float) -> list[Output]:
        if isinstance(command.request, CheckHealth):
            return [Answer(command.number)]
        text = "a line scanner only speaks; it cannot be asked for this"
        return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", text)]

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if not self._online:
            self._online = True
            outputs.append(PowerChanged(Power.ONLINE))
        if self.idle_s and self._label and now >= self._last_byte_at + self.idle_s:
            outputs += self._end()
        return outputs

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self._label and self.idle_s and now >= self._last_byte_at + self.idle_s:
            outputs += self._end()
        elif self._label and not self.idle_s and now - self._last_byte_at > TORN_S:
            outputs.append(Oddity("a label without an end", bytes(self._label)))
            self._label.clear()
        for byte in data:
            if byte in self.ends:
                outputs += self._end()
            elif len(self._label) < self.max_length:
                self._label.append(byte)
            else:
                self._too_long = True
        self._last_byte_at = now
        if self.idle_s and self._label:
            outputs.append(WakeAt(now + self.idle_s))
        return outputs

    @property
    def begun(self) -> bytes:
        """What came since the last label."""
        return bytes(self._label)

    def forget(self) -> None:
        """What came since the last label was something else."""
        self._label.clear()
        self._too_long = False

    def _end(self) -> list[Event]:
        """The label is complete: one Scan, one Oddity, or nothing for the LF of a CR LF."""
        raw, too_long = bytes(self._label), self._too_long
        self._label.clear()
        self._too_long = False
        if too_long:
            return [Oddity(f"a label of more than {self.max_length} bytes", raw[:64])]
        if not raw:
            return []
        if not raw.startswith(self.prefix):
            return [Oddity("a label without the prefix", raw)]
        return [decoded(raw[len(self.prefix) :], aim=self.aim)]


DRIVER = Driver(
    name="scanner-line",
    device_class=DeviceClass.SCANNER,
    codec=LineScanner,
    line=Line(9600),
    options={
        "prefix": 'text before each label, left out of the scan; a label without it sells nothing (default "")',
        "suffix": f"what ends a label: {', '.join(SUFFIXES)}; cr, lf and crlf accept each other (default cr)",
        "aim": "split off an AIM identifier such as ]E0 at the label's beginning (default true)",
        "idle_ms": "a label also ends after so many milliseconds without a byte; 0 is never (default 0)",
        "max_length": "longer labels sell nothing (default 4296, the longest alphanumeric QR code)",
    },
)
