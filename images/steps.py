"""What the person at the screen sees while it works: each step by name, how far it is, and its seconds."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

#: without a terminal a step tells how far it is this often
TELL_EVERY_S = 15.0


class Steps:
    """who: what each line begins with. seconds: how long each finished step took."""

    def __init__(self, who: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._who = who
        self._monotonic = monotonic
        self._began = monotonic()
        self._told = self._began
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Yields what the step calls with the words of how far it is."""
        began = self._told = self._monotonic()
        self.say(f"{name} ...")
        yield lambda far: self._far(name, far)
        took = round(self._monotonic() - began, 1)
        self.seconds[name] = took
        self.say(f"{name}: {took:.0f} s")

    def say(self, text: str) -> None:
        self._clear()
        print(f"{self._who}: [{self._monotonic() - self._began:5.0f} s] {text}", flush=True)

    @property
    def total_s(self) -> float:
        return round(self._monotonic() - self._began, 1)

    def _far(self, name: str, far: str) -> None:
        now = self._monotonic()
        if sys.stdout.isatty():
            self._clear()
            print(f"{self._who}: [{now - self._began:5.0f} s] {name}: {far}"[:110], end="\r", flush=True)
        elif now - self._told >= TELL_EVERY_S:
            self._told = now
            self.say(f"{name}: {far}")

    def _clear(self) -> None:
        if sys.stdout.isatty():
            print(" " * 110, end="\r")
