"""The technician's page in a real Chromium, over real sessions and pretend devices."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from gateway import drivers
from gateway.devices.host import Host, TcpHost
from gateway.devices.manager import Manager
from tests.api.browser import browser_page
from tests.api.store import Shop, client_of, open_shop
from tests.devices.shop import QUICK, device, is_online, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


class Bench:
    def __init__(self, shop: Shop, page: Page, hosts: dict[str, Host]) -> None:
        self.shop, self.page, self.hosts = shop, page, hosts

    def card(self, name: str) -> Locator:
        return self.page.locator(f"section[data-device={name}]")

    def log(self, name: str) -> Locator:
        return self.card(name).locator(".entries")


@contextlib.asynccontextmanager
async def open_bench(chromium: Browser, folder: Path, width: int = 1280) -> AsyncIterator[Bench]:
    async with contextlib.AsyncExitStack() as stack:
        manager = Manager(back_off=QUICK)
        hosts: dict[str, Host] = {}
        for name, driver in (
            ("scanner-1", "scanner-line"),
            ("scale-1", "scale-toledo-8217"),
            ("printer-1", "printer-escpos"),
        ):
            hosts[name] = await stack.enter_async_context(TcpHost(device(driver)))
            manager.add(name, drivers.load(driver), hosts[name].url)
        manager.add("drawer-1", drivers.load("drawer-kick"), "via://printer-1")
        running = asyncio.create_task(manager.run())
        try:
            for name in manager.sessions:
                await until(is_online(manager.session(name)))
            shop = await stack.enter_async_context(open_shop(folder, manager.sessions))
            await stack.enter_async_context(shop.served())
            page = await stack.enter_async_context(browser_page(chromium, width))
            await page.goto(f"{shop.url}/technician")
            yield Bench(shop, page, hosts)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_each_device_shows_its_state_in_words_and_its_bytes_as_they_come(
    chromium: Browser, tmp_path: Path
) -> None:
    async with open_bench(chromium, tmp_path) as bench:
        await expect(bench.page.locator("section[data-device]")).to_have_count(4)
        card = bench.card("scanner-1")
        await expect(card).to_contain_text("online")
        await expect(card).to_contain_text(bench.hosts["scanner-1"].url)
        bench.hosts["scanner-1"].set("aim", "]E0")
        bench.hosts["scanner-1"].set("scan", "4006381333931")
        await expect(bench.log("scanner-1")).to_contain_text("5d 45 30 34 30 30 36")
        await expect(bench.log("scanner-1")).to_contain_text("]E04006381333931·")
        await expect(bench.log("scanner-1")).to_contain_text("scan '4006381333931' ]E0")
        await expect(card.locator(".statistics")).to_contain_text(re.compile(r"GoodScanCount\s*1"))


async def test_what_a_label_says_is_text(chromium: Browser, tmp_path: Path) -> None:
    async with open_bench(chromium, tmp_path) as bench:
        bench.hosts["scanner-1"].set("scan", "<img src=x onerror=alert(1)>")
        await expect(bench.log("scanner-1").locator("code")).to_contain_text("<img src=x onerror=alert(1)>")
        assert await bench.page.locator("img").count() == 0


async def test_tests_show_their_result(chromium: Browser, tmp_path: Path) -> None:
    async with open_bench(chromium, tmp_path) as bench:
        bench.hosts["scale-1"].set("grams", "1234")
        await bench.card("scale-1").get_by_role("button", name="Weigh").click()
        await expect(bench.card("scale-1").locator("output")).to_contain_text("✓ Weigh: 1234 g, stable")
        await expect(bench.card("scale-1").locator("dl").first).to_contain_text(re.compile(r"1234 g.*s ago", re.DOTALL))
        await bench.card("printer-1").get_by_role("button", name="Test print").click()
        await expect(bench.card("printer-1").locator("output")).to_contain_text("✓ Test print: done in")
        await bench.card("drawer-1").get_by_role("button", name="Open drawer").click()
        await expect(bench.card("drawer-1").locator("output")).to_contain_text("✓ Open drawer: done in")
        await expect(bench.card("drawer-1").locator("dl").first).to_contain_text("open")


async def test_a_fault_is_told_in_full_with_what_to_do_and_then_as_mended(chromium: Browser, tmp_path: Path) -> None:
    async with open_bench(chromium, tmp_path) as bench:
        bench.hosts["printer-1"].set("paper_out", "yes")
        await bench.card("printer-1").get_by_role("button", name="Test print").click()
        await expect(bench.card("printer-1").locator("output")).to_contain_text("put in a new roll")
        await bench.hosts["scale-1"].unplug()
        fault = bench.card("scale-1").locator(".fault")
        await expect(bench.card("scale-1").locator(".power")).to_contain_text("off: no answer")
        await expect(fault).to_contain_text(re.compile("Error: .+; .+"))
        await bench.hosts["scale-1"].plug()
        await expect(bench.card("scale-1").locator(".power")).to_contain_text("online")
        await expect(fault).to_contain_text("Last error, mended")


async def test_a_log_can_be_paused_cleared_and_shown_without_bytes(chromium: Browser, tmp_path: Path) -> None:
    async with open_bench(chromium, tmp_path) as bench:
        card, log = bench.card("scanner-1"), bench.log("scanner-1")
        await card.get_by_role("button", name="Pause").click()
        bench.hosts["scanner-1"].set("scan", "first")
        resume = card.get_by_role("button", name="Resume (2 new)")
        await expect(resume).to_be_visible()
        await expect(log).not_to_contain_text("first")
        await resume.click()
        await expect(log).to_contain_text("scan 'first'")
        await expect(log.locator(".in")).to_be_visible()
        await card.get_by_role("button", name="Bytes").click()
        await expect(log.locator(".in")).to_be_hidden()
        await card.get_by_role("button", name="Clear").click()
        await expect(log.locator("li")).to_have_count(0)


async def test_a_log_can_be_saved_as_a_file_for_whoever_made_the_device(chromium: Browser, tmp_path: Path) -> None:
    async with open_bench(chromium, tmp_path) as bench:
        bench.hosts["scanner-1"].set("scan", "4006381333931")
        await expect(bench.log("scanner-1")).to_contain_text("scan '4006381333931'")
        async with bench.page.expect_download() as saving:
            await bench.card("scanner-1").get_by_role("button", name="Save").click()
        saved = await saving.value
        assert re.fullmatch(r"scanner-1-\d{4}-\d\d-\d\d\.txt", saved.suggested_filename)
        text = Path(await saved.path()).read_text(encoding="utf-8")
        assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} ← in 34 30 30 36 33 38", text, re.MULTILINE)
        assert "event scan '4006381333931'" in text


async def test_the_link_to_headquarters_counts_what_waits(chromium: Browser, tmp_path: Path) -> None:
    async with open_bench(chromium, tmp_path) as bench:
        link = bench.page.locator("[data-part=link]")
        await expect(link).to_contain_text("0 records")
        await bench.shop.lane.enter("11", method="keyed")
        await bench.shop.lane.tender_cash()
        await bench.shop.goes(online=False)
        await expect(link).to_contain_text("1 record, the oldest for")
        await expect(link).to_contain_text("connection refused; check the line of the store")
        for words in (bench.shop.outbox.epoch, "1.2.3", "version 1", "S0421-1"):
            await expect(link).to_contain_text(words)


async def test_it_fits_a_phone(chromium: Browser, tmp_path: Path) -> None:
    async with open_bench(chromium, tmp_path, width=360) as bench:
        bench.hosts["scanner-1"].set("scan", "x" * 400)
        await expect(bench.log("scanner-1")).to_contain_text("more")
        assert await bench.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        sticking_out = """() => [...document.querySelectorAll(".card *")].filter((one) =>
            one.getBoundingClientRect().right > one.closest(".card").getBoundingClientRect().right + 0.5).length"""
        assert await bench.page.evaluate(sticking_out) == 0
        for button in await bench.page.locator("button:visible").all():
            shape = await button.bounding_box()
            assert shape is not None
            assert shape["height"] >= 48


async def test_a_program_is_paired_with_the_code_on_the_page_and_ended_there(chromium: Browser, tmp_path: Path) -> None:
    async with open_bench(chromium, tmp_path) as bench, client_of(bench.shop) as program:
        page = bench.page
        await page.get_by_label("Name of the program").fill("Kassa")
        await page.get_by_label("take card payments").check()
        await page.get_by_role("button", name="Show a code").click()
        code = await page.locator("#code b").inner_text()
        paired = await program.post("/v1/pair", json={"code": code})
        assert paired.json()["scopes"] == ["pay", "read", "sell"]
        program.headers["Authorization"] = f"Bearer {paired.json()['token']}"
        assert (await program.get("/v1/baskets/1")).status_code == 200
        row = page.locator(".programs tbody tr")
        await expect(row).to_contain_text("Kassa")

        await row.get_by_role("button", name="Revoke").click()
        await row.get_by_role("button", name="Really end Kassa?").click()
        await expect(page.locator("#code")).to_have_text("Kassa may no longer speak to this box.")
        await expect(page.locator(".programs")).to_contain_text("None is paired")
        assert (await program.get("/v1/baskets/1")).status_code == 401
