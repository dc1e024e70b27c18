"""Honeywell and Hand Held Products scanners on a serial line or USB serial, which take commands beside sending labels.

Wire:   labels as scanner-line: [prefix] [AIM identifier] data suffix, 9600 or 115200 8N1. Trigger on: SYN T CR, off:
        SYN U CR, beep: SYN BEL CR; these are not answered. Menu commands: SYN M CR, tag, subtag, data and "!" (until
        power-off) or "." (for good). The answer repeats the command with ACK, ENQ (unknown) or NAK (not in range)
        before each punctuation mark.
Units:  text.
Source: Honeywell N86 Series User's Guide, chapter 10 "Serial Programming Commands" (pages 10-1 to 10-4: syntax, answers
        with the example CBRENA1[ACK], trigger commands); the same in 1450g and CS19A guides. SYN BEL CR:
        HenkVanAsselt/python_hon_usbhid, README (from Honeywell's knowledge base), and JieLi SDK hid_pos. That a scanner
        must be in manual trigger mode for SYN T and U is the guide's; which menu command stops a scanner in
        presentation mode differs by model: so enable and disable are options.
"""

from __future__ import annotations

import re

from gateway.drivers.scanner.labels import MAX_LENGTH
from gateway.drivers.scanner.line import SUFFIXES, LineScanner
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
    Refusal,
    Send,
    SetScanning,
    WakeAt,
)

SYN, BEL, ACK, ENQ, NAK = 0x16, 0x07, 0x06, 0x05, 0x15
TRIGGER_ON, TRIGGER_OFF, SOUND = b"\x16T\r", b"\x16U\r", b"\x16\x07\r"
MENU = b"\x16M\r"
#: the guide's own example of a question that changes nothing: is Codabar read?
HEALTH = "CBRENA?."
SETTING = re.compile(r"[A-Za-z0-9_]{6}[ -~]{0,40}", re.ASCII)
#: an answer: tag and subtag, data, and a status before the mark at the end
ANSWER = re.compile(rb"([A-Z0-9_]{6})([ -~]*)([\x05\x06\x15])[!.]")
QUIET_S = 0.3

REFUSALS: dict[int, tuple[ErrorCode, str, str]] = {
    ENQ: (ErrorCode.ILLEGAL, "unsupported", "this scanner does not know the menu command; correct the option"),
    NAK: (ErrorCode.ILLEGAL, "out_of_range", "the menu command's value is out of range; correct the option"),
}


