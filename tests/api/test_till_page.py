"""The cashier's screen in a real Chromium: what a cashier does and sees."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, Route, expect

from retail.wire.rows import OperatorRow
from tests.api.browser import Keys, browser_page
from tests.api.store import EVIL, MILK, Shop, open_shop
from tests.devices.shop import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


class Screen:
    """A shop, its till's page, and the parts of it that a cashier looks at."""

    def __init__(self, shop: Shop, page: Page) -> None:
        self.shop, self.page, self.keys = shop, page, Keys(page)
        self.total = page.locator(".figure")
        self.lines = page.locator("tbody tr")
        self.notice = page.locator(".messages .notice:visible")
        self.box = page.locator("#box")
        self.question = page.locator("#question")
        self.banner = page.locator("[data-part=banner]")

    async def beeps(self) -> int:
        return int(await self.page.evaluate("window.beeps"))

    async def rung(self, *descriptions: str) -> None:
        await expect(self.lines).to_have_count(len(descriptions))
        for index, description in enumerate(descriptions):
            await expect(self.lines.nth(index)).to_contain_text(description)


@contextlib.asynccontextmanager
async def open_till(
    chromium: Browser, folder: Path, operators: Sequence[OperatorRow] = (), **page_options: Any
) -> AsyncIterator[Screen]:
    async with (
        open_shop(folder, operators=operators) as shop,
        shop.served(),
        browser_page(chromium, **page_options) as page,
    ):
        await page.goto(f"{shop.url}/")
        await expect(page).to_have_url(f"{shop.url}/till/1")
        yield Screen(shop, page)


async def scan_elsewhere(screen: Screen, code: str) -> httpx.Response:
    """As a shop's own program does, or the daemon for its scanner: not through this page."""
    async with httpx.AsyncClient(base_url=screen.shop.url) as client:
        return await client.post("/v1/baskets/1/scan", json={"code": code})


