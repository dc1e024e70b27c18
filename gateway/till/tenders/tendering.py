"""Paying an open sale, and paying out for goods that came back: the commands, and what each tender may come to.

While the shop owes the customer (`due` below 0) the same commands pay out; amounts are given without a sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import BackroomError, SaleRefused
from gateway.till.basket import Action
from gateway.till.payments.card import CardPayments
from gateway.till.tenders.rows import Tendered
from gateway.till.tenders.settlement import Settlement
from retail.units import Money, exponent

if TYPE_CHECKING:
    from gateway.till.lane import Finished
    from gateway.till.workstation import Workstation


class Tendering:
    """payments: those of the workstation's terminal; None where it has none."""

    def __init__(self, till: Workstation, payments: CardPayments | None) -> None:
        self._till, self._payments = till, payments

    # --- commands ---------------------------------------------------------------------------------------------------

    async def cash(self, amount_minor: int | None = None) -> Finished | None:
        """Cash in, or out; None means exactly what is due. A sale that is covered is finished: see Finished.change.

        Raises:
            SaleRefused: nothing to pay, no cash at all, or an amount that no coins make.
            QueueError: the sale could not be put on disk; it stays open, nothing was printed.
        """
        async with self._till.command(), self._till.offers.paying("cash", amount_minor):
            settlement = self.settlement("tender")
            lane = self._till.lane
            if lane.self_checkout and lane.drawer is None:
                raise SaleRefused("no cash is taken here: pay by card or at a till", reason="no_cash_here")
            amount = abs(settlement.cash_due) if amount_minor is None else amount_minor
            self._must_be_cash(amount, settlement)
            return await self.add(Tendered(tender_type="Cash", amount_minor=-amount if settlement.due < 0 else amount))

    async def card(self, amount_minor: int | None = None) -> None:
        """Ask the terminal for this much; None means all that is due. Returns once it is on disk that it will be asked.

        Raises:
            SaleRefused: nothing to pay, more than is due, or there is no terminal here.
            QueueError: the intent could not be put on disk; the terminal was not asked.
        """
        async with self._till.command(), self._till.offers.paying("card", amount_minor):
            settlement = self.settlement("pay")
            amount = self.up_to_due(amount_minor, settlement, "a card")
            if self._till.basket.training:
                await self.add(self._till.day.training.card(-amount if settlement.due < 0 else amount))
                return
            await self._terminal().take(amount)

    async def take_back(self, number: int | None = None) -> None:
        """Take a tender back before the end: the last one, or the one of this number, counted from 1.

        What a terminal took, the terminal gives back, which takes a while.

        Raises:
            SaleRefused: there is no such tender, or it cannot be taken back.
        """
        async with self._till.command():
            basket = self._till.basket
            place = len(basket.tenders) if number is None else number
            if not 1 <= place <= len(basket.tenders):
                text = f"there is no tender {place}: the sale has {len(basket.tenders)}"
                raise SaleRefused(text, reason="no_such_tender", field="tender_number")
            tender = basket.tenders[place - 1]
            if tender.payment_id:
                await self._terminal().take_back(tender, alone=True)
                return
            before = basket.model_copy(deep=True)
            try:
                basket.step("untender")
                del basket.tenders[place - 1]
                await self._till.keep()
            except BackroomError:
                self._till.basket = before
                raise

    async def take_all_back(self) -> bool:
        """Before a sale is void: have the terminal give back what it took. False: it took nothing.

        Inside a command. The payments follow one another, and the last of them voids the sale.
        """
        electronic = self._till.basket.electronic_tenders()
        if self._till.basket.state != "tendering" or not electronic:
            return False
        await self._terminal().take_back(electronic[-1], alone=False)
        return True

    async def abort_payment(self) -> None:
        """Ask the terminal to give it up. What became of it shows in the basket, and may be that it was paid.

        Raises:
            SaleRefused: the terminal is not at it.
            DeviceError: it cannot be asked; its own red key can.
        """
        await self._terminal().abort()

    async def decide_payment(self, paid: bool, who: str, why: str) -> None:
        """Somebody looked at the terminal, which could not say itself what became of the payment.

        Raises:
            SaleRefused: there is nothing to decide, or who and why are missing.
        """
        await self._terminal().decide(paid, who, why)

    # --- what a tender may come to ----------------------------------------------------------------------------------

    def settlement(self, action: Action) -> Settlement:
        """What is still to pay, where paying is possible now."""
        basket = self._till.basket
        if basket.state != "selling":
            basket.model_copy().step(action)
        if not basket.has_goods():
            raise SaleRefused("nothing to pay: every line is void; void the sale", reason="nothing_to_pay")
        return basket.settlement()

    def up_to_due(self, amount_minor: int | None, settlement: Settlement, what: str) -> int:
        """The amount of a tender that gives no change; what: how a refusal calls it."""
        due = settlement.due
        amount = abs(due) if amount_minor is None else amount_minor
        if due < 0:
            text = f"{what} is given back at most what the customer is owed, {self._shown(-due)}"
        else:
            text = f"{what} pays at most what is due, {self._shown(due)}"
        if not 0 < amount <= abs(due):
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")
        return amount

    def _must_be_cash(self, amount: int, settlement: Settlement) -> None:
        due = settlement.cash_due
        if amount < 0 or (amount == 0 and due != 0):
            raise SaleRefused("key the cash received", reason="bad_amount", field="amount_minor")
        if amount % settlement.step:
            text = f"no coins make {self._shown(amount)}: the smallest is {self._shown(settlement.step)}"
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")
        if settlement.due < 0 and amount > -due:
            text = f"the customer is owed {self._shown(-due)} in cash, not {self._shown(amount)}"
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")
        if amount - max(due, 0) > self._change_most():
            text = f"cash of {self._shown(amount)} is far more than due; was a bar code keyed?"
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")

    def _change_most(self) -> int:
        """More change than this means a slip: 10,000 currency units."""
        places: int = 10 ** exponent(self._till.store.currency)
        return 10_000 * places

    def _shown(self, minor: int) -> str:
        return Money(minor, self._till.store.currency).plain()

    def _terminal(self) -> CardPayments:
        if self._payments is None:
            raise SaleRefused("this workstation has no card terminal", reason="no_terminal")
        return self._payments

    # --- inside a command -------------------------------------------------------------------------------------------

    async def add(self, tender: Tendered) -> Finished | None:
        """This tender is given: the sale is finished when that covers it, else it is kept; undone if the disk refuses.

        Nothing for nothing is no tender: an even exchange has none.
        """
        till = self._till
        before = till.basket.model_copy(deep=True)
        try:
            till.basket.step("tender")
            if tender.amount_minor or till.basket.settlement().due:
                till.basket.take(tender)
            return await till.finish_or_keep()
        except BackroomError:
            till.basket = before
            raise
