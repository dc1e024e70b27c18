"""The devices over the API: real sessions, pretend devices on real sockets, a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import drivers
from gateway.api.device_tail import Tail, as_json
from gateway.api.device_words import in_words, printable, printer_in_words
from gateway.devices.host import Host, TcpHost
from gateway.devices.manager import Manager
from gateway.peripherals import (
    Answer,
    DrawerStatus,
    ErrorCode,
    Event,
    Forwarded,
    Oddity,
    Power,
    PowerChanged,
    PrinterStatus,
    Refusal,
    ScaleStatus,
    Scan,
    Weight,
)
from tests.api.store import client_of, events, open_shop
from tests.devices.shop import QUICK, device, is_online, until


class Bench:
    """A scanner, a scale, a printer and its drawer, and a client of the box they hang on."""

    def __init__(self, client: httpx.AsyncClient, manager: Manager, hosts: dict[str, Host]) -> None:
        self.client, self.manager, self.hosts = client, manager, hosts

    async def get(self, path: str) -> Any:
        return (await self.client.get(path)).raise_for_status().json()


@contextlib.asynccontextmanager
async def _running(manager: Manager) -> AsyncIterator[None]:
    task = asyncio.create_task(manager.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with contextlib.AsyncExitStack() as stack:
        hosts: dict[str, Host] = {}
        manager = Manager(back_off=QUICK)
        for name, driver in (
            ("scanner-1", "scanner-line"),
            ("scale-1", "scale-toledo-8217"),
            ("printer-1", "printer-escpos"),
        ):
            hosts[name] = await stack.enter_async_context(TcpHost(device(driver)))
            manager.add(name, drivers.load(driver), hosts[name].url)
        manager.add("drawer-1", drivers.load("drawer-kick"), "via://printer-1")
        await stack.enter_async_context(_running(manager))
        for name in manager.sessions:
            await until(is_online(manager.session(name)))
        shop = await stack.enter_async_context(open_shop(tmp_path, manager.sessions))
        await stack.enter_async_context(shop.served())
        client = await stack.enter_async_context(client_of(shop))
        yield Bench(client, manager, hosts)


async def test_every_device_says_what_it_is_and_how_it_is(bench: Bench) -> None:
    devices = {one["id"]: one for one in (await bench.get("/v1/devices"))["devices"]}
    assert {name: one["device_class"] for name, one in devices.items()} == {
        "scanner-1": "scanner",
        "scale-1": "scale",
        "printer-1": "pos-printer",
        "drawer-1": "cash-drawer",
    }
    printer = devices["printer-1"]
    assert (printer["power"], printer["driver"], printer["last_error"]) == ("online", "printer-escpos", "")
    assert printer["url"] == bench.hosts["printer-1"].url
    assert printer["since"].endswith("Z")
    assert printer["statistics"]["OnlineTransitionCount"] == 1
    assert printer["printer"] == {
        "online": True,
        "cover_open": False,
        "paper_out": False,
        "paper_near_end": False,
        "error": False,
    }
    assert await bench.get("/v1/devices/scanner-1") == devices["scanner-1"]


async def test_a_weight_is_fresh_and_says_its_age(bench: Bench) -> None:
    bench.hosts["scale-1"].set("grams", "450")
    weight = (await bench.client.post("/v1/devices/scale-1/weigh")).raise_for_status().json()
    assert {**weight, "age_ms": 0} == {
        "grams": 450,
        "stable": True,
        "net": False,
        "status": "stable_weight",
        "age_ms": 0,
    }
    assert 0 <= weight["age_ms"] < 2000
    seen = (await bench.get("/v1/devices/scale-1"))["weight"]
    assert (seen["grams"], seen["stable"]) == (450, True)


async def test_a_silent_scale_is_an_error_and_never_the_last_weight(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.api.devices.WEIGH_WITHIN_S", 1.0)
    bench.hosts["scale-1"].set("grams", "450")
    (await bench.client.post("/v1/devices/scale-1/weigh")).raise_for_status()
    bench.hosts["scale-1"].set("silent", "yes")
    answer = await bench.client.post("/v1/devices/scale-1/weigh")
    assert answer.status_code in (503, 504)
    problem = answer.json()
    assert problem["code"] in (ErrorCode.TIMEOUT, ErrorCode.NOHARDWARE)
    assert "scale-1" in problem["detail"]
    assert "grams" not in problem


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("scanner-1/weigh", "scanner-1 is a scanner and does not know 'weigh'; ask a scale"),
        (
            "scale-1/test-print",
            "scale-1 is a scale and does not know 'test-print'; ask a receipt printer or a label printer",
        ),
        ("printer-1/open-drawer", "printer-1 is a receipt printer and does not know 'open-drawer'; ask a cash drawer"),
    ],
)
async def test_a_device_of_another_class_says_what_it_is(bench: Bench, path: str, says: str) -> None:
    answer = await bench.client.post(f"/v1/devices/{path}")
    assert answer.status_code == 409
    problem = answer.json()
    assert (problem["detail"], problem["reason"], problem["code"]) == (says, "wrong_class", ErrorCode.ILLEGAL)


async def test_an_unknown_device_is_a_404_that_names_those_there_are(bench: Bench) -> None:
    answer = await bench.client.get("/v1/devices/scale-9")
    assert answer.status_code == 404
    assert "scanner-1, scale-1, printer-1, drawer-1" in answer.json()["detail"]


async def test_printer_and_drawer_do_their_tests(bench: Bench) -> None:
    printed = (await bench.client.post("/v1/devices/printer-1/test-print")).raise_for_status().json()
    assert printed["done"]
    assert printed["device"] == "printer-1"
    assert "test print, not a receipt" in "\n".join(bench.hosts["printer-1"].device.lines)  # type: ignore[attr-defined]
    assert (await bench.client.post("/v1/devices/drawer-1/open-drawer")).raise_for_status().json()["done"]
    assert bench.hosts["printer-1"].device.drawer.pulses == 1  # type: ignore[attr-defined]
    health = (await bench.client.post("/v1/devices/drawer-1/check-health")).raise_for_status().json()
    assert health["drawer"] == {"opened": True}


async def test_a_printer_without_paper_refuses_and_says_what_to_do(bench: Bench) -> None:
    bench.hosts["printer-1"].set("paper_out", "yes")
    answer = await bench.client.post("/v1/devices/printer-1/test-print")
    assert answer.status_code == 409
    assert "put in a new roll" in answer.json()["detail"]


async def test_a_stream_gives_state_bytes_and_scans_but_nothing_from_before(bench: Bench) -> None:
    bench.hosts["scanner-1"].set("scan", "yesterday")
    await until(lambda: b"yesterday" in b"".join(getattr(e, "data", b"") for e in _recent(bench, "scanner-1")))
    got: list[tuple[str, Any]] = []
    async with asyncio.timeout(10):
        async for name, data in events(bench.client, "/v1/devices/scanner-1/events"):
            got.append((name, json.loads(data)))
            if len(got) == 1:
                bench.hosts["scanner-1"].set("scan", "4006381333931")
            if name == "event":
                break
    assert got[0][0] == "state"
    assert got[0][1]["power"] == "online"
    traffic = [body for name, body in got if name == "traffic"]
    assert [(body["direction"], body["hex"], body["size"]) for body in traffic] == [
        ("in", b"4006381333931\r".hex(" "), 14)
    ]
    scan = got[-1][1]
    assert (scan["kind"], scan["data"], scan["symbology"], scan["n"]) == ("Scan", "4006381333931", "", 2)
    assert "yesterday" not in json.dumps(got)


def _recent(bench: Bench, name: str) -> list[Any]:
    return bench.manager.session(name).recent()


async def test_a_slow_reader_misses_the_oldest_and_can_tell(bench: Bench) -> None:
    tail = Tail([bench.manager.session("scanner-1")])
    stop = tail.listen(lambda: None)
    for number in range(500):
        bench.hosts["scanner-1"].set("scan", f"code-{number}")
    await until(lambda: bench.manager.session("scanner-1").snapshot().statistics.get("GoodScanCount") == 500)
    stop()
    taken = tail.take()
    assert len(taken) == 400
    assert taken[0][0] > 1
    assert as_json(taken[-1][0], taken[-1][2])["data"] == "code-499"
    assert tail.take() == []


WEIGHT = Weight(450, True, True, ScaleStatus.STABLE_WEIGHT, at=17.0)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Scan("4711", "]E0"), "scan '4711' ]E0"),
        (WEIGHT, "weight: 450 g, stable weight, net"),
        (Weight(None, False, False, ScaleStatus.WEIGHT_UNSTABLE, 1.0), "weight: no legal weight, weight unstable"),
        (PrinterStatus(online=False, paper_out=True), "printer: paper out, offline"),
        (DrawerStatus(None), "drawer: has no sensor"),
        (Answer(3, WEIGHT), "command 3 done: weight: 450 g, stable weight, net"),
        (Answer(4), "command 4 done"),
        (
            Refusal(5, ErrorCode.TIMEOUT, "silent", "no answer"),
            "command 5 failed: no answer (silent, 112 TIMEOUT)",
        ),
        (PowerChanged(Power.OFF), "power: off"),
        (Oddity("what is this", b"\x01\x02"), "not understood: what is this (01 02)"),
        (Forwarded(b"\x16"), "passed on: 16"),
    ],
)
def test_events_in_words(event: Event, words: str) -> None:
    assert in_words(event) == words


def test_bytes_are_shown_as_far_as_they_can_be_read() -> None:
    assert printable(b"\x0201.234\r\xff") == "·01.234··"
    assert printer_in_words(PrinterStatus(online=True)) == "ready"
