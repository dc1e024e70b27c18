"""A whole house of devices: two of a kind never mix, and one that is dead, slow or mad is nobody else's trouble."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import selectors
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway import drivers
from gateway.devices.host import Host, PtyHost, TcpHost
from gateway.devices.manager import Manager
from gateway.devices.record import RING
from gateway.devices.session import BackOff
from gateway.devices.transport import Transport, open_transport
from gateway.errors import DeviceGone
from gateway.peripherals import (
    Label,
    LabelText,
    Line,
    Pay,
    PaymentKind,
    Power,
    Print,
    PrintLabels,
    ReadWeight,
    Request,
    Scan,
    Text,
    Weight,
)
from tests.devices.shop import QUICK, device, is_online, open_descriptors, running, until

SIDES = ("left", "right")
SCALES = [name for name in drivers.names() if name.startswith("scale-")]
SCANNERS = [name for name in drivers.names() if name.startswith("scanner-")]
MakeHost = Callable[[str, Path], Host]


def pty(name: str, path: Path) -> Host:
    return PtyHost(device(name), path)


def tcp(name: str, path: Path) -> Host:
    return TcpHost(device(name))


@contextlib.asynccontextmanager
async def pair(name: str, make_host: MakeHost, folder: Path) -> AsyncIterator[tuple[dict[str, Host], Manager]]:
    """Two of a kind, online."""
    hosts = {side: make_host(name, folder / side) for side in SIDES}
    manager = Manager(back_off=QUICK)
    async with hosts["left"], hosts["right"]:
        for side, host in hosts.items():
            manager.add(side, drivers.load(name), host.url)
        async with running(manager):
            for side in SIDES:
                await until(is_online(manager.session(side)))
            yield hosts, manager


def has(heard: dict[str, list[str]], number: int) -> bool:
    return all(len(labels) == number for labels in heard.values())


# --- two of a kind ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("make_host", [pty, tcp])
async def test_two_scales_never_tell_each_others_weight(name: str, make_host: MakeHost, tmp_path: Path) -> None:
    async with pair(name, make_host, tmp_path) as (hosts, manager):

        async def weigh(side: str, grams: int) -> None:
            hosts[side].set("grams", str(grams))
            weight = await manager.ask(side, ReadWeight(199))
            assert isinstance(weight, Weight)
            assert weight.grams == grams
            shown = manager.session(side).snapshot().weight
            assert shown is not None
            assert shown.grams == grams

        for turn in range(2):
            await asyncio.gather(weigh("left", 450 + 10 * turn), weigh("right", 1220 + 10 * turn))
        for side in SIDES:
            assert manager.session(side).snapshot().statistics["GoodWeightReadCount"] == 2


@pytest.mark.parametrize("name", SCANNERS)
@pytest.mark.parametrize("make_host", [pty, tcp])
async def test_two_scanners_keep_their_labels_apart_and_in_order(
    name: str, make_host: MakeHost, tmp_path: Path
) -> None:
    heard: dict[str, list[str]] = {side: [] for side in SIDES}
    async with pair(name, make_host, tmp_path) as (hosts, manager):

        def hears(device_id: str, entry: object) -> None:
            if isinstance(event := getattr(entry, "event", None), Scan):
                heard[device_id].append(event.data)

        manager.listen(hears)
        labels = {side: [f"{number}{index}" for number in range(1000, 1020)] for index, side in enumerate(SIDES)}
        for number, (one, other) in enumerate(zip(*labels.values(), strict=True), 1):
            hosts["left"].set("scan", one)
            hosts["right"].set("scan", other)
            await until(functools.partial(has, heard, number))
            # A label stays in a scanner with a protocol until it was acknowledged, and there is room for one.
            await until(lambda: not any(getattr(host.device, "unacknowledged", ()) for host in hosts.values()))
    assert heard == labels


async def test_two_printers_print_their_own_receipts_side_by_side(tmp_path: Path) -> None:
    async with pair("printer-escpos", tcp, tmp_path) as (hosts, manager):
        jobs = [(side, f"{side} {number}") for number in range(8) for side in SIDES]
        await asyncio.gather(*(manager.ask(side, Print((Text(text),))) for side, text in jobs))
        for side in SIDES:
            paper = hosts[side].device.lines  # type: ignore[attr-defined]
            assert paper == [text for wanted, text in jobs if wanted == side]


async def test_what_happens_to_one_of_two_does_not_happen_to_the_other(tmp_path: Path) -> None:
    async with pair("printer-escpos", tcp, tmp_path) as (hosts, manager):
        hosts["left"].set("cover_open", "yes")
        await hosts["right"].unplug()
        await until(lambda: manager.session("right").snapshot().power is Power.OFF)
        hosts["left"].set("cover_open", "no")
        await manager.ask("left", Print((Text("still here"),)))
        assert manager.session("left").snapshot().statistics.get("CommunicationErrorCount", 0) == 0
        assert hosts["left"].device.lines == ["still here"]  # type: ignore[attr-defined]


# --- dead for an hour ---------------------------------------------------------------------------------------------

HOUR_S = 3600.0
CAP_S = 10.0
#: Python's own caches; what was left behind by each of 360 attempts would be several times as much
MOST_GROWTH = 32 * 1024


class Hurried(asyncio.SelectorEventLoop):
    """A loop in whose time nobody waits: if nothing is on any line, the clock jumps to the next alarm."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        super().__init__(Impatient(self))

    def time(self) -> float:
        return self.ahead_s


