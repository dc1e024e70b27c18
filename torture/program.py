"""One of our own processes: start it, take it away in mid-work, end it. Nothing else is ever ended here."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from gateway.errors import BackroomError

ENDS_WITHIN_S = 15
#: how many times longer than on a quiet machine of our own a condition is waited for: slow is no failure
PATIENCE = float(os.environ.get("PATIENCE", "5"))


class Broken(BackroomError):
    """A campaign could not go on: a process did not come up, or a condition did not hold in time."""


class Program:
    """arguments and environment may be changed between two starts. Signals go to its whole process group."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, user: str | None = None) -> None:
        self.name = name
        self.arguments = list(arguments)
        self.prefix: list[str] = []
        self.environment: Mapping[str, str] = {}
        self.log_file = folder / f"{name}.log"
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is not None:
            raise Broken(f"{self.name} was started twice")
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                [*self.prefix, *self.arguments],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **self.environment},
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
            )

    @property
    def pid(self) -> int:
        if self._process is None:
            raise Broken(f"{self.name} is not running")
        return self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self._process = None

    async def stop(self) -> int:
        """Ask it to end; what does not end in time is killed. Its exit code."""
        if self._process is None:
            return 0
        self._signal(signal.SIGTERM)
        try:
            code = await asyncio.to_thread(self._process.wait, ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            code = await asyncio.to_thread(self._process.wait)
        self._process = None
        return code

    def _signal(self, sign: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, sign)

    def tail(self) -> str:
        return self.log_file.read_text(errors="replace")[-2500:] if self.log_file.exists() else ""


async def until(
    what: str,
    holds: Callable[[], Awaitable[bool]],
    within_s: float,
    tails: Sequence[Program] = (),
    every_s: float = 0.1,
) -> None:
    """Wait for a condition; a time that ran out is an error, with the ends of the logs.

    within_s: what is enough on a quiet machine; PATIENCE times that is waited.
    """
    within_s *= PATIENCE
    try:
        async with asyncio.timeout(within_s):
            while not await holds():
                await asyncio.sleep(every_s)
    except TimeoutError:
        logs = "".join(f"\n--- {one.name} ---\n{one.tail()}" for one in tails)
        raise Broken(f"after {within_s:.0f} s it still does not hold that {what}{logs}") from None
