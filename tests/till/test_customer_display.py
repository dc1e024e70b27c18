"""The customer's display follows the sale, and the till never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import DeviceSilent
from gateway.peripherals import DisplayText, Request
from gateway.till.customer_display import CustomerDisplay
from tests.shop import Shop, a_shop, until

SHOP = ("Test shop", "")


class Screen:
    """What was shown, and whether the display is there."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, ...]] = []
        self.there, self.asked = True, 0
        self.stuck = False

    async def __call__(self, request: Request, _timeout_s: float) -> Any:
        assert isinstance(request, DisplayText)
        self.asked += 1
        if self.stuck:
            await asyncio.Event().wait()
        if not self.there:
            raise DeviceSilent("display-1: no answer; check its cable", reason="silent", code=112)
        self.shown.append(request.rows)


@contextlib.asynccontextmanager
async def followed(folder: Path, screen: Screen) -> AsyncIterator[tuple[Shop, CustomerDisplay]]:
    shop = await a_shop(folder)
    display = CustomerDisplay(shop.workstation, screen)
    running = asyncio.create_task(display.run())
    await until(lambda: screen.asked)
    yield shop, display
    running.cancel()
    shop.close()


async def test_line_and_total_then_total_and_change_then_the_shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.till.customer_display.THANKS_S", 0.2)
    screen = Screen()
    async with followed(tmp_path, screen) as (shop, _):
        assert screen.shown == [SHOP]
        await shop.workstation.enter("4006381333931")
        await until(lambda: len(screen.shown) == 2)
        assert all(len(row) == 20 for row in screen.shown[-1])
        assert screen.shown[-1][0].endswith(" 1.19")
        assert screen.shown[-1][1] == "TOTAL           1.19"
        await shop.workstation.tender_cash(100)
        await until(lambda: screen.shown[-1] == ("TOTAL           1.19", "STILL DUE       0.19"))
        await shop.workstation.tender_cash(100)
        await until(lambda: screen.shown[-1] == ("TOTAL           1.19", "CHANGE          0.81"))
        await until(lambda: screen.shown[-1] == SHOP)


async def test_a_dead_display_is_told_once_it_is_back_and_delays_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    screen = Screen()
    async with followed(tmp_path, screen) as (shop, display):
        screen.there = False
        for asked in (2, 3):
            await shop.workstation.enter("4006381333931")
            await until(lambda asked=asked: screen.asked == asked)
        assert caplog.text.count("customer display") == 1
        screen.there = True
        display.wake()
        await until(lambda: screen.shown[-1][1] == "TOTAL           2.38")
        screen.stuck = True
        await shop.workstation.enter("4006381333931")
        async with asyncio.timeout(1):
            assert await shop.workstation.tender_cash() is not None


async def test_a_long_name_gives_way_to_the_amount(tmp_path: Path) -> None:
    async with followed(tmp_path, Screen()) as (_, display):
        assert display._both("紅茶拿鐵大杯去冰半糖珍珠椰果", "1234.50") == "紅茶拿鐵大杯 1234.50"
        assert display._both("X" * 40, "1.00") == "X" * 15 + " 1.00"
