"""Label printers that speak TSPL: TSC, Gprinter, XPrinter and many others; TCP 9100, USB-serial, RS-232.

Wire:   labels are lines of text from SIZE to PRINT. status=byte: ESC ! ? -> one byte of flags, answered at any time.
        status=frame: ESC ! S -> STX message warning error error ETX CR LF (TSC since V6.29).
Units:  tenths of a millimetre become dots: 203 dpi 8 to the millimetre, 300 dpi 12, 600 dpi 24.
Source: Gprinter GP-2120T programming manual p. 34 (ESC ! ?); TSC TSPL/TSPL2 Programming Manual 2013 p. 85 (ESC ! S) and
        p. 63 (QRCODE). Of the last byte of ESC ! S, 41h paper, 42h jam and 44h ribbon were read there; 48h (ribbon
        jammed) and 60h (head open) are [MEM], so status=byte is the default.

Neither answer counts labels. Between the job and its first dot the printer says for a moment that it does nothing; so
"nothing" counts as printed only if printing was seen before, or if it is said twice, SETTLE_S apart.
"""

from __future__ import annotations

import re

from gateway.drivers.label.asked import AskedPrinter
from gateway.drivers.label.layout import DOTS_PER_MM
from gateway.drivers.label.tspl_format import CHINESE, CODE_PAGES, render
from gateway.peripherals import DeviceClass, Driver, LabelPrinterStatus, Line, Output, PrintLabels

STX, ETX = 0x02, 0x03
HEAD, JAM, PAPER, RIBBON, PAUSE, PRINTING, COVER, HOT = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80
#: message, warning, error, error: 40h and flags below it
FRAME = re.compile(rb"\x02([@`BCEFKLPW])([@-\x7f])([@-\x7f])([@-\x7f])\x03")
BUSY_MESSAGES = (
    b"BCFKLPW"  # backing, cutting, feeding, waiting for a key or for the label to be taken, printing, imaging
)
LENGTH = 6
SETTLE_S = 0.6
FLOW_CONTROL = (0x11, 0x13)  # XON and XOFF of a serial line


class TsplPrinter(AskedPrinter):
    def __init__(
        self,
        *,
        dpi: int = 203,
        code_page: str = "1252",
        cjk: str = "none",
        status: str = "byte",
        poll_s: float = 10.0,
        reply_s: float = 1.0,
    ) -> None:
        if dpi not in DOTS_PER_MM:
            raise ValueError(f"dpi {dpi!r} is none of 203, 300, 600")
        if code_page not in CODE_PAGES:
            raise ValueError(f"code_page {code_page!r} is none of {', '.join(CODE_PAGES)}")
        if cjk not in ("none", *CHINESE):
            raise ValueError(f"cjk {cjk!r} is none of none, {', '.join(CHINESE)}")
        if status not in ("byte", "frame"):
            raise ValueError(f"status {status!r} is neither byte nor frame")
        super().__init__(poll_s=poll_s, reply_s=reply_s)
        self.dpi, self.code_page, self.cjk, self.framed = dpi, code_page, cjk, status == "frame"
        self._busy_seen = False
        self._idle_since: float | None = None

    def _render(self, request: PrintLabels) -> bytes:
        self._busy_seen, self._idle_since = False, None
        return render(request.labels, request.copies, self.dpi, self.code_page, self.cjk)

    def _question(self) -> bytes:
        return b"\x1b!S" if self.framed else b"\x1b!?"

    def _finished(self, status: LabelPrinterStatus, now: float) -> bool:
        if status.labels_left:
            self._busy_seen, self._idle_since = True, None
            return False
        if self._idle_since is None:
            self._idle_since = now
        return self._busy_seen or now >= self._idle_since + SETTLE_S

    def _byte(self, byte: int, now: float) -> list[Output]:
        if not self.framed:
            if byte in FLOW_CONTROL and not self._owed:
                return []
            return self._status(from_byte(byte), bytes([byte]), now)
        frame = self._frame
        if byte == STX:
            frame[:] = [STX]
            return []
        if not frame:
            return []
        frame.append(byte)
        if len(frame) < LENGTH:
            return []
        whole = bytes(frame)
        frame.clear()
        found = FRAME.fullmatch(whole)
        return self._status(from_frame(found), whole, now) if found else self._strange(whole)


def from_byte(flags: int) -> LabelPrinterStatus:
    return LabelPrinterStatus(
        online=not flags & ~PRINTING,
        head_open=bool(flags & (HEAD | COVER)),
        media_out=bool(flags & PAPER),
        ribbon_out=bool(flags & RIBBON),
        paused=bool(flags & PAUSE),
        over_temperature=bool(flags & HOT),
        jammed=bool(flags & JAM),
        labels_left=int(bool(flags & PRINTING)),
    )


def from_frame(found: re.Match[bytes]) -> LabelPrinterStatus:
    message, fault, media = found[1], found[3][0] & 0x3F, found[4][0] & 0x3F
    paused, error = message == b"`", message == b"E" or fault or media
    return LabelPrinterStatus(
        online=not (paused or error),
        head_open=bool(media & 0x20),
        media_out=bool(media & 0x01),
        ribbon_out=bool(media & 0x04),
        paused=paused,
        over_temperature=bool(fault & 0x03),
        jammed=bool(media & 0x0A or fault & 0x08),
        labels_left=int(message in BUSY_MESSAGES),
    )


DRIVER = Driver(
    name="label-tspl",
    device_class=DeviceClass.LABEL_PRINTER,
    codec=TsplPrinter,
    line=Line(9600),
    options={
        "dpi": "dots per inch of its head: 203, 300 or 600 (default 203)",
        "code_page": f"of its built-in fonts: {', '.join(CODE_PAGES)} (default 1252)",
        "cjk": "the Chinese font in its memory: none, big5 (TST24.BF2) or gb18030 (TSS24.BF2) (default none)",
        "status": "byte: ESC ! ?, known to all; frame: ESC ! S, which TSC printers know since V6.29 (default byte)",
        "poll_s": "seconds between two looks at an idle printer; 0 is never (default 10)",
        "reply_s": "seconds after which an unanswered question is asked again (default 1.0)",
    },
)
