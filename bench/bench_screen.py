"""The till's screen: from the bytes of a scan to the line that a cashier sees.

A real store: the gateway's own process, its Mosquitto and core, with rules in force; the pretended scanner writes into
its pseudo terminal from here; the page is open in a headless Chromium. Baskets grow to 24 lines and are then paid.

scan_to_line_p95_ms is the median over the runs of the p95 of one. It ends when the frame that holds the line has been
painted: a MutationObserver sees the new row, an animation frame follows, and a message posted in it is handled after
the paint. How long it took until the row stood in the document is told on standard error beside it.

One clock for both ends: Chromium's performance.now() is the machine's monotonic clock, counted from the page's start,
and Python's time.monotonic() is the same clock from another start. The distance between the two starts is asked for
before and after each run: a look at performance.now() between two looks at time.monotonic(), and of 200 such the
closest pair. Half of its width is how wrong a figure can be; it is added to every one. (performance.timeOrigin is not
used: it is the wall clock as it was when the page was opened.)
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.async_api import Page, async_playwright

from bench.result import Result, cost
from gateway.demo.world import World, sample_items

LIMIT_MS = 50.0
RUNS, SCANS, MOST_LINES = 5, 40, 24
#: between two scans, as a quick cashier does it; uneven, so that scans do not fall in step with frames or beats
PAUSE_S = (0.08, 0.25)
LOOKS = 200
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
#: window.drawn: [rows, when they stood in the document, when they were painted], newest last
WATCH = """
window.drawn = [];
const lines = document.querySelector("[data-part=lines]");
new MutationObserver(() => {
  const seen = [lines.querySelectorAll("tbody tr").length, performance.now()];
  requestAnimationFrame(() => {
    const painted = new MessageChannel();
    painted.port1.onmessage = () => window.drawn.push([...seen, performance.now()]);
    painted.port2.postMessage(0);
  });
}).observe(lines, {childList: true, subtree: true});
"""
WAIT = "rows => window.drawn.length && window.drawn.at(-1)[0] === rows"


@dataclass(frozen=True, slots=True)
class Offset:
    """Seconds of time.monotonic() at performance.now() = 0, and how far off that may be."""

    seconds: float
    off_s: float


@dataclass(frozen=True, slots=True)
class Run:
    painted_ms: list[float]
    in_document_ms: list[float]


async def offset_of(page: Page) -> Offset:
    looks = []
    for _ in range(LOOKS):
        before = time.monotonic()
        there_ms = await page.evaluate("performance.now()")
        after = time.monotonic()
        looks.append((after - before, (before + after) / 2 - there_ms / 1000))
    width, seconds = min(looks)
    return Offset(seconds, width / 2)


async def one_run(world: World, page: Page, dice: random.Random) -> Run:
    codes = [item.barcode for item in sample_items() if item.price and item.barcode and item.unit == "each"]
    before = await offset_of(page)
    sent: list[tuple[float, list[float]]] = []
    rows = 0
    for _ in range(SCANS):
        if rows == MOST_LINES:
            await pay(world, page)
            rows = 0
        rows += 1
        await asyncio.sleep(dice.uniform(*PAUSE_S))
        at = time.monotonic()
        world.store.scan(dice.choice(codes))
        await page.wait_for_function(WAIT, arg=rows, polling=5)
        sent.append((at, await page.evaluate("rows => window.drawn.find(one => one[0] === rows)", rows)))
        await page.evaluate("window.drawn.length = 0")
    await pay(world, page)
    after = await offset_of(page)
    off_s = max(before.off_s, after.off_s) + abs(after.seconds - before.seconds) / 2
    start = (before.seconds + after.seconds) / 2
    print(f"screen: clocks agree within {off_s * 1000:.2f} ms", file=sys.stderr)
    return Run(
        [(start + painted / 1000 - at + off_s) * 1000 for at, (_, _, painted) in sent],
        [(start + stood / 1000 - at + off_s) * 1000 for at, (_, stood, _) in sent],
    )


async def pay(world: World, page: Page) -> None:
    """The basket is paid in cash, and its lines are gone from the screen."""
    await world.gateway.post("/v1/baskets/1/tender", {})
    await page.locator(".finished").wait_for()
    await page.evaluate("window.drawn.length = 0")


def p95(values: list[float]) -> float:
    return sorted(values)[round(len(values) * 0.95) - 1]


async def measured(folder: Path) -> list[Run]:
    world = World(folder, offers=True)
    try:
        await world.start()
        await world.until_offers()
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
            page = await browser.new_page(viewport={"width": 1280, "height": 800})
            await page.goto(world.till_page)
            await page.locator(".ready").wait_for()
            await page.evaluate(WATCH)
            dice = random.Random(5)
            await one_run(world, page, dice)  # everything was imported, compiled and drawn once
            runs = [await one_run(world, page, dice) for _ in range(RUNS)]
            await browser.close()
            return runs
    finally:
        await world.stop()


def run() -> Iterator[Result]:
    folder = Path(tempfile.mkdtemp(prefix="backroom-bench-screen-"))
    try:
        runs = asyncio.run(measured(folder))
    finally:
        shutil.rmtree(folder)
    for name, of in (
        ("painted", [one.painted_ms for one in runs]),
        ("in document", [one.in_document_ms for one in runs]),
    ):
        middles, tails = [median(one) for one in of], [p95(one) for one in of]
        print(f"screen: {name}: p50", *(f"{one:.1f}" for one in middles), file=sys.stderr)
        print(f"screen: {name}: p95", *(f"{one:.1f}" for one in tails), "ms", file=sys.stderr)
    yield cost("screen", "scan_to_line_p95_ms", "ms", median(p95(one.painted_ms) for one in runs), "limit", LIMIT_MS)
    yield cost("screen", "scan_to_line_p50_ms", "ms", median(median(one.painted_ms) for one in runs), "limit", LIMIT_MS)
