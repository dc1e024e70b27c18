"""A payment from its intent to its one result, over a terminal's session and a journal on disk.

    intent -> accepted -> result            the journal first, always: what is on disk is what may have happened
                 |
                 +-> unknown -> resolved    an answer was lost: the terminal is asked what became of it

Pay goes out once for a payment id, whatever happens. If its answer is lost, or this process was killed, nothing but
ResolvePayment is asked, with growing pauses, until the terminal says. If it does not, a person must look; until then
this terminal takes no other payment, for a second charge would be harder to find than a queue at the till.

The journal is the till's. Each of its coroutines returns when the entry is on disk, and raises if that cannot be.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from gateway.devices.snapshot import Entry, Happened
from gateway.errors import DeviceError, DeviceRefused
from gateway.peripherals import (
    AbortPayment,
    ErrorCode,
    KeepResult,
    Pay,
    PaymentOutcome,
    PaymentProgress,
    PaymentResult,
    Request,
    ResolvePayment,
    Result,
)

log = logging.getLogger(__name__)

#: a customer looks for the card, forgets the PIN, tries another card
PAY_S = 300.0
RESOLVE_S = 30.0
#: a terminal that was busy with the payment itself may be asked to abort it once the line is free
ABORT_AGAIN_S = (0.0, 0.5, 1.0, 2.0)
NOT_NOW = ("line_taken", "busy")


class Terminal(Protocol):
    """What this needs of gateway.devices.session.Session."""

    device_id: str

    async def ask(self, request: Request, timeout_s: float | None = None) -> Result | None: ...

    def listen(self, callback: Callable[[str, Entry], None], /) -> Callable[[], None]: ...


class Journal(Protocol):
    """The till's book of one terminal. Entries of one payment come in the order of this class, some of them never."""

    async def open_payments(self) -> Sequence[tuple[Pay, str]]:
        """Payments with an intent and neither a result that is not held, nor `resolved`; with their last_reference."""
        ...

    async def known(self, payment_id: str) -> bool:
        """Whether there was ever an intent of this id."""
        ...

    async def last_reference(self) -> str:
        """The reference of the last result of this terminal that had one, "" before the first."""
        ...

    async def intent(self, pay: Pay, last_reference: str) -> None:
        """Before Pay goes out."""
        ...

    async def accepted(self, payment_id: str) -> None:
        """The terminal has it."""
        ...

    async def result(self, result: PaymentResult) -> None:
        """The terminal's word. First, perhaps, one that it holds until this returns; the last one counts."""
        ...

    async def unknown(self, payment_id: str, why: str) -> None:
        """The answer was lost."""
        ...

    async def resolved(self, result: PaymentResult) -> None:
        """What became of one whose answer was lost, by the terminal's word or a person's."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on asking what became of a payment: pauses double from first_s to cap_s, for total_s in all."""

    first_s: float = 1.0
    cap_s: float = 10.0
    total_s: float = 90.0

    def pause_s(self, attempt: int) -> float:
        return min(self.first_s * 2.0 ** min(attempt - 1, 20), self.cap_s)


def utc_now() -> datetime:
    return datetime.now(UTC)


