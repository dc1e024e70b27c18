"""Wallets: the customer shows a payment code, and either the card terminal takes it, or a device of the wallet's own.

A wallet with a device of its own is asked through a person, by the same rule as a terminal: the intent is on disk
before he is asked, his word after, and what nobody has said yet stays open over any restart. It is never taken twice:
one intent, one word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.errors import DeviceRefused
from gateway.peripherals import ErrorCode, Pay, PaymentKind, PaymentOutcome, PaymentResult
from gateway.till.payments.journal import PaymentBook


@dataclass(frozen=True, slots=True)
class Wallet:
    """name: as the store's codes call it. terminal: that takes it; None: a device of its own, and a person.

    brand: as that terminal calls it, where it can be told. by_hand: the name under which the payment journal has a
    device of its own.
    """

    name: str
    terminal: str | None = None
    brand: str = ""

    @property
    def by_hand(self) -> str:
        return f"wallet-{self.name}"


class ByHand:
    """A desk (gateway.till.payments.terminals.Desk) at which a person is asked. wall: the time, for the journal."""

    def __init__(self, name: str, book: PaymentBook, wall: Callable[[], datetime]) -> None:
        self._name, self._book, self._wall = name, book, wall
        self._journal = book.journal(name)
        self._keyed: dict[str, str] = {}

    @property
    def open_payments(self) -> Mapping[str, Pay]:
        return {known.payment_id: known.pay for known in self._book.open_at(self._name)}

    async def start(self) -> Mapping[str, Pay]:
        return self.open_payments

    def is_keyed(self, payment_id: str, reference: str) -> None:
        """The cashier keyed the reference with the tender: it counts as said once the intent is on disk."""
        self._keyed[payment_id] = reference

    async def pay(self, pay: Pay) -> PaymentResult:
        """Put the intent on disk; APPROVED where the reference was keyed with it, else UNKNOWN: ask a person.

        Raises:
            DeviceRefused: this id was used before.
        """
        if await self._journal.known(pay.payment_id):
            raise self._refused(f"payment {pay.payment_id} was asked for before", "known_payment")
        asked_at = self._wall().isoformat(timespec="seconds").replace("+00:00", "Z")
        await self._journal.intent(replace(pay, asked_at=asked_at), "")
        reference = self._keyed.pop(pay.payment_id, "")
        if not reference:
            return self._unknown(pay)
        result = PaymentResult(
            pay.payment_id, PaymentOutcome.APPROVED, pay.amount_minor, pay.currency, reference=reference
        )
        await self._journal.result(result)
        return result

    async def abort(self, payment_id: str) -> None:
        raise self._refused("give it up at the wallet's own device, then say here that it was not paid", "by_hand")

    async def resolve(self, payment_id: str) -> PaymentResult:
        return self._unknown(self._open(payment_id))

    async def decide(
        self, payment_id: str, outcome: PaymentOutcome, who: str, why: str, reference: str = ""
    ) -> PaymentResult:
        """The person's word, with the reference that the device shows."""
        pay = self._open(payment_id)
        reason = "" if outcome is PaymentOutcome.APPROVED else f"decided by {who}: {why}"
        result = PaymentResult(payment_id, outcome, pay.amount_minor, pay.currency, reference=reference, reason=reason)
        await self._journal.resolved(result)
        return result

    def _open(self, payment_id: str) -> Pay:
        found = self.open_payments.get(payment_id)
        if found is None:
            raise self._refused(f"payment {payment_id} is not open", "not_open")
        return found

    def _unknown(self, pay: Pay) -> PaymentResult:
        what = {
            PaymentKind.SALE: "have the customer's code read by the wallet's own device",
            PaymentKind.REFUND: "pay it back with the wallet's own device",
            PaymentKind.REVERSAL: "take the payment back with the wallet's own device",
        }[pay.kind]
        reason = f"{what}, then key the reference that it shows, or that it was not done"
        return PaymentResult(pay.payment_id, PaymentOutcome.UNKNOWN, pay.amount_minor, pay.currency, reason=reason)

    def _refused(self, text: str, reason: str) -> DeviceRefused:
        return DeviceRefused(f"{self._name}: {text}", reason=reason, code=ErrorCode.ILLEGAL)
