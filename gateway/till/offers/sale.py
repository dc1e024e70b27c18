"""The offers of one workstation's open sale: its price after each change, the customer, coupons, discounts by hand.

The commands are the workstation's own: one at a time, and each ends with the priced basket on disk.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.errors import BackroomError, SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.lane import Notice
from gateway.till.offers.book import limited
from gateway.till.offers.pricing import Pricing
from gateway.till.offers.prompts import Prompts
from gateway.till.offers.rows import ByHand, CouponOnSale, MemberOnSale
from gateway.till.offers.store import StoreOffers
from retail.barcode import Kind, Meaning
from retail.units import divide_half_up

if TYPE_CHECKING:
    from gateway.till.basket import Basket, Line
    from gateway.till.workstation import Workstation

log = logging.getLogger(__name__)

FULL = 10_000


class SaleOffers:
    def __init__(self, till: Workstation, store: StoreOffers) -> None:
        self._till, self._store = till, store
        self.pricing = Pricing(store.rules, till.store, store.used_today, store.shelf)
        self.prompts = Prompts(till)
        store.rules.listen(self._new_rules)

    # --- the price --------------------------------------------------------------------------------------------------

    def price(self) -> None:
        """Price the sale as it stands; what is being paid keeps its price."""
        basket = self._till.basket
        if basket.state == "idle":
            basket.offers = None
            self.pricing.forget()
            self.prompts.forget()
        elif self._still_open(basket):
            self.pricing.price(basket)

    def _still_open(self, basket: Basket) -> bool:
        given = basket.tenders or basket.payment is not None
        return basket.state == "selling" or (basket.state == "tendering" and not given)

    @contextlib.asynccontextmanager
    async def paying(self, kind: str, amount_minor: int | None) -> AsyncIterator[None]:
        """Around the first tender: with the offers of this kind of tender where it pays for everything.

        The rules are waited for where they are not ready yet. A tender that is refused leaves the sale as it was.
        """
        basket = self._till.basket
        if not self._still_open(basket):
            yield
            return
        await self._store.rules.ready()
        rules = self._store.rules.rules
        self.pricing.price(basket)
        for tender in sorted(rules.tenders) if rules is not None else ():
            if tender.casefold() == kind.casefold():
                self.pricing.price(basket, tender)
                if amount_minor is not None and amount_minor < basket.total().minor:
                    self.pricing.price(basket)
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
            if row.uses is not None:
                self._till.change.add(coupons.book.reserve(row.coupon_id, row.uses, basket.idempotency_key))
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

    # --- discounts by hand ------------------------------------------------------------------------------------------

    async def discount(self, hand: ByHand, line_number: int | None = None, approval: Approval | None = None) -> None:
        """Take something off a line, or off the whole sale; a second discount replaces the first.

        Raises:
            SaleRefused: no such line, more than it costs, no reason, or somebody else's word is needed.
        """
        async with self._till.command():
            basket = self._till.basket
            basket.model_copy().step("offer")
            line = basket.open_line(line_number) if line_number is not None else None
            if not basket.has_goods():
                raise SaleRefused("nothing to take anything off: scan an item first", reason="nothing_to_discount")
            of = line.amount(basket.currency).minor if line is not None else basket.gross().minor
            asked = self._asked(hand, line, of)
            hand.authorised_by = await self._till.people.allow(asked, approval=approval)
            before = basket.model_copy(deep=True)
            basket.step("offer")
            if line is None:
                basket.by_hand = hand
            else:
                line.by_hand = hand
            await self.keep_or(before)
            self._say_if_capped(line, asked.amount_minor)

    async def drop_discount(self, line_number: int | None = None) -> None:
        """Raises SaleRefused: there is none."""
        async with self._till.command():
            basket = self._till.basket
            line = basket.open_line(line_number) if line_number is not None else None
            if (basket if line is None else line).by_hand is None:
                raise SaleRefused("there is no discount by hand to take back", reason="no_discount")
            before = basket.model_copy(deep=True)
            basket.step("offer")
            (basket if line is None else line).by_hand = None
            await self.keep_or(before)

    def _asked(self, hand: ByHand, line: Line | None, of_minor: int) -> Asked:
        """The question to the authority; below_floor where it would sell for less than the goods cost."""
        if hand.amount_minor is not None:
            amount = hand.amount_minor
        else:
            amount = divide_half_up(of_minor * (hand.basis_points or 0), FULL)
        if not 0 < amount <= of_minor:
            text = "a discount takes off more than nothing, and at most what is there"
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")
        lines = [line] if line is not None else [one for one in self._till.basket.lines if not one.void]
        cost = sum(one.cost() or 0 for one in lines)
        net = sum(one.net(self._till.basket.currency).minor for one in lines)
        act = Act.DISCOUNT_LINE if line is not None else Act.DISCOUNT_BASKET
        return Asked(act, amount, of_minor, below_floor=net - amount < cost, reason=hand.reason)

    def _say_if_capped(self, line: Line | None, wanted: int) -> None:
        lines = [line] if line is not None else self._till.basket.lines
        mods = [one for given in lines for one in given.price_modifiers if one.rule_id is None]
        given = sum(one.amount_minor for one in mods)
        if given < wanted:
            text = f"only {self._till.shown(given)} could be taken off: the rest would go below the price floor"
            self._till.notice = Notice("hint", "discount_capped", text)

    # --- inside a command -------------------------------------------------------------------------------------------

    async def keep_or(self, before: Basket) -> None:
        """Price and keep the basket; undone where the disk, or somebody who was quicker, refuses."""
        try:
            await self._till.keep()
        except BackroomError:
            self._till.basket = before
            self.pricing.forget()
            raise
