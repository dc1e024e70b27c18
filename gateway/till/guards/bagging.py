"""Self-checkout: what lies in the bag must weigh what was scanned.

Asked before the next article and before paying. Known is the weight of weighed goods, and of articles whose row says
their net content in grams (packaging is what the tolerance and the tare are for). Where an article's weight is not
known, the bag can only be too light. Too light: put it in; the third time, and whenever the bag is too heavy, an
attendant is called and the lane waits for him.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from gateway.errors import DeviceError, SaleRefused
from gateway.peripherals import ReadWeight, ScaleStatus, Weight
from gateway.till.attention import Reason

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

WEIGH_WITHIN_S = 5.0
#: so often a customer is asked to put it into the bag before somebody comes
PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Expected:
    """grams of what is known; whole: all of it is."""

    grams: int
    whole: bool


class Bagging:
    def __init__(self, till: Workstation) -> None:
        self._till = till
        self._asked = 0

    def expected(self) -> Expected:
        grams, whole = 0, True
        for line in self._till.basket.lines:
            if line.void:
                continue
            known = line.bag_grams()
            if known is None:
                whole = False
            else:
                grams += known
        return Expected(grams, whole)

    async def check(self) -> None:
        """Raises SaleRefused: put_in_bag, or weight_mismatch with an attendant called. DeviceError: it moves still."""
        till, scale = self._till, self._till.lane.bagging_scale
        if not till.lane.self_checkout or scale is None or till.basket.bag_unchecked:
            return
        try:
            measured = _grams(await scale(ReadWeight(), WEIGH_WITHIN_S))
        except DeviceError as error:
            await self._call("bag_not_weighed", f"the bagging scale does not answer ({error})")
        if measured is None:
            raise SaleRefused("the bag moves: wait a moment and try again", reason="bag_moves")
        wanted = self.expected()
        over = measured - till.basket.bag_offset_grams - wanted.grams
        tolerance = till.store.bag_tolerance(wanted.grams)
        if over > tolerance and wanted.whole:
            await self._call("weight_mismatch", f"the bag is {over} g too heavy")
        if over < -tolerance:
            self._asked += 1
            if self._asked >= PATIENCE:
                await self._call("weight_mismatch", f"the bag is {-over} g too light")
            raise SaleRefused("put the article into the bag", reason="put_in_bag")
        self._asked = 0

    async def _call(self, reason: Reason, text: str) -> NoReturn:
        """Call somebody, on disk, and refuse."""
        self._till.attention.raise_call(reason, text, blocks=True)
        await self._till.write_change()
        raise SaleRefused(f"{text}: an attendant comes", reason=reason)

    async def accept(self) -> None:
        """Somebody looked: from here on the bag as it is counts as right; where it cannot be weighed, nothing does."""
        till, scale = self._till, self._till.lane.bagging_scale
        self._asked = 0
        if till.basket.state == "idle" or scale is None:
            return
        try:
            measured = _grams(await scale(ReadWeight(), WEIGH_WITHIN_S))
        except DeviceError:
            measured = None
        if measured is None:
            till.basket.bag_unchecked = True
        else:
            till.basket.bag_offset_grams = measured - self.expected().grams


def _grams(weight: object) -> int | None:
    """None while it moves; an empty scale weighs nothing."""
    if not isinstance(weight, Weight) or not weight.stable:
        return None
    return 0 if weight.grams is None and weight.status is ScaleStatus.WEIGHT_ZERO else weight.grams
