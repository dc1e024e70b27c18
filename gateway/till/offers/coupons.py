"""Coupons of feed `coupons`: whether one is good for this sale, in words where it is not.

A coupon without an amount opens the rules that name it. One with an amount pays like money: the tender asks check()
for it, and reserves it with OfferBook.reserve in the SQL transaction that keeps its tender.
"""

from __future__ import annotations

from datetime import datetime

from gateway.errors import SaleRefused
from gateway.queue.inbox import Inbox
from gateway.till.offers.book import OfferBook, used_up
from retail.wire.rows import COUPONS, CouponRow


class Coupons:
    def __init__(self, inbox: Inbox, book: OfferBook) -> None:
        self._inbox, self.book = inbox, book

    def find(self, code: str) -> CouponRow | None:
        """By the code on it; printed letters may be keyed small."""
        row = self._inbox.row(COUPONS, code) or (self._inbox.row(COUPONS, code.upper()) if code.islower() else None)
        return CouponRow.model_validate(row) if row is not None else None

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
        if coupon.uses is not None and not self.book.is_left(coupon.coupon_id, coupon.uses, sale):
            raise used_up(coupon.coupon_id)
        return coupon


def _refused(reason: str, text: str) -> SaleRefused:
    return SaleRefused(text, reason=reason, field="code")
