"""One workstation (a lane): what a cashier or a shop's own program asks of an open sale.

One command at a time; each ends with the basket on disk and every listener told. The order at the end of a sale is the
product's first promise: the transaction is committed, then the drawer opens and the receipt prints.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.clock import Clock
from gateway.errors import BackroomError, DeviceError, SaleRefused
from gateway.peripherals import OpenDrawer, ReadWeight, Request, Weight
from gateway.till.basket import Basket, Line
from gateway.till.catalogue import Catalogue
from gateway.till.ledger import Ledger
from gateway.till.receipt import receipt_number
from retail.barcode import Kind, Layouts, Meaning
from retail.pricing import extended_amount
from retail.sale import RetailTransaction
from retail.shop_codes import Codes
from retail.units import NUMBERS, Money, exponent
from retail.units import Weight as Grams
from retail.wire.feed import Item

log = logging.getLogger(__name__)

Ask = Callable[[Request, float], Awaitable[Any]]
EntryMethod = Literal["scanned", "keyed"]

#: from here on a quantity asks to be confirmed; 10 typed as 1000 is a costly slip
QUANTITY_TO_CONFIRM = 100
QUANTITY_MOST = 9_999
#: codes that are read for what they are, and that no line of a sale comes from
NO_ARTICLE = {
    Kind.MEMBER: "this is a member card, not an article; scan the article",
    Kind.COUPON: "this is a coupon, not an article; scan the article",
    Kind.CARRIER: "this is the customer's invoice carrier, not an article; scan the article",
    Kind.DONATION: "this is a donation code, not an article; scan the article",
    Kind.WALLET: "this is the customer's payment code; finish the sale first, then let him pay with it",
}
WEIGH_WITHIN_S = 5.0
DRAWER_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Store:
    """What all workstations of a store share."""

    store_id: str
    name: str
    currency: str
    locale: str
    layouts: Layouts
    codes: Codes = field(default_factory=Codes)


@dataclass(frozen=True, slots=True)
class Lane:
    """The devices of a workstation: how to ask its scale and drawer, and which printer takes its receipts."""

    workstation_id: str
    scale: Ask | None = None
    drawer: Ask | None = None
    printer: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The last sale of this workstation, for the screen."""

    number: str
    seq: int
    total: Money
    tendered: Money
    change: Money


@dataclass(frozen=True, slots=True)
class Notice:
    """What the screen says to the cashier until the next command. kind `error` beeps."""

    kind: Literal["error", "hint"]
    reason: str
    text: str


