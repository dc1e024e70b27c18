"""A clock that cannot be trusted: 1970 at boot, no battery, steps of plus and minus one year while selling.

libfaketime changes the wall clock of the running gateway; the monotonic clock stays true. Order and gaps come from seq;
nothing expires, nothing gets stuck; the till's own business date never goes back.
"""

from __future__ import annotations

import json
import sqlite3
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from gateway.demo.world import sample_items
from retail.wire.canonical import sha256_hex
from torture.campaign import Result, Setting, result, settle
from torture.driver import Driver
from torture.house import Box, House
from torture.oracle import booked_keys
from torture.program import Broken, until
from torture.sales import Sale

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
YEAR_S = 365 * 86400
ROUNDS, ROUNDS_SHORT = 10, 1
#: sales after each step, beside the till's own
SALES, SALES_SHORT = 15, 6
BOOKED_WITHIN_S = 45.0
OF_THE_TILL = "FROM outbox JOIN retail_transaction USING (idempotency_key) WHERE origin = 'till'"


def available() -> bool:
    return bool(LIBRARIES)


class FakeClock:
    """The wall clock of one box, as an offset from the true one."""

    def __init__(self, box: Box, file: Path) -> None:
        if not available():
            raise Broken("libfaketime is not installed: apt-get install faketime")
        self._file = file
        box.program.environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, offset_s: float) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{offset_s:+.0f}\n")
        beside.replace(self._file)


async def run(setting: Setting) -> Result:
    steps = 0
    async with setting.house() as house:
        box = house.add()
        clock = FakeClock(box, setting.folder / "faketime")
        driver = Driver(box.api.base, setting.random)
        for _ in range(ROUNDS_SHORT if setting.short else ROUNDS):
            in_1970 = 300 - time.time()
            clock.step(in_1970)
            box.start()
            await box.until_online()
            await _price_book(box)
            async with driver:
                for offset_s in (in_1970, 0, YEAR_S, -YEAR_S, in_1970, -YEAR_S, YEAR_S, 0):
                    clock.step(offset_s)
                    steps += 1
                    await _sells_and_is_booked(house, box, driver, SALES_SHORT if setting.short else SALES)
            box.program.kill()
        clock.step(0)
        box.start()
        await box.until_online()
        verdict, drained_s = await settle(house, [box], driver)
        verdict.problems += _business_dates(box)
        years = _years(box)
        if not {"1970", str(time.gmtime().tm_year - 1), str(time.gmtime().tm_year + 1)} <= set(years):
            verdict.problems.append(f"the clock was not really wrong: {years}")
        return result(setting, verdict, steps, records_by_year=years, drained_s=drained_s)


async def _price_book(box: Box) -> None:
    """The first one comes over the link, a moment after the link is there."""

    async def there() -> bool:
        return bool((await box.api.get("/v1/status"))["price_book_version"] > 0)

    await until("the price book is in the store", there, BOOKED_WITHIN_S, [box.program])


async def _sells_and_is_booked(house: House, box: Box, driver: Driver, sales: int) -> None:
    await _sell_at_the_till(box, driver)
    await driver.until_kept(sales)
    wanted = set(driver.book.kept)

    async def booked() -> bool:
        return wanted <= booked_keys(house.database_url)

    await until("what was sold is booked", booked, BOOKED_WITHIN_S, [box.program, house.core])


async def _sell_at_the_till(box: Box, driver: Driver) -> None:
    """A sale whose business date the gateway chooses; what it kept is taken into the driver's book."""
    item = next(one for one in sample_items() if one.price and one.unit == "each")
    before = _rows(box, "SELECT coalesce(max(seq), 0) AS top FROM outbox")[0]["top"]
    await box.api.post("/v1/baskets/1/scan", {"code": item.barcode, "method": "keyed"})
    await box.api.post("/v1/baskets/1/tender", {})
    [row] = _rows(box, f"SELECT seq, idempotency_key, body {OF_THE_TILL} AND seq > ?", before)
    body: dict[str, Any] = json.loads(row["body"])
    moved = {line["item_id"]: line["quantity"] for line in body["line_items"] if line["type"] == "Sale"}
    key, sha256 = row["idempotency_key"], sha256_hex(bytes(row["body"]))
    driver.book.sent[key] = Sale(key, body, sha256, body["total_minor"], body["business_day_date"], moved)
    driver.book.kept[key] = ("till", row["seq"])


def _business_dates(box: Box) -> list[str]:
    rows = _rows(box, f"SELECT outbox.business_date {OF_THE_TILL} ORDER BY seq")
    dates = [str(row["business_date"]) for row in rows]
    return [
        f"the till's business date went back: {earlier}, then {later}"
        for earlier, later in pairwise(dates)
        if later < earlier
    ]


def _years(box: Box) -> dict[str, int]:
    rows = _rows(box, "SELECT substr(wall_utc, 1, 4) AS year, count(*) AS count FROM outbox GROUP BY 1")
    return {row["year"]: row["count"] for row in rows}


def _rows(box: Box, sql: str, *parameters: Any) -> list[sqlite3.Row]:
    connection = sqlite3.connect(f"file:{box.money}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(sql, parameters).fetchall()
    finally:
        connection.close()
