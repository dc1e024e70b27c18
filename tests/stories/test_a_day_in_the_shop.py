"""Whole days in a shop, on real processes: Mosquitto, headquarters, the gateway; pretend devices on real lines.

One shop for all of them, one after the other: `world` is open and quiet again at the beginning of each.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.api.transactions import EXAMPLE
from gateway.demo.client import HttpError
from gateway.demo.world import World, sample_items
from tests.stories.open_store import acked, last_seq, opened

pytestmark = [pytest.mark.story, pytest.mark.asyncio(loop_scope="module")]
ITEMS = {item.item_id: item for item in sample_items()}
MILK, BUTTER, OATS, BANANAS, CALENDAR = (ITEMS[key] for key in ("1001", "1003", "1205", "2001", "3001"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, core_data: Path) -> AsyncIterator[World]:
    world = World(tmp_path_factory.mktemp("shop"), core_data=core_data)
    await world.start()
    yield world
    await world.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def world(shop: World) -> World:
    await opened(shop)
    return shop


async def lines(world: World, count: int) -> dict[str, Any]:
    async def there() -> bool:
        return len((await world.gateway.get("/v1/baskets/1"))["lines"]) == count

    await world.until(f"the basket has {count} lines", world.gateway_process, there, 15)
    basket: dict[str, Any] = await world.gateway.get("/v1/baskets/1")
    return basket


async def refused(world: World, reason: str) -> str:
    """Wait for the till's notice with that reason; its text."""

    async def said() -> bool:
        notice = (await world.gateway.get("/v1/baskets/1"))["notice"]
        return bool(notice and notice["reason"] == reason)

    await world.until(f"the till says {reason}", world.gateway_process, said, 15)
    return str((await world.gateway.get("/v1/baskets/1"))["notice"]["text"])


async def journal(world: World) -> list[int]:
    return sorted(sale["seq"] for sale in (await world.core.get("/v1/sales?since_id=0"))["sales"])


async def test_bad_input_on_every_device_sells_nothing_and_stops_nothing(world: World) -> None:
    before = await last_seq(world)
    world.store.scanner.set("scan", "40012\\x0734000107")
    world.store.scanner.set("garbage", "200")
    world.store.scale.set("garbage", "yes")
    world.store.printer.set("silent", "yes")
    world.store.scan("4001234000107")  # ends the garbage on the line, and is lost with it
    world.store.scan("4001234000108")
    assert "check digit" in await refused(world, "unknown_item")
    assert (await world.gateway.get("/v1/baskets/1"))["lines"] == []
    world.store.scan(CALENDAR.barcode)
    assert "no price" in await refused(world, "no_price")
    with pytest.raises(HttpError) as no_weight:
        await world.gateway.post("/v1/baskets/1/scan", {"code": BANANAS.barcode, "method": "keyed"})
    assert no_weight.value.status in (409, 503, 504)

    world.store.scale.set("garbage", "no")
    world.store.printer.set("silent", "no")
    world.store.scan(MILK.barcode)
    await lines(world, 1)
    world.store.weigh(1000)

    async def weighed() -> bool:
        try:
            await world.gateway.post("/v1/baskets/1/scan", {"code": BANANAS.barcode, "method": "keyed"})
        except HttpError:
            return False
        return True

    await world.until("the scale weighs again", world.gateway_process, weighed, 20)
    basket = await lines(world, 2)
    assert basket["total_minor"] == 119 + 199
    await world.gateway.post("/v1/baskets/1/tender", {})
    await acked(world, before + 1)


async def test_a_moving_weight_is_refused_and_a_still_one_is_taken(world: World) -> None:
    world.store.weigh(500)
    world.store.scale.set("moving", "yes")
    with pytest.raises(HttpError) as moving:
        await world.gateway.post("/v1/baskets/1/scan", {"code": BANANAS.barcode, "method": "keyed"})
    assert moving.value.status == 409
    assert "still" in moving.value.text or "stable" in moving.value.text or "mov" in moving.value.text
    world.store.scale.set("moving", "no")
    basket = await world.gateway.post("/v1/baskets/1/scan", {"code": BANANAS.barcode, "method": "keyed"})
    assert basket["lines"][0]["weight_grams"] == 500