class HoneywellScanner:
    def __init__(
        self,
        *,
        prefix: str = "",
        suffix: str = "cr",
        aim: bool = True,
        idle_ms: int = 0,
        max_length: int = MAX_LENGTH,
        enable: str = "",
        disable: str = "",
        bad_beeps: int = 3,
    ) -> None:
        for name, setting in (("enable", enable), ("disable", disable)):
            if setting and not SETTING.fullmatch(setting):
                raise ValueError(f"{name} {setting!r} is not a menu command such as TRGMOD0, without its ! or .")
        if not 1 <= bad_beeps <= 9:
            raise ValueError(f"bad_beeps {bad_beeps} is not from 1 to 9")
        self.menu = {True: enable, False: disable}
        self.bad_beeps = bad_beeps
        self._line = LineScanner(prefix=prefix, suffix=suffix, aim=aim, idle_ms=idle_ms, max_length=max_length)
        self._line_at: float | None = None  # when the line wants to be woken
        self._command: Command | None = None
        self._setting = ""
        self._deadline = 0.0
        self._send_at: float | None = None
        self._doubt = False

    # --- commands -------------------------------------------------------------------------------------------

    def on_command(self, command: Command, now: float) -> list[Output]:
        match command.request:
            case SetScanning(enabled=enabled) if not self.menu[enabled]:
                return [Send(TRIGGER_ON if enabled else TRIGGER_OFF), Answer(command.number)]
            case SetScanning(enabled=enabled):
                return self._ask(command, self.menu[enabled] + "!", now)
            case Beep(sound=sound):
                return [Send(SOUND * (1 if sound == "good" else self.bad_beeps)), Answer(command.number)]
            case CheckHealth():
                return self._ask(command, HEALTH, now)
            case _:
                return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a scanner cannot do this")]

    def _ask(self, command: Command, setting: str, now: float) -> list[Output]:
        self._command, self._setting, self._deadline = command, setting, now + command.timeout_s
        if self._doubt:
            # The answer to the last one may still come, and it looks the same: let the line fall quiet first.
            self._send_at = now + QUIET_S
            return self._wake()
        return [Send(MENU + setting.encode("ascii")), *self._wake()]

    def _wake(self) -> list[Output]:
        """One WakeAt for the earliest of ours and the line's; a later one would replace an earlier one."""
        timers = (self._line_at, self._send_at, self._deadline if self._command else None)
        due = [at for at in timers if at is not None]
        return [WakeAt(min(due))] if due else []

    def _of_the_line(self, outputs: list[Output]) -> list[Output]:
        """The line's events; its timer is kept beside ours."""
        for output in outputs:
            if isinstance(output, WakeAt):
                self._line_at = output.at
        return [output for output in outputs if not isinstance(output, WakeAt)]

    # --- time and bytes -------------------------------------------------------------------------------------

    def on_time(self, now: float) -> list[Output]:
        if self._line_at is not None and now >= self._line_at:
            self._line_at = None
        outputs = self._of_the_line(self._line.on_time(now))
        if self._command and now >= self._deadline:
            command, self._command, self._send_at = self._command, None, None
            self._doubt = True
            text = "no answer; the scanner must be on RS-232 or USB serial, not keyboard; check its cable"
            outputs.append(Refusal(command.number, ErrorCode.TIMEOUT, "silent", text))
        elif self._send_at is not None and now >= self._send_at:
            self._send_at, self._doubt = None, False
            outputs.append(Send(MENU + self._setting.encode("ascii")))
        return outputs + self._wake()

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            outputs += self._byte(byte, now)
        if self._send_at is not None:
            self._send_at = now + QUIET_S
        return outputs + self._wake()

    def _byte(self, byte: int, now: float) -> list[Output]:
        """Labels go to the line; an answer, which ends with its mark and not as a label does, is taken out."""
        if byte in b"!." and (found := ANSWER.fullmatch(self._line.begun + bytes([byte]))):
            self._line.forget()
            return self._answered(found)
        return self._of_the_line(self._line.on_bytes(bytes([byte]), now))

    def _answered(self, found: re.Match[bytes]) -> list[Output]:
        tag, status = found[1].decode("ascii"), found[3][0]
        if self._command is None or self._send_at is not None or tag != self._setting[:6].upper():
            return [Oddity("an answer that nobody asked for", found[0])]
        command, self._command = self._command, None
        if status == ACK or isinstance(command.request, CheckHealth):
            return [Answer(command.number)]
        code, reason, text = REFUSALS[status]
        return [Refusal(command.number, code, reason, f"{self._setting[:-1]}: {text}")]


DRIVER = Driver(
    name="scanner-honeywell",
    device_class=DeviceClass.SCANNER,
    codec=HoneywellScanner,
    line=Line(115_200),
    options={
        "prefix": 'text before each label, left out of the scan; a label without it sells nothing (default "")',
        "suffix": f"what ends a label: {', '.join(SUFFIXES)}; cr, lf and crlf accept each other (default cr)",
        "aim": "split off an AIM identifier such as ]E0 at the label's beginning (default true)",
        "idle_ms": "a label also ends after so many milliseconds without a byte; 0 is never (default 0)",
        "max_length": "longer labels sell nothing (default 4296, the longest alphanumeric QR code)",
        "enable": 'menu command that lets it read, without its !; "" pulls the trigger, SYN T (default "")',
        "disable": 'menu command that stops it; "" releases the trigger, SYN U (default "")',
        "bad_beeps": "how often it beeps for an item that was not found (default 3)",
    },
)
