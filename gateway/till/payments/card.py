"""The payments of one workstation by card and wallet, in and out: each is followed to its end, whatever is lost.

The basket on disk names the payment before the terminal's desk is asked, and holds it until its result stands in the
basket too. So whatever was killed in between: a basket with a payment has a payment whose end must be found, and the
payment journal knows whether the terminal was ever asked. The sale and the journal's mark `booked` are one commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from uuid6 import uuid7

from gateway.errors import BackroomError, DeviceError, DeviceRefused, SaleRefused
from gateway.peripherals import PaymentKind, PaymentOutcome, PaymentProgress, PaymentResult
from gateway.till.basket import Action
from gateway.till.payments.rows import Origin
from gateway.till.payments.terminals import Terminals
from gateway.till.payments.wallets import Wallet
from gateway.till.tenders.rows import OpenPayment, Tendered

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

log = logging.getLogger(__name__)

#: between two rounds of asking a terminal that could not say, while a person is asked too
ASK_AGAIN_S = 15.0
#: between two tries to put a known result on a disk that refuses it
KEEP_AGAIN_S = 1.0
DECIDED_WITHIN_S = 5.0
UNKNOWN, APPROVED = PaymentOutcome.UNKNOWN, PaymentOutcome.APPROVED


class CardPayments:
    """terminal: the one that this workstation takes payments on; None: it only ends what it once began."""

    def __init__(self, till: Workstation, terminals: Terminals, terminal: str | None) -> None:
        self._till, self._terminals, self.terminal = till, terminals, terminal
        self.progress: PaymentProgress | None = None
        self._following: asyncio.Task[None] | None = None
        self._question: asyncio.Task[PaymentResult] | None = None
        self._decided = asyncio.Event()
        self._not_kept = ""
        terminals.book.listen(self._written)

    # --- commands; the first two inside the workstation's own -------------------------------------------------------

    async def take(self, amount_minor: int, wallet: Wallet | None = None, reference: str = "") -> None:
        """Take money. Returns when the intent is on disk; the rest is followed behind the scenes.

        reference: what a wallet's own device shows already.
        """
        await self._begin("pay", PaymentKind.SALE, amount_minor, wallet=wallet, reference=reference)

    async def give(self, amount_minor: int, paid: str = "", wallet: Wallet | None = None, reference: str = "") -> None:
        """Give money back, for goods that came back. paid: the id of the payment that had paid for them, if known.

        It counts as an intent like any other: what nobody can tell of is asked, and goes out once.
        """
        known = self._terminals.book.find(paid) if paid else None
        here = known is not None and known.terminal == self._asked_of(wallet)
        original = known.reference if known is not None and here else ""
        await self._begin(
            "pay", PaymentKind.REFUND, amount_minor, original=original, wallet=wallet, reference=reference
        )

    async def take_back(self, tender: Tendered, alone: bool) -> None:
        """Reverse this tender; not alone: the others follow, and then the sale is void."""
        if tender.amount_minor < 0:
            raise SaleRefused(
                "this was paid out already, and no terminal takes that back: finish the return",
                reason="paid_out",
            )
        if not tender.reference:
            raise SaleRefused(
                "this card payment was decided by hand, so the terminal cannot be asked to take it back: finish the"
                " sale, or give the money back at the terminal and finish the sale in cash",
                reason="no_reference",
            )
        known = self._terminals.book.find(tender.payment_id)
        await self._begin(
            "reverse",
            PaymentKind.REVERSAL,
            tender.amount_minor,
            original=tender.reference,
            reverses=tender.payment_id,
            alone=alone,
            wallet=self._terminals.wallets.get(tender.wallet),
            terminal=known.terminal if known is not None else self.terminal,
        )

    async def _begin(
        self,
        action: Action,
        kind: PaymentKind,
        amount_minor: int,
        original: str = "",
        reverses: str | None = None,
        alone: bool = False,
        wallet: Wallet | None = None,
        reference: str = "",
        terminal: str | None = None,
    ) -> None:
        till = self._till
        payment = OpenPayment(
            payment_id=str(uuid7()),
            terminal=terminal or self._asked_of(wallet),
            wallet=wallet.name if wallet is not None else "",
            brand=wallet.brand if wallet is not None else "",
            kind=kind,
            amount_minor=amount_minor,
            currency=till.store.currency,
            original=original,
            reverses=reverses,
            alone=alone,
        )
        before = till.basket.model_copy(deep=True)
        try:
            till.basket.step(action)
            till.basket.payment = payment
            await till.keep()
        except BackroomError:
            till.basket = before
            raise
        self.progress = None
        origin = Origin(till.lane.workstation_id, till.basket.idempotency_key, reverses)
        self._terminals.book.begins(payment.payment_id, origin)
        if reference and (desk := self._terminals.by_hand(payment.terminal)) is not None:
            desk.is_keyed(payment.payment_id, reference)
        self._follow(payment, lost=False)

    def wallets(self) -> list[Wallet]:
        return list(self._terminals.wallets.values())

    def is_by_hand(self, terminal: str) -> bool:
        """Whether that is a wallet's own device, which only a person can read."""
        return self._terminals.by_hand(terminal) is not None

    def wallet(self, name: str) -> Wallet:
        """Raises SaleRefused where this store takes no such wallet."""
        found = self._terminals.wallets.get(name)
        if found is None:
            there = ", ".join(self._terminals.wallets) or "none"
            text = f"no wallet {name[:40]!r} is taken here; there are {there}"
            raise SaleRefused(text, reason="unknown_wallet", field="wallet")
        return found

    def _asked_of(self, wallet: Wallet | None) -> str:
        """The desk that is asked."""
        terminal = self.terminal if wallet is None else wallet.terminal or wallet.by_hand
        if terminal is None:
            raise SaleRefused("this workstation has no card terminal", reason="no_terminal")
        return terminal

    async def abort(self) -> None:
        payment = self._till.basket.payment
        if payment is None or self._till.basket.state != "paying":
            raise SaleRefused("the card terminal is not at it: there is nothing to abort", reason="no_payment")
        try:
            await self._terminals.desk(payment.terminal).abort(payment.payment_id)
        except DeviceError as error:
            self._till.say_error(error.reason, f"The terminal was not aborted: {error}")
            raise

    async def decide(self, done: bool, who: str, why: str, reference: str = "") -> None:
        payment = self._till.basket.payment
        if payment is None or self._till.basket.state != "unknown":
            raise SaleRefused("there is no payment to decide", reason="nothing_to_decide")
        if not payment.person:
            text = "the terminal is still being asked what became of the payment: wait for its answer"
            raise SaleRefused(text, reason="still_asking")
        if self._question is not None:
            self._question.cancel()  # the desk is free for a person's word as soon as this has ended
        await self._terminals.decide(payment.terminal, payment.payment_id, done, who, why, reference)
        self._decided.set()
        if self._following is not None:
            await asyncio.wait({self._following}, timeout=DECIDED_WITHIN_S)

    # --- following --------------------------------------------------------------------------------------------------

    async def take_up(self) -> None:
        """After a start: the basket on disk may hold a payment whose end nobody has seen, or money that went back."""
        await self._drop_what_went_back()
        payment = self._till.basket.payment
        if payment is not None and (self._following is None or self._following.done()):
            self._follow(payment, lost=True)

    async def _drop_what_went_back(self) -> None:
        """While this workstation was out of the configuration, its card's money was taken back: it pays nothing."""
        basket = self._till.basket
        gone = [one for one in basket.electronic_tenders() if self._is_reversed(one.payment_id)]
        if gone:
            basket.tenders = [one for one in basket.tenders if one not in gone]
            self._till.say_error("payment_reversed", "The card payment of this sale was taken back meanwhile")
            await self._till.keep()

    def _is_reversed(self, payment_id: str) -> bool:
        known = self._terminals.book.find(payment_id)
        return known is not None and known.settled == "reversed"

    def _follow(self, payment: OpenPayment, lost: bool) -> None:
        self._following = self._till.later(self._to_its_end(payment, lost))

    async def _to_its_end(self, payment: OpenPayment, lost: bool) -> None:
        result = None if lost else await self._paid(payment)
        while result is None or result.outcome is UNKNOWN:
            self._decided.clear()
            await self._say_unknown(payment, "" if result is None else result.reason)
            if result is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ASK_AGAIN_S):
                        await self._decided.wait()
            result = await self._resolved(payment)
        while True:
            if await self._taken(payment, result):
                return
            await asyncio.sleep(KEEP_AGAIN_S)

    async def _paid(self, payment: OpenPayment) -> PaymentResult | None:
        """The result; None if it may have been begun and nobody knows."""
        desk = self._terminals.desk(payment.terminal)
        try:
            return await desk.pay(payment.to_pay())
        except Exception as error:  # a mistake of ours must not leave the basket behind: it is found out like a crash
            if not isinstance(error, BackroomError):
                log.exception("payment %s", payment.payment_id)
            if payment.payment_id in desk.open_payments:
                log.error("payment %s: %s", payment.payment_id, error)
                return None
            self._terminals.book.ends(payment.payment_id)
            return payment.not_done(str(error))

    async def _resolved(self, payment: OpenPayment) -> PaymentResult | None:
        """What became of it by the terminal's word; None to ask again soon."""
        desk, book = self._terminals.desk(payment.terminal), self._terminals.book
        self._question = asyncio.create_task(desk.resolve(payment.payment_id))
        try:
            await asyncio.wait({self._question})
            return None if self._question.cancelled() else self._question.result()
        except DeviceRefused:
            known = book.find(payment.payment_id)
            if known is None:
                return payment.not_done(
                    "the terminal was not asked: the box went down before; start it again if wanted"
                )
            if not known.is_open and known.result is not None:
                return known.result
        except Exception:
            log.exception("payment %s: its end is not known yet", payment.payment_id)
        finally:
            self._question.cancel()
            self._question = None
        await asyncio.sleep(KEEP_AGAIN_S)
        return None

    def _written(self, payment_id: str, entry: str) -> None:
        """The journal heard that an answer was lost, before the desk has found out what became of it."""
        payment = self._till.basket.payment
        if entry == "unknown" and payment is not None and payment.payment_id == payment_id:
            self._till.later(self._say_unknown(payment, ""))

    async def _say_unknown(self, payment: OpenPayment, why: str) -> None:
        """On the screen only: after a restart the journal says it again. why: the terminal could not tell either."""
        async with self._till.command():
            basket = self._till.basket
            if basket.payment is None or basket.payment.payment_id != payment.payment_id:
                return
            if basket.state == "paying":
                basket.step("payment_lost")
            if why:
                basket.payment.person, basket.payment.why = True, why

    def heard(self, progress: PaymentProgress) -> None:
        """What the terminal says on the way."""
        payment = self._till.basket.payment
        if payment is not None and payment.payment_id == progress.payment_id:
            self.progress = progress
            self._till.changed()

    # --- the end ----------------------------------------------------------------------------------------------------

    async def _taken(self, payment: OpenPayment, result: PaymentResult) -> bool:
        """Put the result into the basket, and finish the sale if that pays it; False if the disk refused."""
        till = self._till
        async with till.command():
            if till.basket.payment is None or till.basket.payment.payment_id != payment.payment_id:
                return True
            before = till.basket.model_copy(deep=True)
            try:
                till.basket.payment = None
                till.basket.step("payment_ended")
                if payment.kind is PaymentKind.REVERSAL:
                    await self._given_back(payment, result)
                elif result.outcome is APPROVED:
                    till.basket.take(payment.tendered(result))
                    await till.finish_or_keep()
                else:
                    await till.keep()
            except Exception as error:  # noqa: BLE001  logged there; it is tried again until it stands
                till.basket = before
                self._say_not_kept(payment, result, error)
                return False
        if result.outcome is not APPROVED:
            till.say_error(f"payment_{result.outcome}", self._in_words(payment, result))
        return True

    def _say_not_kept(self, payment: OpenPayment, result: PaymentResult, error: Exception) -> None:
        """Once in the log; on the screen as long as it lasts."""
        if payment.payment_id != self._not_kept:
            self._not_kept = payment.payment_id
            log.error("payment %s is %s and not yet kept", payment.payment_id, result.outcome, exc_info=error)
        text = f"The terminal says {result.outcome}; the box cannot keep that yet and tries again: {error}"
        self._till.say_error("not_kept", text)

    async def _given_back(self, payment: OpenPayment, result: PaymentResult) -> None:
        till = self._till
        if result.outcome is not APPROVED:
            await till.keep()
            return
        till.basket.tenders = [one for one in till.basket.tenders if one.payment_id != payment.reverses]
        if payment.alone:
            await till.keep()
            return
        if not till.basket.electronic_tenders():
            await till.give_up()
            return
        try:
            await self.take_back(till.basket.electronic_tenders()[-1], alone=False)
        except SaleRefused as refused:
            await till.keep()
            till.say_error(refused.reason, str(refused))

    def _in_words(self, payment: OpenPayment, result: PaymentResult) -> str:
        by = payment.wallet or "card"
        match payment.kind:
            case PaymentKind.REVERSAL:
                so = "" if payment.alone else ", so the sale is not void"
                return f"The {by} payment was not taken back{so}: {result.reason}"
            case PaymentKind.REFUND:
                return f"Not paid back by {by}: {result.reason}"
            case PaymentKind.SALE:
                return f"Not paid by {by}: {result.reason}"

    def booking(self, payment_ids: Sequence[str]) -> Callable[[sqlite3.Connection], None]:
        """What the sale's own SQL transaction does to the journal."""
        return lambda connection: self._terminals.book.mark_booked(connection, payment_ids)