class Impatient(selectors.DefaultSelector):
    """Bytes between two ends in one process are there at once; a moment is really waited all the same."""

    def __init__(self, loop: Hurried) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if found := super().select(0):
            return found
        time.sleep(0.0002)
        if found := super().select(0):
            return found
        if timeout is None:
            return super().select(0.01)
        self._loop.ahead_s += max(0.0, timeout)
        return []


def in_no_time(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Hurried) as runner:
        runner.run(work)


class House:
    """A scale and a scanner that live, and one device that will not."""

    def __init__(self, folder: Path, dying: str, make_host: MakeHost) -> None:
        clock = asyncio.get_running_loop().time
        self.clock, self.opened = clock, 0
        # What was written to a socket of this machine is there to be read; a pty takes its time, and the clock none.
        self.scale = TcpHost(device("scale-toledo-8217"), monotonic=clock)
        self.scanner = TcpHost(device("scanner-line"), monotonic=clock)
        self.dying = make_host(dying, folder / "dying")
        self.dying._monotonic = clock
        self.scans = 0
        self.slowest_s = 0.0
        exact = BackOff(cap_s=CAP_S, jitter=lambda limit_s: limit_s)
        self.manager = Manager(clock, open_line=self._open, back_off=exact)
        self.manager.listen(self._hears)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with self.scale, self.scanner:
            self.manager.add("scale", drivers.load("scale-toledo-8217"), self.scale.url)
            self.manager.add("scanner", drivers.load("scanner-line"), self.scanner.url)
            async with running(self.manager):
                yield

    async def _open(self, url: str, line: Line | None) -> Transport:
        self.opened += url == self.dying.url
        return await open_transport(url, line)

    def _hears(self, device_id: str, entry: object) -> None:
        if isinstance(getattr(entry, "event", None), Scan):
            self.scans += 1

    async def fill_the_rings(self) -> None:
        """So much traffic that every place where some is kept is full."""
        for number in range(RING):
            self.scanner.set("scan", str(number))
            await self.manager.ask("scale", ReadWeight())
        await until(lambda: self.scans == RING, 60.0)

    async def trade(self, seconds: float) -> None:
        """A weight and a label every five seconds."""
        rounds, scans, until_s = round(seconds / 5), self.scans, self.clock() + seconds
        for number in range(rounds):
            self.scale.set("grams", str(number))
            self.scanner.set("scan", str(number))
            asked_at = self.clock()
            weight = await self.manager.ask("scale", ReadWeight())
            assert isinstance(weight, Weight)
            assert weight.grams == number
            self.slowest_s = max(self.slowest_s, self.clock() - asked_at)
            await asyncio.sleep(max(0.0, asked_at + 5.0 - self.clock()))
        assert self.scans == scans + rounds
        assert self.clock() <= until_s + 1.0


