"""Paying an open sale, and paying out for goods that came back: the commands, and what each tender may come to.

While the shop owes the customer (`due` below 0) the same commands pay out; amounts are given without a sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import BackroomError, SaleRefused
from gateway.till.basket import Action
from gateway.till.payments.card import CardPayments
from gateway.till.payments.terminals import REFERENCE_MOST
from gateway.till.payments.wallets import Wallet
from gateway.till.tenders.rows import Tendered
from gateway.till.tenders.settlement import Settlement
from gateway.till.tenders.stored import Means, StoredValue
from retail.barcode import Kind, Meaning
from retail.units import exponent

if TYPE_CHECKING:
    from gateway.till.lane import Finished
    from gateway.till.workstation import Workstation


class Tendering:
    """payments: those of the workstation's terminal; None where it has none. stored: points, vouchers, coupons."""

    def __init__(self, till: Workstation, payments: CardPayments | None, means: Means) -> None:
        self._till, self._payments = till, payments
        self.stored = StoredValue(till, self, means)

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

        While the shop owes, the terminal gives the money back: to the card that had paid, if the terminal wants it so.

        Raises:
            SaleRefused: nothing to pay, more than is due, or there is no terminal here.
            QueueError: the intent could not be put on disk; the terminal was not asked.
        """
        async with self._till.command(), self._till.offers.paying("card", amount_minor):
            await self._through(amount_minor, None, "")

    async def wallet(self, name: str, amount_minor: int | None = None, reference: str = "") -> None:
        """The same with a wallet. reference: what the wallet's own device shows, where the cashier has it already.

        Raises:
            SaleRefused: see card(); reason `unknown_wallet`.
        """
        async with self._till.command(), self._till.offers.paying("wallet", amount_minor):
            wallet = self._terminal().wallet(name)
            if self._till.lane.self_checkout and wallet.terminal is None:
                text = f"{name} is read by a cashier: pay by another way here, or at a till"
                raise SaleRefused(text, reason="not_at_self_checkout", field="wallet")
            await self._through(amount_minor, wallet, reference.strip())

    async def _through(self, amount_minor: int | None, wallet: Wallet | None, reference: str) -> None:
        settlement = self.settlement("pay")
        amount = self.up_to_due(amount_minor, settlement, wallet.name if wallet is not None else "a card")
        if len(reference) > REFERENCE_MOST:
            text = f"a reference has {REFERENCE_MOST} letters at most"
            raise SaleRefused(text, reason="no_reference", field="reference")
        if self._till.basket.training:
            pretend = self._till.day.training.card(-amount if settlement.due < 0 else amount)
            if wallet is not None:
                pretend = pretend.model_copy(update={"tender_type": "Wallet", "wallet": wallet.name})
            await self.add(pretend)
            return
        if settlement.due < 0:
            paid = self._till.basket.paid_by("Wallet" if wallet is not None else "Card")
            await self._terminal().give(amount, paid, wallet, reference)
        else:
            await self._terminal().take(amount, wallet, reference)

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
                self.stored.taken_back(tender)
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
        if any(tender.amount_minor < 0 for tender in electronic):
            text = "money was paid back already, and no terminal takes that back: finish the return"
            raise SaleRefused(text, reason="paid_out")
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

    async def decide_payment(self, paid: bool, who: str, why: str, reference: str = "") -> None:
        """Somebody looked at the terminal, which could not say itself what became of the payment.

        reference: what the own device of a wallet shows, which is asked through a person.

        Raises:
            SaleRefused: there is nothing to decide, or who and why are missing.
        """
        await self._terminal().decide(paid, who, why, reference)

    async def scanned(self, meaning: Meaning, code: str) -> bool:
        """A code that pays: a wallet's payment code; once paying has begun a voucher or a coupon. False: it is none.

        The payment code itself goes nowhere: it says whose wallet it is, and the terminal or the wallet's own device
        reads it from the customer's telephone.
        """
        basket = self._till.basket
        if basket.state not in ("selling", "tendering") or not basket.settlement().due:
            return False
        if meaning.kind is Kind.WALLET and meaning.code_name in self.wallets():
            await self.wallet(meaning.code_name)
            return True
        if basket.state != "tendering" or not basket.tenders:
            return False
        if self.stored.is_voucher(code):
            await self.stored.voucher(code)
            return True
        if self.stored.is_coupon(code):
            await self.stored.coupon(code)
            return True
        return False

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
            text = f"{what} is given back at most what the customer is owed, {self._till.plain(-due)}"
        else:
            text = f"{what} pays at most what is due, {self._till.plain(due)}"
        if not 0 < amount <= abs(due):
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")
        return amount

    def has_terminal(self) -> bool:
        return self._payments is not None and self._payments.terminal is not None

    def wallets(self) -> list[str]:
        """Those that are taken here; one that a cashier has to read is not, where there is none."""
        known = self._payments.wallets() if self._payments is not None else []
        return [one.name for one in known if one.terminal is not None or not self._till.lane.self_checkout]

    def _must_be_cash(self, amount: int, settlement: Settlement) -> None:
        due = settlement.cash_due
        if amount < 0 or (amount == 0 and due != 0):
            raise SaleRefused("key the cash received", reason="bad_amount", field="amount_minor")
        if amount % settlement.step:
            text = f"no coins make {self._till.plain(amount)}: the smallest is {self._till.plain(settlement.step)}"
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")
        if settlement.due < 0 and amount > -due:
            text = f"the customer is owed {self._till.plain(-due)} in cash, not {self._till.plain(amount)}"
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")
        if amount - max(due, 0) > self._change_most():
            text = f"cash of {self._till.plain(amount)} is far more than due; was a bar code keyed?"
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")

    def _change_most(self) -> int:
        """More change than this means a slip: 10,000 currency units."""
        places: int = 10 ** exponent(self._till.store.currency)
        return 10_000 * places

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
