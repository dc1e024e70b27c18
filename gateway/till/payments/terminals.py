"""The card terminals of the store: who takes a payment over which, and one that is no longer configured.

A desk is gateway.devices.payment.PaymentDesk; the till sees only what stands here.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from gateway.errors import DeviceRefused, QueueError, SaleRefused
from gateway.peripherals import ErrorCode, Pay, PaymentOutcome, PaymentResult
from gateway.till.payments.journal import PaymentBook
from gateway.till.payments.wallets import ByHand, Wallet
from retail.wire.audit import Severity

log = logging.getLogger(__name__)

Tell = Callable[[Severity, str, str, dict[str, str | int | None]], Awaitable[None]]

WHO_MOST, WHY_MOST, REFERENCE_MOST = 60, 200, 80


def utc_now() -> datetime:
    return datetime.now(UTC)


class Desk(Protocol):
    """Takes payments over one terminal, one at a time, and finds out what became of one whose answer was lost."""

    @property
    def open_payments(self) -> Mapping[str, Pay]: ...

    async def start(self) -> Mapping[str, Pay]: ...

    async def pay(self, pay: Pay) -> PaymentResult: ...

    async def abort(self, payment_id: str) -> None: ...

    async def resolve(self, payment_id: str) -> PaymentResult: ...

    async def decide(
        self, payment_id: str, outcome: PaymentOutcome, who: str, why: str, reference: str = ""
    ) -> PaymentResult: ...


class Terminals:
    """desks: by the device id of their terminal. tell: puts something on record for headquarters.

    wallets: by their name; those with a device of their own have a desk at which a person is asked.
    """

    def __init__(
        self,
        desks: Mapping[str, Desk],
        book: PaymentBook,
        tell: Tell,
        wallets: Mapping[str, Wallet] | None = None,
        wall: Callable[[], datetime] = utc_now,
    ) -> None:
        self.desks, self.book, self.tell = dict(desks), book, tell
        self.wallets = dict(wallets or {})
        for wallet in self.wallets.values():
            if wallet.terminal is None:
                self.desks[wallet.by_hand] = ByHand(wallet.by_hand, book, wall)

    def by_hand(self, terminal: str) -> ByHand | None:
        """The desk of a wallet whose own device only a person can read."""
        desk = self.desks.get(terminal)
        return desk if isinstance(desk, ByHand) else None

    def desk(self, terminal: str) -> Desk:
        """The desk of a terminal; of one that was taken out of the configuration one that only a person can answer."""
        if terminal not in self.desks:
            self.desks[terminal] = RemovedTerminal(terminal, self.book)
        return self.desks[terminal]

    async def decide(
        self, terminal: str, payment_id: str, done: bool, who: str, why: str, reference: str = ""
    ) -> PaymentResult:
        """A person looked at the terminal: what he says is in the journal and on its way to headquarters.

        reference: what the device of a wallet shows; there it is asked for, and nothing else.

        Raises:
            SaleRefused: who and why, or the reference, are not said.
            DeviceRefused: there is nothing to decide.
        """
        if (wallet := self.by_hand(terminal)) is not None:
            return await self._read(wallet, payment_id, done, who, why, reference)
        if not 1 <= len(who.strip()) <= WHO_MOST:
            raise SaleRefused(f"say who decides, in 1 to {WHO_MOST} letters", reason="no_name", field="who")
        if not 3 <= len(why.strip()) <= WHY_MOST:
            text = f"say what the terminal or its slip shows, in 3 to {WHY_MOST} letters"
            raise SaleRefused(text, reason="no_reason", field="why")
        outcome = PaymentOutcome.APPROVED if done else PaymentOutcome.NOT_DONE
        self.book.is_decided_by_hand(payment_id)
        try:
            result = await self.desk(terminal).decide(payment_id, outcome, who.strip(), why.strip())
        finally:
            self.book.is_not_decided_by_hand(payment_id)
        text = f"payment {payment_id} over {result.amount_minor} {result.currency} was decided by hand: {outcome}"
        facts: dict[str, str | int | None] = {
            "payment_id": payment_id,
            "terminal": terminal,
            "outcome": outcome.value,
            "amount_minor": result.amount_minor,
            "currency": result.currency,
            "who": who.strip(),
            "why": why.strip(),
        }
        await self.say("payment_decided", text, facts)
        return result

    async def _read(
        self, wallet: ByHand, payment_id: str, done: bool, who: str, why: str, reference: str
    ) -> PaymentResult:
        """What the wallet's own device shows. That is how such a payment goes, and nothing to report."""
        if done and not 1 <= len(reference.strip()) <= REFERENCE_MOST:
            text = f"key the reference that the wallet's device shows, in 1 to {REFERENCE_MOST} letters"
            raise SaleRefused(text, reason="no_reference", field="reference")
        outcome = PaymentOutcome.APPROVED if done else PaymentOutcome.NOT_DONE
        said = why.strip()[:WHY_MOST] or "the wallet's device shows no payment"
        return await wallet.decide(payment_id, outcome, who.strip()[:WHO_MOST], said, reference.strip())

    async def say(self, code: str, text: str, facts: dict[str, str | int | None]) -> None:
        """On record here and at headquarters; the journal has it in any case."""
        log.warning("%s", text, extra={"facts": facts})
        try:
            await self.tell("warning", code, text, facts)
        except QueueError as error:
            log.error("headquarters is not told: %s", error)


class RemovedTerminal:
    """A desk whose terminal is not there any more: it takes nothing, and a person says what became of what is open."""

    def __init__(self, terminal: str, book: PaymentBook) -> None:
        self._terminal, self._book = terminal, book

    @property
    def open_payments(self) -> Mapping[str, Pay]:
        found = self._book.open_at(self._terminal)
        return {known.payment_id: known.pay for known in found}

    async def start(self) -> Mapping[str, Pay]:
        return self.open_payments

    async def pay(self, pay: Pay) -> PaymentResult:
        raise self._refused("it is not configured any more; put it back into gateway.toml, or take another way to pay")

    async def abort(self, payment_id: str) -> None:
        raise self._refused("it is not configured any more")

    async def resolve(self, payment_id: str) -> PaymentResult:
        pay = self._open(payment_id)
        reason = f"{self._terminal} is not configured any more; look at the terminal and its receipt, then decide"
        return PaymentResult(payment_id, PaymentOutcome.UNKNOWN, pay.amount_minor, pay.currency, reason=reason)

    async def decide(
        self, payment_id: str, outcome: PaymentOutcome, who: str, why: str, reference: str = ""
    ) -> PaymentResult:
        pay = self._open(payment_id)
        reason = f"decided by {who}: {why}"
        result = PaymentResult(payment_id, outcome, pay.amount_minor, pay.currency, reason=reason)
        await self._book.journal(self._terminal).resolved(result)
        return result

    def _open(self, payment_id: str) -> Pay:
        found = self.open_payments.get(payment_id)
        if found is None:
            raise self._refused(f"payment {payment_id} is not open", "not_open")
        return found

    def _refused(self, text: str, reason: str = "no_terminal") -> DeviceRefused:
        return DeviceRefused(f"{self._terminal}: {text}", reason=reason, code=ErrorCode.NOEXIST)
