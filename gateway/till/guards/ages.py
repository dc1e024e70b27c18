"""What is not sold to the young: such a line waits, and with it the payment, until somebody saw the customer's age.

Seen once it holds for the whole sale. The date of birth is used and forgotten; the log says only which limit was met.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from gateway.errors import BackroomError, SaleRefused
from gateway.till.authority import Act, Approval, Asked
from gateway.till.lane import Notice
from gateway.till.line import Line

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation

OLDEST = 150


class AgeChecks:
    def __init__(self, till: Workstation) -> None:
        self._till = till

    def waiting(self) -> list[Line]:
        """Lines that wait for it."""
        lines = self._till.basket.lines
        return [line for line in lines if not line.void and line.age_limit is not None and line.age_confirmed is None]

    def mark(self, line: Line) -> None:
        """A new line of a customer whose age was seen before needs no second look."""
        seen = self._till.basket.age_seen
        if line.age_limit is not None and seen is not None and seen >= line.age_limit:
            line.age_confirmed = line.age_limit

    def must_be_confirmed(self) -> None:
        """Raises SaleRefused: a line waits."""
        if waiting := self.waiting():
            names = ", ".join(line.description for line in waiting)
            oldest = max(line.age_limit or 0 for line in waiting)
            text = f"is the customer {oldest} years old? confirm it, or take back: {names}"
            raise SaleRefused(text, reason="confirm_age")

    async def confirm(
        self, confirmed: bool | None = None, birth_date: date | None = None, approval: Approval | None = None
    ) -> list[Line]:
        """Somebody looked at the customer, or at a document; the lines that had to go.

        confirmed: old enough for all that waits, or for none of it. birth_date: reckoned line by line.

        Raises:
            SaleRefused: nothing waits, or neither was said.
            NeedsAuthority: at a self-checkout the attendant must look.
        """
        till = self._till
        async with till.command():
            waiting = self.waiting()
            if not waiting:
                raise SaleRefused("no article waits for the customer's age", reason="nothing_to_confirm")
            if (confirmed is None) == (birth_date is None):
                text = "say either confirmed or birth_date"
                raise SaleRefused(text, reason="invalid", field="confirmed")
            age = self._age(birth_date, confirmed, waiting)
            if till.lane.self_checkout:
                await till.people.allow(Asked(Act.ATTEND, what="the customer's age"), approval=approval)
            before = till.basket.model_copy(deep=True)
            try:
                return await self._decided(waiting, age)
            except BackroomError:
                till.basket = before
                raise

    def _age(self, birth_date: date | None, confirmed: bool | None, waiting: list[Line]) -> int:
        """Whole years; where somebody only looked, what was asked for, or nothing."""
        if birth_date is None:
            return max(line.age_limit or 0 for line in waiting) if confirmed else 0
        today = self._till.clock.local_date()
        had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
        age = today.year - birth_date.year - (0 if had_birthday else 1)
        if not 0 <= age <= OLDEST:
            text = f"{birth_date} is no date of birth: look at the document again"
            raise SaleRefused(text, reason="bad_birth_date", field="birth_date")
        return age

    async def _decided(self, waiting: list[Line], age: int) -> list[Line]:
        till, gone = self._till, [line for line in waiting if (line.age_limit or 0) > age]
        for line in waiting:
            if line in gone:
                till.basket.void_line(line.line_number)
            else:
                line.age_confirmed = line.age_limit
        till.basket.age_seen = max(age, till.basket.age_seen or 0) or None
        await till.keep()
        if gone:
            names = ", ".join(line.description for line in gone)
            till.notice = Notice("hint", "too_young", f"not sold to this customer: {names}")
        return gone
