"""A sale is set aside and taken up again, on any workstation of the store, after a restart too."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from gateway.clock import Clock, rfc3339
from gateway.errors import SaleRefused
from gateway.till import suspended
from gateway.till.authority import Act, Approval, Asked
from gateway.till.basket import Basket
from gateway.till.day import report
from gateway.till.ledger import Ledger
from gateway.till.paper import slips
from gateway.till.suspended import Suspended

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation


class Suspending:
    def __init__(self, till: Workstation, ledger: Ledger, clock: Clock) -> None:
        self._till, self._ledger, self._clock = till, ledger, clock

    async def suspend(self, label: str = "", ticket: bool = False) -> int:
        """Set the open sale aside; its number. ticket: print it for the customer.

        Raises:
            SaleRefused: nothing is open, or money was taken for it already.
            QueueError: it could not be put on disk; the sale stays open here.
        """
        till = self._till
        async with till.command():
            set_aside = till.basket.model_copy(deep=True)
            set_aside.step("suspend")
            set_aside.pending_quantity = set_aside.pending_tare_grams = None
            set_aside.bag_offset_grams, set_aside.bag_unchecked = 0, False
            sale = Suspended(
                number=0,
                workstation_id=till.lane.workstation_id,
                session_id=till.day.session_id(),
                operator_id=till.basket.operator_id,
                label=label,
                suspended_utc=rfc3339(self._clock.wall()),
                basket=set_aside,
            )
            return await self._park(sale, till.new_basket(), ticket)

    async def _park(self, sale: Suspended, fresh: Basket, ticket: bool) -> int:
        till, also, printer = self._till, self._till.change.take(), self._till.lane.printer
        number = 0

        def work(connection: sqlite3.Connection) -> None:
            nonlocal number
            number = suspended.park(connection, sale)
            self._ledger.basket_within(connection, till.lane.workstation_id, fresh)
            if ticket and printer is not None:
                lines = report.suspended_ticket(till.store, self._clock.zone, number, sale)
                slips.put(connection, printer, lines)
            if also is not None:
                also(connection)

        await self._ledger.write(work)
        till.use(fresh)
        if ticket and printer is not None:
            till.receipt_waiting()
        return number

    async def resume(self, number: int, approval: Approval | None = None) -> None:
        """Take this sale up here; of two lanes that do so at once, one gets it.

        Raises:
            SaleRefused: no such sale is suspended, or one is open here.
            NeedsAuthority: another cashier's, where the limits say so.
        """
        till = self._till
        async with till.command():
            if till.basket.state != "idle":
                raise SaleRefused("finish, suspend or void the open sale, then resume another", reason="sale_open")
            till.day.must_be_ready_to_sell()
            known = next((one for one in self._ledger.suspended_sales() if one.number == number), None)
            if known is None:
                raise _gone(number)
            self._must_fit(known)
            if known.operator_id != till.people.operator_id():
                what = f"suspended sale {number} of {known.operator_id}"
                await till.people.allow(Asked(Act.RESUME_OTHER, what=what), approval=approval)
            basket = known.basket
            basket.step("resume")
            basket.operator_id = till.people.operator_id()
            till.offers.give_up(till.basket)  # a coupon that came before the first article
            await self._unpark(number, basket)

    def all(self) -> list[Suspended]:
        """Of the whole store, the oldest first."""
        return self._ledger.suspended_sales()

    def of_session(self, session_id: str) -> list[Suspended]:
        return [one for one in self.all() if one.session_id == session_id]

    def _must_fit(self, sale: Suspended) -> None:
        if sale.basket.training != self._till.day.training.on:
            kind = "a training sale" if sale.basket.training else "no training sale"
            raise SaleRefused(f"suspended sale {sale.number} is {kind}", reason="training_differs", field="number")

    async def _unpark(self, number: int, basket: Basket) -> None:
        till, also = self._till, self._till.change.take()

        def work(connection: sqlite3.Connection) -> None:
            if not suspended.unpark(connection, number):
                raise _gone(number)
            self._ledger.basket_within(connection, till.lane.workstation_id, basket)
            if also is not None:
                also(connection)

        await self._ledger.write(work)
        till.use(basket)


def _gone(number: int) -> SaleRefused:
    text = f"no sale {number} is suspended: it was taken up elsewhere, or its number is another"
    return SaleRefused(text, reason="not_suspended", field="number")
