"""A price by hand: for a reason, as far as the role reaches, and never below the article's floor by anybody's slip.

An overridden price is final: no deal and no other discount comes on top of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import BackroomError, SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.line import Line
from retail.sale import PriceOverride

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation


class PriceOverrides:
    def __init__(self, till: Workstation) -> None:
        self._till = till

    async def set(
        self, unit_price_minor: int, reason: str, line_number: int | None = None, approval: Approval | None = None
    ) -> Line:
        """Give a line another unit price; None: the last line. The price book's own price takes the override back.

        Raises:
            SaleRefused: no such line, or the sale is being paid.
            NeedsAuthority: further from the price book than this role may go; below_floor: under the article's floor.
        """
        till = self._till
        async with till.command():
            till.basket.model_copy().step("change_line")
            line = _open_line(till.basket.lines, line_number)
            regular = _regular(line)
            allowed_by = await till.people.allow(self._asked(line, unit_price_minor, reason), approval=approval)
            before = till.basket.model_copy(deep=True)
            till.basket.step("change_line")
            line.unit_price_minor = unit_price_minor
            line.by_hand = None
            line.price_override = None
            if unit_price_minor != regular:
                line.price_override = PriceOverride(
                    regular_price_minor=regular, reason=reason, authorised_by=allowed_by
                )
            try:
                await till.keep()
            except BackroomError:
                till.basket = before
                raise
            return line

    def _asked(self, line: Line, unit_price_minor: int, reason: str) -> Asked:
        till, regular = self._till, _regular(line)
        below_floor = line.floor_minor is not None and unit_price_minor < line.floor_minor
        what = f"{line.description} at {till.shown(unit_price_minor)} instead of {till.shown(regular)}"
        if below_floor:
            what += f", below its floor of {till.shown(line.floor_minor or 0)}"
        return Asked(
            Act.PRICE_OVERRIDE,
            amount_minor=abs(regular - unit_price_minor),
            of_minor=regular,
            below_floor=below_floor,
            reason=reason,
            what=what,
        )


def _regular(line: Line) -> int:
    return line.price_override.regular_price_minor if line.price_override is not None else line.unit_price_minor


def _open_line(lines: list[Line], line_number: int | None) -> Line:
    wanted = [line for line in lines if not line.void and line_number in (None, line.line_number)]
    if not wanted:
        what = "there is no line" if line_number is None else f"line {line_number} is not there or void"
        raise SaleRefused(f"{what}: scan the article first", reason="no_such_line", field="line_number")
    return wanted[-1]