async def test_three_items_for_cash_take_at_most_twelve_keys(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("11\n12\n13\n")
        await screen.keys.press("F9")
        await expect(screen.page.locator(".label")).to_have_text("Change due")
        await expect(screen.total).to_have_text("€0.00")
        await expect(screen.page.locator(".total")).to_contain_text("Receipt S0421/1/1")
        assert screen.keys.pressed <= 12
        assert screen.shop.outbox.position().unacked == 1
        size = await screen.total.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
        assert size >= 48


async def test_scanned_items_need_one_key_and_appear_by_themselves(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        for _ in range(3):
            (await scan_elsewhere(screen, MILK)).raise_for_status()
        await screen.rung(*["Whole milk"] * 3)
        await expect(screen.total).to_have_text("€3.57")
        await screen.keys.press("+")
        await expect(screen.page.locator(".label")).to_have_text("Change due")
        assert screen.keys.pressed == 1
        # The next scan begins the next sale.
        await scan_elsewhere(screen, MILK)
        await screen.rung("Whole milk")
        await expect(screen.page.locator(".label")).to_have_text("Total")


async def test_an_unknown_code_is_red_and_beeps_each_time(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        # What others scan is shown, so the page hears of it.
        (await scan_elsewhere(screen, MILK)).raise_for_status()
        await screen.rung("Whole milk")
        await screen.keys.key("999\n")
        await expect(screen.notice).to_have_text("unknown item: 999")
        await expect(screen.notice).to_have_class("notice error")
        assert await screen.beeps() == 1
        # One mistake beeps once, within 400 ms. The same again later, and not by this page's keyboard: it reads the
        # same, and must be heard.
        await screen.page.evaluate("new Promise((done) => setTimeout(done, 450))")
        assert (await scan_elsewhere(screen, "999")).status_code == 422
        async with asyncio.timeout(10):
            while await screen.beeps() < 2:
                await asyncio.sleep(0.05)
        await screen.keys.press("Escape")
        await expect(screen.notice).to_have_count(0)
        await screen.keys.key("12\n")
        await screen.rung("Whole milk", "Rye bread")
        assert await screen.beeps() == 2


async def test_an_items_name_is_shown_as_text(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("31\n")
        await expect(screen.page.locator("button.line")).to_contain_text(EVIL)
        assert await screen.page.locator(".lines script, .lines td b").count() == 0
        await screen.keys.key("bold")
        await expect(screen.page.locator("#matches b")).to_have_text(EVIL)


async def test_the_last_line_goes_by_a_key_and_any_line_by_a_touch(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("11\n12\n13\n")
        await screen.rung("Whole milk", "Rye bread", "Salted butter")
        await screen.keys.press("F2")
        await expect(screen.lines.nth(2)).to_have_class("void")
        await expect(screen.total).to_have_text("€4.68")
        # The amount is part of the line too.
        panel = screen.page.locator("#panel")
        await screen.lines.nth(0).locator("td").nth(2).click(force=True)
        await expect(panel).to_contain_text("Why it costs what it costs")
        await screen.keys.press("Escape")
        await expect(panel).to_be_hidden()
        await screen.lines.nth(0).click()
        await panel.get_by_role("button", name="Void this line").click()
        await expect(panel).to_be_hidden()
        await expect(screen.lines.nth(0)).to_have_class("void")
        await expect(screen.total).to_have_text("€3.49")


async def test_a_sale_is_voided_only_after_a_second_yes_that_no_scanner_sends(
    chromium: Browser, tmp_path: Path
) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("11\n12\n")
        await screen.rung("Whole milk", "Rye bread")
        await screen.keys.press("Shift+Delete")
        await expect(screen.question).to_contain_text("Void the whole sale, 2 lines?")
        await screen.keys.key("13\n")
        await screen.rung("Whole milk", "Rye bread", "Salted butter")
        await expect(screen.question).to_be_hidden()
        await screen.keys.press("Shift+Delete", "Shift+Delete")
        await expect(screen.page.locator(".done")).to_have_text("Ready")


@pytest.mark.parametrize("typed", ["3x13\n", "3x\n13\n", "3*13\n", "3X\n13\n"])
async def test_a_quantity_comes_first(chromium: Browser, tmp_path: Path, typed: str) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key(typed)
        await screen.rung("3 x 2.29")
        await expect(screen.total).to_have_text("€6.87")


async def test_a_large_quantity_asks_and_no_item_is_rung_without_it(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("120x11\n")
        await expect(screen.notice).to_contain_text("11 was not rung: key the quantity again to confirm 120")
        await screen.keys.key("120x")
        await expect(screen.page.locator(".times")).to_contain_text("120 ×")
        await screen.keys.key("11\n")
        await screen.rung("120 x 1.19")
        await screen.keys.key("0x")
        await expect(screen.notice).to_contain_text("0 is no quantity")
        await screen.keys.press("Escape")
        await screen.keys.key("12\n")
        await screen.rung("120 x 1.19", "1 x 3.49")


async def test_cash_received_gives_change(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("12\n5+")
        await expect(screen.total).to_have_text("€1.51")
        await screen.keys.key("12\n2,5+")
        await expect(screen.page.locator(".label")).to_have_text("Still due")
        await expect(screen.total).to_have_text("€0.99")
        await screen.keys.key("1.00")
        await screen.keys.press("F9")
        await expect(screen.total).to_have_text("€0.01")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("1.2.3", "1.2.3 is no amount"),
        ("1.999", "EUR has 2 decimals"),
        ("milk", "milk is no amount"),
        (MILK, "was a bar code keyed?"),
        (".", ". is no amount"),
    ],
)
async def test_what_is_no_amount_pays_nothing(chromium: Browser, tmp_path: Path, typed: str, says: str) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await screen.keys.key(typed)
        await screen.keys.press("F9")
        await expect(screen.notice).to_contain_text(says)
        assert screen.shop.lane.basket.state == "selling"
        # It stays marked: what is keyed next takes its place.
        await screen.keys.key("2+")
        await expect(screen.total).to_have_text("€0.81")


async def test_amounts_are_exact_in_any_currency(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        read = """async ([text, decimals]) =>
            (await import("/static/entry.js")).amount(text, "XXX", decimals).minor ?? null"""
        for text, decimals, minor in (
            ("20", 2, 2000),
            ("0.29", 2, 29),
            ("1,1", 2, 110),
            ("1.15", 3, 1150),
            ("123456789.99", 2, 12345678999),
            ("100", 0, 100),
            ("100.5", 0, None),
            ("1,000.00", 2, None),
            ("-5", 2, None),
            ("1e3", 2, None),
            ("٣", 2, None),
        ):
            assert await screen.page.evaluate(read, [text, decimals]) == minor, text


async def test_a_scanner_that_types_a_plus_pays_nothing(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        type_at_once = """text => { for (const key of text) {
            const event = new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true});
            const box = document.getElementById("box");
            if (box.dispatchEvent(event) && key.length === 1) box.value += key;
        } }"""
        await screen.page.evaluate(type_at_once, "+A123")
        await expect(screen.box).to_have_value("+A123")
        await screen.keys.press("Enter")
        await expect(screen.notice).to_contain_text("unknown item: +A123")
        assert screen.shop.lane.basket.state == "selling"


async def test_an_item_is_found_by_part_of_its_name(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        options = screen.page.locator("#matches").get_by_role("option")
        await screen.keys.key("card")
        await expect(options).to_have_count(8)
        await screen.keys.press("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp")
        await expect(options.nth(7)).to_have_attribute("aria-selected", "true")
        await screen.keys.press("Enter")
        await screen.rung("Greeting card no. 77")
        await expect(options).to_have_count(0)
        await screen.keys.key("butt")
        await options.first.click()
        await screen.rung("Greeting card", "Salted butter")
        await expect(screen.box).to_be_focused()


async def test_typing_goes_to_the_box_whatever_has_the_focus(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.page.get_by_role("link", name="Devices").focus()
        await screen.keys.key("12\n")
        await screen.rung("Rye bread")
        await screen.page.locator("body").click(position={"x": 5, "y": 790})
        await expect(screen.box).to_be_focused()


async def test_while_it_weighs_the_screen_says_so(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        screen.shop.scale.settled.clear()
        await screen.keys.key("21\n")
        await expect(screen.notice).to_contain_text("Weighing…")
        await expect(screen.lines).to_have_count(0)
        screen.shop.scale.settled.set()
        await screen.rung("0.450 kg x 2.49/kg")
        await expect(screen.notice).to_have_count(0)


async def test_the_newest_line_is_in_sight(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        for number in range(70, 90):
            await screen.shop.lane.enter(str(number), method="keyed")
        await expect(screen.lines).to_have_count(20)
        await expect(screen.lines.last).to_be_in_viewport(ratio=0.9)


async def test_offline_is_unmistakable_and_goes_away(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await expect(screen.banner).to_be_empty()
        await screen.shop.goes(online=False)
        await expect(screen.banner).to_contain_text("Offline: 0 sales wait for headquarters; selling goes on")
        for waiting in (1, 2):
            await screen.keys.key("11\n+")
            words = "1 sale waits" if waiting == 1 else "2 sales wait"
            await expect(screen.banner).to_contain_text(f"Offline: {words} for headquarters; selling goes on")
        await expect(screen.banner).to_contain_text("What still works: scanning, prices, cash, weighing, receipts")
        await screen.shop.goes(online=True)
        await expect(screen.banner).to_be_empty()
        standing = screen.page.locator("[data-part=standing]")
        await expect(standing).to_contain_text("2 sales not yet at headquarters")
        await screen.shop.headquarters_books_all()
        await expect(standing).to_have_text("● Online")


async def test_the_page_recovers_when_the_box_comes_back(chromium: Browser, tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, browser_page(chromium) as page:
        screen = Screen(shop, page)
        async with shop.served():
            await page.goto(f"{shop.url}/till/1")
            await screen.keys.key("11\n")
            await screen.rung("Whole milk")
        await expect(page.locator("#lost")).to_have_text("Connection to the box lost, reconnecting…")
        await screen.keys.key("12\n")
        await expect(screen.notice).to_contain_text("No answer from the box")
        async with shop.served():
            await expect(page.locator("#lost")).to_be_hidden()
            await screen.keys.key("13\n")
            await screen.rung("Whole milk", "Salted butter")


async def test_a_command_that_never_reached_the_till_is_explained(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.page.route("**/v1/baskets/1/scan", lambda route: route.abort())
        await screen.keys.key("11\n")
        await expect(screen.notice).to_contain_text("No answer from the box: look at the lines")
        assert await screen.beeps() == 1


@pytest.mark.parametrize("width", [360, 1280])
async def test_touch_alone_can_sell_and_nothing_is_too_small_or_off_the_screen(
    chromium: Browser, tmp_path: Path, width: int
) -> None:
    async with open_till(chromium, tmp_path, width=width, height=740, touch=True) as screen:
        page = screen.page
        for key in ("[data-type='1']", "[data-type='2']", "[data-act=enter]"):
            await page.locator(key).tap()
        await screen.rung("Rye bread")
        await page.locator("[data-type='3']").tap()
        await page.locator("[data-act=times]").tap()
        await screen.keys.key("32\n")
        await screen.rung("Rye bread", "Donaudampfschiff")
        await scan_elsewhere(screen, "nothing-like-it-" * 3)
        await screen.shop.goes(online=False)
        await expect(screen.notice).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for button in await page.locator("button:visible").all():
            shape = await button.evaluate(
                "one => (one.closest('tr') || one).getBoundingClientRect().toJSON()",
            )
            assert shape["height"] >= 48, await button.text_content()
            assert shape["width"] >= 48, await button.text_content()
        await page.locator("[data-act=pay]").tap()
        await until(lambda: screen.shop.lane.last)


async def test_the_page_speaks_the_language_that_its_reader_chose(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        page = screen.page
        await screen.keys.key("11\n")
        await page.get_by_label("Language").select_option("zh-TW")
        await expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
        await expect(page.locator(".total .label")).to_have_text("合計")
        # What its scripts say, too; and the sale is the one that was open.
        await screen.keys.key("1.234")
        await screen.keys.press("F9")
        await expect(page.locator("#said")).to_contain_text("1.234：EUR 有 2 位小數")
        await expect(page.locator("[data-part=lines]")).to_contain_text("Whole milk 1 l")
        # What the till refuses: what it is about in the reader's language, which one in brackets.
        await screen.keys.press("Escape")
        await screen.keys.key("999\n")
        await expect(page.locator("[data-part=notice]")).to_have_text("查無此商品。 (unknown item: 999)")
        # Another browser is asked nothing and told nothing.
        await page.context.clear_cookies()
        await page.reload()
        await expect(page.locator(".total .label")).to_have_text("Total")


async def test_keys_before_the_page_is_ready_do_what_they_do_after(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        shown, may_go_on = asyncio.Event(), asyncio.Event()

        async def late(route: Route) -> None:
            shown.set()
            await may_go_on.wait()
            await route.continue_()

        await screen.page.route("**/words.js*", late)
        await screen.page.reload(wait_until="commit")
        await asyncio.wait_for(shown.wait(), 10)
        await screen.keys.key("11\n3x12\n13\n")
        await screen.keys.press("F2", "F10", "h")
        await screen.keys.key("coins\n")
        may_go_on.set()
        await expect(screen.total).to_have_text("€11.66")
        await expect(screen.page.locator("[data-part=attention]")).to_contain_text("Somebody is called here: coins")
