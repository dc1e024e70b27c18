"""Discounts that somebody gives by hand, off a line or off the whole sale: for a reason, and never below the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.lane import Notice
from gateway.till.offers.rows import ByHand

if TYPE_CHECKING:
    from gateway.till.basket import Line
    from gateway.till.workstation import Workstation

FULL = 10_000


class Discounts:
    def __init__(self, till: Workstation) -> None:
        self._till = till

    async def give(self, hand: ByHand, line_number: int | None = None, approval: Approval | None = None) -> None:
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
            of = sum(_without_hand(one, basket.currency) for one in ([line] if line is not None else basket.lines))
            asked = self._asked(hand, line, of)
            hand.authorised_by = await self._till.people.allow(asked, approval=approval)
            before = basket.model_copy(deep=True)
            basket.step("offer")
            if line is None:
                basket.by_hand = hand
            else:
                line.by_hand = hand
            await self._till.offers.keep_or(before)
            self._say_if_capped(line, asked.amount_minor)

    async def take_back(self, line_number: int | None = None) -> None:
        """Raises SaleRefused: there is none."""
        async with self._till.command():
            basket = self._till.basket
            line = basket.open_line(line_number) if line_number is not None else None
            if (basket if line is None else line).by_hand is None:
                raise SaleRefused("there is no discount by hand to take back", reason="no_discount")
            before = basket.model_copy(deep=True)
            basket.step("offer")
            (basket if line is None else line).by_hand = None
            await self._till.offers.keep_or(before)

    def _asked(self, hand: ByHand, line: Line | None, of_minor: int) -> Asked:
        """The question to the authority. Never below the floor: the engine stops there."""
        # rounded down: ten per cent is no more than ten per cent
        amount = of_minor * hand.basis_points // FULL if hand.basis_points is not None else hand.amount_minor or 0
        if not 0 <= amount <= of_minor or not (hand.amount_minor or hand.basis_points):
            text = "a discount takes off more than nothing, and at most what is there"
            raise SaleRefused(text, reason="bad_amount", field="amount_minor")
        act = Act.DISCOUNT_LINE if line is not None else Act.DISCOUNT_BASKET
        goods = line.description if line is not None else "the whole sale"
        what = f"{self._till.shown(amount)} off {goods}"
        return Asked(act, amount, of_minor, reason=hand.reason, what=what)

    def _say_if_capped(self, line: Line | None, wanted: int) -> None:
        lines = [line] if line is not None else self._till.basket.lines
        mods = [one for given in lines for one in given.price_modifiers if one.rule_id is None]
        given = sum(one.amount_minor for one in mods)
        if given < wanted:
            text = f"only {self._till.shown(given)} could be taken off: the rest would go below the floor"
            self._till.notice = Notice("hint", "discount_capped", text)


def _without_hand(line: Line, currency: str) -> int:
    """What a line costs before anything is taken off by hand; nothing where it is void."""
    if line.void:
        return 0
    hand = sum(one.amount_minor for one in line.price_modifiers if one.rule_id is None)
    return line.net(currency).minor + hand
