"""One workstation (a lane): what a cashier or a shop's own program asks of an open sale.

One command at a time; each ends with the basket on disk and every listener told. The order at the end of a sale is the
product's first promise: the transaction is committed, then the drawer opens and the receipt prints.

A card payment takes as long as a customer takes: the command that begins it returns at once, and card.py follows it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.clock import Clock
from gateway.errors import SaleRefused
from gateway.till.attention import NOTE as CALL_NOTE
from gateway.till.attention import Attention
from gateway.till.authority import Act, Approval, Asked
from gateway.till.basket import Basket, Line
from gateway.till.catalogue import Catalogue
from gateway.till.change import Change
from gateway.till.command import Command
from gateway.till.day.till_day import TillDay
from gateway.till.ending import Ending
from gateway.till.guards.ages import AgeChecks
from gateway.till.guards.bagging import Bagging
from gateway.till.guards.overrides import PriceOverrides
from gateway.till.guards.quantities import must_be_meant
from gateway.till.holding import Holding
from gateway.till.lane import Ask, EntryMethod, Finished, Lane, Notice, Store
from gateway.till.ledger import Ledger
from gateway.till.offers.sale import SaleOffers
from gateway.till.offers.store import StoreOffers
from gateway.till.payments.card import CardPayments
from gateway.till.payments.terminals import Terminals
from gateway.till.people.signing import NOTE, LanePeople, People
from gateway.till.returns.returning import ReturnDesk, Returns
from gateway.till.returns.rows import Returning
from gateway.till.ringing import Ringing
from gateway.till.suspending import Suspending
from gateway.till.tenders.stored import Means
from gateway.till.tenders.tendering import Tendering
from retail.barcode import Meaning
from retail.units import Money
from retail.wire.rows import Item

__all__ = ["Ask", "Finished", "Lane", "Notice", "Store", "Workstation"]

log = logging.getLogger(__name__)


class Workstation:
    def __init__(
        self,
        lane: Lane,
        store: Store,
        catalogue: Catalogue,
        ledger: Ledger,
        clock: Clock,
        receipt_waiting: Callable[[], None],
        no_room: Callable[[], str | None] = lambda: None,
        terminals: Terminals | None = None,
        people: People | None = None,
        offers: StoreOffers | None = None,
        means: Means | None = None,
        returns: ReturnDesk | None = None,
    ) -> None:
        """no_room: why a new sale may not begin now, or None. terminals: where lane.terminal is one of.

        people: None for a till without operators. offers: the store's rules, members and coupons; None without any.
        means: what it takes besides cash and cards. returns: None where no goods are taken back.
        """
        self.lane = lane
        self.store = store
        self._ledger = ledger
        self.clock = clock
        self._receipt_waiting = receipt_waiting
        self._no_room = no_room
        self._lock = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.change = Change(ledger, lane.workstation_id)
        self.people = LanePeople(self, people, ledger.note(lane.workstation_id, NOTE))
        self.day = TillDay(self, ledger, clock)
        self.suspending = Suspending(self, ledger, clock)
        self.overrides = PriceOverrides(self)
        self.ages = AgeChecks(self)
        self.bagging = Bagging(self)
        self.attention = Attention(self, clock, ledger.note(lane.workstation_id, CALL_NOTE))
        self.basket = ledger.open_basket(lane.workstation_id) or self.new_basket()
        self.last: Finished | None = None
        self.notice: Notice | None = None
        self.weighing = False
        self._ringing = Ringing(store, catalogue, clock, lane.scale, self._set_weighing)
        self.card = CardPayments(self, terminals, lane.terminal) if terminals is not None else None
        self.holding = Holding(self)
        self.tenders = Tendering(self, self.card, means or Means())
        self.returns = Returns(self, returns)
        self.ending = Ending(self, ledger)
        self.offers = SaleOffers(self, offers or StoreOffers())

    def new_basket(self) -> Basket:
        return Basket(
            currency=self.store.currency,
            operator_id=self.people.operator_id(),
            cash_step_minor=self.store.cash_step_minor,
            training=self.day.training.on,
        )

    def use(self, basket: Basket) -> None:
        """Go on with this one, which is on disk."""
        self.basket, self.last = basket, None
        self.offers.pricing.forget()
        self.offers.price()

    def listen(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard` after every change; returns the way to stop."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard)

    def changed(self) -> None:
        for heard in list(self._listeners):
            heard()

    def _set_weighing(self, weighing: bool) -> None:
        self.weighing = weighing
        if weighing:
            self.changed()

    # --- commands ---------------------------------------------------------------------------------------------------

    async def scan(
        self, code: str, symbology: str = "", method: EntryMethod = "scanned", lot_checked: bool = False
    ) -> Line | None:
        """What was scanned or keyed, whatever it is: an article is rung, a member identified, a coupon taken.

        A receipt is looked up, for goods that come back; what pays, pays.

        Raises:
            SaleRefused, DeviceError: see enter(), SaleOffers.identify() and use_coupon(), Tendering, Returns.open().
        """
        meaning = self._ringing.meaning(code, symbology)
        if await self.returns.scanned(code) or await self.tenders.scanned(meaning, code):
            return None
        if await self.offers.scanned(meaning, code):
            return None
        return await self.enter(code, symbology, method, lot_checked=lot_checked)

    async def enter(
        self,
        code: str,
        symbology: str = "",
        method: EntryMethod = "scanned",
        pieces: int | None = None,
        lot_checked: bool = False,
    ) -> Line:
        """Ring what this code means; a weighed item asks the scale. pieces: in place of a quantity keyed before.

        lot_checked: the cashier saw that the pack is of no lot that was called back.

        Raises:
            SaleRefused: unknown item, no price, expired, not while paying.
            DeviceError: the scale has no stable weight.
        """
        async with self.command():
            item, meaning = self._ringing.article(code, symbology)
            self.may_add()
            self.attention.must_not_block()
            await self.bagging.check()
            if pieces is not None:
                self.basket.pending_quantity = pieces
            checked = lot_checked and not self.lane.self_checkout  # a customer is not asked about lots
            line = await self._ringing.line(item, meaning, code, method, self.basket, checked)
            self.ages.mark(line)
            self.basket.begin_if_idle(self.clock.wall())
            self.basket.step("add")
            self.basket.lines.append(line)
            self.basket.rung_at = self.clock.local()
            self.basket.pending_quantity = self.basket.pending_tare_grams = None
            self.last = None
            await self.keep()
            return line

    def may_add(self) -> None:
        """Raises SaleRefused where no line may be added now, or no sale may begin."""
        if self.basket.state not in ("idle", "selling"):
            self.basket.model_copy().step("add")
        if self.basket.state == "idle":
            self.day.must_be_ready_to_sell()
            if why := self._no_room():
                raise SaleRefused(why, reason="disk_full")

    async def set_quantity(self, pieces: int, confirmed: bool = False) -> None:
        """`3 x`: the next item counts so many times."""
        async with self.command():
            must_be_meant(pieces, confirmed)
            if self.basket.state != "idle":
                self.may_add()
            self.basket.pending_quantity = pieces

    async def set_tare(self, grams: int) -> None:
        """What the next weighed article's container weighs, in place of what its row says; 0: it has none."""
        async with self.command():
            if self.basket.state != "idle":
                self.may_add()
            self.basket.pending_tare_grams = grams

    async def void_line(self, line_number: int | None = None, approval: Approval | None = None) -> Line | Returning:
        async with self.command():
            await self.people.allow(Asked(Act.VOID_LINE), approval=approval)
            line = self.basket.void_line(line_number)
            await self.keep()
            return line

    async def void_all(self, approval: Approval | None = None) -> None:
        """Give up the open sale; what a card gave for it is taken back first, by the terminal, which takes a while.

        Raises:
            SaleRefused: there is no open sale, or the terminal is at it.
        """
        async with self.command():
            if self.basket.has_customer_only():
                await self.begin_anew()
                return
            self.basket.model_copy().step("void_all")
            authorised_by = await self.people.allow(Asked(Act.VOID_SALE), approval=approval)
            if await self.tenders.take_all_back():
                return
            await self.give_up(authorised_by)

    async def tender_cash(self, amount_minor: int | None = None) -> Finished | None:
        return await self.tenders.cash(amount_minor)

    async def tender_card(self, amount_minor: int | None = None) -> None:
        await self.tenders.card(amount_minor)

    async def must_be_ready_to_pay(self) -> None:
        """Raises SaleRefused: a line waits for the customer's age, the bag is not right, or an attendant is called."""
        if self.basket.state != "idle":
            self.attention.must_not_block()
            self.ages.must_be_confirmed()
            await self.bagging.check()

    # --- inside a command, here and in the workstation's parts -------------------------------------------------------

    def command(self) -> Command:
        return Command(self, self._lock)

    async def keep(self) -> None:
        """The basket as it is now, priced, on disk, with what was noted and audited in this command."""
        self.offers.price()
        self.holding.keep()
        await self._ledger.keep_basket(self.lane.workstation_id, self.basket, self.change.take())

    async def begin_anew(self) -> None:
        if self.basket.state == "idle":
            self.offers.give_up(self.basket)  # coupons that came before the first article
        fresh = self.new_basket()
        await self._ledger.keep_basket(self.lane.workstation_id, fresh, self.change.take())
        self.basket = fresh
        self.offers.price()

    async def write_change(self) -> None:
        """What was noted, audited and recorded in this command, on disk; the basket stays as it is."""
        also = self.change.take()
        if also is not None:
            await self._ledger.write(also)

    async def give_up(self, authorised_by: str | None = None) -> None:
        """The open sale is void, which is on record with its total, and a new one may begin."""
        given_up = self.basket.model_copy()
        given_up.step("void_all")
        if not given_up.training:
            total = max(0, given_up.total().minor)
            self.day.controls.record("SaleVoid", total, authorised_by=authorised_by)
        self.offers.give_up(self.basket)
        self.holding.give_up()
        self.tenders.stored.give_up()
        await self.begin_anew()

    async def finish_or_keep(self) -> Finished | None:
        """Behind a tender: the sale is finished when nothing is due any more, else the basket is kept with it."""
        if self.basket.settlement().covered:
            return await self.ending.finish()
        await self.keep()
        return None

    def receipt_waiting(self) -> None:
        """There is paper to print."""
        if self.lane.printer is not None:
            self._receipt_waiting()

    def say_error(self, reason: str, text: str) -> None:
        self.notice = Notice("error", reason, text)
        self.changed()

    def shown(self, minor: int) -> str:
        """An amount as people of the store's locale write it."""
        return Money(minor, self.store.currency).shown(self.store.locale)

    def plain(self, minor: int) -> str:
        return Money(minor, self.store.currency).plain()

    def article(self, code: str, symbology: str) -> tuple[Item, Meaning]:
        """Raises SaleRefused where the code means no article, or none that is known."""
        return self._ringing.article(code, symbology)

    def item(self, item_id: str) -> Item | None:
        return self._ringing.catalogue.item(item_id)

    async def weigh(self, item: Item, price_minor: int) -> int:
        """Net grams, from the workstation's scale."""
        net, _ = await self._ringing.weigh(item, price_minor, item.tare_grams or 0)
        return net

    def sells(self, code: str, meaning: Meaning) -> bool:
        """Whether this code is one of the catalogue."""
        return self._ringing.sells(code, meaning)

    def price_book(self) -> int:
        """The version of feed `items` in force."""
        return self._ringing.catalogue.version()

    def describe(self, item_id: str) -> str:
        """The description of an article, or its number where the catalogue does not know it."""
        item = self._ringing.catalogue.item(item_id)
        return item.description if item is not None else item_id

    def later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take up a payment that an earlier run of this process left open; at the end drop what is under way."""
        try:
            if self.card is not None:
                await self.card.take_up()
            await asyncio.Event().wait()
        finally:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
