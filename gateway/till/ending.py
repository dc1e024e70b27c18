"""The end of a sale: the transaction is committed, then the drawer opens and the receipt prints. Never otherwise."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.errors import DeviceError
from gateway.peripherals import OpenDrawer
from gateway.till.closing import finished, to_transaction
from gateway.till.day import training
from gateway.till.lane import Ask, Finished
from gateway.till.ledger import Ledger
from retail.sale import RetailTransaction

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

log = logging.getLogger(__name__)

DRAWER_WITHIN_S = 3.0


class Ending:
    def __init__(self, till: Workstation, ledger: Ledger) -> None:
        self._till, self._ledger = till, ledger

    async def finish(self) -> Finished:
        """Inside a command: the open sale is covered and becomes a transaction.

        Raises:
            QueueError: it could not be put on disk; it stays open, nothing was printed.
        """
        till, sale = self._till, self._transaction()
        if sale.training_flag:
            return await self._finish_training(sale)
        if till.card is not None:
            till.change.add(till.card.booking([one.payment_id for one in till.basket.electronic_tenders()]))
        till.offers.book(till.basket)
        till.returns.book(till.basket)
        till.holding.book(sale)
        kept = await self._ledger.finish(
            till.basket.idempotency_key,
            sale,
            "till",
            till.lane.printer,
            clear_basket=True,
            also=till.change.take(),
        )
        cash_moved = any(tender.tender_type == "Cash" for tender in till.basket.tenders)
        last = self._over(finished(sale, kept.seq))
        log.info("sale %s: %s %s, seq %d", last.number, last.total.plain(), sale.currency, kept.seq)
        if cash_moved:
            self.open_drawer()
        return last

    async def _finish_training(self, sale: RetailTransaction) -> Finished:
        till = self._till
        till.change.take()  # nothing of a training sale is told to anybody
        till.offers.give_up(till.basket)
        await till.day.training.finish(sale)
        return self._over(replace(finished(sale, 0), number=training.NUMBER))

    def _over(self, last: Finished) -> Finished:
        till = self._till
        till.last = last
        till.basket = till.new_basket()
        till.offers.price()
        till.receipt_waiting()
        return last

    def _transaction(self) -> RetailTransaction:
        till = self._till
        till.basket.model_copy().step("finish")  # it stays as it is, for whoever looks, until the sale is on disk
        sale = to_transaction(
            till.basket,
            till.store.store_id,
            till.lane.workstation_id,
            self._ledger.last_sequence_number(till.lane.workstation_id) + 1,
            till.day.business_date(),
            till.clock.wall(),
        )
        facts = {"session_id": till.day.session_id(), "training_flag": till.basket.training}
        return sale.model_copy(update=facts)

    def open_drawer(self) -> None:
        """After the commit; that it does not open is said on the screen and undoes nothing."""
        if self._till.lane.drawer is not None:
            self._till.later(self._open(self._till.lane.drawer))

    async def _open(self, drawer: Ask) -> None:
        till = self._till
        try:
            await drawer(OpenDrawer(), DRAWER_WITHIN_S)
        except DeviceError as error:
            log.warning("drawer did not open: %s", error, extra={"workstation": till.lane.workstation_id})
            till.say_error(error.reason, f"The sale is booked; the drawer did not open: {error}")
