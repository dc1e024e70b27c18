"""Every page through axe-core in a real Chromium: nothing serious or critical, contrast included; and size to touch.

axe-core is installed from npm at set-up. It is run by the debugging protocol, which the pages' content policy does not
bind; the pages themselves stay as they are served.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.devices.host import TcpHost
from tests.api.browser import browser_page
from tests.api.card_store import open_card_shop
from tests.api.store import MILK, PRICE_BOOK, Shop, client_of
from tests.api.test_basket_offers import fill
from tests.people import STAFF

AXE = Path(__file__).parents[1] / "npm/node_modules/axe-core/axe.min.js"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not AXE.is_file() and "CI" not in os.environ, reason="run npm install in tests/npm first: axe-core"
    ),
]

BEER = PRICE_BOOK[1].model_copy(update={"item_id": "90", "description": "Beer", "age_limit": 16})
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"], runOnly: {type: "tag", values:
    ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})).violations
    .filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => ({rule: one.id, nodes: one.nodes.map(node => [node.target.join(" "), node.failureSummary])}))"""


class Store:
    def __init__(self, shop: Shop, host: TcpHost, page: Page, http: httpx.AsyncClient) -> None:
        self.shop, self.host, self.page, self.http = shop, host, page, http

    async def opens(self, path: str) -> None:
        await self.page.goto(f"{self.shop.url}{path}")

    async def post(self, path: str, **body: Any) -> None:
        (await self.http.post(path, json=body)).raise_for_status()

    async def is_accessible(self) -> None:
        """Nothing moves while axe looks: a fading colour has no contrast."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await self.page.evaluate(RUN)
        assert found == [], json.dumps(found, indent=1, ensure_ascii=False)

    async def targets(self, least_px: int, within: str = "body") -> None:
        for target in await self.page.locator(f"{within} :is(button, a, select, input):visible").all():
            shape = await target.evaluate("one => (one.closest('tr') || one).getBoundingClientRect().toJSON()")
            assert shape["height"] >= least_px, await target.evaluate("one => one.outerHTML")
            assert shape["width"] >= least_px, await target.evaluate("one => one.outerHTML")

    async def total_is_large(self) -> None:
        total = self.page.locator(".figure:visible").first
        assert await total.evaluate("one => parseFloat(getComputedStyle(one).fontSize)") >= 48


@contextlib.asynccontextmanager
async def store(chromium: Browser, folder: Path, width: int = 1280, height: int = 800) -> AsyncIterator[Store]:
    async with (
        open_card_shop(folder, operators=STAFF, checkout=True) as (shop, host),
        shop.served(),
        client_of(shop) as http,
        browser_page(chromium, width, height) as page,
    ):
        await shop.fill_price_book([*PRICE_BOOK, BEER])
        await fill(shop)
        shop.bag.grams = 0
        await http.post("/v1/baskets/1/sign-on", json={"operator_id": "anna", "pin": "1111"})
        yield Store(shop, host, page, http)


async def selling(at: Store, lane: str) -> None:
    await at.post(f"/v1/baskets/{lane}/member", phone="0912345678")
    for code in (MILK, "12", "31"):
        await at.post(f"/v1/baskets/{lane}/scan", code=code)


async def test_the_till_when_idle_and_selling(chromium: Browser, tmp_path: Path) -> None:
    async with store(chromium, tmp_path) as at:
        await at.opens("/till/1")
        await expect(at.page.locator(".done")).to_have_text("Ready")
        await at.is_accessible()
        await selling(at, "1")
        await at.post("/v1/baskets/1/void-line", line_number=2)
        await expect(at.page.locator(".prompt")).to_have_count(1)
        await expect(at.page.locator("tr.void")).to_have_count(1)
        await at.is_accessible()
        await at.targets(48)
        await at.total_is_large()
        await at.post("/v1/baskets/1/tender", amount_minor=5000)
        await expect(at.page.locator(".finished")).to_be_visible()
        await at.is_accessible()


@pytest.mark.parametrize(
    "panel", ["menu", "line?line=1", "sign-on", "session", "age", "tare", "member", "pay", "return"]
)
async def test_an_open_panel(chromium: Browser, tmp_path: Path, panel: str) -> None:
    async with store(chromium, tmp_path) as at:
        await selling(at, "1")
        await at.post("/v1/baskets/1/scan", code="90")
        await at.opens("/till/1")
        shown = at.page.locator("#panel")
        await expect(shown).to_contain_text("Is the customer 16 or older?")
        if panel != "age":
            await at.page.evaluate(
                """async name => {
                const {Panel} = await import("/static/panel.js");
                await new Panel(document.getElementById("panel"), "/till/1", "EUR", 2, () => {}).show(name); }""",
                panel,
            )
            await expect(shown).not_to_contain_text("Is the customer 16 or older?")
        await at.is_accessible()
        await at.targets(48, "#panel")


async def test_the_till_in_training_offline_and_called(chromium: Browser, tmp_path: Path) -> None:
    async with store(chromium, tmp_path) as at:
        suse = {"operator_id": "suse", "pin": "5555"}
        await at.post("/v1/baskets/1/training", on=True, authorisation=suse)
        await selling(at, "1")
        await at.post("/v1/baskets/9/help", text="the bag tore")
        await at.shop.goes(online=False)
        await at.opens("/till/1")
        await expect(at.page.locator(".banner.training")).to_be_visible()
        await expect(at.page.locator(".banner.offline")).to_be_visible()
        await expect(at.page.locator(".banner.call")).to_be_visible()
        await at.is_accessible()
        await at.targets(48)


async def test_the_till_while_a_card_is_asked_for(chromium: Browser, tmp_path: Path) -> None:
    async with store(chromium, tmp_path) as at:
        at.host.set("card_delay", "30")
        await selling(at, "1")
        await at.post("/v1/baskets/1/tender", tender_type="Card")
        await at.opens("/till/1")
        await expect(at.page.locator(".banner.paying")).to_be_visible()
        await at.is_accessible()
        await at.opens("/customer/1")
        await expect(at.page.locator("body")).to_have_attribute("data-stage", "paying")
        await at.is_accessible()


async def test_the_technicians_page(chromium: Browser, tmp_path: Path) -> None:
    async with store(chromium, tmp_path) as at:
        await at.opens("/technician")
        await expect(at.page.locator("h1")).to_have_text("Devices")
        await at.is_accessible()


@pytest.mark.parametrize(("width", "height"), [(800, 480), (1280, 800)])
async def test_the_customers_screen(chromium: Browser, tmp_path: Path, width: int, height: int) -> None:
    async with store(chromium, tmp_path, width, height) as at:
        await at.opens("/customer/1")
        body = at.page.locator("body")
        await expect(body).to_have_attribute("data-stage", "idle")
        await at.is_accessible()
        await selling(at, "1")
        await expect(body).to_have_attribute("data-stage", "selling")
        await expect(at.page.locator(".lines li")).to_have_count(3)
        await at.is_accessible()
        await at.total_is_large()
        await at.targets(48)
        await at.post("/v1/baskets/1/tender", amount_minor=5000)
        await expect(body).to_have_attribute("data-stage", "thanks")
        await at.is_accessible()


async def test_a_self_checkout_and_what_opens_over_it(chromium: Browser, tmp_path: Path) -> None:
    async with store(chromium, tmp_path) as at:
        page = at.page
        await at.opens("/self-checkout/9")
        await expect(page.locator("body")).to_have_attribute("data-stage", "idle")
        await at.is_accessible()
        await selling(at, "9")
        await expect(page.locator(".offer")).to_be_visible()
        await at.is_accessible()
        await at.targets(64)
        await at.total_is_large()
        await page.locator(".keys [data-do=find]").click()
        await expect(page.locator("#found button")).to_have_count(1)
        await at.is_accessible()
        await page.keyboard.press("Escape")
        await at.post("/v1/baskets/9/scan", code="90")
        await page.locator(".goods [data-do=attendant]").click()
        await expect(page.locator("#attendant")).to_be_visible()
        await at.is_accessible()
        await page.keyboard.press("Escape")
        at.shop.bag.grams = -1000
        for _ in range(3):
            await at.http.post("/v1/baskets/9/scan", json={"code": MILK})
        await expect(page.locator("#blocked")).to_be_visible()
        await at.is_accessible()
