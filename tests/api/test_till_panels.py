"""The panels of the cashier's screen in a real Chromium: each does what it says through the local API."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.api.store import MILK, client_of
from tests.api.test_article import supplied
from tests.api.test_basket_tenders import last_sale
from tests.api.test_till_page import open_till
from tests.people import STAFF

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_sale_is_suspended_and_resumed_by_keys_alone(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("11\n12\n")
        await screen.rung("Whole milk", "Rye bread")
        panel = screen.page.locator("#panel")
        await screen.keys.press("F10", "3")
        await expect(panel).to_contain_text("Suspend this sale")
        await screen.keys.key("Mrs Lin\n")
        await expect(panel).to_be_hidden()
        await expect(screen.lines).to_have_count(0)
        # Another customer is served in between.
        await screen.keys.key("13\n")
        await screen.rung("Salted butter")
        await screen.keys.press("F9")
        await expect(screen.page.locator(".total .label")).to_have_text("Change due")

        await screen.keys.press("F10", "3")
        await expect(panel).to_contain_text("Mrs Lin")
        await screen.keys.press("Enter")
        await screen.rung("Whole milk", "Rye bread")
        await expect(screen.total).to_have_text("€4.68")


async def test_a_session_opens_with_a_float_and_closes_blind(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        panel = screen.page.locator("#panel")
        await screen.keys.press("F10", "6")
        await expect(panel).to_contain_text("No session is open")
        await screen.keys.key("100\n")
        await expect(panel).to_be_hidden()
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await screen.keys.press("F9")
        await expect(screen.page.locator(".total .label")).to_have_text("Change due")

        await screen.keys.press("F10", "6")
        await expect(panel).to_contain_text("Count the cash in the drawer first")
        await expect(panel).not_to_contain_text("101.19")
        await panel.get_by_label("Counted").fill("100.69")
        await panel.get_by_role("button", name="Close the session").click()
        await expect(panel).to_contain_text("Z report 1")
        await expect(panel).to_contain_text("€101.19")
        await expect(panel.locator("dd").last).to_contain_text("-€0.50")


async def test_training_takes_a_supervisor_cannot_be_missed_and_counts_nothing(
    chromium: Browser, tmp_path: Path
) -> None:
    async with open_till(chromium, tmp_path, operators=STAFF) as screen:
        panel = screen.page.locator("#panel")
        await expect(panel).to_contain_text("Sign on")
        await screen.keys.key("anna")
        await screen.keys.press("Tab")
        await screen.keys.key("1111\n")
        await expect(panel).to_be_hidden()
        await expect(screen.page.locator("[data-part=who]")).to_have_text("Anna")

        await screen.keys.press("F10", "8", "Enter")
        await expect(panel).to_contain_text("a supervisor must allow it")
        await screen.keys.key("suse")
        await screen.keys.press("Tab")
        await screen.keys.key("0000\n")
        await expect(panel.get_by_role("alert")).to_contain_text("PIN")
        await panel.get_by_label("PIN").fill("5555")
        await screen.keys.press("Enter")
        await expect(screen.page.locator("body")).to_have_class("till training")
        await expect(screen.page.locator(".banner.training")).to_have_text("TRAINING: nothing counts")

        counted = screen.shop.outbox.position().next_seq
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await screen.keys.press("F9")
        await expect(screen.page.locator(".total .label")).to_have_text("Change due")
        assert screen.shop.outbox.position().next_seq == counted
        # Ending it takes a supervisor's word again, or everybody could.
        await screen.keys.press("F10", "8", "Enter")
        await panel.get_by_label("Operator").fill("suse")
        await panel.get_by_label("PIN").fill("5555")
        await screen.keys.press("Enter")
        await expect(screen.page.locator("body")).to_have_class("till")


async def test_a_field_that_cannot_be_read_is_told_in_the_panel(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.press("F10", "6")
        panel = screen.page.locator("#panel")
        await expect(panel).to_contain_text("Float")
        await screen.keys.key("1.234\n")
        await expect(panel.get_by_role("alert")).to_contain_text("EUR has 2 decimals")
        await screen.keys.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(screen.page.locator("#box")).to_be_focused()


async def test_goods_come_back_by_the_receipt_and_the_money_is_paid_back(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await screen.keys.key("3x11\n")
        await screen.rung("Whole milk")
        await screen.keys.press("F9")
        await expect(screen.page.locator(".total .label")).to_have_text("Change due")

        panel = screen.page.locator("#panel")
        await screen.keys.press("F10", "5")
        await panel.get_by_label("number of the receipt").fill("S0421/1/1")
        await screen.keys.press("Enter")
        await expect(panel).to_contain_text("3 can come back")
        await panel.get_by_label("Why").first.select_option("damaged")
        await panel.get_by_role("button", name="Take it back").first.click()
        await expect(panel).to_be_hidden()
        await expect(screen.page.locator("tr.back")).to_contain_text("Back: Whole milk 1 l")
        await expect(screen.page.locator(".total .label")).to_have_text("To pay back")
        await expect(screen.total).to_have_text("€1.19")
        await screen.keys.press("F10", "4")
        await panel.get_by_role("button", name="Pay back €1.19: Cash").click()
        await expect(screen.page.locator("tr.back")).to_have_count(0)

        # Two of the three are left; nobody gets back more.
        await screen.keys.press("F10", "5")
        await panel.get_by_label("number of the receipt").fill("S0421/1/1")
        await screen.keys.press("Enter")
        await expect(panel).to_contain_text("2 can come back")


async def test_a_refusal_is_told_in_the_panel_in_the_words_of_the_till(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:  # its printer prints nothing, so that the receipt waits
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await screen.keys.press("F9")
        await expect(screen.page.locator(".total .label")).to_have_text("Change due")
        panel = screen.page.locator("#panel")
        await screen.keys.press("F10", "r")
        await expect(panel).to_contain_text("S0421/1/1")
        await panel.get_by_role("button", name="Print a copy").click()
        await expect(panel.get_by_role("alert")).to_contain_text("receipt S0421/1/1 is still to print")


async def test_a_cashier_looks_an_article_up_by_keys_alone(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        await supplied(screen.shop)
        panel = screen.page.locator("#panel")
        await screen.keys.press("F10", "i")
        await expect(panel).to_contain_text("Item number, bar code or name")
        await screen.keys.key(f"{MILK}\n")
        await expect(panel).to_contain_text("PO 123, 40 pcs, ETA 24 Nov · Dairy Ltd · lead time 3 days")
        await expect(panel).to_contain_text("Figures of headquarters, 3 h old")
        await expect(panel).not_to_contain_text("PO 999")
        await screen.keys.press("Escape")
        await expect(panel).to_be_hidden()


async def test_a_wallet_is_read_by_the_cashier_and_paid_with_keys_alone(chromium: Browser, tmp_path: Path) -> None:
    async with open_till(chromium, tmp_path) as screen:
        panel = screen.page.locator("#panel")
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await screen.keys.press("F10", "4")
        await expect(panel).to_contain_text("Pay €1.19 with linepay")
        await screen.keys.press("F2")
        await expect(panel).to_contain_text("key the reference that it shows")
        await expect(panel.get_by_role("heading", level=2)).to_have_text("linepay €1.19")
        assert screen.shop.lane.basket.state == "unknown", "the intent is on disk before the device is asked"
        async with client_of(screen.shop) as http:
            shown = (await http.get("/customer/1")).text
        assert "Please show your payment code" in shown
        assert "do not pay again" not in shown
        await screen.keys.press("Enter")
        assert screen.shop.lane.basket.state == "unknown", "not without a reference"
        await screen.keys.key("LP-4711\n")
        await expect(panel).to_be_hidden()
        await expect(screen.page.locator(".total .label")).to_have_text("Paid")
        [paid] = last_sale(screen.shop).tenders()
        assert (paid.tender_type, paid.wallet, paid.reference, paid.amount_minor) == (
            "Wallet",
            "linepay",
            "LP-4711",
            119,
        )


async def test_a_wallet_that_did_not_pay_leaves_the_sale_to_be_paid_otherwise(
    chromium: Browser, tmp_path: Path
) -> None:
    async with open_till(chromium, tmp_path) as screen:
        panel = screen.page.locator("#panel")
        await screen.keys.key("11\n")
        await screen.rung("Whole milk")
        await screen.keys.press("F10", "4", "F2")
        await expect(panel).to_contain_text("key the reference that it shows")
        await expect(screen.page.locator(".sum")).to_have_class("sum")
        # Set aside, and taken up again by the button at the head; so is a page that was loaded anew.
        await screen.keys.press("Escape")
        await expect(panel).to_be_hidden()
        await screen.page.reload()
        await expect(panel).to_contain_text("key the reference that it shows")
        await screen.keys.press("F2", "F2")  # the wallet's own key, held down
        assert screen.shop.lane.basket.state == "unknown"
        await screen.keys.press("F7")
        await expect(panel).to_be_hidden()
        await screen.keys.press("F9")
        await expect(screen.page.locator(".total .label")).to_have_text("Change due")
        assert [one.tender_type for one in last_sale(screen.shop).tenders()] == ["Cash"]
