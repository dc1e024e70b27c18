"""`backroom demo --check`: a day in a shop without a person, and whether everything agrees afterwards.

Two items are scanned and a third is weighed through the pretend devices, cash is tendered, headquarters acknowledges;
receipt, outbox, journal, stock and till page must say the same. Then the broker goes away, two more sales are made, the
broker comes back, and headquarters must have all three once.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from gateway.app import MONEY_FILE
from gateway.demo.world import GATEWAY_ID, STORE_ID, SampleItem, World, sample_items
from gateway.errors import BackroomError

GRAMS = 450
CASH_MINOR = 5000


class Disagreement(BackroomError):
    """Two places tell different stories of one sale."""


class Check:
    def __init__(self, world: World, say: Callable[[str], None]) -> None:
        self._world = world
        self._say = say
        self._sold: dict[str, int] = {}
        self._totals: list[int] = []
        items = [item for item in sample_items() if item.price and item.barcode]
        self._pieces: list[SampleItem] = [item for item in items if item.unit == "each"]
        self._by_weight: SampleItem = next(item for item in items if item.unit == "kg")

    async def run(self) -> dict[str, Any]:
        """The figures of the last line; raises Disagreement where something does not hold."""
        started = time.monotonic()
        stock_before = await self._stock()
        await self._sell(self._pieces[0], self._pieces[1], weighed=self._by_weight)
        await self._until_acked(1)
        await self._agree(stock_before)
        self._say("broker taken away; selling on")
        self._world.broker.kill()
        await self._world.until("the till shows that it is offline", None, self._offline)
        await self._sell(self._pieces[2])
        await self._sell(self._pieces[3], self._pieces[3])
        await self._banner_counts(2)
        self._say("broker back")
        await self._world.broker.start()
        await self._until_acked(3)
        await self._agree(stock_before)
        figures = await self._count()
        figures["receipt_lines"] = sum(len(text.splitlines()) for text in self._world.store.receipts())
        figures["seconds"] = round(time.monotonic() - started, 1)
        return figures

    # --- selling ----------------------------------------------------------------------------------------------------

    async def _sell(self, *pieces: SampleItem, weighed: SampleItem | None = None) -> None:
        """Through the devices: bar codes from the scanner, a weight from the scale; the cashier only takes the cash."""
        world = self._world
        for count, item in enumerate(pieces, 1):
            world.store.scan(item.barcode)
            await self._until_lines(count)
            self._sold[item.item_id] = self._sold.get(item.item_id, 0) + 1
        if weighed is not None:
            world.store.weigh(GRAMS)
            # loose fruit has no label: its number is keyed, and the till asks the scale
            await world.gateway.post("/v1/baskets/1/scan", {"code": weighed.barcode, "method": "keyed"})
            await self._until_lines(len(pieces) + 1)
            world.store.weigh(0)
            self._sold[weighed.item_id] = self._sold.get(weighed.item_id, 0) + GRAMS
        basket = await world.gateway.post("/v1/baskets/1/tender", {"tender_type": "Cash", "amount_minor": CASH_MINOR})
        total = basket["finished"]["total_minor"]
        self._totals.append(total)
        self._say(f"sale {basket['finished']['number']}: {basket['finished']['total']}")
        if basket["finished"]["change_minor"] != CASH_MINOR - total:
            raise Disagreement(f"change is {basket['finished']['change_minor']}, due was {CASH_MINOR - total}")

    async def _until_lines(self, count: int) -> None:
        async def rung() -> bool:
            basket = await self._world.gateway.get("/v1/baskets/1")
            if basket["notice"]:
                raise Disagreement(f"the till refused: {basket['notice']['text']}")
            return len(basket["lines"]) == count

        await self._world.until(f"the till has {count} lines", self._world.gateway_process, rung, 15)

    # --- waiting ----------------------------------------------------------------------------------------------------

    async def _until_acked(self, sales: int) -> None:
        async def acked() -> bool:
            status = await self._world.gateway.get("/v1/status")
            return bool(status["unacked"] == 0 and status["next_seq"] == sales + 1)

        async def printed() -> bool:
            return len(self._world.store.receipts()) == sales

        await self._world.until(f"headquarters has acknowledged {sales}", self._world.gateway_process, acked, 60)
        await self._world.until(f"{sales} receipts are printed", self._world.gateway_process, printed, 20)

    async def _offline(self) -> bool:
        return not (await self._world.gateway.get("/v1/status"))["online"]

    # --- agreeing ---------------------------------------------------------------------------------------------------

    async def _agree(self, stock_before: dict[str, int]) -> None:
        """Receipt, outbox, journal, stock and till page tell the same story of every sale so far."""
        journal = await self._journal()
        outbox = self._outbox()
        receipts = self._world.store.receipts()
        self._same("journal totals", [sale["total_minor"] for sale in journal], self._totals)
        self._same("outbox totals", [json.loads(row["body"])["total_minor"] for row in outbox], self._totals)
        self._same("outbox states", [row["state"] for row in outbox], ["acked"] * len(self._totals))
        for text, total in zip(receipts, self._totals, strict=True):
            if f"{total / 100:.2f}" not in text:
                raise Disagreement(f"the receipt does not show {total / 100:.2f}:\n{text}")
        pulses = len(self._world.store.paper.pulses)
        self._same("drawer openings", pulses, len(self._totals))
        stock = await self._stock()
        moved = {item: stock_before.get(item, 0) - stock.get(item, 0) for item in self._sold}
        self._same("stock moved at headquarters", moved, self._sold)
        page = await self._world.gateway.text("/till/1")
        number = f"{STORE_ID}/1/{len(self._totals)}"
        if number not in page:
            raise Disagreement(f"the till page does not show receipt {number}")
        self._say(f"receipt, outbox, journal, stock, drawer and till page agree on {len(self._totals)} sales")

    async def _banner_counts(self, waiting: int) -> None:
        status = await self._world.gateway.get("/v1/status")
        self._same("sales not yet at headquarters", status["unacked"], waiting)
        page = await self._world.gateway.text("/till/1")
        if "Offline" not in page or f"{waiting} sale" not in page:
            raise Disagreement(f"the till page does not say that it is offline with {waiting} sales waiting")
        self._say(f"the till page shows the offline banner: {waiting} sales wait")

    async def _count(self) -> dict[str, Any]:
        journal = await self._journal()
        keys = [sale["seq"] for sale in journal]
        outbox = self._outbox()
        return {
            "sales": len(self._totals),
            "acked": sum(row["state"] == "acked" for row in outbox),
            "lost": len({row["seq"] for row in outbox} - set(keys)),
            "duplicated": len(keys) - len(set(keys)),
        }

    def _same(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            raise Disagreement(f"{what}: {found}, should be {wanted}")

    async def _journal(self) -> list[dict[str, Any]]:
        answer = await self._world.core.get("/v1/sales?since_id=0")
        sales = [sale for sale in answer["sales"] if sale["gateway"] == GATEWAY_ID]
        return sorted(sales, key=lambda sale: int(sale["seq"]))

    async def _stock(self) -> dict[str, int]:
        answer = await self._world.core.get("/v1/stock")
        return {row["item_id"]: int(row["on_hand"]) for row in answer["stock"] if row["store_id"] == STORE_ID}

    def _outbox(self) -> list[sqlite3.Row]:
        path = self._world.folder / "data" / MONEY_FILE
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute("SELECT seq, state, body FROM outbox ORDER BY seq").fetchall()
        finally:
            connection.close()


async def check(world: World, say: Callable[[str], None]) -> int:
    """Run it and print the last line; the exit code."""
    try:
        figures = await Check(world, say).run()
    except BackroomError as error:
        say(f"does not hold: {error}")
        await asyncio.sleep(0)
        return 1
    good = figures["sales"] == figures["acked"] == 3 and figures["lost"] == figures["duplicated"] == 0
    print(json.dumps(figures), flush=True)
    return 0 if good else 1
