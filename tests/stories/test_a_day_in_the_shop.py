"""Whole days in a shop, on real processes: Mosquitto, headquarters, the gateway; pretend devices on real lines."""

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

from gateway.api.transactions import EXAMPLE
from gateway.demo.client import HttpError
from gateway.demo.world import World, sample_items
from gateway.errors import BackroomError

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story")]
ITEMS = {item.item_id: item for item in sample_items()}
MILK, BUTTER, BANANAS, CALENDAR = (ITEMS[key] for key in ("1001", "1003", "2001", "3001"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world")
    await world.start()
    yield world
    await world.stop()


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


async def acked(world: World, sales: int) -> None:
    async def all_there() -> bool:
        status = await world.gateway.get("/v1/status")
        return bool(status["unacked"] == 0 and status["next_seq"] == sales + 1)

    await world.until(f"{sales} are acknowledged", world.gateway_process, all_there, 60)


async def journal(world: World) -> list[int]:
    return sorted(sale["seq"] for sale in (await world.core.get("/v1/sales?since_id=0"))["sales"])


def test_demo_check_holds_and_says_so_in_json() -> None:
    command = [sys.executable, "-m", "gateway", "demo", "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert {key: figures[key] for key in ("sales", "acked", "lost", "duplicated")} == {
        "sales": 3,
        "acked": 3,
        "lost": 0,
        "duplicated": 0,
    }
    assert figures["receipt_lines"] > 20


async def test_bad_input_on_every_device_sells_nothing_and_stops_nothing(world: World) -> None:
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
    await acked(world, 1)


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
    world.store.printer.set("paper_out", "yes")
    await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
    await world.gateway.post("/v1/baskets/1/tender", {})
    await acked(world, 1)

    async def trouble() -> bool:
        return bool((await world.gateway.get("/v1/status"))["printer_trouble"])

    await world.until("the till hears of the paper", world.gateway_process, trouble, 20)
    await world.store.printer.unplug()
    await world.store.printer.plug()
    world.store.printer.set("paper_out", "no")

    async def printed() -> bool:
        return len(world.store.receipts()) == 1 and not await trouble()

    await world.until("the receipt printed", world.gateway_process, printed, 30)
    assert "COPY" not in world.store.receipts()[0]


async def test_a_power_cut_in_mid_sale_loses_no_line_and_doubles_no_sale(world: World) -> None:
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
    await acked(world, 2)
    assert await journal(world) == [1, 2]


async def test_an_impossible_item_is_quarantined_with_its_reason_and_the_rest_is_booked(world: World) -> None:
    world.broker.kill()
    sale = EXAMPLE | {"operator_id": "pos"}
    for number, item in enumerate(("1001", "no-such-item", "1003"), 1):
        line = sale["line_items"][0] | {"item_id": item}
        body = sale | {"sequence_number": number, "line_items": [line, *sale["line_items"][1:]]}
        answer = await world.gateway.post("/v1/transactions", body, {"Idempotency-Key": f"own-{number}"})
        assert answer["seq"] == number
    await world.broker.start()
    await acked(world, 3)
    assert await journal(world) == [1, 3]
    [held] = (await world.core.get("/v1/quarantine"))["quarantine"]
    assert "no-such-item" in json.dumps(held)
    stored = await world.gateway.get("/v1/transactions/own-2")
    assert (stored["state"], stored["rejected_code"]) == ("rejected", "unknown_item")


async def test_a_new_price_reaches_the_till(world: World) -> None:
    catalogue = world.folder / "new.csv"
    text = Path("cloud_erp/catalog/sample_items.csv").read_text(encoding="utf-8")
    catalogue.write_text(text.replace("each,1.19,EUR,B,7,Dairy", "each,1.29,EUR,B,7,Dairy"), encoding="utf-8")
    await world.run_core("import", "items", str(catalogue))

    async def dearer() -> bool:
        return bool((await world.gateway.get("/v1/status"))["price_book_version"] == 2)

    await world.until("the new price book is in force", world.gateway_process, dearer, 10)
    basket = await world.gateway.post("/v1/baskets/1/scan", {"code": MILK.barcode})
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


async def test_a_second_demo_on_the_same_port_says_so_and_ends(world: World) -> None:
    leavings = world.folder / "tmp"
    leavings.mkdir()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "gateway", "demo", "--port", str(world.till_port)],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env=os.environ | {"TMPDIR": str(leavings)},
    )
    assert done.returncode == 1
    assert f"port {world.till_port} is in use" in done.stderr
    assert "A store is open" not in done.stdout
    assert list(leavings.iterdir()) == [], "it takes its own folder away"


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


def test_a_wrong_toml_key_ends_the_start_with_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('[gateway]\nid = "S1-1"\nstore_id = "S1"\n[mqtt]\nhost = "h"\n[apy]\nport = 1\n')
    for arguments in (["run"], ["doctor"]):
        command = [sys.executable, "-m", "gateway", *arguments, "--config", str(path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2
        assert "unknown key 'apy'; did you mean 'api'?" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_wrong_device_option_is_named_with_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        '[gateway]\nid = "S1-1"\nstore_id = "S1"\n[mqtt]\nhost = "127.0.0.1"\n[api]\nport = 0\n'
        '[device.printer-1]\ndriver = "printer-escpos"\nurl = "tcp://127.0.0.1:1"\ncolums = 32\n'
    )
    command = [sys.executable, "-m", "gateway", "run", "--config", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "did you mean 'columns'" in done.stderr
    path.write_text(path.read_text().replace("printer-escpos", "printer-escpoz").replace("colums = 32", ""))
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "printer-escpos" in done.stderr


async def test_a_damaged_money_file_is_kept_and_selling_goes_on_in_a_new_epoch(world: World) -> None:
    world.broker.kill()
    for number in range(3):
        body = EXAMPLE | {"sequence_number": number + 1}
        await world.gateway.post("/v1/transactions", body, {"Idempotency-Key": f"before-{number}"})
    former = (await world.gateway.get("/v1/status"))["epoch"]
    await world.gateway_process.stop()
    data = world.folder / "data"
    spoilt = bytearray((data / "money.sqlite").read_bytes())
    spoilt[100:120] = b"\xff" * 20  # the first page's own header: SQLite refuses the file
    (data / "money.sqlite").write_bytes(spoilt)
    world.gateway_process.start()

    async def answers() -> bool:
        try:
            return bool((await world.gateway.get("/v1/status"))["epoch"] != former)
        except BackroomError:
            return False

    await world.until("the gateway sells again", world.gateway_process, answers)
    [aside] = data.glob("money-damaged-*.sqlite")
    assert aside.read_bytes() == bytes(spoilt)
    await world.gateway.post("/v1/transactions", EXAMPLE | {"sequence_number": 9}, {"Idempotency-Key": "after"})
    await world.broker.start()

    async def told() -> bool:
        alarms = (await world.core.get("/v1/fleet"))["alarms"]
        return any(alarm["code"] == "salvaged" for alarm in alarms)

    await world.until("headquarters is told", world.core_process, told, 30)


async def test_two_daemons_on_one_data_folder_are_refused(world: World) -> None:
    other = world.folder / "other.toml"
    other.write_text(world.gateway_toml.read_text().replace(f"port = {world.till_port}", "port = 0"))
    command = [sys.executable, "-m", "gateway", "run", "--config", str(other)]
    done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "held by another running gateway" in done.stderr
