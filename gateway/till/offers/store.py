"""What the offers of all workstations of a store share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from gateway.clock import Clock
from gateway.queue.database import Database
from gateway.queue.inbox import Inbox
from gateway.queue.outbox import Outbox
from gateway.till.offers.book import OfferBook
from gateway.till.offers.coupons import Coupons
from gateway.till.offers.held import HeldDeals
from gateway.till.offers.members import Members
from gateway.till.offers.rulebook import RuleBook
from gateway.till.offers.shelf import ShelfNow, StoreShelf
from retail.wire.rows import ITEMS, PROMOTIONS


@dataclass(frozen=True, slots=True)
class StoreOffers:
    """rules: the promotions in force. None in place of a part: the store does without it."""

    rules: RuleBook = field(default_factory=RuleBook)
    members: Members | None = None
    coupons: Coupons | None = None
    book: OfferBook | None = None
    shelf: StoreShelf | None = None
    held: HeldDeals = field(default_factory=HeldDeals)

    @classmethod
    def of(
        cls,
        inbox: Inbox,
        outbox: Outbox,
        money: Database,
        clock: Clock,
        tidy: Callable[[], None] = lambda: None,
    ) -> Self:
        """All that the feeds of this store have.

        money: holds book.SCHEMA. tidy: gives memory back after much was read.
        """
        rules, book = RuleBook(inbox, outbox, tidy), OfferBook(money)
        shelf = StoreShelf(inbox, rules, outbox.store_id, clock.local, tidy)
        return cls(rules, Members(inbox), Coupons(inbox, book, outbox.gateway_id), book, shelf)

    def feed_changed(self, feed: str) -> None:
        """A new version of this feed is in force."""
        if feed == PROMOTIONS:
            self.rules.wake()
        elif feed == ITEMS and self.shelf is not None:
            self.shelf.wake()

    def runnables(self) -> list[Coroutine[Any, Any, None]]:
        return [self.rules.run(), *([self.shelf.run()] if self.shelf is not None else [])]

    def shelf_now(self) -> ShelfNow | None:
        return self.shelf.now() if self.shelf is not None else None

    def used_today(self, lane: str, member_id: str, day: date) -> dict[str, int]:
        """rule -> how often this member had it in this store on this day, with what other lanes' open sales hold."""
        used = self.held.of_others(lane, member_id, day)
        if self.book is not None:
            used.update(self.book.used_today(member_id, day))
        return dict(used)
