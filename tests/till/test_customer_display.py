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
from gateway.till.customer_display import AMOUNT, BACK, CHANGE, STILL_DUE, TOTAL, CustomerDisplay, words_for
from gateway.words import Words
from retail.units import Money
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
        assert display._row("紅茶拿鐵大杯去冰半糖珍珠椰果", Money(123450, "EUR")) == "紅茶拿鐵大杯 1234.50"
        assert display._row("X" * 40, Money(100, "EUR")) == "X" * 15 + " 1.00"


@pytest.mark.parametrize(
    ("locale", "code_page", "rows"),
    [
        ("de", "cp437", ("SUMME           1,19", "RÜCKGELD        0,81")),
        ("zh-TW", "big5", ("總計            1.19", "找零            0.81")),
        ("zh-CN", "gbk", ("总计            1.19", "找零            0.81")),
        ("zh-TW", "cp437", ("TOTAL           1.19", "CHANGE          0.81")),
        ("zh-CN", "big5", ("TOTAL           1.19", "CHANGE          0.81")),
        ("de", "cp866", ("TOTAL           1.19", "CHANGE          0.81")),
        ("fr", "cp437", ("TOTAL           1,19", "CHANGE          0,81")),
        ("de", "no code page", ("TOTAL           1.19", "CHANGE          0.81")),
    ],
)
async def test_it_speaks_the_shops_language_where_its_letters_can(
    tmp_path: Path, locale: str, code_page: str, rows: tuple[str, str]
) -> None:
    shop = await a_shop(tmp_path)
    display = CustomerDisplay(shop.workstation, Screen(), words=words_for(locale, code_page))
    await shop.workstation.enter("4006381333931")
    await shop.workstation.tender_cash(200)
    assert tuple(row.replace("\N{NO-BREAK SPACE}", " ") for row in display.rows()) == rows
    shop.close()


@pytest.mark.parametrize("locale", ["en", "de", "zh-TW", "zh-CN"])
async def test_no_word_is_cut_at_20_columns_beside_a_large_amount(tmp_path: Path, locale: str) -> None:
    shop = await a_shop(tmp_path)
    words = Words(locale)
    display = CustomerDisplay(shop.workstation, Screen(), words=words)
    for said in (TOTAL, CHANGE, AMOUNT, STILL_DUE, BACK):
        row = display._both(said, Money(99_999, "EUR"))
        assert row.startswith(words.text(said))
        assert sum(2 if ord(character) > 0x2E80 else 1 for character in row) == 20
    shop.close()
