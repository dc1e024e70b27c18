"""Coupons of feed `coupons`: whether one is good for this sale, in words where it is not.

A coupon without an amount opens the rules that name it. One with an amount pays like money: the tender asks check()
for it, and adds reserving() to the SQL transaction that keeps its tender.
"""

from __future__ import annotations

from datetime import datetime

from gateway.errors import SaleRefused
from gateway.queue.inbox import Inbox
from gateway.till.feed_rows import row_of
from gateway.till.offers.book import OfferBook, Work, used_up
from retail.wire.rows import COUPONS, CouponRow


class Coupons:
    """gateway_id: this box, whose uses it counts itself; those of others come with the feed."""

    def __init__(self, inbox: Inbox, book: OfferBook, gateway_id: str = "") -> None:
        self._inbox, self.book, self._gateway_id = inbox, book, gateway_id

    def find(self, code: str) -> CouponRow | None:
        """By the code on it; printed letters may be keyed small."""
        row = self._inbox.row(COUPONS, code) or (self._inbox.row(COUPONS, code.upper()) if code.islower() else None)
        return row_of(CouponRow, row, COUPONS) if row is not None else None

    def check(self, code: str, member_id: str | None, sale: str, local: datetime) -> CouponRow:
        """The coupon with this code, good now, for this member, for the sale of this key.

        Raises:
            SaleRefused: reason unknown_coupon, coupon_not_yet, coupon_expired, coupon_used, coupon_needs_member or
                coupon_of_another; the text is for the cashier.
        """
        coupon = self.find(code)
        if coupon is None:
            raise _refused("unknown_coupon", f"there is no coupon {code[:64]}: check the code")
        name = coupon.name
        if coupon.valid_from is not None and local < coupon.valid_from:
            raise _refused("coupon_not_yet", f"{name} is good from {coupon.valid_from:%Y-%m-%d %H:%M} on")
        if coupon.valid_until is not None and local >= coupon.valid_until:
            raise _refused("coupon_expired", f"{name} was good until {coupon.valid_until:%Y-%m-%d %H:%M}")
        if coupon.member_id is not None and member_id is None:
            raise _refused("coupon_needs_member", f"{name} belongs to a member: scan the member card first")
        if coupon.member_id is not None and coupon.member_id != member_id:
            raise _refused("coupon_of_another", f"{name} belongs to another member")
        if coupon.uses is not None:
            # what headquarters has booked of this box may be more than the box knows, after a money file was lost
            mine = max(self.book.uses(coupon.coupon_id, besides=sale), (coupon.used or {}).get(self._gateway_id, 0))
            if mine >= self._most(coupon, coupon.uses):
                raise used_up(coupon.coupon_id)
        return coupon

    def reserving(self, coupon: CouponRow, sale: str) -> Work | None:
        """To be done in the SQL transaction that keeps the basket; None: nobody counts this coupon.

        It raises SaleRefused where another sale was quicker.
        """
        if coupon.uses is None:
            return None
        return self.book.reserve(coupon.coupon_id, self._most(coupon, coupon.uses), sale)

    def _most(self, coupon: CouponRow, uses: int) -> int:
        """How often this box may take it, if no other box takes it from now on."""
        return uses - sum(count for gateway, count in (coupon.used or {}).items() if gateway != self._gateway_id)


def _refused(reason: str, text: str) -> SaleRefused:
    return SaleRefused(text, reason=reason, field="code")
