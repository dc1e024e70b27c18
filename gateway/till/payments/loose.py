"""Payments that no basket holds: those of a shop's own POS, and what a lost basket left behind.

A shop's own POS is answered once the terminal is done, and asks again under the same id if that answer was lost: its
payment goes out once. A sale's payment whose basket is gone (a damaged disk, a workstation taken out of the
configuration) is found at the start, and the money goes back: no charge without a sale or a reversal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from uuid6 import uuid7

from gateway.errors import BackroomError, DeviceRefused, KeyReused, SaleRefused
from gateway.peripherals import Pay, PaymentKind, PaymentOutcome, PaymentResult
from gateway.till.payments.rows import KnownPayment, Origin
from gateway.till.payments.terminals import Terminals

log = logging.getLogger(__name__)

ASK_AGAIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a shop's own POS asks for. reverses: the id of the payment that a reversal is about."""

    payment_id: str
    terminal: str
    kind: PaymentKind
    amount_minor: int
    currency: str
    reverses: str | None = None


class LoosePayments:
    """in_a_basket: whether a workstation's open sale holds the payment of that id."""

    def __init__(self, terminals: Terminals, in_a_basket: Callable[[str], bool]) -> None:
        self._terminals, self._in_a_basket = terminals, in_a_basket
        self.book = terminals.book
        self._running: dict[str, asyncio.Task[None]] = {}
        self._paying: set[str] = set()
        self._refusals: dict[str, DeviceRefused] = {}
        #: the terminal was asked and could not say
        self._stuck: set[str] = set()

    # --- a shop's own POS -------------------------------------------------------------------------------------------

    async def pay(self, wanted: Wanted) -> KnownPayment:
        """Carry it through to what can be known now; the same id again asks nothing of the terminal.

        Raises:
            KeyReused: this id was used for another payment.
            SaleRefused: there is no such terminal, or nothing that a reversal could be about.
            DeviceRefused: it was not begun; the same id may be used again.
        """
        pay = self._checked(wanted)
        if wanted.payment_id not in self._running and self.book.find(wanted.payment_id) is None:
            self.book.begins(wanted.payment_id, Origin(reverses=wanted.reverses))
            self._paying.add(wanted.payment_id)
            self._run(wanted.payment_id, self._paid(wanted.terminal, pay))
        self._known(wanted)
        if wanted.payment_id in self._paying:
            await asyncio.wait({self._running[wanted.payment_id]})
        if refused := self._refusals.pop(wanted.payment_id, None):
            raise refused
        known = self._known(wanted)
        if known is None:
            raise SaleRefused("the payment was not begun: try again with the same id", reason="not_begun")
        if known.is_open:
            self._ask_on(known)
        return known

    def _known(self, wanted: Wanted) -> KnownPayment | None:
        known = self.book.find(wanted.payment_id)
        if known is not None:
            was = (known.terminal, known.pay.kind, known.pay.amount_minor, known.pay.currency, known.origin.reverses)
            if was != (wanted.terminal, wanted.kind, wanted.amount_minor, wanted.currency, wanted.reverses):
                text = f"payment {wanted.payment_id} was another one; a new payment wants an id of its own"
                raise KeyReused(text)
        return known

    def _checked(self, wanted: Wanted) -> Pay:
        if wanted.terminal not in self._terminals.desks:
            there = ", ".join(self._terminals.desks) or "none"
            text = f"there is no terminal {wanted.terminal}; there are {there}"
            raise SaleRefused(text, reason="no_terminal", field="terminal")
        original = ""
        if wanted.reverses is not None:
            earlier = self.book.find(wanted.reverses)
            if earlier is None or not earlier.reference or earlier.terminal != wanted.terminal:
                text = f"no payment {wanted.reverses} that {wanted.terminal} could take back"
                raise SaleRefused(text, reason="no_such_payment", field="reverses")
            original = earlier.reference
        elif wanted.kind is PaymentKind.REVERSAL:
            raise SaleRefused("say which payment it takes back", reason="no_such_payment", field="reverses")
        return Pay(wanted.payment_id, wanted.kind, wanted.amount_minor, wanted.currency, original)

    async def _paid(self, terminal: str, pay: Pay) -> None:
        try:
            result = await self._terminals.desk(terminal).pay(pay)
            if result.outcome is PaymentOutcome.UNKNOWN:
                self._stuck.add(pay.payment_id)
        except DeviceRefused as refused:
            self._refusals[pay.payment_id] = refused
        except Exception:
            log.exception("payment %s", pay.payment_id)
        finally:
            self._paying.discard(pay.payment_id)

    async def decide(self, payment_id: str, done: bool, who: str, why: str, reference: str = "") -> KnownPayment:
        """A person's word on a payment that no basket holds.

        Raises:
            SaleRefused: a basket holds it, or it is not open.
        """
        known = self.book.find(payment_id)
        if known is None or not known.is_open:
            raise SaleRefused(f"payment {payment_id} is not open: nothing to decide", reason="nothing_to_decide")
        if self._in_a_basket(payment_id):
            text = f"decide it where it is paid, at workstation {known.origin.workstation_id}"
            raise SaleRefused(text, reason="in_a_basket")
        if payment_id not in self._stuck:
            raise SaleRefused("the terminal is still at it: wait for its answer", reason="still_asking")
        if task := self._running.get(payment_id):
            task.cancel()  # the desk is free for a person's word as soon as this has ended
        await self._terminals.decide(known.terminal, payment_id, done, who, why, reference)
        decided = self.book.find(payment_id)
        assert decided is not None  # noqa: S101  found before, and nothing removes an open one
        self._give_back_at(known.terminal)
        return decided

    # --- asking on, and what was left behind ------------------------------------------------------------------------

    def _run(self, payment_id: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running[payment_id] = task

        def ended(done: asyncio.Task[None]) -> None:
            if self._running.get(payment_id) is done:
                del self._running[payment_id]

        task.add_done_callback(ended)

    def _ask_on(self, known: KnownPayment) -> None:
        if known.payment_id not in self._running:
            self._run(known.payment_id, self._until_known(known))

    async def _until_known(self, known: KnownPayment) -> None:
        """Ask until the terminal says, or a person did; then see to it that the money is where it belongs."""
        desk = self._terminals.desk(known.terminal)
        while True:
            try:
                if (await desk.resolve(known.payment_id)).outcome is not PaymentOutcome.UNKNOWN:
                    break
                self._stuck.add(known.payment_id)
            except DeviceRefused:
                break  # it is closed
            except Exception:
                log.exception("payment %s: its end is not known yet", known.payment_id)
            await asyncio.sleep(ASK_AGAIN_S)
        self._give_back_at(known.terminal)

    async def run(self) -> None:
        """Take up what an earlier run of this process left open and what no basket holds; for ever."""
        try:
            for terminal in {*self._terminals.desks, *self.book.terminals_with_loose_ends()}:
                for known in self.book.open_at(terminal):
                    if not self._in_a_basket(known.payment_id):
                        self._ask_on(known)
                self._give_back_at(terminal)
            await asyncio.Event().wait()
        finally:
            for task in list(self._running.values()):
                task.cancel()

    def _give_back_at(self, terminal: str) -> None:
        """Reverse what a lost basket's card paid, unless a reversal of it is still open."""
        open_reversals = {known.origin.reverses for known in self.book.open_at(terminal)}
        for known in self.book.unsettled(terminal):
            name = f"back-{known.payment_id}"
            if name in self._running or known.payment_id in open_reversals or self._in_a_basket(known.payment_id):
                continue
            self._run(name, self._give_back(known))
        for known in self.book.refunds_without_return(terminal):
            if not self._in_a_basket(known.payment_id) and not self.book.is_told(known.payment_id):
                self._run(f"told-{known.payment_id}", self._tell_of_refund(known))

    async def _tell_of_refund(self, known: KnownPayment) -> None:
        """A card got money, and the return that it was for is lost: only a person can book it."""
        text = f"refund {known.payment_id} went to a card and stands in no return; enter that return again"
        await self._terminals.say("refund_without_return", text, _facts(known))
        await self.book.note_told(known.payment_id)

    async def _give_back(self, known: KnownPayment) -> None:
        pay, back = known.pay, str(uuid7())
        facts = _facts(known)
        result: PaymentResult | None = None
        why = "it was decided by hand, so the terminal cannot be asked to take it back"
        if known.reference:
            self.book.begins(back, Origin(known.origin.workstation_id, known.origin.basket_key, known.payment_id))
            reversal = Pay(back, PaymentKind.REVERSAL, pay.amount_minor, pay.currency, known.reference)
            try:
                result = await self._terminals.desk(known.terminal).pay(reversal)
                why = result.reason
            except BackroomError as error:
                why = str(error)
        if result is not None and result.outcome is PaymentOutcome.APPROVED:
            text = f"card payment {known.payment_id} had no sale and was taken back"
            await self._terminals.say("payment_taken_back", text, facts)
            return
        if result is not None and result.outcome is PaymentOutcome.UNKNOWN and (opened := self.book.find(back)):
            self._ask_on(opened)
            return
        text = f"card payment {known.payment_id} has no sale and was not taken back; give the money back by hand: {why}"
        await self._terminals.say("payment_without_sale", text[:500], facts)


def _facts(known: KnownPayment) -> dict[str, str | int | None]:
    return {
        "payment_id": known.payment_id,
        "terminal": known.terminal,
        "amount_minor": known.pay.amount_minor,
        "currency": known.pay.currency,
    }
