"""Keeps systemd's watchdog fed, as long as the daemon can do its work.

The beat comes from the event loop, so a loop that hangs is noticed by itself. A writer of sales that hangs would leave
the loop turning while no sale can be finished, so each beat puts an empty piece of work before it, which costs no write
to the disk; one that has not come back for HUNG_S ends the feeding, and systemd starts the daemon anew: the baskets are
on disk. The limit is far above what the slowest card takes for a sync, as a restart does not mend a slow card, and a
disk that fails or is full answers with an error, which is an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from gateway.errors import QueueError
from gateway.fleet.notify import Notifier

log = logging.getLogger(__name__)

HUNG_S = 120.0
#: how often the words of `systemctl status` are renewed where no watchdog wants feeding more often
LOOK_EVERY_S = 10.0


class Watchdog:
    """run() while the daemon lives.

    probe: puts empty work before the writer of sales. words: how the daemon is, in one line.
    """

    def __init__(
        self,
        notifier: Notifier,
        probe: Callable[[], Future[Any]],
        words: Callable[[], str],
        monotonic: Callable[[], float],
        hung_s: float = HUNG_S,
    ) -> None:
        self._notifier, self._probe, self._words = notifier, probe, words
        self._monotonic, self._hung_s = monotonic, hung_s
        self._pending: Future[Any] | None = None
        self._asked_at = 0.0
        self._told = False
        self._said = ""

    async def run(self) -> None:
        if not self._notifier.heard:
            return
        every_s = min(LOOK_EVERY_S, (self._notifier.watchdog_s or 3 * LOOK_EVERY_S) / 3)
        while True:
            self.beat()
            await asyncio.sleep(every_s)

    def beat(self) -> None:
        """Feed it, unless the writer hangs."""
        waiting_s = self._writer_waits_s()
        if waiting_s > self._hung_s:
            if not self._told:
                log.error("the disk has taken nothing for %.0f s; systemd will start the daemon anew", waiting_s)
            self._told = True
            self._say(f"hangs: the disk has taken nothing for {waiting_s:.0f} s; waiting to be started anew")
            return
        self._told = False
        self._notifier.alive()
        self._say(self._words())

    def _writer_waits_s(self) -> float:
        """How long the last probe has been waiting; 0 if it came back. Puts the next one."""
        now = self._monotonic()
        if self._pending is not None and not self._pending.done():
            return now - self._asked_at
        try:
            self._pending, self._asked_at = self._probe(), now
        except QueueError:
            self._pending = None  # the daemon is stopping: it takes no more work
        return 0.0

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self._notifier.status(words)
