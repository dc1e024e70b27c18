"""What a store tells the world while it works, and what must therefore be on its disk after a power cut.

A line is written to standard output before something is tried, and after it was confirmed; both stand in the trace
beside the writes, so that their order is known. "try" comes before the call, "sure" after it returned.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MARK = b"#diary "
#: a register whose next value only the program knows
ANYTHING = "?"


def note(*words: Any) -> None:
    """One system call, so that lines of several threads never mix."""
    os.write(1, MARK + json.dumps(words).encode() + b"\n")


@dataclass(frozen=True, slots=True)
class Tried:
    sha256: str
    is_sale: bool
    printer: str | None
    business_date: str


@dataclass(slots=True)
class Expected:
    """What was tried and what was promised so far."""

    tried: dict[str, Tried] = field(default_factory=dict)
    #: idempotency key -> its seq and epoch when it was confirmed
    sure: dict[str, tuple[int, str]] = field(default_factory=dict)
    #: epoch -> how far the core has spoken, and how far the store has confirmed that it took it
    said: dict[str, int] = field(default_factory=dict)
    marked: dict[str, int] = field(default_factory=dict)
    #: a small fact on disk -> the values that it may have; the first is the confirmed one
    registers: dict[str, list[Any]] = field(default_factory=dict)
    #: acknowledged long ago, and pruning was asked for: such a record may be there or not
    may_be_gone: set[str] = field(default_factory=set)

    def read(self, payload: bytes) -> None:
        for line in payload.splitlines():
            if line.startswith(MARK):
                self._take(json.loads(line.removeprefix(MARK)))

    def _take(self, words: list[Any]) -> None:
        match words:
            case ["try", "put", key, sha256, is_sale, printer, business_date]:
                self.tried[key] = Tried(sha256, is_sale, printer, business_date)
            case ["sure", "put", key, seq, epoch]:
                self.sure[key] = (seq, epoch)
            case ["try", "ack", epoch, mark]:
                self.said[epoch] = max(mark, self.said.get(epoch, 0))
            case ["sure", "ack", epoch, mark]:
                self.marked[epoch] = max(mark, self.marked.get(epoch, 0))
            case ["try", "refill", epoch, mark]:
                self.marked[epoch] = min(mark, self.marked.get(epoch, 0))
            case ["try", "prune", epoch, first_date_to_stay]:
                self.may_be_gone |= set(self._prunable(epoch, first_date_to_stay))
            case ["try", "is", name, value]:
                self.registers.setdefault(name, [None]).append(value)
            case ["sure", "is", name, value]:
                self.registers[name] = [value]
            case _:
                raise AssertionError(f"the diary holds {words}")

    def _prunable(self, epoch: str, first_date_to_stay: str) -> Iterator[str]:
        for key, (seq, of_epoch) in self.sure.items():
            # a record of an earlier epoch went over if it was not acknowledged: its place there is not known here
            booked = of_epoch != epoch or seq <= self.marked.get(epoch, 0)
            if booked and self.tried[key].business_date < first_date_to_stay:
                yield key
