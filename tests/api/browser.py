"""A headless Chromium that looks at a shop's pages, and complains of whatever the page itself complains of."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: counts the beeps, which nobody hears in a test
COUNT_BEEPS = """
window.beeps = 0;
const made = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.beeps += 1; return made.call(this); };
"""
#: lines that Chromium itself writes for each answer that is not 2xx, and for each broken line
EXPECTED = ("Failed to load resource", "net::ERR_")


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def browser_page(
    browser: Browser, width: int = 1280, height: int = 800, *, touch: bool = False
) -> AsyncIterator[Page]:
    """A page; at the end, no script of it may have failed and the content policy must have refused nothing."""
    complaints: list[str] = []
    page = await browser.new_page(viewport=ViewportSize(width=width, height=height), has_touch=touch)
    page.set_default_timeout(10_000)
    await page.add_init_script(COUNT_BEEPS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    try:
        yield page
    finally:
        await page.close()
    assert [line for line in complaints if not any(words in line for words in EXPECTED)] == []


class Keys:
    """The keyboard of a cashier, with a counter."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.pressed = 0

    async def press(self, *names: str) -> None:
        for name in names:
            self.pressed += 1
            await self._page.keyboard.press(name)

    async def key(self, text: str) -> None:
        """One key a character; \\n is Enter."""
        await self.press(*("Enter" if character == "\n" else character for character in text))