async def test_a_silent_scale_is_an_error_and_never_the_last_weight(world: World) -> None:
    world.store.weigh(500)
    await world.gateway.post("/v1/baskets/1/scan", {"code": BANANAS.barcode, "method": "keyed"})
    world.store.scale.set("silent", "yes")
    with pytest.raises(HttpError) as silent:
        await world.gateway.post("/v1/baskets/1/scan", {"code": BANANAS.barcode, "method": "keyed"})
    assert silent.value.status == 504
    assert json.loads(silent.value.text)["code"] == 112
    assert len((await world.gateway.get("/v1/baskets/1"))["lines"]) == 1


async def test_paper_out_and_an_unplugged_printer_keep_the_sale_and_print_once(world: World) -> None:
    before, receipts = await last_seq(world), len(world.store.receipts())
    world.store.printer.set("paper_out", "yes")
    await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    await world.gateway.post("/v1/baskets/1/tender", {})
    await acked(world, before + 1)

    async def trouble() -> bool:
        return bool((await world.gateway.get("/v1/status"))["printer_trouble"])

    await world.until("the till hears of the paper", world.gateway_process, trouble, 20)
    await world.store.printer.unplug()
    await world.store.printer.plug()
    world.store.printer.set("paper_out", "no")

    async def printed() -> bool:
        return len(world.store.receipts()) == receipts + 1 and not await trouble()

    await world.until("the receipt printed", world.gateway_process, printed, 30)
    assert "COPY" not in world.store.receipts()[-1]


async def test_a_power_cut_in_mid_sale_loses_no_line_and_doubles_no_sale(world: World) -> None:
    before, booked = await last_seq(world), await journal(world)
    await world.gateway.post("/v1/baskets/1/scan", {"code": BUTTER.barcode})
    await world.gateway.post("/v1/baskets/1/tender", {})
    await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    os.kill(world.gateway_process.pid, signal.SIGKILL)
    await world.gateway_process.stop()
    world.gateway_process.start()
    await world.until("the gateway is back", world.gateway_process, world.gateway_ready)
    basket = await lines(world, 1)
    assert basket["total_minor"] == 119
    await world.gateway.post("/v1/baskets/1/tender", {})
    await acked(world, before + 2)
    assert await journal(world) == [*booked, before + 1, before + 2]


async def test_an_impossible_item_is_quarantined_with_its_reason_and_the_rest_is_booked(world: World) -> None:
    before, booked = await last_seq(world), await journal(world)
    world.broker.kill()
    sale = EXAMPLE | {"operator_id": "pos"}
    for number, item in enumerate(("1001", "no-such-item", "1003"), 1):
        line = sale["line_items"][0] | {"item_id": item}
        body = sale | {"sequence_number": number, "line_items": [line, *sale["line_items"][1:]]}
        answer = await world.gateway.post("/v1/transactions", body, {"Idempotency-Key": f"own-{number}"})
        assert answer["seq"] == before + number
    await world.broker.start()
    await acked(world, before + 3)
    assert await journal(world) == [*booked, before + 1, before + 3]
    [held] = (await world.core.get("/v1/quarantine"))["quarantine"]
    assert "no-such-item" in json.dumps(held)
    stored = await world.gateway.get("/v1/transactions/own-2")
    assert (stored["state"], stored["rejected_code"]) == ("rejected", "unknown_item")


async def test_a_new_price_reaches_the_till(world: World) -> None:
    version = (await world.gateway.get("/v1/status"))["price_book_version"]
    catalogue = world.folder / "new.csv"
    text = Path("cloud_erp/catalog/sample_items.csv").read_text(encoding="utf-8")
    catalogue.write_text(text.replace("each,0.89,EUR,B,7,Dry goods", "each,1.29,EUR,B,7,Dry goods"), encoding="utf-8")
    await world.run_core("import", "items", str(catalogue))

    async def dearer() -> bool:
        return bool((await world.gateway.get("/v1/status"))["price_book_version"] == version + 1)

    await world.until("the new price book is in force", world.gateway_process, dearer, 10)
    basket = await world.gateway.post("/v1/baskets/1/scan", {"code": OATS.barcode})
    assert basket["total_minor"] == 129


