"""What the offers of all workstations of a store share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from gateway.till.offers.book import OfferBook
from gateway.till.offers.coupons import Coupons
from gateway.till.offers.members import Members
from gateway.till.offers.rulebook import RuleBook

if TYPE_CHECKING:
    from retail.promotions.prompts import Shelf


def _no_shelf() -> Shelf | None:
    return None


@dataclass(frozen=True, slots=True)
class StoreOffers:
    """rules: the promotions in force. None in place of a part: the store does without it."""

    rules: RuleBook = field(default_factory=RuleBook)
    members: Members | None = None
    coupons: Coupons | None = None
    book: OfferBook | None = None
    shelf: Callable[[], Shelf | None] = _no_shelf

    def used_today(self, member_id: str, day: date) -> dict[str, int]:
        return self.book.used_today(member_id, day) if self.book is not None else {}
