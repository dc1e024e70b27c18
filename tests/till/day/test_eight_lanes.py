"""Eight workstations on one gateway at once: each sells, suspends, and takes up what others suspended."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from gateway.peripherals import Request, ScaleStatus, Weight
from gateway.till.workstation import Workstation
from retail.control import ControlTransaction
from retail.sale import RetailTransaction, faults
from tests.shop import Shop, a_shop

MILK, PEN, APPLES = "4006381333931", "4006381333948", "12345"
LANES, SALES = 8, 12


class SlowDevice:
    """Answers when a test lets it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def __call__(self, _request: Request, _timeout_s: float) -> Any:
        self.asked.set()
        await self.let.wait()
        return self.answer


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    yield shop
    shop.close()


def sales(shop: Shop) -> list[RetailTransaction]:
    booked = [RetailTransaction.model_validate(body) for body in shop.log("RetailTransaction")]
    assert [faults(sale) for sale in booked] == [[] for _ in booked]
    return booked


async def a_shift(till: Workstation, waiting: list[int], seed: int) -> int:
    """What this cashier rang, in minor units; some of it another will finish."""
    chance, rung = random.Random(seed), 0
    for _ in range(SALES):
        for _ in range(chance.randint(1, 3)):
            line = await till.enter(chance.choice((MILK, PEN)))
            rung += line.amount("EUR").minor
        if chance.random() < 0.5:
            waiting.append(await till.suspending.suspend())
            await take_up_any(till, waiting)
        if till.basket.state == "selling":
            await till.tender_cash(2_000)
        await asyncio.sleep(0)
    return rung


async def take_up_any(till: Workstation, waiting: list[int]) -> None:
    """Whichever is left: two may reach for the same one, and one of them finds it gone."""
    for number in list(waiting):
        with contextlib.suppress(SaleRefused):
            await till.suspending.resume(number)
            waiting.remove(number)
            return


async def test_eight_lanes_sell_at_once_and_everything_adds_up(shop: Shop) -> None:
    lanes = [shop.another_lane(str(number + 1)) for number in range(LANES)]
    await asyncio.gather(*(lane.day.sessions.open(10_000) for lane in lanes))
    waiting: list[int] = []
    rung = await asyncio.gather(*(a_shift(lane, waiting, seed) for seed, lane in enumerate(lanes)))
    for number in [one.number for one in shop.ledger.suspended_sales()]:
        await lanes[0].suspending.resume(number)
        await lanes[0].tender_cash()
    closes = [await lane.day.sessions.close(0) for lane in lanes]

    booked = sales(shop)
    assert sum(sale.total_minor for sale in booked) == sum(rung)
    assert len({body["begin_date_time"] + body["workstation_id"] for body in shop.log("RetailTransaction")}) > LANES
    for lane in lanes:
        mine = [sale for sale in booked if sale.workstation_id == lane.lane.workstation_id]
        assert [sale.sequence_number for sale in mine] == list(range(1, len(mine) + 1)), "gapless, in order"
    assert sum(total_of(close) for close in closes) == sum(rung)
    for close in closes:
        mine = [sale for sale in booked if sale.session_id == close.session_id]
        assert close.totals is not None
        assert close.totals.sales_count == len(mine)
        assert close.totals.expected_cash_minor == 10_000 + sum(sale.total_minor for sale in mine)
    rows = shop.money.read("SELECT seq FROM outbox ORDER BY seq")
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))


def total_of(close: ControlTransaction) -> int:
    assert close.totals is not None
    return close.totals.sales_minor


async def test_no_lane_waits_for_anothers_slow_device(shop: Shop) -> None:
    scale = SlowDevice(Weight(450, True, False, ScaleStatus.STABLE_WEIGHT, 0.0))
    drawer = SlowDevice(None)
    weighing, paying = shop.another_lane("1", scale=scale), shop.another_lane("2", drawer=drawer)
    others = [shop.another_lane(str(number)) for number in range(3, LANES + 1)]
    slow = asyncio.create_task(weighing.enter(APPLES))
    await scale.asked.wait()
    await paying.enter(MILK)
    await paying.tender_cash()
    await drawer.asked.wait()
    await paying.enter(MILK)  # its own next sale does not wait for the drawer either
    for lane in others:
        await lane.enter(MILK)
        number = await lane.suspending.suspend()
        await lane.suspending.resume(number)
        await lane.tender_cash()
    assert not slow.done()
    assert len(sales(shop)) == 1 + len(others)
    scale.let.set()
    drawer.let.set()
    assert (await slow).weight_grams == 450
