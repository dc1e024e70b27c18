"""A pretend ESC/POS receipt printer with a drawer on its kick connector; it keeps everything it was sent.

Wire:   DLE EOT 1-4 are answered at once, whatever else goes on. Print data wait in the receive buffer while the printer
        is offline (cover, paper, error) and are printed when it is online again; answers to GS r wait with them.
Source: Epson ESC/POS command reference, DLE EOT, GS r and "offline"; the order of late answers as recorded against an
        independent emulator.
"""

from __future__ import annotations

from collections import deque

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.drawer import kick as drawer_kick
from gateway.simulators.printer.escpos_paper import (
    CutHere,
    Feed,
    Mark,
    Paper,
    Picture,
    Printed,
    Pulse,
    QrCode,
    StatusAsked,
    Unknown,
)

KNOBS = {
    "paper_out": "yes: the roll is finished; no: a new one is in (default no)",
    "paper_lines": "so many lines are left on the roll, then paper_out happens by itself; none is endless",
    "near_end": "yes: the roll is nearly finished (default no)",
    "cover_open": "yes or no (default no)",
    "error": "yes: the knife is blocked (default no)",
    "silent": "yes: receives, prints, answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "chinese": "the font in its firmware: big5 or gb18030 (default big5)",
    "columns": "characters of font A on a line (default 48)",
    **drawer_kick.KNOBS,
}
#: what a printer remembers here: enough for any test, and a demo may run for weeks
MOST_BYTES, MOST_MARKS = 4_000_000, 20_000
NORMAL = 0x12


class PretendPrinter:
    def __init__(self) -> None:
        self.received = bytearray()
        self.marks: deque[Mark] = deque(maxlen=MOST_MARKS)
        self.drawer = drawer_kick.PretendDrawer()
        self.paper_out = self.near_end = self.cover_open = self.error = self.silent = False
        self.paper_lines: int | None = None
        self.late = 0.0
        self._paper = Paper()
        self._buffer = b""
        self._real_time = b""
        self._later: list[tuple[float, bytes]] = []

    # --- what is on the paper -------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """Every printed line of text, from the first to the last."""
        return [mark.text for mark in self.marks if isinstance(mark, Printed)]

    @property
    def cuts(self) -> int:
        return sum(isinstance(mark, CutHere) for mark in self.marks)

    @property
    def pulses(self) -> list[Pulse]:
        return [mark for mark in self.marks if isinstance(mark, Pulse)]

    @property
    def qr_codes(self) -> list[str]:
        return [mark.data for mark in self.marks if isinstance(mark, QrCode)]

    @property
    def unknown(self) -> list[bytes]:
        return [mark.data for mark in self.marks if isinstance(mark, Unknown)]

    @property
    def receipts(self) -> list[list[Mark]]:
        """The paper between cuts, each without its cut; the last one may still be in the printer."""
        pieces: list[list[Mark]] = [[]]
        for mark in self.marks:
            if isinstance(mark, CutHere):
                pieces.append([])
            else:
                pieces[-1].append(mark)
        return [piece for piece in pieces if any(isinstance(mark, Printed | QrCode | Picture) for mark in piece)]

    def png(self, receipt: int | None = None) -> bytes:
        """The whole paper, or one receipt (-1 is the last), as a PNG."""
        from gateway.simulators.printer import paper_picture  # noqa: PLC0415 -- Pillow only for those who look

        marks = list(self.marks) if receipt is None else self.receipts[receipt]
        return paper_picture.png(marks, self._paper.columns)

    # --- bytes and time -------------------------------------------------------------------------------------

    @property
    def offline(self) -> bool:
        return self.paper_out or self.cover_open or self.error

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        self.received += data
        del self.received[:-MOST_BYTES]
        said = self._without_real_time(data)
        said += self._print()
        return self._say(said, now)

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    def _say(self, said: bytes, now: float) -> list[Send | WakeAt]:
        if not said or self.silent:
            return []
        if not self.late:
            return [Send(said)]
        self._later.append((now + self.late, said))
        return [WakeAt(self._later[0][0])]

    def _without_real_time(self, data: bytes) -> bytes:
        """Answer the real-time commands in the data, put the rest into the receive buffer; return the answers."""
        said = b""
        for byte in data:
            self._real_time += bytes([byte])
            command = self._real_time
            if command in (b"\x10", b"\x10\x04", b"\x10\x14") or (command[:2] == b"\x10\x14" and len(command) < 5):
                continue
            self._real_time = b""
            if command[:2] == b"\x10\x04" and 1 <= byte <= 4:
                said += bytes([self._status(byte)])
            elif command[:3] == b"\x10\x14\x01":
                self.drawer.pulse(command[3])
                self.marks.append(Pulse(command[3], command[4] * 100, command[4] * 100))
            else:
                self._buffer += command
        return said

    def _status(self, n: int) -> int:
        match n:
            case 1:
                return NORMAL | 0x04 * self.drawer.pin_3_high | 0x08 * self.offline
            case 2:
                return NORMAL | 0x04 * self.cover_open | 0x20 * self.paper_out | 0x40 * self.error
            case 3:
                return NORMAL | 0x08 * self.error
            case _:
                return NORMAL | 0x0C * (self.near_end or self.paper_out) | 0x60 * self.paper_out

    def _print(self) -> bytes:
        """Print what the buffer holds until it is empty or the printer goes offline; return the answers to GS r."""
        said = b""
        taken = 0
        while taken < len(self._buffer) and not self.offline:
            taken += 1
            for mark in self._paper.feed(self._buffer[taken - 1 : taken]):
                self.marks.append(mark)
                said += self._printed(mark)
        self._buffer = self._buffer[taken:]
        return said

    def _printed(self, mark: Mark) -> bytes:
        match mark:
            case Pulse(m=m):
                self.drawer.pulse(m)
            case StatusAsked(n=n):
                low = 0x0F * self.paper_out | 0x03 * self.near_end
                return bytes([low if n in (1, 49) else int(self.drawer.pin_3_high)])
            case Printed() | Feed() if self.paper_lines is not None:
                self.paper_lines -= mark.lines if isinstance(mark, Feed) else 1
                self.paper_out = self.paper_out or self.paper_lines <= 0
        return b""

    # --- knobs ----------------------------------------------------------------------------------------------

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "paper_out" | "near_end" | "cover_open" | "error" | "silent":
                setattr(self, knob, knobs.yes(value))
                if knob == "paper_out" and not self.paper_out:
                    self.paper_lines = None
            case "paper_lines":
                self.paper_lines = None if value == "none" else knobs.whole(value)
                self.paper_out = self.paper_lines == 0
            case "late":
                self.late = knobs.seconds(value)
            case "columns":
                self._paper.columns = knobs.whole(value, least=16)
            case "chinese":
                if value not in ("big5", "gb18030"):
                    raise ValueError(f"chinese {value!r} is neither big5 nor gb18030")
                self._paper.chinese = value
            case _ if knob in drawer_kick.KNOBS:
                self.drawer.set(knob, value)
            case _:
                raise knobs.unknown(knob, KNOBS)
        said = self._print()
        return [Send(said)] if said and not self.silent else []


SIMULATOR = Simulator(name="printer-escpos", device_class=DeviceClass.POS_PRINTER, device=PretendPrinter, knobs=KNOBS)
