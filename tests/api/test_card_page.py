"""Card payments on the cashier's screen, in a real Chromium."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from gateway.devices.host import TcpHost
from tests.api.browser import browser_page
from tests.api.card_store import loses_the_answer, open_card_shop
from tests.api.test_till_page import Screen, open_till

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@contextlib.asynccontextmanager
async def open_card_till(chromium: Browser, folder: Path, **page_options: Any) -> AsyncIterator[tuple[Screen, TcpHost]]:
    async with (
        open_card_shop(folder) as (shop, host),
        shop.served(),
        browser_page(chromium, **page_options) as page,
    ):
        await page.goto(f"{shop.url}/till/1")
        yield Screen(shop, page), host


async def test_three_items_by_card_take_as_many_keys_as_by_cash(chromium: Browser, tmp_path: Path) -> None:
    async with open_card_till(chromium, tmp_path) as (screen, _):
        await screen.keys.key("11\n12\n13\n")
        await screen.keys.press("F8")
        await expect(screen.page.locator(".label")).to_have_text("Paid by card")
        await expect(screen.page.locator(".finished")).to_contain_text("************1111")
        await expect(screen.total).to_have_text("€6.97")
        assert screen.keys.pressed <= 12


async def test_the_screen_says_what_the_terminal_does_and_can_abort_it(chromium: Browser, tmp_path: Path) -> None:
    async with open_card_till(chromium, tmp_path) as (screen, host):
        host.set("card_delay", "30")
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await expect(screen.page.locator("[data-act=abort]")).to_have_count(0)
        await screen.keys.press("F8")
        panel = screen.page.locator("[data-payment=paying]:not(body)")
        await expect(panel).to_contain_text("Card payment €1.19: Insert or hold the card")
        await expect(screen.page.locator("[data-act=pay]")).to_be_hidden()
        await screen.keys.key("12\n")
        await expect(screen.notice).to_contain_text("the card terminal is at it")
        await screen.keys.press("Shift+F8")
        await expect(screen.notice).to_contain_text("Not paid by card")
        await expect(panel).to_have_count(0)
        await screen.keys.key("2+")
        await expect(screen.total).to_have_text("€0.81")


@pytest.mark.parametrize("width", [360, 1280])
async def test_an_unknown_outcome_is_unmistakable_and_a_person_can_end_it(
    chromium: Browser, tmp_path: Path, width: int
) -> None:
    async with open_card_till(chromium, tmp_path, width=width, height=740, touch=True) as (screen, host):
        page = screen.page
        host.set("cut", "after_keep")
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await page.locator("[data-act=card]").tap()
        await loses_the_answer(host)
        await expect(page.locator(".sum")).to_have_class("sum unknown")
        await expect(page.locator(".banner.unknown")).to_contain_text("Nobody knows whether €1.19 was charged")
        assert await screen.beeps() >= 1
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for control in await page.locator("#decide button, #decide input").all():
            shape = await control.evaluate("one => one.getBoundingClientRect().toJSON()")
            assert shape["height"] >= 48
        await page.get_by_role("button", name="Paid", exact=True).tap()
        assert screen.shop.lane.basket.state == "unknown", "not without a name and a reason"
        await page.get_by_label("Your name").fill("Ana")
        await page.get_by_label("What the terminal").click()
        await page.keyboard.type("slip says +approved")
        await page.get_by_role("button", name="Paid", exact=True).tap()
        await expect(page.locator(".label")).to_have_text("Paid by card")
        await expect(page.locator("#decide")).to_be_hidden()
        assert screen.shop.told == ["payment_decided"]


async def test_without_a_terminal_there_is_no_card_key(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await expect(screen.page.locator("[data-act=card]")).to_have_count(0)
        await screen.keys.press("F8")
        await expect(screen.page.locator(".label")).to_have_text("Total")
