"""Headquarters as a process, with a real broker: booking, acknowledging, showing, and stopping."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import async_playwright

from gateway.demo.broker import CORE_USER, Mosquitto
from retail.wire.canonical import canonical
from retail.wire.feed import FeedHead, FeedPage, feed_sha256
from tests.cloud_erp.batches import GATEWAY, outbox, sale
from tests.cloud_erp.running import PASSWORD, Box, Headquarters, until

pytestmark = pytest.mark.story

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(tmp_path / "mosquitto", {CORE_USER: PASSWORD, GATEWAY: PASSWORD})
    await made.start()
    yield made
    made.stop()


@pytest.fixture
def headquarters(tmp_path: Path, broker: Mosquitto) -> Iterator[Headquarters]:
    made = Headquarters(tmp_path, broker)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def box(broker: Mosquitto, headquarters: Headquarters) -> Iterator[Box]:
    made = Box(broker)
    yield made
    made.close()


def streaming(url: str) -> tuple[threading.Thread, list[str]]:
    """An open page: a stream that reads until it ends, and what came."""
    lines: list[str] = []

    def read() -> None:
        try:
            with httpx.stream("GET", url, timeout=30) as answer:
                lines.extend(line for line in answer.iter_lines() if line)
        except httpx.HTTPError as error:
            lines.append(f"broken: {error}")

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread, lines


def test_a_sale_goes_from_the_box_to_the_journal_and_its_ack_comes_back(headquarters: Headquarters, box: Box) -> None:
    log = outbox([sale(number) for number in range(1, 31)])
    for first, last in ((21, 30), (1, 10), (1, 10), (8, 22)):
        box.send(box.topics.log, log.payload(first, last))
    ack = box.acked(30)
    assert ack["core_incarnation"] == headquarters.get("/v1/health")["core_incarnation"]
    found = headquarters.get("/v1/sales?limit=1000")["sales"]
    assert sorted(one["seq"] for one in found) == list(range(1, 31))
    assert [one["on_hand"] for one in headquarters.get("/v1/stock")["stock"]] == [-30]
    assert any(message["intake"] == "open" for message in box.sent_down("edge/v1/hq/state"))


def test_an_ack_is_kept_for_a_box_that_comes_later(headquarters: Headquarters, box: Box, broker: Mosquitto) -> None:
    box.send(box.topics.log, outbox([sale(1)]).payload())
    box.acked(1)
    later = Box(broker)
    assert later.acked(1)
    later.close()


def test_an_import_by_another_process_reaches_the_box_and_its_pages_hash_to_the_head(
    headquarters: Headquarters, box: Box, tmp_path: Path
) -> None:
    head_topic, page_topic = box.topics.feed_head("items"), box.topics.feed_page("items")
    until(lambda: box.sent_down(head_topic))
    changed = tmp_path / "changed.csv"
    changed.write_text(
        "item_id,description,barcodes,unit,price,currency,tax_code,tax_rate,category,tags\n"
        "9001,Quince jelly,,each,3.49,EUR,B,7,Dry goods,\n"
    )
    done = headquarters.command("import", "items", str(changed))
    assert done.returncode == 0, done.stderr
    head = until(lambda: next((one for one in box.sent_down(head_topic) if one["version"] == 2), None), within_s=1.5)
    box.send(box.topics.feed_pull("items"), json.dumps({"request_id": "whole", "from_version": 0}).encode())
    box.send(box.topics.feed_pull("items"), json.dumps({"request_id": "delta", "from_version": 1}).encode())
    until(lambda: len(box.sent_down(page_topic)) >= 2)
    pages = {page["request_id"]: FeedPage.model_validate(page) for page in box.sent_down(page_topic)}
    rows = [(row.key, canonical(row.row)) for row in pages["whole"].rows]
    assert feed_sha256(rows) == FeedHead.model_validate(head).sha256
    assert [row.key for row in pages["delta"].rows] == ["9001"]


def test_a_broker_that_comes_back_empty_is_told_everything_again(
    headquarters: Headquarters, box: Box, broker: Mosquitto
) -> None:
    log = outbox([sale(1), sale(2)])
    box.send(box.topics.log, log.payload(1, 1))
    box.acked(1)
    broker.kill()
    until(lambda: not headquarters.get("/v1/health", any_status=True)["ok"])
    _start_again(broker)
    until(lambda: headquarters.get("/v1/health", any_status=True)["ok"], within_s=30)
    again = Box(broker)
    until(lambda: again.sent_down(again.topics.feed_head("items")))
    again.send(again.topics.log, log.payload(1, 2))
    again.acked(2)
    again.close()
    # It speaks once when it breaks and once when it mends.
    assert headquarters.log().count("broker away") == 1


def _start_again(broker: Mosquitto) -> None:
    """From a test that is no coroutine, while its fixtures' loop is at rest."""
    thread = threading.Thread(target=lambda: asyncio.run(broker.start()))
    thread.start()
    thread.join()


