"""What an ESC/POS printer sends back, told apart by its fixed bits, and what a person does about it.

Wire:   DLE EOT 0xx1xx10, GS r 0xx0xxxx, automatic status (GS a) 0xx1xx00 and three bytes 0xx0xxxx, XON 11, XOFF 13,
        and the process id 37 22 d1 d2 d3 d4 00 (GS ( H).
Source: Epson TM-T88III specification, DLE EOT, DLE ENQ, GS a and appendix G "Transmission status identification";
        ESC/POS reference, GS ( H <Function 48>.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.peripherals import PrinterStatus

FLOW_CONTROL = (0x11, 0x13)  # XON and XOFF of a serial line
#: reason -> what a person does before the job, and what is to be said if it happened while the job was printing
REFUSALS = {
    "cover_open": ("cover open; close it, nothing was printed", "cover opened while printing; close it and read on"),
    "paper_out": (
        "no paper; put in a new roll, nothing was printed",
        "paper ran out while printing; put in a new roll",
    ),
    "knife_jammed": (
        "its knife is jammed; open the cover, take the paper out, close it and print again",
        "its knife jammed while printing; open the cover, take the paper out and close it",
    ),
    "broken": (
        "it reports an error that only switching off ends; switch it off and on, or have it repaired",
        "an error that only switching off ends while printing; switch it off and on",
    ),
    "too_hot": (
        "its print head is too hot; wait some minutes, nothing was printed",
        "its print head got too hot while printing; wait some minutes",
    ),
    "error": (
        "it reports an error (knife or head); clear it, then switch it off and on",
        "an error (knife or head) while printing; clear it",
    ),
    "offline": (
        "it is offline without saying why; press its feed button",
        "it went offline while printing; press its feed button",
    ),
}
CAUTION = "; the rest may print by itself: look at the paper before printing again"
#: these pass without anybody doing anything
PASSING = ("offline", "too_hot")


def status_of(answers: dict[int, int]) -> PrinterStatus:
    printer, cause, paper = (answers[n] for n in (1, 2, 4))
    return PrinterStatus(
        online=not printer & 0x08,
        cover_open=bool(cause & 0x04),
        paper_out=bool(cause & 0x20 or paper & 0x60),
        paper_near_end=bool(paper & 0x0C),
        error=bool(cause & 0x40),
        drawer_pin_high=bool(printer & 0x04),
    )


def automatic_status(block: bytes) -> PrinterStatus:
    printer, cause, paper, _ = block
    return PrinterStatus(
        online=not printer & 0x08,
        cover_open=bool(printer & 0x20),
        paper_out=bool(paper & 0x0C),
        paper_near_end=bool(paper & 0x03),
        error=bool(cause & 0x6C),
        drawer_pin_high=bool(printer & 0x04),
    )


def cause_of(bits: int) -> str:
    """The reason behind an error: the same bits in DLE EOT 3 and in the second byte of the automatic status."""
    if bits & 0x20:
        return "broken"
    if bits & 0x08:
        return "knife_jammed"
    if bits & 0x04:
        return "error"
    return "too_hot" if bits & 0x40 else "error"


def hindrance(status: PrinterStatus, cause: str = "error") -> str:
    """Why this printer would not print now, as one word; "" if it would."""
    if status.cover_open:
        return "cover_open"
    if status.paper_out:
        return "paper_out"
    if status.error:
        return cause
    return "" if status.online else "offline"


def words(reason: str, begun: bool) -> str:
    """What a person does about it; begun: some of the job may be on paper."""
    before, after = REFUSALS[reason]
    return after + CAUTION if begun else before


@dataclass(frozen=True, slots=True)
class RealTime:
    """An answer to DLE EOT."""

    byte: int


@dataclass(frozen=True, slots=True)
class InTurn:
    """An answer to GS r: the printer has come to it."""

    byte: int


@dataclass(frozen=True, slots=True)
class Automatic:
    block: bytes


@dataclass(frozen=True, slots=True)
class ProcessId:
    """What stood before GS ( H with this id is on the paper."""

    number: bytes


@dataclass(frozen=True, slots=True)
class Stray:
    byte: int


Heard = RealTime | InTurn | Automatic | ProcessId | Stray


class Ear:
    """Sorts the bytes of a printer, one by one. `expects_id`: a 7 is the beginning of an answer to GS ( H only then."""

    def __init__(self) -> None:
        self.expects_id = False
        self._held = bytearray()

    def hear(self, byte: int) -> list[Heard]:
        if byte in FLOW_CONTROL:
            return []
        if self._held:
            return self._go_on(byte)
        if byte & 0x93 == 0x10 or (byte == 0x37 and self.expects_id):
            self._held.append(byte)
            return []
        if byte & 0x93 == 0x12:
            return [RealTime(byte)]
        return [InTurn(byte) if byte & 0xF0 == 0 else Stray(byte)]

    def _go_on(self, byte: int) -> list[Heard]:
        place = len(self._held)
        if self._held[0] == 0x37:
            fits = (byte == 0x22) if place == 1 else (byte == 0) if place == 6 else 0x20 <= byte <= 0x7E
            whole = 7
        else:
            fits, whole = byte & 0x90 == 0, 4
        if not fits:
            # Not what its first byte promised. What was held is no answer to anything; this byte may be one.
            strays: list[Heard] = [Stray(held) for held in self._held]
            self._held.clear()
            return strays + self.hear(byte)
        self._held.append(byte)
        if len(self._held) < whole:
            return []
        block = bytes(self._held)
        self._held.clear()
        return [ProcessId(block[2:6]) if whole == 7 else Automatic(block)]

    def __len__(self) -> int:
        return len(self._held)
