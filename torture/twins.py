"""Two boxes with one identity: a copy of the data folder runs as a second gateway under the same name.

The broker lets one in at a time and shows the other out, over and over; both sell under the same numbers of one epoch.
Each accepted sale ends in the journal once, or in quarantine with an alarm; once the box that was overtaken has begun
an epoch of its own, all new sales are booked.
"""

from __future__ import annotations

import asyncio
import shutil

from gateway.errors import BackroomError
from torture.campaign import Result, Setting, result
from torture.driver import Book, Driver
from torture.house import Box, House
from torture.oracle import Oracle, drained, read_headquarters
from torture.program import until
from torture.restored import IDENTITY_ALARMS, MAY_BE_HELD, alarm_codes

SALES, SALES_SHORT = 600, 60
APART_WITHIN_S = 90.0


async def run(setting: Setting) -> Result:
    sales = SALES_SHORT if setting.short else SALES
    async with setting.house() as house:
        one = house.add("one")
        one.start()
        await one.until_online()
        first = Driver(one.api.base, setting.random, "one", pace_s=0.3)
        async with first:
            await first.until_kept(20)
        await drained(house, [one])
        await one.program.stop()
        two = house.add("two")
        shutil.copytree(one.data, two.data)
        one.start()
        two.start()
        await one.until_answers()
        await two.until_answers()
        second = Driver(two.api.base, setting.random, "two", pace_s=0.3)
        async with first, second:
            await first.until_kept(sales)
            await second.until_kept(sales)
            await _apart(one, two)
            was = dict(first.book.kept), dict(second.book.kept)
            await first.until_kept(20)
            await second.until_kept(20)
        unlike = await first.ask_again(20) + await second.ask_again(20)
        await _each_drained(house, [one, two])
        book = _both(first.book, second.book)
        verdict = await Oracle(house, [one, two], book, MAY_BE_HELD).judge()
        new = [key for key in book.kept if key not in was[0] and key not in was[1]]
        verdict.problems += unlike
        held_back = _not_booked(house, new)
        if held_back:
            verdict.problems.append(f"sold after the epochs had parted, and not booked: {held_back[:5]}")
        alarms = alarm_codes(house)
        if not IDENTITY_ALARMS & set(alarms):
            verdict.problems.append(f"headquarters does not say that there are two of them: {alarms}")
        return result(setting, verdict, 1, in_quarantine=verdict.quarantined, new_sales=len(new), alarms=alarms)


async def _apart(one: Box, two: Box) -> None:
    async def differ() -> bool:
        try:
            return bool((await one.api.get("/v1/status"))["epoch"] != (await two.api.get("/v1/status"))["epoch"])
        except (BackroomError, ValueError):
            return False

    await until("the two have parted", differ, APART_WITHIN_S, [one.program, two.program])


async def _each_drained(house: House, boxes: list[Box]) -> None:
    """They are never online together for long: each is asked for itself."""

    async def drained_now() -> bool:
        try:
            return all([(await box.api.get("/v1/status"))["unacked"] == 0 for box in boxes])
        except (BackroomError, ValueError):
            return False

    await until("both are drained", drained_now, APART_WITHIN_S, [*(box.program for box in boxes), house.core])
    await asyncio.sleep(0.5)
    await until("both stay drained", drained_now, APART_WITHIN_S, [*(box.program for box in boxes), house.core])


def _both(one: Book, two: Book) -> Book:
    return Book(
        sent=one.sent | two.sent,
        kept=one.kept | two.kept,
        refused=one.refused | two.refused,
        answers=one.answers + two.answers,
        contradictions=one.contradictions + two.contradictions,
    )


def _not_booked(house: House, keys: list[str]) -> list[str]:
    booked = {row.idempotency_key for row in read_headquarters(house.database_url).journal}
    return [key for key in keys if key not in booked]
