"""What the store could add to a sale, for prompts: the cheapest articles of each set that a prompting rule asks for.

Worked out in a thread whenever the price book or the rules change; only the numbers of a few articles a set stay in
memory. Price and stock are looked up when a prompt asks, so that nothing is offered that the store does not have.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gateway.queue.inbox import Inbox
from gateway.till.feed_rows import rows_of
from gateway.till.offers.rulebook import RuleBook
from retail.wire.rows import ITEMS, STOCK, Item, StockRow

if TYPE_CHECKING:
    from retail.promotions import Engine
    from retail.promotions import Line as EngineLine
    from retail.promotions.compiled import Compiled

log = logging.getLogger(__name__)

#: so many articles a set: the cheapest may be sold out
MOST_OF_A_SET = 8

Candidates = dict[tuple[str, int], list[str]]


class StoreShelf:
    """run() for ever; wake() when the price book changed. now(): the shelf as it is; None while it is not known.

    tidy: gives back, in the thread, memory that was needed for reading only.
    """

    def __init__(
        self, inbox: Inbox, rules: RuleBook, store_id: str, local: Callable[[], datetime], tidy: Callable[[], None]
    ) -> None:
        self._inbox, self._rules, self._store_id, self._local, self._tidy = inbox, rules, store_id, local, tidy
        self._changed = asyncio.Event()
        self._shelf: ShelfNow | None = None
        #: the versions of rules and price book that it is for
        self.versions = (0, 0)
        rules.listen(self._changed.set)
        self._changed.set()

    def wake(self) -> None:
        self._changed.set()

    def now(self) -> ShelfNow | None:
        return self._shelf

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            rules = self._rules.rules
            known = self._inbox.version(ITEMS)
            versions = (rules.version if rules is not None else 0, known.version if known else 0)
            if rules is None or versions == self.versions:
                continue
            candidates: Candidates = {}
            if rules.engine is not None and known is not None:
                try:
                    candidates = await asyncio.to_thread(self._look, rules.engine)
                except Exception:  # without it prompts name only what is in the sale already
                    log.exception("what the store could add to a sale cannot be worked out")
            self._shelf = ShelfNow(self._inbox, candidates, self._store_id, self._local) if candidates else None
            self.versions = versions

    def _look(self, engine: Engine) -> Candidates:
        """In a thread: for each set of a rule that prompts for units, its cheapest articles."""
        wanted = {
            rule.place for rule in engine.index.rules if rule.rule.prompt is not None and (rule.by_pattern or rule.each)
        }
        found: dict[tuple[str, int], list[tuple[int, str]]] = {}
        if not wanted:
            return {}
        today = self._local().date()
        for item_id, row in self._inbox.pages(ITEMS):
            time.sleep(0)  # lets the event loop have the interpreter between two articles: a scan must not wait
            line = _line_of_row(item_id, row, self._local())
            if line is None:
                continue
            for rule, bits in engine.index.hits(line, today):
                if rule.place not in wanted:
                    continue
                for number in range(len(rule.sets)):
                    if bits >> number & 1:
                        cheapest = found.setdefault((rule.rule.id, number), [])
                        # the heap's first is the dearest of the few: it makes room for a cheaper one
                        heapq.heappush(cheapest, (-line.unit_price, item_id))
                        if len(cheapest) > MOST_OF_A_SET:
                            heapq.heappop(cheapest)
        best = {key: [item_id for _, item_id in sorted(kept, reverse=True)] for key, kept in found.items()}
        self._tidy()
        return best


class ShelfNow:
    """The shelf of one price book and one set of rules."""

    def __init__(self, inbox: Inbox, candidates: Candidates, store_id: str, local: Callable[[], datetime]) -> None:
        self._inbox, self._candidates, self._store_id, self._local = inbox, candidates, store_id, local

    def cheapest(self, rule: Compiled, number: int) -> EngineLine | None:
        """One unit of this set that the store has and may sell; see retail.promotions.prompts.Shelf."""
        from retail.promotions.matching import belongs  # noqa: PLC0415  only where there are rules

        at = self._local()
        lines = []
        for item_id in self._candidates.get((rule.rule.id, number), ()):
            row = self._inbox.row(ITEMS, item_id)
            line = _line_of_row(item_id, row, at) if row is not None else None
            if line is not None and belongs(rule.matchers[number], line, at.date()) and self._has(item_id):
                lines.append(line)
        return min(lines, key=lambda line: (line.unit_price, line.order()), default=None)

    def _has(self, item_id: str) -> bool:
        """Unknown is as good as there."""
        row = self._inbox.row(STOCK, item_id)
        known = rows_of(StockRow, [row] if row is not None else [], STOCK)
        return not known or known[0].on_hand.get(self._store_id, 1) > 0


def _line_of_row(item_id: str, row: dict[str, Any], at: datetime) -> EngineLine | None:
    """One piece of an article as the engine takes it; None: not sold by the piece, or never at a discount."""
    from retail.promotions import Line as EngineLine  # noqa: PLC0415  only where there are rules

    if row.get("unit", "each") != "each" or row.get("not_discountable") or "*" in row.get("recalled_lots", ()):
        return None
    price = row.get("price_minor")
    if row.get("prices"):
        known = rows_of(Item, [row], ITEMS)
        price = known[0].price_at(at) if known else None
    if price is None:
        return None
    return EngineLine(
        item=item_id,
        unit_price=price,
        tags=tuple(row.get("tags", ())),
        category=row.get("category", ""),
        tax_code=row.get("tax_code", ""),
        cost=row.get("cost_minor"),
        floor=row.get("floor_minor") or 0,
    )
