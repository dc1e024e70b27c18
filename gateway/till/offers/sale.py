"""The offers of one workstation's open sale: its price after each change, the customer, coupons.

The commands are the workstation's own: one at a time, and each ends with the priced basket on disk.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from gateway.errors import BackroomError, SaleRefused
from gateway.till.offers.book import limited
from gateway.till.offers.discounts import Discounts
from gateway.till.offers.held import Held
from gateway.till.offers.pricing import Pricing
from gateway.till.offers.prompts import Prompts
from gateway.till.offers.rows import CouponOnSale, MemberOnSale
from gateway.till.offers.store import StoreOffers
from retail.barcode import Kind, Meaning

if TYPE_CHECKING:
    from gateway.till.basket import Basket
    from gateway.till.workstation import Workstation

log = logging.getLogger(__name__)


class SaleOffers:
    def __init__(self, till: Workstation, store: StoreOffers) -> None:
        self._till, self._store = till, store
        self._lane = till.lane.workstation_id
        self.pricing = Pricing(store.rules, till.store, partial(store.used_today, self._lane), store.shelf_now)
        self.prompts = Prompts(till)
        self.discounts = Discounts(till)
        store.rules.listen(self._new_rules)
        store.held.listen(self._lane, self._freed)
        self._hold()

    # --- the price --------------------------------------------------------------------------------------------------

    def price(self) -> None:
        """Price the sale as it stands; what is being paid keeps its price."""
        basket = self._till.basket
        if basket.state == "idle":
            basket.offers = None
            self.pricing.forget()
            self.prompts.forget()
            self._hold()
        elif self._still_open(basket):
            self._price(basket)

    def _price(self, basket: Basket, tender: str | None = None) -> None:
        self.pricing.price(basket, tender)
        self._hold()

    def _hold(self) -> None:
        """What the sale was given of the member's day is no other lane's to give."""
        basket = self._till.basket
        member, at, offers = basket.member, basket.rung_at, basket.offers
        if member is None or at is None or offers is None or basket.training:
            self._store.held.hold(self._lane, None)
        else:
            self._store.held.hold(self._lane, Held(member.member_id, at.date(), offers.used))

    def _freed(self, member_id: str) -> None:
        """Another lane let go of this member's deals; the sale here may have them."""
        basket = self._till.basket
        if basket.member is not None and basket.member.member_id == member_id and self._still_open(basket):
            self._till.later(self._price_again())

    def _still_open(self, basket: Basket) -> bool:
        given = basket.tenders or basket.payment is not None
        return basket.state == "selling" or (basket.state == "tendering" and not given)

    @contextlib.asynccontextmanager
    async def paying(self, kind: str, amount_minor: int | None) -> AsyncIterator[None]:
        """Around the first tender: with the offers of this kind of tender where it pays for everything; None: it does.

        The rules are waited for where they are not ready yet. A tender that is refused leaves the sale as it was.
        """
        await self._till.must_be_ready_to_pay()
        basket = self._till.basket
        if not self._still_open(basket):
            yield
            return
        await self._store.rules.ready()
        rules = self._store.rules.rules
        self._price(basket)
        for tender in sorted(rules.tenders) if rules is not None else ():
            if tender.casefold() == kind.casefold():
                self._price(basket, tender)
                if amount_minor is not None and amount_minor < basket.total().minor:
                    self._price(basket)
        try:
            yield
        except BackroomError:
            self.price()
            raise

    def _new_rules(self) -> None:
        """A sale that had to do without rules gets them as soon as they are there."""
        basket = self._till.basket
        if basket.offers is not None and basket.offers.pending and self._still_open(basket):
            self._till.later(self._price_again())

    async def _price_again(self) -> None:
        with contextlib.suppress(BackroomError):  # it is in the log, and priced again before it is paid
            async with self._till.command():
                await self._till.keep()

    # --- a scan -----------------------------------------------------------------------------------------------------

    async def scanned(self, meaning: Meaning, code: str) -> bool:
        """Take a scan that is no article: a member card, a coupon. False: it is for others to ring.

        A code that nobody has set a rule for is asked of the lists of coupons and members before it is called unknown;
        an article goes before both.
        """
        store = self._store
        said = meaning.code or code
        if meaning.kind is Kind.MEMBER and store.members is not None:
            await self.identify(code=code if store.members.knows(code) else said)
            return True
        if meaning.kind is Kind.COUPON and store.coupons is not None:
            await self.use_coupon(code if self.is_coupon(code) else said)
            return True
        if meaning.kind not in (Kind.ITEM, Kind.UNKNOWN) or self._till.sells(code, meaning):
            return False
        if self.is_coupon(code):
            await self.use_coupon(code)
            return True
        if store.members is not None and (meaning.otherwise is Kind.MEMBER or store.members.knows(code)):
            await self.identify(code=code)
            return True
        return False

    # --- the customer -----------------------------------------------------------------------------------------------

    async def identify(self, code: str = "", phone: str = "", member_id: str = "") -> MemberOnSale:
        """The customer of this sale, by card, telephone number or member number: one of them.

        Raises:
            SaleRefused: nobody has it, several have it, or the sale is being paid.
        """
        members = self._store.members
        if members is None:
            raise SaleRefused("this store has no members", reason="no_members")
        async with self._till.command():
            if member_id:
                member = members.by_id(member_id)
            else:
                member = members.by_code(code or phone, "code" if code else "phone")
            await self._with_member(member)
            return member

    async def forget_member(self) -> None:
        """The sale goes on without a customer known by name; coupons of his own go with him."""
        async with self._till.command():
            await self._with_member(None)

    async def _with_member(self, member: MemberOnSale | None) -> None:
        basket = self._till.basket
        before = basket.model_copy(deep=True)
        basket.step("offer")
        owner = member.member_id if member is not None else None
        dropped = [one for one in basket.coupons if one.member_id not in (None, owner)]
        basket.member = member
        basket.coupons = [one for one in basket.coupons if one not in dropped]
        self._release(basket, dropped)
        await self.keep_or(before)

    # --- coupons ----------------------------------------------------------------------------------------------------

    def is_coupon(self, code: str) -> bool:
        return self._store.coupons is not None and self._store.coupons.find(code) is not None

    async def use_coupon(self, code: str) -> CouponOnSale:
        """Put a coupon on this sale, reserved for it.

        Raises:
            SaleRefused: see Coupons.check; coupon_twice: it is on this sale already; coupon_is_tender: it pays.
        """
        coupons = self._store.coupons
        if coupons is None:
            raise SaleRefused("this store takes no coupons", reason="no_coupons")
        async with self._till.command():
            basket = self._till.basket
            before = basket.model_copy(deep=True)
            basket.step("offer")
            member = basket.member.member_id if basket.member else None
            try:
                row = coupons.check(code, member, basket.take_key(), self._till.clock.local())
                if any(one.coupon_id == row.coupon_id for one in basket.coupons):
                    raise SaleRefused(f"{row.name} is on this sale already", reason="coupon_twice", field="code")
                if row.amount_minor is not None:
                    text = f"{row.name} pays like money: take it as a tender when the sale is paid"
                    raise SaleRefused(text, reason="coupon_is_tender", field="code")
            except SaleRefused:
                self._till.basket = before
                raise
            coupon = CouponOnSale(
                coupon_id=row.coupon_id,
                name=row.name,
                trigger=row.trigger or row.coupon_id,
                scanned_code=code,
                limited=row.uses is not None,
                member_id=row.member_id,
            )
            basket.coupons.append(coupon)
            reserving = coupons.reserving(row, basket.idempotency_key)
            if reserving is not None and not basket.training:
                self._till.change.add(reserving)
            await self.keep_or(before)
            return coupon

    async def drop_coupon(self, code: str) -> None:
        """Raises SaleRefused: it is not on this sale, or the sale is being paid."""
        async with self._till.command():
            basket = self._till.basket
            dropped = [one for one in basket.coupons if code in (one.coupon_id, one.scanned_code)]
            if not dropped:
                raise SaleRefused(f"coupon {code[:64]} is not on this sale", reason="no_such_coupon", field="code")
            before = basket.model_copy(deep=True)
            basket.step("offer")
            basket.coupons = [one for one in basket.coupons if one not in dropped]
            self._release(basket, dropped)
            await self.keep_or(before)

    def _release(self, basket: Basket, coupons: list[CouponOnSale]) -> None:
        if self._store.book is not None and limited(coupons):
            self._till.change.add(self._store.book.release(basket.idempotency_key, limited(coupons)))

    def give_up(self, basket: Basket) -> None:
        """With the change that gives up this sale its coupons are free again."""
        if self._store.book is not None and basket.coupons:
            self._till.change.add(self._store.book.release(basket.idempotency_key))

    def book(self, basket: Basket) -> None:
        """With the change that finishes this sale its coupons are used, and its deals count for the member's day."""
        if self._store.book is not None:
            self._till.change.add(self._store.book.booking(basket))
        self._say_below_cost(basket)
        if basket.offers is not None and basket.offers.failed:
            text = "a sale was sold at plain prices: its offers could not be worked out; the gateway's log has more"
            self._till.change.audit("error", "offers_failed", text, {"sale": basket.idempotency_key})

    def _say_below_cost(self, basket: Basket) -> None:
        """Deals together may go below the cost, where no floor forbids it: that is sold, and headquarters is told."""
        below = []
        for line in basket.lines:
            cost, net = line.cost(), line.net(basket.currency).minor
            if not line.void and line.price_modifiers and cost is not None and net < cost:
                below.append((line, net, cost))
        if not below:
            return
        text = "; ".join(f"{line.description}: {net} for goods that cost {cost}" for line, net, cost in below)
        rules = sorted({one.rule_id or one.name for line, _, _ in below for one in line.price_modifiers})
        log.warning("sold below cost: %s (%s)", text, ", ".join(rules), extra={"sale": basket.idempotency_key})
        facts: dict[str, str | int | None] = {
            "sale": basket.idempotency_key,
            "workstation_id": self._till.lane.workstation_id,
            "below_minor": sum(cost - net for _, net, cost in below),
            "items": ", ".join(line.item_id for line, _, _ in below),
            "rules": ", ".join(rules),
        }
        self._till.change.audit("warning", "below_cost", f"sold below cost: {text}"[:500], facts)

    # --- inside a command -------------------------------------------------------------------------------------------

    async def keep_or(self, before: Basket) -> None:
        """Price and keep the basket; undone where the disk, or somebody who was quicker, refuses."""
        try:
            await self._till.keep()
        except BackroomError:
            self._till.basket = before
            self.pricing.forget()
            self._hold()
            raise