def _no_article(kind: Kind) -> SaleRefused:
    return SaleRefused(NO_ARTICLE[kind], reason=f"{kind}_code", field="code")


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
    ) -> None:
        """no_room: why a new sale may not begin now, or None."""
        self.lane = lane
        self.store = store
        self._catalogue = catalogue
        self._ledger = ledger
        self._clock = clock
        self._receipt_waiting = receipt_waiting
        self._no_room = no_room
        self._lock = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.basket = ledger.open_basket(lane.workstation_id) or Basket(currency=store.currency)
        self.last: Finished | None = None
        self.notice: Notice | None = None
        self.weighing = False

    def listen(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard` after every change; returns the way to stop."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard)

    def changed(self) -> None:
        for heard in list(self._listeners):
            heard()

    # --- commands ---------------------------------------------------------------------------------------------------

    async def enter(self, code: str, symbology: str = "", method: EntryMethod = "scanned") -> Line:
        """Ring what this code means; a weighed item asks the scale.

        Raises:
            SaleRefused: unknown item, no price, expired, not while paying.
            DeviceError: the scale has no stable weight.
        """
        async with self._command():
            store = self.store
            meaning = store.codes.read(code, symbology, store.layouts, exponent(store.currency))
            item = self._article(code, meaning)
            if self.basket.state == "tendering":
                self.basket.step("add")
            if self.basket.state == "idle" and (why := self._no_room()):
                raise SaleRefused(why, reason="disk_full")
            line = await self._line(item, meaning, code, method)
            self.basket.begin_if_idle(self._clock.wall())
            self.basket.step("add")
            self.basket.lines.append(line)
            self.basket.pending_quantity = None
            self.last = None
            await self._ledger.keep_basket(self.lane.workstation_id, self.basket)
            return line

    async def set_quantity(self, pieces: int, confirmed: bool = False) -> None:
        """`3 x`: the next item counts so many times."""
        async with self._command():
            if not 1 <= pieces <= QUANTITY_MOST:
                text = f"{pieces} is no quantity: key 1 to {QUANTITY_MOST}"
                if pieces > QUANTITY_MOST:
                    text += "; for a bar code press Enter instead of x"
                raise SaleRefused(text, reason="bad_quantity", field="pieces")
            if pieces >= QUANTITY_TO_CONFIRM and not confirmed:
                raise SaleRefused(
                    f"really {pieces} pieces? key it again to confirm", reason="confirm_quantity", field="pieces"
                )
            if self.basket.state == "tendering":
                self.basket.step("add")
            self.basket.pending_quantity = pieces

    async def void_line(self, line_number: int | None = None) -> Line:
        async with self._command():
            line = self.basket.void_line(line_number)
            await self._ledger.keep_basket(self.lane.workstation_id, self.basket)
            return line

    async def void_all(self) -> None:
        """Give up the open sale."""
        async with self._command():
            self.basket.step("void_all")
            self.basket = Basket(currency=self.store.currency, operator_id=self.basket.operator_id)
            await self._ledger.keep_basket(self.lane.workstation_id, self.basket)

    async def tender_cash(self, amount_minor: int | None = None) -> Finished | None:
        """Cash in; None means exactly what is due. When the sale is covered it is finished: see Finished.change.

        Raises:
            SaleRefused: nothing to pay, or no cash at all.
            QueueError: the sale could not be put on disk; it stays open, nothing was printed.
        """
        async with self._command():
            if self.basket.state != "selling":
                self.basket.model_copy().step("tender")
            if not any(not line.void for line in self.basket.lines):
                raise SaleRefused("nothing to pay: every line is void; void the sale", reason="nothing_to_pay")
            due = self.basket.due().minor
            amount = due if amount_minor is None else amount_minor
            if amount < 0 or (amount == 0 and due > 0):
                raise SaleRefused("key the cash received", reason="bad_amount", field="amount_minor")
            if amount - due > self._change_most():
                raise SaleRefused(
                    f"cash of {Money(amount, self.store.currency).plain()} is far more than due; was a bar code keyed?",
                    reason="bad_amount",
                    field="amount_minor",
                )
            before = self.basket.model_copy(deep=True)
            self.basket.step("tender")
            self.basket.tendered_minor += amount
            if self.basket.due().minor > 0:
                await self._ledger.keep_basket(self.lane.workstation_id, self.basket)
                return None
            try:
                return await self._finish()
            except BackroomError:
                self.basket = before
                raise

    def _change_most(self) -> int:
        """More change than this means a slip: 10,000 currency units."""
        places: int = 10 ** exponent(self.store.currency)
        return 10_000 * places

    # --- inside a command -------------------------------------------------------------------------------------------

    def _command(self) -> _Command:
        return _Command(self, self._lock)

    def _article(self, code: str, meaning: Meaning) -> Item:
        if meaning.kind in NO_ARTICLE:
            raise _no_article(meaning.kind)
        try:
            return self._catalogue.find(code, meaning)
        except SaleRefused as refused:
            if meaning.otherwise is not None and refused.reason == "unknown_item":
                raise _no_article(meaning.otherwise) from refused
            raise

    async def _line(self, item: Item, meaning: Meaning, code: str, method: EntryMethod) -> Line:
        if item.price_minor is None:
            raise SaleRefused(
                f"{item.description} has no price: headquarters must set one", reason="no_price", field="code"
            )
        if item.currency != self.store.currency:
            raise SaleRefused(f"{item.description} is priced in {item.currency}", reason="wrong_currency", field="code")
        if meaning.price_currency is not None and NUMBERS.get(meaning.price_currency) != self.store.currency:
            raise SaleRefused(f"the label of {item.description} is priced in another currency", reason="wrong_currency")
        if meaning.expiry is not None and meaning.expiry < self._clock.local_date():
            raise SaleRefused(
                f"{item.description} expired on {meaning.expiry}: do not sell it", reason="expired", field="code"
            )
        quantity, grams, price = await self._measure(item, meaning)
        return Line(
            line_number=len(self.basket.lines) + 1 if self.basket.state != "idle" else 1,
            item_id=item.item_id,
            description=item.description,
            scanned_code=code,
            entry_method="weighed" if grams is not None and meaning.weight is None else method,
            quantity=quantity,
            weight_grams=grams,
            unit_price_minor=price,
            tax_code=item.tax_code,
            tax_rate_basis_points=item.tax_rate_basis_points,
            lot=meaning.lot,
            expiry=meaning.expiry,
        )

    async def _measure(self, item: Item, meaning: Meaning) -> tuple[int | None, int | None, int]:
        """(pieces, grams, unit price): from the label where it says so, else from the scale or the keyed quantity."""
        assert item.price_minor is not None  # noqa: S101  _line refused it before
        pieces = self.basket.pending_quantity
        if meaning.price_minor is not None:
            return pieces or 1, None, meaning.price_minor
        if item.unit == "kg":
            if pieces is not None and pieces != 1:
                raise SaleRefused(f"{item.description} is sold by weight: no quantity", reason="sold_by_weight")
            grams = meaning.weight.grams if meaning.weight is not None else await self._weigh(item)
            return None, grams, item.price_minor
        if meaning.weight is not None:
            raise SaleRefused(
                f"{item.description} is sold by the piece, the label gives a weight", reason="sold_by_piece"
            )
        return (meaning.pieces or 1) * (pieces or 1), None, item.price_minor

    async def _weigh(self, item: Item) -> int:
        if self.lane.scale is None:
            raise SaleRefused(
                f"{item.description} must be weighed, and this workstation has no scale", reason="no_scale"
            )
        self.weighing = True
        self.changed()
        try:
            weight = await self.lane.scale(ReadWeight(item.price_minor, item.description), WEIGH_WITHIN_S)
        finally:
            self.weighing = False
        if not isinstance(weight, Weight) or not weight.stable or weight.grams is None:
            raise SaleRefused("no stable weight: keep the goods still and try again", reason="weight_unstable")
        if weight.grams <= 0:
            raise SaleRefused(f"nothing on the scale: put {item.description} on it", reason="weight_zero")
        self._must_agree(item, weight)
        return weight.grams

    def _must_agree(self, item: Item, weight: Weight) -> None:
        """A scale that shows the customer a total of its own must show the one that the till books."""
        if weight.price_minor is None or weight.grams is None or item.price_minor is None:
            return
        currency = self.store.currency
        ours = extended_amount(Money(item.price_minor, currency), Grams(weight.grams))
        if ours.minor != weight.price_minor:
            theirs, counted = (
                Money(weight.price_minor, currency).shown(self.store.locale),
                ours.shown(self.store.locale),
            )
            raise SaleRefused(
                f"the scale shows {theirs} and the till counts {counted} for {item.description}: weigh again;"
                " if it stays so, check the scale's currency and decimals",
                reason="scale_disagrees",
            )

    async def _finish(self) -> Finished:
        sale = self._to_transaction()
        printer = self.lane.printer
        key = self.basket.idempotency_key
        kept = await self._ledger.finish(key, sale, "till", printer, clear_basket=True)
        cash = sale.tenders()[0]
        currency = self.store.currency
        self.last = Finished(
            number=receipt_number(sale),
            seq=kept.seq,
            total=Money(sale.total_minor, currency),
            tendered=Money(cash.amount_minor, currency),
            change=Money(cash.change_minor, currency),
        )
        self.basket = Basket(currency=currency, operator_id=self.basket.operator_id)
        log.info("sale %s: %s %s, seq %d", self.last.number, self.last.total.plain(), currency, kept.seq)
        if printer is not None:
            self._receipt_waiting()
        if self.lane.drawer is not None:
            self._later(self._open_drawer(self.lane.drawer))
        return self.last

    def _to_transaction(self) -> RetailTransaction:
        today = self._clock.local_date()
        before = self._ledger.last_business_date()
        self.basket.step("finish")
        return self.basket.to_transaction(
            self.store.store_id,
            self.lane.workstation_id,
            self._ledger.last_sequence_number(self.lane.workstation_id) + 1,
            # A box that woke in 1970 goes on in its last business day: a day never runs backwards.
            max(today, before) if before is not None else today,
            self._clock.wall(),
        )

    async def _open_drawer(self, drawer: Ask) -> None:
        try:
            await drawer(OpenDrawer(), DRAWER_WITHIN_S)
        except DeviceError as error:
            log.warning("drawer did not open: %s", error, extra={"workstation": self.lane.workstation_id})
            self.notice = Notice("error", error.reason, f"The sale is booked; the drawer did not open: {error}")
            self.changed()

    def _later(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Command:
    """One command at a time: takes the lane's lock, turns a refusal into the screen's notice, tells every listener."""

    def __init__(self, workstation: Workstation, lock: asyncio.Lock) -> None:
        self._workstation = workstation
        self._lock = lock

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        self._workstation.notice = None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BackroomError):
            reason = getattr(error, "reason", "failed")
            self._workstation.notice = Notice("error", reason, str(error))
        self._lock.release()
        self._workstation.changed()
