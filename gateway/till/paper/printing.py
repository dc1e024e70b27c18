"""Receipts wait in the money file and are printed in order: the sale stands, whatever the printer does.

A job counts as printed when the printer said so. Where a printer refused before it took a byte (paper out, cover open,
unplugged) the job waits and prints once; where it fell silent in the middle, what comes next is marked as a copy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.errors import DeviceError, QueueError
from gateway.peripherals import Print, PrintLine, Request
from gateway.till.paper import slips
from gateway.till.paper.jobs import ReceiptJob, ReceiptJobs, SlipJob
from gateway.till.paper.receipt import NOTHING, Beside, Look, receipt
from retail.sale import RetailTransaction

log = logging.getLogger(__name__)

AGAIN_AFTER_S = 1.0
PRINT_WITHIN_S = 30.0

Ask = Callable[[Request, float], Awaitable[Any]]
#: what a receipt says beside its transaction
AsBeside = Callable[[RetailTransaction], Beside]


class ReceiptPrinter:
    """One per printer. wake() after each sale; run() for ever. `trouble` is what a cashier should read, or None."""

    def __init__(
        self,
        printer: str,
        ask: Ask,
        jobs: ReceiptJobs,
        look: Look,
        changed: Callable[[], None],
        beside: AsBeside = lambda _sale: NOTHING,
    ) -> None:
        self.printer = printer
        self._ask = ask
        self._jobs = jobs
        self._look = look
        self._changed = changed
        self._beside = beside
        self._work = asyncio.Event()
        self._work.set()
        self.trouble: str | None = None

    def wake(self) -> None:
        self._work.set()

    async def run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while (job := self._jobs.next(self.printer)) is not None:
                try:
                    await self._print(job)
                except QueueError as error:
                    # The disk refuses to note that it prints: so it waits, and selling goes on.
                    self._say(f"{_named(job)} waits: {error}")
                    await asyncio.sleep(AGAIN_AFTER_S)

    def _lines(self, job: ReceiptJob | SlipJob) -> tuple[PrintLine, ...]:
        if isinstance(job, SlipJob) and job.training is not None:
            return receipt(job.training, self._look, seq=0, copy=job.attempted)
        if isinstance(job, SlipJob):
            mark = f"*** {self._look.words.text('COPY')} ***"
            return slips.copy_of(job.lines, mark) if job.attempted else job.lines
        beside = self._beside(job.transaction)
        return receipt(job.transaction, self._look, job.seq, copy=job.is_copy, beside=beside, gift=job.gift)

    async def _print(self, job: ReceiptJob | SlipJob) -> None:
        lines = self._lines(job)
        await self._jobs.mark(job, "printing")
        try:
            await self._ask(Print(lines, job=job.name), PRINT_WITHIN_S)
        except DeviceError as error:
            if error.reason == "unprintable":
                # No try will ever print it; it must not hold up the receipts behind it.
                log.error("%s cannot be printed: %s", _named(job), error)
                await self._jobs.mark(job, "printed")
                return
            await self._put_back(job, error)
            await asyncio.sleep(AGAIN_AFTER_S)
        else:
            await self._jobs.mark(job, "printed")
            self._say(None)

    async def _put_back(self, job: ReceiptJob | SlipJob, error: DeviceError) -> None:
        # What was once begun stays so: a printer that later refuses for lack of paper has still printed some of it.
        if not error.begun and not job.attempted:
            await self._jobs.mark(job, "waiting")
        if self.trouble is None:
            log.warning("%s waits: %s", _named(job), error, extra={"device": self.printer})
        self._say(str(error))

    def _say(self, trouble: str | None) -> None:
        if trouble is None and self.trouble is not None:
            log.info("receipts print again", extra={"device": self.printer})
        if trouble != self.trouble:
            self.trouble = trouble
            self._changed()


def _named(job: ReceiptJob | SlipJob) -> str:
    return f"receipt {job.seq}" if isinstance(job, ReceiptJob) else job.name
