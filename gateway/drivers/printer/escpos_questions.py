"""What an ESC/POS printer was asked and still owes: status rounds in their order, and the end of a job.

Wire:   DLE EOT n (10 04 n) is answered out of turn, GS r 1 (1D 72 01) and GS ( H (1D 28 48 06 00 30 30 d1-d4) in turn.
Source: Epson ESC/POS command reference, DLE EOT, GS r, GS ( H <Function 48>.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gateway.drivers.printer.escpos_profile import TELLS_WHEN_PRINTED
from gateway.peripherals import Command

ROUND = (1, 2, 4)
#: DLE EOT 3 as well, once there is an error: is it the knife, the head, or only heat?
ROUND_WITH_CAUSE = (1, 2, 4, 3)
IN_TURN = b"\x1dr\x01"
NO_JOB, LAST_JOB = 0, 9999
DONE = ("auto", "process-id", "gs-r", "status")


@dataclass(slots=True, eq=False)
class Round:
    """DLE EOT 1, 2 and 4 (and 3) asked together; purpose: idle, health, before (a job) or after (it)."""

    purpose: str
    deadline: float
    asked: tuple[int, ...] = ROUND
    answers: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Passing:
    """Bytes of a drawer under way, and the answers that will be handed back to it."""

    command: Command
    deadline: float
    asked: tuple[int, ...]
    answers: bytearray = field(default_factory=bytearray)


class Questions:
    """DLE EOT answers carry no number: they belong to what was asked, in that order."""

    def __init__(self) -> None:
        self._awaited: deque[tuple[int, Round | Passing]] = deque()
        self._open: list[Round | Passing] = []

    def ask(self, asked: Round | Passing) -> bytes:
        self._open.append(asked)
        self._awaited.extend((n, asked) for n in asked.asked)
        return b"".join(query(n) for n in asked.asked)

    def answered(self, byte: int) -> Round | Passing | None:
        """The one that this answer completes, if it does; call it only while some are awaited."""
        n, waiting = self._awaited.popleft()
        if isinstance(waiting, Round):
            waiting.answers[n] = byte
        else:
            waiting.answers.append(byte)
        if len(waiting.answers) < len(waiting.asked):
            return None
        self._open.remove(waiting)
        return waiting

    def without_cause(self, now: float) -> Round | None:
        """An overdue round that lacks the answer to DLE EOT 3 alone: a printer that does not know it has said all."""
        if len(self._awaited) != 1:
            return None
        ((n, waiting),) = self._awaited
        if n != 3 or not isinstance(waiting, Round) or now < waiting.deadline:
            return None
        self._awaited.clear()
        self._open.remove(waiting)
        return waiting

    def give_up(self) -> list[Passing]:
        """Forget all of them; return those on which somebody else waits."""
        left = [asked for asked in self._open if isinstance(asked, Passing)]
        self._open.clear()
        self._awaited.clear()
        return left

    @property
    def rounds(self) -> bool:
        return any(isinstance(asked, Round) for asked in self._open)

    @property
    def deadlines(self) -> list[float]:
        return [asked.deadline for asked in self._open]

    def __len__(self) -> int:
        return len(self._awaited)


def query(n: int) -> bytes:
    return bytes([0x10, 0x04, n])


def process_id(job: int) -> bytes:
    return b"\x1d(H\x06\x0000" + b"%04d" % job


class EndOfJob:
    """How this printer tells that it came to the end of a job: by GS ( H, by GS r, or not at all.

    Each is asked once at the beginning, where `done` and the profile allow it, and used once it was answered.
    """

    def __init__(self, done: str, profile: str) -> None:
        self._asks_in_turn = done != "status"
        self.asks_ids = done == "process-id" or (done == "auto" and profile in TELLS_WHEN_PRINTED)
        self._in_turn_known = self._ids_known = False
        self._in_turn_owed = 0
        self._job = self._printed = NO_JOB

    def introduction(self) -> bytes:
        first = self._in_turn() if self._asks_in_turn else b""
        return first + (process_id(NO_JOB) if self.asks_ids else b"")

    def tail(self) -> bytes:
        """What stands behind a job."""
        if self._ids_known:
            self._job = self._job % LAST_JOB + 1
            return process_id(self._job)
        return self._in_turn() if self._in_turn_known else b""

    def _in_turn(self) -> bytes:
        self._in_turn_owed += 1
        return IN_TURN

    def came_in_turn(self) -> bool:
        """An answer to GS r; False if nobody asked for it."""
        if not self._in_turn_owed:
            return False
        self._in_turn_known = True
        self._in_turn_owed -= 1
        return True

    def came_id(self, number: bytes) -> bool:
        """An answer to GS ( H; False if it is none of ours."""
        if not number.isdigit():
            return False
        self._ids_known = True
        self._printed = int(number)
        return True

    def give_up(self) -> None:
        self._in_turn_owed = 0

    @property
    def is_awaited(self) -> bool:
        if self._ids_known:
            return self._printed != self._job
        return self._in_turn_known and self._in_turn_owed > 0