def test_what_was_booked_survives_a_kill(headquarters: Headquarters, box: Box) -> None:
    log = outbox([sale(number) for number in range(1, 6)])
    box.send(box.topics.log, log.payload(1, 3))
    box.acked(3)
    headquarters.kill()
    headquarters.start()
    box.send(box.topics.log, log.payload())
    box.acked(5)
    assert len(headquarters.get("/v1/sales")["sales"]) == 5


def test_the_fleet_is_shown_in_a_terminal_from_the_running_core(headquarters: Headquarters, box: Box) -> None:
    now = {"state": "ready", "session": 3, "boot_id": "x", "since": "2026-11-22T09:00:00Z"}
    box.send(box.topics.state, json.dumps(now).encode(), retain=True)
    until(lambda: headquarters.get("/v1/fleet")["gateways"][0]["state"] == "ready")
    shown = headquarters.command("fleet", "watch", "--once", "--json", "--url", headquarters.url)
    assert json.loads(shown.stdout)["gateways"][0]["state"] == "ready"
    plain = headquarters.command("fleet", "watch", "--once")
    assert "ready" in plain.stdout
    assert "\x1b" not in plain.stdout


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_5_s_though_pages_are_open(headquarters: Headquarters, box: Box, how: signal.Signals) -> None:
    streams = [streaming(f"{headquarters.url}/events/{topic}") for topic in ("sales", "fleet", "sales", "sales")]
    until(lambda: all(any(line.startswith("data:") for line in lines) for _, lines in streams))
    code, took_s = headquarters.stop(how)
    assert code == 0
    assert took_s < 5
    for thread, lines in streams:
        thread.join(5)
        assert not thread.is_alive()
        assert not any(line.startswith("broken") for line in lines)
    assert until(lambda: box.sent_down("edge/v1/hq/state")[-1]["intake"] == "paused")
    assert "Traceback" not in headquarters.log()


def test_a_taken_port_is_said_in_plain_words_and_exits_1(broker: Mosquitto, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        headquarters = Headquarters(tmp_path, broker, port=other.getsockname()[1])
        done = headquarters.command("run")
    assert done.returncode == 1
    assert f"127.0.0.1:{headquarters.port}: cannot listen there" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_password_is_told_once_and_health_says_so(broker: Mosquitto, tmp_path: Path) -> None:
    headquarters = Headquarters(tmp_path, broker)
    (tmp_path / "password").write_text("wrong\n")
    headquarters.start(healthy=False)
    until(lambda: "the broker refused" in headquarters.log())
    assert headquarters.get("/v1/health", any_status=True)["mqtt"] == "away"
    code, took_s = headquarters.stop()
    assert (code, took_s < 5) == (0, True)
    assert headquarters.log().count("the broker refused") == 1


@pytest.mark.browser
async def test_a_sale_appears_on_the_open_page_within_2_s(headquarters: Headquarters, box: Box) -> None:
    # M59: the dashboard moves with the sale
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await browser.new_page()
        faults: list[Any] = []
        page.on("pageerror", lambda error: faults.append(error))  # noqa: PLW0108  playwright marks its handlers
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        await page.goto(headquarters.url)
        await page.get_by_text("live", exact=True).wait_for()
        log = outbox([sale(4711), sale(4712)])
        began = time.monotonic()
        box.send(box.topics.log, log.payload(1, 1))
        await page.get_by_role("link", name="4711").wait_for(timeout=5_000)
        assert time.monotonic() - began < 2
        # A second one, while the first is sorted and focused: both stay.
        await page.locator("#sales-sort-3").click()
        await page.get_by_role("link", name="4711").focus()
        box.send(box.topics.log, log.payload(2, 2))
        await page.get_by_role("link", name="4712").wait_for(timeout=5_000)
        assert await page.evaluate("document.activeElement.textContent") == "4711"
        assert await page.locator("#sales tbody tr a").all_text_contents() == ["4711", "4712"]
        await page.get_by_role("link", name="4711").click()
        await page.get_by_text("Whole milk").or_(page.get_by_text("Item 1001")).first.wait_for()
        assert await page.get_by_role("heading", name="Receipt 4711").count() == 1
        assert faults == []
        await browser.close()


@pytest.mark.browser
async def test_no_page_is_wider_than_a_small_telephone(headquarters: Headquarters, box: Box) -> None:
    box.send(box.topics.log, outbox([sale(1)]).payload())
    box.acked(1)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await browser.new_page(viewport={"width": 360, "height": 740})
        for path in ("/", "/stores", "/stores/audit", "/stock", "/catalogue", "/quarantine"):
            await page.goto(headquarters.url + path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360
            assert await page.locator("nav a[aria-current=page]").count() == 1
        await browser.close()
