"""The pictures of README.md: a running store, photographed. `make screenshots` takes them again.

A receipt is rendered from the bytes that the pretend printer got; the pages are those of real processes.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright

from gateway.demo.world import World, sample_items

FOLDER = Path("docs/pictures")
#: where the pretended scanner hangs
SCANNERS_LANE = "1"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


async def ring(world: World, *item_ids: str, lane: str = "1") -> None:
    items = {item.item_id: item for item in sample_items()}
    for item_id in item_ids:
        code = items[item_id].barcode
        if lane != SCANNERS_LANE or items[item_id].unit == "kg":  # what is weighed has a number and no bar code
            await world.gateway.post(f"/v1/baskets/{lane}/scan", {"code": code})
            continue
        rung = await lines(world) + 1
        world.store.scan(code)

        async def is_rung(wanted: int = rung) -> bool:
            return await lines(world) == wanted

        await world.until(f"{code} is rung", world.gateway_process, is_rung)


async def lines(world: World) -> int:
    return len((await world.gateway.get(f"/v1/baskets/{SCANNERS_LANE}"))["lines"])


async def photograph(page: Page, address: str, name: str, wait_for: str) -> None:
    await page.goto(address)
    await page.get_by_text(wait_for).first.wait_for()
    await page.screenshot(path=FOLDER / f"{name}.png")
    print(f"{FOLDER / name}.png")


async def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="backroom-pictures-") as folder:
        world = World(Path(folder) / "world", offers=True)
        try:
            await world.start()
            await world.until_offers()
            await take(world)
        finally:
            await world.stop()


async def take(world: World) -> None:
    world.store.weigh(450)
    await ring(world, "1001", "1103", "1303")
    await world.gateway.post("/v1/baskets/1/tender", {"amount_minor": 500})
    await ring(world, "1306", "2001")
    await world.gateway.post("/v1/baskets/1/tender", {"amount_minor": 1000})

    async def printed() -> bool:
        status = await world.gateway.get("/v1/status")
        return len(world.store.receipts()) == 2 and bool(status["unacked"] == 0)

    await world.until("two sales are printed and acknowledged", world.gateway_process, printed)
    (FOLDER / "receipt.png").write_bytes(world.store.paper.png(-1))
    await ring(world, "1001")
    await world.gateway.post("/v1/baskets/1/quantity", {"pieces": 3})
    await ring(world, "1104", "2003", "1306", "1402")
    await world.gateway.post("/v1/baskets/1/void-line", {"line_number": 1})
    # A gold member with something off; one more packet of crisps would be half the price.
    await world.gateway.post("/v1/baskets/1/member", {"phone": "0912345678"})
    await ring(world, "1401")
    await world.gateway.post("/v1/baskets/2/member", {"phone": "0912345678"})
    await ring(world, "1306", "1401", "1402", "2001", lane="2")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await photograph(page, world.till_page, "till", "Pain au chocolat")
        await photograph(page, f"{world.gateway.base}/customer/1", "customer", "Pain au chocolat")
        await photograph(page, f"{world.gateway.base}/self-checkout/2", "self-checkout", "Bananas")
        await photograph(page, f"{world.gateway.base}/technician", "technician", "scale-1")
        await photograph(page, f"{world.core.base}/", "headquarters-today", "S0421")
        await photograph(page, f"{world.core.base}/stores", "headquarters-stores", "S0421-1")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
