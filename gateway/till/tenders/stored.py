"""Value that the customer has stored somewhere: points, vouchers, coupons worth an amount.

Each is held for this sale on disk as soon as it is given, so that it pays once over all lanes and restarts; what
another store took offline at the same time is headquarters' audit, never a lost sale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.errors import SaleRefused
from gateway.till import uses
from gateway.till.offers.coupons import Coupons
from gateway.till.tenders.points import PointsBalance, PointsRule
from gateway.till.tenders.rows import Tendered
from gateway.till.tenders.settlement import Settlement
from gateway.till.tenders.vouchers import Vouchers, new_number

if TYPE_CHECKING:
    from gateway.till.lane import Finished
    from gateway.till.tenders.tendering import Tendering
    from gateway.till.workstation import Workstation


@dataclass(frozen=True, slots=True)
class Means:
    """What a store takes and gives besides cash and cards. voucher_days: so long one that it gives out is good."""

    points: PointsRule = field(default_factory=PointsRule)
    balance: PointsBalance | None = None
    vouchers: Vouchers | None = None
    coupons: Coupons | None = None
    voucher_days: int | None = None


class StoredValue:
    def __init__(self, till: Workstation, tendering: Tendering, means: Means) -> None:
        self._till, self._tendering, self.means = till, tendering, means

    # --- commands ---------------------------------------------------------------------------------------------------

    async def points(self, amount_minor: int | None = None, points: int | None = None) -> Finished | None:
        """Pay with the member's points: so many, or as many as this amount takes; None: as many as are due and there.

        While the shop owes, the customer gets them back.

        Raises:
            SaleRefused: reason `no_points` (they do not pay here), `no_member`, `too_few_points`, `bad_amount`.
        """
        async with self._till.command(), self._till.offers.paying("points", 0):
            settlement = self._tendering.settlement("tender")
            rule, member = self.means.points, self._member()
            if settlement.due < 0:
                amount = self._tendering.up_to_due(amount_minor, settlement, "what points paid")
                given = Tendered(tender_type="Points", amount_minor=-amount, points=-rule.needed(amount))
                return await self._tendering.add(given)
            there = self._there(member)
            if points is not None:
                amount = rule.worth(points)
            elif amount_minor is not None:
                amount, points = amount_minor, rule.needed(amount_minor)
            else:
                amount = min(settlement.due, rule.worth(max(there, 0)))
                points = rule.needed(amount)
            if points > there:
                text = f"the member has {there} points, {points} are needed"
                raise SaleRefused(text, reason="too_few_points", field="points")
            self._tendering.up_to_due(amount, settlement, "points")
            mine, most = points + self._mine(), self._mine() + there
            self._must_be_left("points", member, mine, most)
            return await self._tendering.add(Tendered(tender_type="Points", amount_minor=amount, points=points))

    async def voucher(self, voucher_id: str = "", amount_minor: int | None = None) -> Finished | None:
        """Pay with a voucher, up to what is left on it; the rest stays on it. While the shop owes, give one out.

        Raises:
            SaleRefused: reason `unknown_voucher`, `voucher_expired`, `voucher_empty`, `wrong_currency`, `bad_amount`.
        """
        async with self._till.command(), self._till.offers.paying("voucher", 0):
            settlement = self._tendering.settlement("tender")
            if settlement.due < 0:
                return await self._give_out(voucher_id, amount_minor, settlement)
            if self.means.vouchers is None or not voucher_id:
                raise SaleRefused("scan the voucher, or key its number", reason="no_voucher", field="voucher_id")
            till, key = self._till, self._till.basket.idempotency_key
            good = self.means.vouchers.good(voucher_id, till.store.currency, till.clock.local_date(), besides=key)
            mine = sum(one.amount_minor for one in till.basket.tenders if one.voucher_id == voucher_id)
            left = good.left_minor - mine
            if left <= 0:
                raise SaleRefused(
                    f"nothing is left on voucher {voucher_id}", reason="voucher_empty", field="voucher_id"
                )
            if amount_minor is not None and amount_minor > left:
                text = f"voucher {voucher_id} has {till.plain(left)} left"
                raise SaleRefused(text, reason="bad_amount", field="amount_minor")
            wanted = min(left, settlement.due) if amount_minor is None else amount_minor
            amount = self._tendering.up_to_due(wanted, settlement, "a voucher")
            self._must_be_left("voucher", voucher_id, mine + amount, good.whole_minor, ever=good.ever)
            return await self._tendering.add(
                Tendered(tender_type="Voucher", amount_minor=amount, voucher_id=voucher_id)
            )

    async def coupon(self, code: str) -> Finished | None:
        """Pay with a coupon that is worth an amount, up to what is due; nothing is given back on it.

        Raises:
            SaleRefused: see Coupons.check(); reason `coupon_of_rules` where it lowers prices and does not pay.
        """
        async with self._till.command(), self._till.offers.paying("coupon", 0):
            settlement = self._tendering.settlement("tender")
            till = self._till
            if self.means.coupons is None:
                raise SaleRefused("no coupons are taken here", reason="unknown_coupon", field="code")
            member = till.basket.member.member_id if till.basket.member is not None else None
            key = till.basket.idempotency_key
            row = self.means.coupons.check(code, member, key, till.clock.local())
            if row.amount_minor is None:
                text = f"{row.name} lowers prices: scan it before the sale is paid"
                raise SaleRefused(text, reason="coupon_of_rules", field="code")
            if any(one.tender_type == "Coupon" and one.voucher_id == row.coupon_id for one in till.basket.tenders):
                raise SaleRefused(f"{row.name} has paid in this sale", reason="coupon_used", field="code")
            amount = self._tendering.up_to_due(min(row.amount_minor, abs(settlement.due)), settlement, "a coupon")
            if settlement.due < 0:
                raise SaleRefused("a coupon is not given out for goods", reason="bad_amount", field="tender_type")
            reserving = self.means.coupons.reserving(row, key)
            if reserving is not None and not till.basket.training:
                till.change.add(reserving)
            given = Tendered(tender_type="Coupon", amount_minor=amount, voucher_id=row.coupon_id)
            return await self._tendering.add(given)

    def taken_back(self, tender: Tendered) -> None:
        """Inside a command, before the basket is kept without it: a coupon is free again, and so is the rest."""
        if tender.tender_type == "Coupon" and self.means.coupons is not None:
            key = self._till.basket.idempotency_key
            self._till.change.add(self.means.coupons.book.release(key, [tender.voucher_id]))

    def give_up(self) -> None:
        """Inside a command, with the change that gives up the sale."""
        basket = self._till.basket
        if self.means.coupons is not None and any(one.tender_type == "Coupon" for one in basket.tenders):
            self._till.change.add(self.means.coupons.book.release(basket.idempotency_key))

    def is_voucher(self, code: str) -> bool:
        return self.means.vouchers is not None and self.means.vouchers.left(code) is not None

    def is_coupon(self, code: str) -> bool:
        """Whether it is one that pays."""
        row = self.means.coupons.find(code) if self.means.coupons is not None else None
        return row is not None and row.amount_minor is not None

    # --- points and vouchers ----------------------------------------------------------------------------------------

    def points_there(self) -> int | None:
        """What the member of the open sale can still spend in it; None where points do not pay or nobody is known."""
        member = self._till.basket.member
        if member is None or not self.means.points.worth_minor or self.means.balance is None:
            return None
        return self._there(member.member_id)

    def _member(self) -> str:
        if not self.means.points.worth_minor or self.means.balance is None:
            raise SaleRefused("points do not pay in this store", reason="no_points", field="tender_type")
        member = self._till.basket.member
        if member is None:
            raise SaleRefused("scan the member card first", reason="no_member", field="tender_type")
        return member.member_id

    def _there(self, member: str) -> int:
        assert self.means.balance is not None  # noqa: S101  looked at before
        known = self.means.balance.of(member, besides=self._till.basket.idempotency_key)
        return (known or 0) - self._mine()

    def _mine(self) -> int:
        """Points that this sale spends already."""
        return sum(one.points for one in self._till.basket.tenders)

    async def _give_out(self, voucher_id: str, amount_minor: int | None, settlement: Settlement) -> Finished | None:
        if voucher_id:
            text = "the shop owes: a new voucher is given out, and it has a number of its own"
            raise SaleRefused(text, reason="own_number", field="voucher_id")
        amount = self._tendering.up_to_due(amount_minor, settlement, "by voucher it")
        days = self.means.voucher_days
        until = self._till.clock.local_date() + timedelta(days=days) if days is not None else None
        given = Tendered(tender_type="Voucher", amount_minor=-amount, voucher_id=new_number(), valid_until=until)
        return await self._tendering.add(given)

    def _must_be_left(self, kind: uses.Kind, code: str, mine: int, most: int, ever: bool = False) -> None:
        key = self._till.basket.idempotency_key
        self._till.change.add(lambda connection: uses.must_be_left(connection, key, kind, code, mine, most, ever=ever))