async def test_headquarters_sees_the_store_and_its_loss(world: World) -> None:
    async def state(wanted: str) -> bool:
        [row] = (await world.core.get("/v1/fleet"))["gateways"]
        return bool(row["state"] == wanted)

    await world.until("HQ sees it ready", world.core_process, lambda: state("ready"), 10)
    await world.gateway_process.stop()
    await world.until("HQ sees it stopped", world.core_process, lambda: state("stopped"), 10)


async def test_a_second_gateway_on_the_port_says_so_and_ends(world: World) -> None:
    other = world.folder / "other.toml"
    text = world.gateway_toml.read_text().replace('data_dir = "data"', 'data_dir = "other"')
    other.write_text(text)
    command = [sys.executable, "-m", "gateway", "run", "--config", str(other)]
    done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert f"port {world.till_port} on 127.0.0.1 is in use" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_second_demo_on_the_same_port_says_so_and_ends(world: World, tmp_path: Path) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "gateway", "demo", "--port", str(world.till_port)],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 1
    assert f"port {world.till_port} is in use" in done.stderr
    assert "A store is open" not in done.stdout
    assert list(tmp_path.iterdir()) == [], "it takes its own folder away"


async def test_doctor_finds_what_is_wrong_in_a_technicians_order(world: World) -> None:
    async def doctor() -> tuple[int, list[dict[str, str]]]:
        command = [sys.executable, "-m", "gateway", "doctor", "--config", str(world.gateway_toml), "--json"]
        done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout)["findings"]

    code, findings = await doctor()
    assert code == 0, findings
    assert [finding["check"] for finding in findings][:6] == [
        "configuration",
        "disk",
        "sales on disk",
        "clock",
        "daemon",
        "name look-up",
    ]
    await world.store.scale.unplug()
    world.broker.kill()

    async def noticed() -> bool:
        devices = (await world.gateway.get("/v1/devices"))["devices"]
        return any(device["power"] != "online" for device in devices)

    await world.until("the scale is missed", world.gateway_process, noticed, 20)
    code, findings = await doctor()
    wrong = {finding["check"]: finding for finding in findings if finding["verdict"] == "fail"}
    assert code == 1
    assert {"broker", "device scale-1"} <= set(wrong)
    assert all(finding["next_step"] for finding in wrong.values())


async def test_it_ends_in_time_and_cleanly(world: World) -> None:
    streams = [await asyncio.open_connection("127.0.0.1", world.till_port) for _ in range(3)]
    for (_, writer), path in zip(
        streams, ("/till/1/events", "/v1/baskets/1/events", "/technician/events"), strict=True
    ):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        await writer.drain()
    for reader, _ in streams:
        assert b"200" in await reader.readline()
    started = asyncio.get_running_loop().time()
    assert await world.gateway_process.stop() == 0
    assert asyncio.get_running_loop().time() - started < 5
    assert "Traceback" not in world.gateway_process.tail()
    for _, writer in streams:
        writer.close()


async def test_no_secret_stands_in_a_log(world: World) -> None:
    await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    await world.stop()
    secrets = [path.read_text().strip() for path in world.folder.glob("*.password")]
    logs = "".join(path.read_text(errors="replace") for path in world.folder.rglob("*.log"))
    assert secrets
    assert not any(secret in logs for secret in secrets)


async def test_two_daemons_on_one_data_folder_are_refused(world: World) -> None:
    other = world.folder / "other.toml"
    other.write_text(world.gateway_toml.read_text().replace(f"port = {world.till_port}", "port = 0"))
    command = [sys.executable, "-m", "gateway", "run", "--config", str(other)]
    done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "held by another running gateway" in done.stderr
