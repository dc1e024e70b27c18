"""The screen that faces the customer, in a real Chromium: it follows the sale, and takes no commands."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.api.pages.stage import given_name
from tests.api.browser import browser_page
from tests.api.card_store import loses_the_answer, open_card_shop
from tests.api.store import EVIL, MILK, Shop, client_of, open_shop
from tests.api.test_basket_offers import fill

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@contextlib.asynccontextmanager
async def facing(
    chromium: Browser, shop: Shop, width: int = 800, height: int = 480, language: str = ""
) -> AsyncIterator[Page]:
    """The page on a small screen."""
    async with browser_page(chromium, width, height) as page:
        await page.goto(f"{shop.url}/customer/1{f'?language={language}' if language else ''}")
        yield page


async def stage(page: Page, wanted: str) -> None:
    await expect(page.locator("body")).to_have_attribute("data-stage", wanted)


@pytest.mark.parametrize(("width", "height"), [(800, 480), (1280, 800)])
async def test_it_follows_a_sale_from_welcome_to_thanks(
    chromium: Browser, tmp_path: Path, width: int, height: int
) -> None:
    async with open_shop(tmp_path) as shop, shop.served(), client_of(shop) as http:
        await fill(shop)
        async with facing(chromium, shop, width, height) as page:
            await page.clock.install()
            await stage(page, "idle")
            await expect(page.locator("h1")).to_have_text("Corner shop")
            await expect(page.locator(".welcome")).to_contain_text("Welcome")
            await http.post("/v1/baskets/1/member", json={"phone": "0912345678"})
            for code in (MILK, MILK, "32", "31"):
                await http.post("/v1/baskets/1/scan", json={"code": code})
            await stage(page, "selling")
            await expect(page.locator(".newest .name")).to_have_text(EVIL)
            await expect(page.locator(".sums .hello")).to_have_text("Hello Wang")
            await expect(page.locator(".sums .saved")).to_have_text("You save €0.60")
            await expect(page.locator(".sums .points")).to_contain_text("points")
            await expect(page.locator(".lines .off").first).to_have_text("2nd milk half price −€0.30")
            await expect(page.locator(".lines li").last).to_be_in_viewport()
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert await page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
            total = page.locator(".sums .figure")
            assert await total.evaluate("one => parseFloat(getComputedStyle(one).fontSize)") >= 48
            assert await page.locator("main :is(button, a, input)").count() == 0

            await http.post("/v1/baskets/1/tender", json={"amount_minor": 100_000})
            await expect(page.locator(".sums .label")).to_have_text("Still due")
            await http.post("/v1/baskets/1/tender", json={"amount_minor": 100_000})
            await stage(page, "thanks")
            await expect(page.locator(".thanks")).to_contain_text("Your change")
            await page.clock.fast_forward(21_000)
            await stage(page, "idle")
            # The next sale by somebody else begins with an empty screen.
            await http.post("/v1/baskets/1/scan", json={"code": "12"})
            await stage(page, "selling")
            await expect(page.locator(".lines li")).to_have_count(1)
            await expect(page.locator(".hello")).to_have_count(0)


async def test_the_card_terminals_words_are_the_customers(chromium: Browser, tmp_path: Path) -> None:
    async with (
        open_card_shop(tmp_path) as (shop, host),
        shop.served(),
        client_of(shop) as http,
        facing(chromium, shop) as page,
    ):
        host.set("card_delay", "30")
        await http.post("/v1/baskets/1/scan", json={"code": MILK})
        await http.post("/v1/baskets/1/tender", json={"tender_type": "Card"})
        await stage(page, "paying")
        await expect(page.locator(".card")).to_contain_text("€1.19")
        await expect(page.locator(".card")).to_contain_text("Insert or hold the card")
        await http.post("/v1/baskets/1/abort-payment")
        await stage(page, "selling")
        host.set("card_delay", "0")
        host.set("cut", "after_keep")
        await http.post("/v1/baskets/1/tender", json={"tender_type": "Card"})
        await loses_the_answer(host)
        await stage(page, "unknown")
        await expect(page.locator(".card")).to_contain_text("Please do not pay again")


async def test_its_language_is_its_own(chromium: Browser, tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, shop.served(), client_of(shop) as http:
        await http.post("/v1/baskets/1/scan", json={"code": MILK})
        async with facing(chromium, shop) as page:
            await expect(page.locator(".sums .label")).to_have_text("Total")
            await page.get_by_role("link", name="繁體中文").click()
            await expect(page.locator(".sums .label")).to_have_text("合計")
            await http.post("/v1/baskets/1/void-line", json={})
            await http.post("/v1/baskets/1/scan", json={"code": "12"})
            await expect(page.locator(".newest .name")).to_have_text("Rye bread 750 g")
            await expect(page.locator(".sums .label")).to_have_text("合計")
            # The cashier's screen in the same browser stays as it was.
            await page.goto(f"{shop.url}/till/1")
            await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_a_lost_line_is_said_and_mended(chromium: Browser, tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, browser_page(chromium, 800, 480) as page:
        async with shop.served():
            await page.goto(f"{shop.url}/customer/1")
            await stage(page, "idle")
        await expect(page.locator("#lost")).to_be_visible()
        async with shop.served(), client_of(shop) as http:
            await expect(page.locator("#lost")).to_be_hidden()
            await http.post("/v1/baskets/1/scan", json={"code": MILK})
            await stage(page, "selling")


@pytest.mark.asyncio(loop_scope="function")
async def test_no_workstation_no_screen(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, shop.served(), client_of(shop) as http:
        assert (await http.get("/customer/7")).status_code == 404
        assert (await http.get("/customer/7/events")).status_code == 404


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Mei Lin", "Mei"),
        ("Lin, Mei", "Mei"),
        ("林美玲", "美玲"),
        ("Wang Mei 王美", "美"),
        ("林明", "明"),
        ("歐陽美玲", "美玲"),
        ("김민준", "민준"),
        ("Cher", "Cher"),
        ("林", "林"),
        ("", ""),
    ],
)
async def test_others_read_no_surname(name: str, first: str) -> None:
    assert given_name(name) == first