@pytest.mark.parametrize(
    ("name", "make_host"), [("scale-toledo-8217", pty), ("printer-escpos", tcp), ("scanner-line", pty)]
)
def test_a_device_dead_for_an_hour_costs_nothing_and_comes_back(
    name: str, make_host: MakeHost, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.devices")
    in_no_time(an_hour_without(name, make_host, tmp_path, caplog))


async def an_hour_without(name: str, make_host: MakeHost, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    house = House(folder, name, make_host)
    await house.dying.plug()
    dead = house.manager.add("dying", drivers.load(name), house.dying.url)
    async with house.open():
        await until(is_online(dead), 60.0)
        await house.fill_the_rings()
        await house.trade(60)
        usual_s, house.slowest_s = house.slowest_s, 0.0
        caplog.clear()

        await house.dying.unplug()
        await until(lambda: dead.snapshot().power is Power.OFF, 60.0)
        died_at, opened = house.clock(), house.opened
        # Traced from here on, and measured once all that is kept was made while it was traced.
        tracemalloc.start()
        await house.trade(HOUR_S / 4)
        gc.collect()
        descriptors, tasks = open_descriptors(), len(asyncio.all_tasks())
        before = tracemalloc.get_traced_memory()[0]
        await house.trade(HOUR_S * 3 / 4)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()

        away_s = house.clock() - died_at
        attempts = house.opened - opened
        assert away_s / CAP_S - 1 <= attempts <= away_s / CAP_S + 8  # the first ones are closer together
        assert grown < MOST_GROWTH
        assert (open_descriptors(), len(asyncio.all_tasks())) == (descriptors, tasks)
        assert house.slowest_s <= usual_s + 0.01
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        with pytest.raises(DeviceGone):
            await dead.ask(ReadWeight())

        await house.dying.plug()
        back_at = house.clock()
        await until(is_online(dead), 60.0)
        assert house.clock() - back_at <= CAP_S + 1.0
        broke, mended = caplog.records
        assert broke.getMessage().startswith("device offline: dying: ")
        assert mended.getMessage().startswith(f"device online: dying: away {house.clock() - died_at:.0f} s, ")
    await house.dying.close()


def test_a_scale_that_is_silent_for_an_hour_is_asked_now_and_then_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its line is whole: it was switched off."""
    caplog.set_level(logging.INFO, "gateway.devices")

    async def silent_for_an_hour() -> None:
        house = House(tmp_path, "scale-toledo-8217", pty)
        scale = house.manager.add("dying", drivers.load("scale-toledo-8217"), house.dying.url)
        async with house.dying, house.open():
            await until(is_online(scale), 60.0)
            asked: list[str] = []
            house.dying.set("silent", "yes")
            with pytest.raises(Exception, match="no answer"):
                await scale.ask(ReadWeight())
            scale.listen(lambda _, entry: asked.append(getattr(entry, "direction", "")))
            await house.trade(HOUR_S)
            assert HOUR_S / 10 <= asked.count("out") <= HOUR_S / 2
            assert [record.levelname for record in caplog.records] == ["WARNING"]
            assert house.opened == 1
            house.dying.set("silent", "no")
            await until(is_online(scale), 60.0)
            assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]

    in_no_time(silent_for_an_hour())


# --- slow, stuck, mad -------------------------------------------------------------------------------------------------


class Stuck:
    """A line that takes no byte and says none."""

    reopen_when_silent = True

    async def read(self) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    async def write(self, data: bytes) -> None:
        await asyncio.Event().wait()

    def close(self) -> None:
        pass


class Mad(Stuck):
    """A line that never stops talking."""

    said = 0

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        Mad.said += 1
        return b"\x02?\xff" * 1000


async def opened_as(url: str, line: Line | None) -> Transport:
    match url.rpartition("/")[2]:
        case "stuck":
            return Stuck()
        case "mad":
            return Mad()
        case "crawling":
            await asyncio.Event().wait()
    return await open_transport(url, line)


@pytest.mark.parametrize("trouble", ["stuck", "mad", "crawling"])
@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("scale-toledo-8217", ReadWeight()),
        ("printer-escpos", Print((Text("x" * 4000),))),
        ("label-zpl", PrintLabels((Label(500, 300, (LabelText(10, 10, "Milk"),)),))),
        ("terminal-taiwan-edc", Pay("S0421-1-1", PaymentKind.SALE, 318, "TWD")),
    ],
)
async def test_a_device_in_trouble_holds_up_nobody(name: str, request_: Request, trouble: str, tmp_path: Path) -> None:
    Mad.said = 0
    async with PtyHost(device("scale-toledo-8217"), tmp_path / "good") as good:
        good.set("grams", "450")
        manager = Manager(open_line=opened_as, back_off=QUICK)
        manager.add("good", drivers.load("scale-toledo-8217"), good.url)
        manager.add("trouble", drivers.load(name), f"pty://{tmp_path}/{trouble}")
        async with running(manager):
            await until(is_online(manager.session("good")))
            waits = asyncio.create_task(manager.ask("trouble", request_, 60.0))
            await until(lambda: Mad.said > 10 or trouble != "mad")
            for _ in range(20):
                weight = await manager.ask("good", ReadWeight())
                assert isinstance(weight, Weight)
                assert weight.grams == 450
            # Twenty answers later the other one still waits for its first, if it was not told that it makes no sense.
            assert not waits.done() or (trouble == "mad" and waits.exception() is not None)
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
