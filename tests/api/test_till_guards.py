"""Guards on the cashier's screen, in a real Chromium: ages, tare, and calls for somebody."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.api.browser import browser_page
from tests.api.store import PRICE_BOOK, client_of, open_shop
from tests.api.test_till_page import Screen, open_till, scan_elsewhere
from tests.people import STAFF

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

BEER = PRICE_BOOK[1].model_copy(update={"item_id": "90", "description": "Beer", "age_limit": 16})
RUM = PRICE_BOOK[1].model_copy(update={"item_id": "91", "description": "Rum", "age_limit": 18})


@contextlib.asynccontextmanager
async def open_bar(chromium: Browser, folder: Path) -> AsyncIterator[Screen]:
    async with open_till(chromium, folder) as screen:
        await screen.shop.fill_price_book([*PRICE_BOOK, BEER, RUM])
        yield screen


async def test_an_age_is_asked_for_by_itself_and_answered_by_one_key(chromium: Browser, tmp_path: Path) -> None:
    async with open_bar(chromium, tmp_path) as screen:
        panel = screen.page.locator("#panel")
        await screen.keys.key("90\n")
        await expect(panel).to_contain_text("Is the customer 16 or older?")
        # What a second scan brings is asked for in the same question.
        await scan_elsewhere(screen, "91")
        await expect(panel).to_contain_text("Is the customer 18 or older?")
        await expect(panel).to_contain_text("Rum")
        await screen.keys.press("y")
        await expect(panel).to_be_hidden()
        await expect(screen.box).to_be_focused()
        await screen.keys.press("F9")
        await expect(screen.page.locator(".total .label")).to_have_text("Change due")


async def test_no_takes_the_line_back_and_a_closed_question_can_be_opened_again(
    chromium: Browser, tmp_path: Path
) -> None:
    async with open_bar(chromium, tmp_path) as screen:
        panel = screen.page.locator("#panel")
        await screen.keys.key("11\n90\n")
        await expect(panel).to_contain_text("Beer")
        await screen.keys.press("Escape")
        await expect(panel).to_be_hidden()
        await screen.keys.press("F9")
        await expect(screen.notice).to_contain_text("is the customer 16 years old?")
        await screen.page.get_by_role("button", name="Age of the customer?").click()
        await screen.keys.press("n")
        await expect(panel).to_be_hidden()
        await expect(screen.lines.nth(1)).to_have_class("void")
        await expect(screen.total).to_have_text("€1.19")


async def test_a_date_of_birth_is_reckoned_line_by_line(chromium: Browser, tmp_path: Path) -> None:
    async with open_bar(chromium, tmp_path) as screen:
        panel = screen.page.locator("#panel")
        await screen.keys.key("90\n")
        await expect(panel).to_contain_text("Beer")
        await scan_elsewhere(screen, "91")
        await expect(panel).to_contain_text("Rum")
        seventeen = screen.shop.clock.local_date()
        await panel.locator("summary").click()
        await panel.get_by_label("As the document says").fill(f"{seventeen.year - 17}-01-01")
        await panel.get_by_role("button", name="Reckon the age").click()
        await expect(panel).to_be_hidden()
        await expect(screen.notice).to_contain_text("not sold to this customer: Rum")
        await expect(screen.lines.nth(0)).not_to_have_class("void")


async def test_a_scanner_that_types_answers_no_question(chromium: Browser, tmp_path: Path) -> None:
    async with open_bar(chromium, tmp_path) as screen:
        panel = screen.page.locator("#panel")
        await screen.keys.key("90\n")
        await expect(panel).to_contain_text("Beer")
        type_at_once = """text => { for (const key of text) document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true})) }"""
        await screen.page.evaluate(type_at_once, ["y", "1", "2", "y", "Enter"])
        await screen.page.evaluate("() => new Promise(done => setTimeout(done, 100))")
        await expect(panel).to_be_visible()
        assert screen.shop.lane.ages.waiting()


async def test_tare_comes_from_the_menu(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.press("F10", "0")
        await expect(screen.page.locator("#panel")).to_contain_text("Tare")
        await screen.keys.key("50\n")
        await expect(screen.page.locator("#panel")).to_be_hidden()
        await screen.keys.key("21\n")
        await screen.rung("0.400 kg x 2.49/kg")


async def test_a_call_stands_on_every_till_until_it_is_seen_to(chromium: Browser, tmp_path: Path) -> None:
    async with (
        open_shop(tmp_path, operators=STAFF, checkout=True) as shop,
        shop.served(),
        client_of(shop) as http,
        browser_page(chromium) as page,
    ):
        await http.post("/v1/baskets/1/sign-on", json={"operator_id": "anna", "pin": "1111"})
        await page.goto(f"{shop.url}/till/1")
        screen, calls = Screen(shop, page), page.locator("[data-part=attention]")
        await screen.keys.press("F10", "h")
        await screen.keys.key("coins\n")
        await expect(calls).to_contain_text("Somebody is called here: coins")
        await calls.get_by_role("button", name="It is seen to").click()
        await expect(calls).to_be_empty()

        await http.post("/v1/baskets/9/help", json={"text": "the bag tore"})
        await expect(calls).to_contain_text("Till 9 calls: the bag tore")
        await calls.get_by_role("button", name="It is seen to").click()
        await page.locator("#panel").get_by_label("Operator").fill("anna")
        await page.locator("#panel").get_by_label("PIN").fill("1111")
        await screen.keys.press("Enter")
        await expect(calls).to_be_empty()
        assert shop.lanes["9"].attention.call is None
