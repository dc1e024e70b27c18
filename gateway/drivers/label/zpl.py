"""Label printers that speak ZPL II: Zebra and the many that follow it; TCP 9100, USB-serial, RS-232.

Wire:   labels are ^XA ... ^XZ. ~HS -> three lines, each STX ... ETX CR LF: flags, formats in the buffer, labels left.
        ~HQES -> STX ... ERRORS: and WARNINGS: with flags in hexadecimal ... ETX.
Units:  tenths of a millimetre become dots: 203 dpi 8 to the millimetre, 300 dpi 12, 600 dpi 24.
Source: Zebra ZPL Programming Guide, ~HS, ~HQ and ~WQ (tables of error flags), docs.zebra.com; OKI LE840 Technical
        Reference p. 98 (the frame of ~HQES). Rendering is checked against zpl-renderer-js.

While the head is open, the media or the ribbon is out or the head is too hot, the manual lets a printer not answer ~HS
at all: silence is not a broken cable, and the refusal says where to look. After a first silence ~HQES is asked too: it
names the reason where the printer answers it in that state, which the manual does not promise.
"""

from __future__ import annotations

import re

from gateway.drivers.label.asked import AskedPrinter, hindrance
from gateway.drivers.label.layout import DOTS_PER_MM
from gateway.drivers.label.zpl_format import render
from gateway.peripherals import Command, DeviceClass, Driver, LabelPrinterStatus, Line, Output, PrintLabels

STX, ETX = 0x02, 0x03
FIRST = re.compile(
    rb"[0-9]{3},(?P<paper>[01]),(?P<pause>[01]),[0-9]{4,5},(?P<formats>[0-9]{3}),[01],[01],(?P<partial>[01]),[0-9]{3},"
    rb"[01],[01],(?P<hot>[01])"
)
SECOND = re.compile(
    rb"[0-9]{3},[0-9],(?P<head>[01]),(?P<ribbon>[01]),[0-9],[0-9A-Z],[0-9],(?P<waiting>[01]),(?P<left>[0-9]{8}),[0-9],[0-9]{3}"
)
THIRD = re.compile(rb"[0-9A-Za-z]{4},[01]")
ERRORS = re.compile(
    rb"\s*PRINTER STATUS\s+ERRORS:\s+[01] [0-9A-Fa-f]{8} (?P<errors>[0-9A-Fa-f]{8})"
    rb"\s+WARNINGS:\s+[01] [0-9A-Fa-f]{8} [0-9A-Fa-f]{8}\s*"
)
MEDIA_OUT, RIBBON_OUT, HEAD_OPEN, CUTTER, HOT, PAUSED = 0x1, 0x2, 0x4, 0x8, 0x10, 0x10000
LONGEST = 200


class ZplPrinter(AskedPrinter):
    def __init__(self, *, dpi: int = 203, font: str = "0", poll_s: float = 10.0, reply_s: float = 1.0) -> None:
        if dpi not in DOTS_PER_MM:
            raise ValueError(f"dpi {dpi!r} is none of 203, 300, 600")
        if not re.fullmatch(r"0|[A-Z]:[A-Za-z0-9_]{1,16}\.[A-Z]{3}", font):
            raise ValueError(f"font {font!r} is neither 0 nor like E:ANMDT.TTF")
        super().__init__(poll_s=poll_s, reply_s=reply_s)
        self.dpi, self.font = dpi, font
        self._first: re.Match[bytes] | None = None
        self._errors_asked = False

    def on_command(self, command: Command, now: float) -> list[Output]:
        self._errors_asked = False
        return super().on_command(command, now)

    def _render(self, request: PrintLabels) -> bytes:
        return render(request.labels, request.copies, self.dpi, self.font)

    def _question(self) -> bytes:
        if self._owed > self._stale + 1 and self._command and not self._errors_asked:
            self._errors_asked = True
            return b"~HQES\r\n~HS\r\n"
        return b"~HS\r\n"

    def _byte(self, byte: int, now: float) -> list[Output]:
        frame = self._frame
        if byte == STX:
            junk = bytes(frame)
            frame[:] = [STX]
            return self._strange(junk) if junk else []
        if not frame:
            return []
        frame.append(byte)
        if byte != ETX and len(frame) < LONGEST:
            return []
        body = bytes(frame[1:-1] if byte == ETX else frame)
        frame.clear()
        return self._whole(body, now)

    def _whole(self, body: bytes, now: float) -> list[Output]:
        if found := FIRST.fullmatch(body):
            self._first = found
            return []
        if (found := SECOND.fullmatch(body)) and self._first:
            first, self._first = self._first, None
            return self._status(status_of(first, found), body, now)
        if found := ERRORS.fullmatch(body):
            return self._from_errors(int(found["errors"], 16), now)
        # The third line says whether there is a password: nothing for us.
        return [] if THIRD.fullmatch(body) else self._strange(body)

    def _from_errors(self, errors: int, now: float) -> list[Output]:
        """An answer to ~HQES: it can only say why not, for it knows nothing of labels left."""
        status = LabelPrinterStatus(
            online=not errors,
            head_open=bool(errors & HEAD_OPEN),
            media_out=bool(errors & MEDIA_OUT),
            ribbon_out=bool(errors & RIBBON_OUT),
            paused=bool(errors & PAUSED),
            over_temperature=bool(errors & HOT),
            jammed=bool(errors & CUTTER),
        )
        if not self._errors_asked or self._command is None:
            return []
        self._errors_asked = False
        return self._learn(status) + self._go_on(status, now) if hindrance(status) else []


def status_of(first: re.Match[bytes], second: re.Match[bytes]) -> LabelPrinterStatus:
    flags = {
        "media_out": first["paper"] == b"1",
        "paused": first["pause"] == b"1",
        "over_temperature": first["hot"] == b"1",
        "head_open": second["head"] == b"1",
        "ribbon_out": second["ribbon"] == b"1",
    }
    left = int(second["left"]) + int(first["formats"]) + int(first["partial"]) + int(second["waiting"])
    return LabelPrinterStatus(online=not any(flags.values()), **flags, labels_left=left)


DRIVER = Driver(
    name="label-zpl",
    device_class=DeviceClass.LABEL_PRINTER,
    codec=ZplPrinter,
    line=Line(9600),
    options={
        "dpi": "dots per inch of its head: 203, 300 or 600 (default 203)",
        "font": "0 is the built-in one (Western European letters); else one in the printer, as E:ANMDT.TTF (default 0)",
        "poll_s": "seconds between two looks at an idle printer; 0 is never (default 10)",
        "reply_s": "seconds after which an unanswered question is asked again (default 1.0)",
    },
)
