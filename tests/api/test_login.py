"""The way in where the box asks for a token: its form, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gateway.api.scopes import EVERY, Grant
from tests.api.browser import browser_page
from tests.api.store import open_shop

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_the_token_of_the_box_opens_its_pages_and_a_wrong_one_does_not(chromium: Browser, tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        shop.tokens = {"s3cret": Grant("token_file", EVERY)}
        async with shop.served(), browser_page(chromium) as page:
            await page.goto(f"{shop.url}/till/1")
            await page.get_by_label("Token of this box").fill("wrong")
            await page.get_by_role("button", name="Open").click()
            await expect(page.get_by_role("alert")).to_have_text("That is not the token of this box.")
            await page.get_by_label("Token of this box").fill("s3cret")
            await page.get_by_role("button", name="Open").click()
            await expect(page.locator(".total .label")).to_have_text("Total")
