"""A pretend ESC/POS receipt printer with a drawer on its kick connector; it keeps everything it was sent.

Wire:   DLE EOT 1-4 are answered at once, whatever else goes on. Print data wait in the receive buffer while the printer
        is offline (cover, paper, error) and are printed when it is online again; answers to GS r and GS ( H wait with
        them. DLE ENQ 1 goes on after an error where it stopped, DLE ENQ 2 and DLE DC4 8 clear the buffers.
Source: Epson ESC/POS command reference, DLE EOT, DLE ENQ, DLE DC4, GS a, GS r, GS ( H and "offline"; the order of late
        answers as recorded against an independent emulator.
"""

from __future__ import annotations

from collections import deque

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs
from gateway.simulators.drawer import kick as drawer_kick
from gateway.simulators.printer.escpos_marks import (
    INK,
    Automatic,
    CutHere,
    Feed,
    IdAsked,
    Mark,
    NameAsked,
    Printed,
    Pulse,
    QrCode,
    StatusAsked,
    Unknown,
)
from gateway.simulators.printer.escpos_paper import TABLES, Paper
from gateway.simulators.printer.escpos_sensors import Sensors, differs

KNOBS = {
    "paper_out": "yes: the roll is finished; no: a new one is in (default no)",
    "paper_lines": "so many lines are left on the roll, then paper_out happens by itself; none is endless",
    "near_end": "yes: the roll is nearly finished (default no)",
    "cover_open": "yes or no (default no)",
    "error": "yes: the knife is jammed; no: freed and recovered (default no)",
    "knife_jams": "yes: the knife jams at the next cut; no: freed, which DLE ENQ must still be told (default no)",
    "broken": "yes: an error that only switching off ends (default no)",
    "too_hot": "yes: the head is too hot to print (default no)",
    "silent": "yes: receives, prints, answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: a byte of rubbish before each answer (default no)",
    "dies_after": "so many more bytes are taken, then it is as if switched off; none: switched on (default none)",
    "knows": "commands it answers, of gs_r, gs_a, process_id, cause (DLE EOT 3), with + between (default all)",
    "chinese": "the font in its firmware: big5, gb18030 or shift_jis (default big5)",
    "columns": "characters of font A on a line (default 48)",
    **drawer_kick.KNOBS,
}
KNOWS = frozenset(("gs_r", "gs_a", "process_id", "cause"))
#: what a printer remembers here: enough for any test, and a demo may run for weeks
MOST_BYTES, MOST_MARKS = 4_000_000, 20_000
#: real-time commands by their beginning, and how long each is
REAL_TIME = {b"\x10\x04": 3, b"\x10\x05": 3, b"\x10\x14\x01": 5, b"\x10\x14\x02": 5, b"\x10\x14\x08": 10}
CLEAR = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"
RUBBISH = b"\xff"