class PaymentDesk:
    """Takes payments over one terminal; see start, pay, abort, resolve, decide."""

    def __init__(
        self,
        terminal: Terminal,
        journal: Journal,
        *,
        wall: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        patience: Patience = Patience(),
        pay_s: float = PAY_S,
    ) -> None:
        self._terminal, self._journal, self._patience = terminal, journal, patience
        self._wall, self._monotonic, self._pay_s = wall, monotonic, pay_s
        self._open: dict[str, tuple[Pay, str]] = {}
        self._started = False
        self._turn = asyncio.Lock()
        self._last: PaymentResult | None = None

    @property
    def open_payments(self) -> Mapping[str, Pay]:
        """Those of which nobody knows yet what became; none may be added while there is one."""
        return {payment_id: pay for payment_id, (pay, _) in self._open.items()}

    async def start(self) -> Mapping[str, Pay]:
        """Read what an earlier run of this process left open; each of them wants resolve()."""
        async with self._turn:
            return await self._start()

    async def _start(self) -> Mapping[str, Pay]:
        if not self._started:
            self._open = {pay.payment_id: (pay, last) for pay, last in await self._journal.open_payments()}
            self._started = True
        return self.open_payments

    # --- a payment ------------------------------------------------------------------------------------------

    async def pay(self, pay: Pay) -> PaymentResult:
        """Carry one payment through to its result; UNKNOWN if the terminal could not be brought to tell.

        Raises:
            DeviceRefused: it was not even begun: another is open or running, or this id was used before.
        """
        if self._turn.locked():
            raise self._refused("the terminal is busy with a payment; wait for its end", "busy", ErrorCode.BUSY)
        async with self._turn:
            await self._start()
            if self._open:
                raise self._blocked()
            if await self._journal.known(pay.payment_id):
                text = f"payment {pay.payment_id} was asked for before; a new payment wants an id of its own"
                raise self._refused(text, "known_payment", ErrorCode.EXISTS)
            pay = replace(pay, asked_at=self._wall().isoformat(timespec="seconds").replace("+00:00", "Z"))
            last_reference = await self._journal.last_reference()
            await self._journal.intent(pay, last_reference)
            self._open[pay.payment_id] = (pay, last_reference)
            return await self._carried(pay)

    def _blocked(self) -> DeviceRefused:
        (pay, _) = next(iter(self._open.values()))
        text = (
            f"nobody knows yet what became of payment {pay.payment_id} over {pay.amount_minor} {pay.currency} (minor"
            " units); ask the terminal again, or look at its receipt and decide it by hand; cash can be taken meanwhile"
        )
        return self._refused(text, "unknown_payment", ErrorCode.BUSY)

    def _refused(self, text: str, reason: str, code: ErrorCode) -> DeviceRefused:
        return DeviceRefused(f"{self._terminal.device_id}: {text}", reason=reason, code=code)

    async def _carried(self, pay: Pay) -> PaymentResult:
        heard: asyncio.Queue[PaymentProgress | PaymentResult | None] = asyncio.Queue()

        def on_entry(device_id: str, entry: Entry) -> None:
            event = entry.event if isinstance(entry, Happened) else None
            if isinstance(event, PaymentProgress | PaymentResult) and event.payment_id == pay.payment_id:
                heard.put_nowait(event)

        unlisten = self._terminal.listen(on_entry)
        asking = asyncio.create_task(self._terminal.ask(pay, self._pay_s))
        asking.add_done_callback(lambda _: heard.put_nowait(None))
        try:
            word, accepted = await self._followed(heard)
            return await self._settled(pay, asking, word, accepted)
        finally:
            unlisten()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _followed(
        self, heard: asyncio.Queue[PaymentProgress | PaymentResult | None]
    ) -> tuple[PaymentResult | None, bool]:
        """Write down what comes until the request has ended: (the terminal's last word, whether it had accepted)."""
        word: PaymentResult | None = None
        accepted = False
        while (event := await heard.get()) is not None:
            if not accepted:
                accepted = True
                await self._journal.accepted(event.payment_id)
            if isinstance(event, PaymentResult):
                word = event
                if event.held:
                    await self._keep(event)
        return word, accepted

    async def _keep(self, held: PaymentResult) -> None:
        """On disk first, then the terminal may book it; if it cannot be on disk, the terminal takes it back."""
        try:
            await self._journal.result(held)
        except Exception:  # whatever kept it off the disk: the terminal must hear, then the caller
            await self._say(KeepResult(held.payment_id, keep=False))
            raise
        await self._say(KeepResult(held.payment_id))

    async def _say(self, keep: KeepResult) -> None:
        try:
            await self._terminal.ask(keep)
        except DeviceError as problem:
            # Whether it was heard is found out by what the payment ends with, or by asking.
            log.warning("%s: keep result: %s", self._terminal.device_id, problem)

    async def _settled(
        self, pay: Pay, asking: asyncio.Task[Result | None], word: PaymentResult | None, accepted: bool
    ) -> PaymentResult:
        """The request has ended: what it says, what it leaves open, and the question that follows then."""
        try:
            answer = asking.result()
        except DeviceError as problem:
            if word is not None and not word.held:
                answer = word  # the line broke behind its last word
            elif problem.begun or accepted:
                return await self._lost(pay, str(problem))
            else:
                answer = of(pay, PaymentOutcome.NOT_DONE, str(problem))
        if not isinstance(answer, PaymentResult) or answer.payment_id != pay.payment_id:
            return await self._lost(pay, "the terminal's answer was not about this payment")
        if answer.outcome is PaymentOutcome.UNKNOWN:
            return await self._lost(pay, answer.reason)
        if answer.held:
            await self._keep(answer)
            answer = replace(answer, held=False)
        await self._journal.result(answer)
        return self._close(answer)

    async def _lost(self, pay: Pay, why: str) -> PaymentResult:
        await self._journal.unknown(pay.payment_id, why)
        log.warning("%s: payment %s: answer lost: %s", self._terminal.device_id, pay.payment_id, why)
        return await self._asked(pay)

    def _close(self, result: PaymentResult) -> PaymentResult:
        self._open.pop(result.payment_id, None)
        self._last = result
        return result

    # --- while it goes on -----------------------------------------------------------------------------------

    async def abort(self, payment_id: str) -> None:
        """Ask the terminal to give it up; what becomes of it is told by pay(), and may be `approved`.

        Raises:
            DeviceError: the terminal cannot be asked; its own red key can.
        """
        for pause_s in ABORT_AGAIN_S:
            await asyncio.sleep(pause_s)
            if payment_id not in self._open:
                raise self._refused(f"payment {payment_id} is not under way", "not_open", ErrorCode.ILLEGAL)
            try:
                await self._terminal.ask(AbortPayment(payment_id))
            except DeviceError as problem:
                if problem.reason not in NOT_NOW or pause_s == ABORT_AGAIN_S[-1]:
                    raise
            else:
                return

    # --- after its answer was lost --------------------------------------------------------------------------

    async def resolve(self, payment_id: str) -> PaymentResult:
        """Ask the terminal what became of an open payment; UNKNOWN if it could not be brought to tell.

        Raises:
            DeviceRefused: there is no such open payment.
        """
        async with self._turn:
            await self._start()
            if payment_id not in self._open:
                if self._last is not None and self._last.payment_id == payment_id:
                    return self._last
                raise self._refused(f"payment {payment_id} is not open", "not_open", ErrorCode.ILLEGAL)
            return await self._asked(self._open[payment_id][0])

    async def _asked(self, pay: Pay) -> PaymentResult:
        last_reference = self._open[pay.payment_id][1]
        question = ResolvePayment(
            pay.payment_id, pay.kind, pay.amount_minor, pay.currency, last_reference, pay.asked_at
        )
        until = self._monotonic() + self._patience.total_s
        for attempt in itertools.count(1):
            why, again = "", True
            try:
                answer = await self._terminal.ask(question, RESOLVE_S)
                if isinstance(answer, PaymentResult) and answer.payment_id == pay.payment_id:
                    if answer.outcome is not PaymentOutcome.UNKNOWN:
                        return await self._resolved(answer)
                    why = answer.reason
            except DeviceError as problem:
                why, again = str(problem), problem.reason != "unsupported"
            pause_s = self._patience.pause_s(attempt)
            if not again or self._monotonic() + pause_s > until:
                break
            await asyncio.sleep(pause_s)
        text = (
            f"nobody knows yet what became of it ({why}); look at the terminal and its receipt, then decide it by hand"
        )
        log.error("%s: payment %s: %s", self._terminal.device_id, pay.payment_id, text)
        return of(pay, PaymentOutcome.UNKNOWN, text)

    async def _resolved(self, result: PaymentResult) -> PaymentResult:
        if result.held:
            await self._keep(result)
            result = replace(result, held=False)
        await self._journal.resolved(result)
        return self._close(result)

    async def decide(
        self, payment_id: str, outcome: PaymentOutcome, who: str, why: str, reference: str = ""
    ) -> PaymentResult:
        """A person says what became of it, having looked at the terminal; the journal says who, and why.

        reference: not taken from a person: with one that was misread another payment could be taken back.

        Raises:
            DeviceRefused: there is no such open payment, or `unknown` is no decision.
        """
        async with self._turn:
            await self._start()
            if payment_id not in self._open or outcome is PaymentOutcome.UNKNOWN:
                raise self._refused(f"payment {payment_id} has nothing to decide", "not_open", ErrorCode.ILLEGAL)
            result = of(self._open[payment_id][0], outcome, f"decided by {who}: {why}")
            await self._journal.resolved(result)
            return self._close(result)


def of(pay: Pay, outcome: PaymentOutcome, reason: str) -> PaymentResult:
    """A result that is not the terminal's own word."""
    return PaymentResult(pay.payment_id, outcome, pay.amount_minor, pay.currency, reason=reason)
