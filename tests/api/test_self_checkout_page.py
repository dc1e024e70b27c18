"""A self-checkout in a real Chromium: a customer by touch alone, and the attendant who is called."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.devices.host import TcpHost
from tests.api.browser import browser_page
from tests.api.card_store import loses_the_answer, open_card_shop
from tests.api.store import MILK, PRICE_BOOK, Shop, client_of, open_shop
from tests.api.test_basket_offers import fill
from tests.people import STAFF
from tests.shop import until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

BEER = PRICE_BOOK[1].model_copy(update={"item_id": "90", "description": "Beer", "age_limit": 16})
LANE = "/v1/baskets/9"


class Kiosk:
    """The page of lane 9, and what its customer and its attendant do there."""

    def __init__(self, shop: Shop, page: Page, http: httpx.AsyncClient) -> None:
        self.shop, self.page, self.http = shop, page, http
        self.lines = page.locator(".lines li")
        self.notice = page.locator("[data-part=notice] .notice")
        self.blocked, self.attendant = page.locator("#blocked"), page.locator("#attendant")

    async def tap(self, name: str, within: str = "body") -> None:
        await self.page.locator(within).get_by_role("button", name=name, exact=True).tap()

    async def scan(self, code: str) -> httpx.Response:
        return await self.http.post(f"{LANE}/scan", json={"code": code})

    async def stage(self, wanted: str) -> None:
        await expect(self.page.locator("body")).to_have_attribute("data-stage", wanted)

    async def calls(self) -> list[str]:
        return [one["text"] for one in (await self.http.get("/v1/calls")).json()["calls"]]

    async def sign(self, operator: str, pin: str) -> None:
        await self.attendant.get_by_label("Operator").fill(operator)
        await self.attendant.get_by_label("PIN").fill(pin)


@contextlib.asynccontextmanager
async def kiosk_of(shop: Shop, chromium: Browser, width: int = 1280, height: int = 800) -> AsyncIterator[Kiosk]:
    await shop.fill_price_book([*PRICE_BOOK, BEER])
    shop.bag.grams = 0
    async with shop.served(), client_of(shop) as http, browser_page(chromium, width, height, touch=True) as page:
        await fill(shop)
        await page.clock.install()
        await page.goto(f"{shop.url}/till/9")
        await expect(page).to_have_url(f"{shop.url}/self-checkout/9")
        yield Kiosk(shop, page, http)


@contextlib.asynccontextmanager
async def open_kiosk(chromium: Browser, folder: Path, **page_options: int) -> AsyncIterator[Kiosk]:
    async with (
        open_shop(folder, operators=STAFF, checkout=True) as shop,
        kiosk_of(shop, chromium, **page_options) as kiosk,
    ):
        yield kiosk


@contextlib.asynccontextmanager
async def open_card_kiosk(chromium: Browser, folder: Path) -> AsyncIterator[tuple[Kiosk, TcpHost]]:
    async with (
        open_card_shop(folder, operators=STAFF, checkout=True) as (shop, host),
        kiosk_of(shop, chromium) as kiosk,
    ):
        yield kiosk, host


async def test_a_customer_buys_by_touch_and_an_attendant_helps(chromium: Browser, tmp_path: Path) -> None:
    async with open_card_kiosk(chromium, tmp_path) as (kiosk, _):
        page, bag = kiosk.page, kiosk.shop.bag
        await kiosk.stage("idle")
        await expect(page.locator(".welcome")).to_contain_text("Scan your first article")

        # Goods by weight stand there without a word typed.
        await kiosk.tap("Choose an article", ".welcome")
        await page.locator("#find").get_by_role("button", name="Bananas").tap()
        await expect(page.locator("#weigh")).to_contain_text("Put it on the scale")
        await kiosk.tap("Weigh", "#weigh")
        await expect(kiosk.lines).to_contain_text("0.450 kg x 2.49/kg")
        await expect(page.locator(".hint")).to_contain_text("Put it into the bag: Bananas")
        bag.grams = 450

        # Of the store's wallets the one that the terminal takes; the other takes somebody to read it.
        await expect(page.locator("[data-pay]")).to_have_text(["Pay by card", "Pay with alipay"])

        # An offer is taken by a touch.
        (await kiosk.scan(MILK)).raise_for_status()
        await expect(page.locator(".offer")).to_contain_text("one more milk")
        await kiosk.tap("Add", ".offers")
        await expect(kiosk.lines).to_have_count(3)
        await expect(page.locator(".saved")).to_have_text("You save €0.60")

        # Beer: nothing is paid before an attendant looked.
        (await kiosk.scan("90")).raise_for_status()
        await expect(page.locator(".banner.call")).to_contain_text("An attendant looks at your age first")
        await expect(page.get_by_role("button", name="Pay by card")).to_be_disabled()
        await until_called(kiosk, "age of the customer: Beer")
        await kiosk.tap("Attendant", ".goods")
        await kiosk.sign("anna", "1111")
        await kiosk.tap("Old enough", "#attendant")
        await expect(kiosk.attendant).to_be_hidden()
        await expect(page.locator(".banner.call")).to_have_count(0)
        assert await kiosk.calls() == []

        # The bag is too light: asked twice, then the lane waits.
        bag.grams = 0
        for _ in range(2):
            await kiosk.scan("12")
            await expect(kiosk.notice).to_have_text("Put the article into the bag")
        await kiosk.scan("12")
        await expect(kiosk.blocked).to_be_visible()
        await expect(kiosk.blocked).to_contain_text("The bag does not weigh what was scanned.")
        await page.keyboard.press("Escape")
        await expect(kiosk.blocked).to_be_visible()
        await kiosk.tap("Attendant", "#blocked")
        await kiosk.sign("anna", "9999")
        await kiosk.tap("The bag is right", "#attendant")
        await expect(kiosk.attendant.get_by_role("alert")).to_contain_text("PIN")
        await kiosk.sign("anna", "1111")
        await kiosk.tap("The bag is right", "#attendant")
        await expect(kiosk.blocked).to_be_hidden()

        await kiosk.tap("Pay by card", ".pays")
        await kiosk.stage("thanks")
        await expect(page.locator(".thanks")).to_contain_text("S0421/9/1")
        await page.clock.fast_forward(21_000)
        await kiosk.stage("idle")
        assert kiosk.shop.outbox.position().unacked >= 1


async def until_called(kiosk: Kiosk, text: str) -> None:
    await until(lambda: (call := kiosk.shop.lanes["9"].attention.call) is not None and call.text == text)


async def test_help_stands_on_the_cashiers_screen_and_stops_nothing(chromium: Browser, tmp_path: Path) -> None:
    async with open_kiosk(chromium, tmp_path) as kiosk:
        (await kiosk.scan(MILK)).raise_for_status()
        await kiosk.tap("Help")
        await expect(kiosk.page.locator(".banner.call")).to_contain_text("An attendant is on the way")
        await kiosk.http.post("/v1/baskets/1/sign-on", json={"operator_id": "anna", "pin": "1111"})
        async with browser_page(chromium) as till:
            await till.goto(f"{kiosk.shop.url}/till/1")
            await expect(till.locator("[data-part=attention]")).to_contain_text("Till 9 calls")
            # The attendant may look at that lane's sale from here, too.
            await till.get_by_role("link", name="Till 9").first.click()
            await expect(till).to_have_url(f"{kiosk.shop.url}/till/9?attendant")
            await expect(till.locator("tbody tr")).to_have_count(1)
        (await kiosk.scan("12")).raise_for_status()
        await expect(kiosk.lines).to_have_count(2)
        await kiosk.page.locator(".out").first.tap()
        await expect(kiosk.lines).to_have_count(1)


async def test_a_basket_that_is_left_is_asked_for_then_told_and_never_voided(chromium: Browser, tmp_path: Path) -> None:
    async with open_kiosk(chromium, tmp_path) as kiosk:
        still, clock = kiosk.page.locator("#still"), kiosk.page.clock
        (await kiosk.scan(MILK)).raise_for_status()
        await expect(kiosk.lines).to_have_count(1)
        await clock.fast_forward(59_000)
        await expect(still).to_be_hidden()
        await clock.fast_forward(2_000)
        await expect(still).to_be_visible()
        await kiosk.tap("Yes, go on", "#still")
        await expect(still).to_be_hidden()
        assert await kiosk.calls() == []
        await clock.fast_forward(61_000)
        await expect(still).to_be_visible()
        await clock.fast_forward(31_000)
        await until_called(kiosk, "the basket was left")
        await expect(still).to_be_hidden()
        # However long nobody comes: the goods stay on the screen.
        await clock.fast_forward(600_000)
        await expect(kiosk.lines).to_have_count(1)
        assert kiosk.shop.lanes["9"].basket.state == "selling"


async def test_a_language_is_this_customers_only(chromium: Browser, tmp_path: Path) -> None:
    async with open_card_kiosk(chromium, tmp_path) as (kiosk, _):
        page = kiosk.page
        await page.get_by_role("link", name="繁體中文").tap()
        await expect(page.locator(".welcome")).to_contain_text("歡迎")
        (await kiosk.scan("12")).raise_for_status()
        await expect(page.locator(".sums .label")).to_have_text("合計")
        await page.locator("[data-pay=Card]").tap()
        await kiosk.stage("thanks")
        await page.clock.fast_forward(21_000)
        await expect(page).to_have_url(f"{kiosk.shop.url}/self-checkout/9")
        await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_starting_again_asks_first_and_no_cash_is_offered_without_a_drawer(
    chromium: Browser, tmp_path: Path
) -> None:
    async with open_kiosk(chromium, tmp_path) as kiosk:
        (await kiosk.scan(MILK)).raise_for_status()
        await kiosk.tap("Start again", ".keys")
        await kiosk.tap("No, go on", "#cancel")
        await expect(kiosk.lines).to_have_count(1)
        await expect(kiosk.page.locator("[data-do=ask-cash], [data-pay]")).to_have_count(0)
        await expect(kiosk.page.locator(".pays")).to_contain_text("Nothing can be paid here")
        await kiosk.tap("Start again", ".keys")
        await kiosk.tap("Yes, start again", "#cancel")
        await kiosk.stage("idle")


async def test_an_article_is_found_by_touching_letters_and_by_its_number(chromium: Browser, tmp_path: Path) -> None:
    async with open_kiosk(chromium, tmp_path) as kiosk:
        find = kiosk.page.locator("#find")
        await kiosk.tap("Choose an article", ".welcome")
        for letter in "BUT":
            await find.locator(f"[data-key={letter.lower()}]").tap()
        await find.get_by_role("button", name="Salted butter").tap()
        await expect(kiosk.lines).to_contain_text("Salted butter")
        await kiosk.tap("Choose an article", ".keys")
        for digit in "12":
            await find.locator(f"[data-key='{digit}']").tap()
        await find.get_by_role("button", name="Rye bread").tap()
        await expect(kiosk.lines).to_have_count(2)


async def test_an_unknown_payment_is_decided_by_an_attendant_with_his_pin(chromium: Browser, tmp_path: Path) -> None:
    async with open_card_kiosk(chromium, tmp_path) as (kiosk, host):
        host.set("cut", "after_keep")
        (await kiosk.scan("12")).raise_for_status()
        await kiosk.tap("Pay by card", ".pays")
        await loses_the_answer(host)
        await kiosk.stage("unknown")
        await until_called(kiosk, "the outcome of a payment is not known")
        await kiosk.tap("Attendant", "main")
        await kiosk.sign("anna", "0000")
        await kiosk.attendant.get_by_label("What the terminal or its slip shows").fill("slip 17 says approved")
        await kiosk.tap("Paid", "#attendant")
        await expect(kiosk.attendant.get_by_role("alert")).to_contain_text("PIN")
        assert kiosk.shop.lanes["9"].basket.state == "unknown", "not without a PIN"
        await kiosk.sign("anna", "1111")
        await kiosk.tap("Paid", "#attendant")
        await kiosk.stage("thanks")


@pytest.mark.parametrize(("width", "height"), [(800, 480), (1280, 800), (768, 1024)])
async def test_nothing_is_too_small_to_touch_or_off_the_screen(
    chromium: Browser, tmp_path: Path, width: int, height: int
) -> None:
    async with open_kiosk(chromium, tmp_path, width=width, height=height) as kiosk:
        page = kiosk.page
        await all_targets(page, "main")
        (await kiosk.scan(MILK)).raise_for_status()
        (await kiosk.scan("32")).raise_for_status()
        await expect(kiosk.lines).to_have_count(2)
        await all_targets(page, "body")
        total = page.locator(".sums .figure")
        assert await total.evaluate("one => parseFloat(getComputedStyle(one).fontSize)") >= 48
        await kiosk.tap("Choose an article", ".keys")
        await expect(page.locator("#found button")).to_have_count(1)
        await all_targets(page, "#find")


async def all_targets(page: Page, within: str) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for target in await page.locator(f"{within} :is(button, a, input):visible").all():
        shape = await target.evaluate("one => one.getBoundingClientRect().toJSON()")
        assert shape["height"] >= 64, await target.text_content()
        assert shape["width"] >= 64, await target.text_content()
