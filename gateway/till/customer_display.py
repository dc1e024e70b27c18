"""The customer's display: the last line and the total while a sale is rung, what is paid and what goes back at its end.

It follows a workstation, and the newest state wins. Whatever the display does, the till never waits for it. It speaks
the store's language where the display has its letters, else English.
"""

from __future__ import annotations

import asyncio
import logging
import unicodedata

from gateway.errors import DeviceError
from gateway.peripherals import DisplayText
from gateway.till.basket import Line
from gateway.till.lane import Ask
from gateway.till.workstation import Workstation
from gateway.words import Words, message
from retail.units import Money

log = logging.getLogger(__name__)

SHOW_WITHIN_S = 3.0
#: so long the end of a sale stays, if no other begins
THANKS_S = 20.0
COLUMNS = 20
TOTAL, CHANGE, AMOUNT = message("TOTAL"), message("CHANGE"), message("AMOUNT")
STILL_DUE, BACK = message("STILL DUE"), message("YOU GET BACK")
WAIT, CARD = message("Please wait"), message("Card payment")


def words_for(locale: str, code_page: str) -> Words:
    """Of this locale, if the letters of this code page (Python's name) suffice for all that is said here."""
    words = Words(locale)
    try:
        for said in (TOTAL, CHANGE, AMOUNT, STILL_DUE, BACK, WAIT, CARD):
            words.text(said).encode(code_page)
    except (UnicodeEncodeError, LookupError):
        return Words("en")
    return words


class CustomerDisplay:
    """run() for ever; wake() when the display came back and must be told again. columns: letters in a row."""

    def __init__(self, workstation: Workstation, ask: Ask, columns: int = COLUMNS, words: Words | None = None) -> None:
        """words: see words_for(); None: English."""
        self._workstation, self._ask, self._columns = workstation, ask, columns
        self._words = words or Words("en")
        self._changed = asyncio.Event()
        self._shown: tuple[str, ...] | None = None
        self._dead = False

    def wake(self) -> None:
        self._shown = None
        self._changed.set()

    async def run(self) -> None:
        unlisten = self._workstation.listen(self._changed.set)
        self._changed.set()
        try:
            while True:
                await self._a_change()
                await self._show(self.rows())
        finally:
            unlisten()

    async def _a_change(self) -> None:
        """Return at the next change; and some time behind the end of a sale, which then is over for the customer."""
        waits_s = THANKS_S if self._workstation.last is not None else None
        try:
            async with asyncio.timeout(waits_s):
                await self._changed.wait()
        except TimeoutError:
            await self._show((self._workstation.store.name, ""))
            await self._changed.wait()
        self._changed.clear()

    async def _show(self, rows: tuple[str, ...]) -> None:
        if rows == self._shown:
            return
        try:
            await self._ask(DisplayText(rows), SHOW_WITHIN_S)
        except DeviceError as error:
            if not self._dead:
                lane = self._workstation.lane.workstation_id
                log.warning("customer display: %s", error, extra={"workstation": lane})
            self._dead, self._shown = True, None
        else:
            self._dead, self._shown = False, rows

    # --- what it shows ----------------------------------------------------------------------------------------------

    def rows(self) -> tuple[str, str]:
        till = self._workstation
        basket = till.basket
        if basket.state == "idle":
            if till.last is None:
                return till.store.name, ""
            return self._both(TOTAL, till.last.total), self._both(CHANGE, till.last.change)
        if basket.state in ("paying", "unknown"):
            said = self._words.text(WAIT if basket.state == "unknown" else CARD)
            amount = basket.payment.amount_minor if basket.payment else 0
            return said, self._both(AMOUNT, Money(amount, basket.currency))
        if basket.tenders:
            due = basket.due()
            left = (STILL_DUE, due) if due.minor >= 0 else (BACK, -due)
            return self._both(TOTAL, basket.total()), self._both(*left)
        return self._last_line(basket.lines, basket.currency), self._both(TOTAL, basket.total())

    def _last_line(self, lines: list[Line], currency: str) -> str:
        sold = [line for line in lines if not line.void]
        return self._row(sold[-1].description, sold[-1].amount(currency)) if sold else ""

    def _both(self, said: str, amount: Money) -> str:
        return self._row(self._words.text(said), amount)

    def _row(self, left: str, amount: Money) -> str:
        """Left and right in one row; the amount is never cut."""
        right = amount.plain() if self._words.locale.startswith("en") else self._words.amount(amount)
        room = max(0, self._columns - len(right) - 1)
        while left and _width(left) > room:
            left = left[:-1]
        return f"{left}{' ' * (self._columns - _width(left) - len(right))}{right}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