class PretendPrinter:
    def __init__(self) -> None:
        self.received = bytearray()
        self.marks: deque[Mark] = deque(maxlen=MOST_MARKS)
        self.sensors = Sensors()
        self.silent = self.garbage = self.knife_jams = False
        self.paper_lines: int | None = None
        self.dies_after: int | None = None
        self.knows = KNOWS
        self.late = 0.0
        self._paper = Paper()
        self._buffer = b""
        self._real_time = b""
        self._unprinted: deque[Mark] = deque()
        self._later: list[tuple[float, bytes]] = []
        self._watched = 0
        self._told = b""

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
        return [piece for piece in pieces if any(isinstance(mark, INK) for mark in piece)]

    def png(self, receipt: int | None = None) -> bytes:
        """The whole paper, or one receipt (-1 is the last), as a PNG."""
        from gateway.simulators.printer import paper_picture  # noqa: PLC0415 -- Pillow only for those who look

        marks = list(self.marks) if receipt is None else self.receipts[receipt]
        return paper_picture.png(marks, self._paper.columns)

    @property
    def drawer(self) -> drawer_kick.PretendDrawer:
        return self.sensors.drawer

    @property
    def paper_out(self) -> bool:
        return self.sensors.paper_out

    @property
    def offline(self) -> bool:
        return self.sensors.offline

    # --- bytes and time -------------------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        if self.dies_after is not None:
            data = data[: self.dies_after]
            self.dies_after -= len(data)
        self.received += data
        del self.received[:-MOST_BYTES]
        said = self._without_real_time(data)
        said += self._print() + self._news()
        return [] if self.dies_after == 0 else self._say(said, now)

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    def _say(self, said: bytes, now: float) -> list[Send | WakeAt]:
        if not said or self.silent:
            return []
        said = RUBBISH + said if self.garbage else said
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
            length = next((length for name, length in REAL_TIME.items() if command.startswith(name)), 0)
            if len(command) < length or any(name.startswith(command) for name in REAL_TIME):
                continue
            self._real_time = b""
            said += self._at_once(command) if length else self._into_buffer(command)
        return said

    def _into_buffer(self, data: bytes) -> bytes:
        self._buffer += data
        return b""

    def _at_once(self, command: bytes) -> bytes:
        n = command[2]
        match command[1]:
            case 0x04 if 1 <= n <= 4 and (n != 3 or "cause" in self.knows):
                return bytes([self.sensors.real_time(n)])
            case 0x05 if n in (1, 2) and self.sensors.error and not self.knife_jams:
                self.sensors.error = False
                if n == 2:
                    self._clear()
            case 0x14 if n == 1:
                self.drawer.pulse(command[3])
                self.marks.append(Pulse(command[3], command[4] * 100, command[4] * 100))
            case 0x14 if command == CLEAR:
                self._clear()
        return b""

    def _clear(self) -> None:
        self._buffer = b""
        self._unprinted.clear()
        columns, chinese = self._paper.columns, self._paper.chinese
        self._paper = Paper(columns, chinese)

    def _print(self) -> bytes:
        """Print what there is until it is empty or the printer goes offline; return the answers in turn."""
        said = b""
        taken = 0
        while not self.offline:
            if self._unprinted:
                said += self._printed(self._unprinted.popleft())
            elif taken < len(self._buffer):
                taken += 1
                self._unprinted += self._paper.feed(self._buffer[taken - 1 : taken])
            else:
                break
        self._buffer = self._buffer[taken:]
        return said

    def _printed(self, mark: Mark) -> bytes:
        if isinstance(mark, CutHere) and self.knife_jams:
            self.sensors.error = True
            self._unprinted.appendleft(mark)
            return b""
        self.marks.append(mark)
        match mark:
            case Pulse(m=m):
                self.drawer.pulse(m)
            case StatusAsked(n=n) if "gs_r" in self.knows:
                return self.sensors.in_turn(n)
            case IdAsked(number=number) if "process_id" in self.knows:
                return b'7"' + number + b"\0"
            case NameAsked(n=n):
                return self.sensors.named(n)
            case Automatic(n=n) if "gs_a" in self.knows:
                self._watched, self._told = n, self.sensors.automatic()
                return self._told if n & 0x0F else b""
            case Printed() | Feed() if self.paper_lines is not None:
                self.paper_lines -= mark.lines if isinstance(mark, Feed) else 1
                self.sensors.paper_out = self.paper_out or self.paper_lines <= 0
        return b""

    def _news(self) -> bytes:
        """The four bytes of the automatic status, if something changed that was to be told."""
        block = self.sensors.automatic()
        if not self._watched or not differs(self._told, block, self._watched):
            return b""
        self._told = block
        return block

    # --- knobs ----------------------------------------------------------------------------------------------

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "paper_out" | "near_end" | "cover_open" | "error" | "broken" | "too_hot":
                setattr(self.sensors, knob, knobs.yes(value))
                if knob == "paper_out" and not self.paper_out:
                    self.paper_lines = None
                elif knob == "error":
                    self.knife_jams = self.sensors.error
            case "silent" | "garbage" | "knife_jams":
                setattr(self, knob, knobs.yes(value))
            case "paper_lines":
                self.paper_lines = None if value == "none" else knobs.whole(value)
                self.sensors.paper_out = self.paper_lines == 0
            case "dies_after":
                self._switch(None if value == "none" else knobs.whole(value))
            case "late":
                self.late = knobs.seconds(value)
            case _:
                self._set_up(knob, value)
        said = self._print() + self._news()
        return [Send(said)] if said and not self.silent and self.dies_after != 0 else []

    def _switch(self, dies_after: int | None) -> None:
        if dies_after is None and self.dies_after is not None:
            # What was in its buffers is gone with the current.
            self._clear()
            self._real_time, self._watched, self.sensors.error = b"", 0, False
        self.dies_after = dies_after

    def _set_up(self, knob: str, value: str) -> None:
        match knob:
            case "columns":
                self._paper.columns = knobs.whole(value, least=16)
            case "chinese":
                if value not in TABLES:
                    raise ValueError(f"chinese {value!r} is none of {', '.join(TABLES)}")
                self._paper.chinese = value
            case "knows":
                known = frozenset(value.split("+")) - {"", "nothing"}
                if not known <= KNOWS:
                    raise ValueError(f"knows {value!r}: there are {', '.join(sorted(KNOWS))}, or nothing")
                self.knows = known
            case _ if knob in drawer_kick.KNOBS:
                self.drawer.set(knob, value)
            case _:
                raise knobs.unknown(knob, KNOBS)


SIMULATOR = Simulator(name="printer-escpos", device_class=DeviceClass.POS_PRINTER, device=PretendPrinter, knobs=KNOBS)
