"""Sessions against pretend devices on real ptys and real sockets."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.devices.host import PtyHost, TcpHost
from gateway.devices.session import BackOff, Session
from gateway.devices.snapshot import Entry, Happened, Traffic
from gateway.devices.transport import open_transport
from gateway.drivers.scale.toledo_8217 import DRIVER as SCALE
from gateway.drivers.scale.toledo_8217 import ToledoScale
from gateway.errors import ConfigError, DeviceGone, DeviceRefused, DeviceSilent
from gateway.peripherals import (
    Cut,
    ErrorCode,
    Output,
    Power,
    PowerChanged,
    Print,
    PrinterStatus,
    ReadWeight,
    ScaleStatus,
    Scan,
    Text,
    Weight,
)
from tests.devices.shop import QUICK, device, is_online, open_descriptors, running, session_for, until


@pytest.fixture
async def scale(tmp_path: Path) -> PtyHost:
    return PtyHost(device("scale-toledo-8217"), tmp_path / "scale")


async def weighed(session: Session, timeout_s: float = 3.0) -> int | None:
    weight = await session.ask(ReadWeight(), timeout_s)
    assert isinstance(weight, Weight)
    return weight.grams


async def test_a_weight_comes_over_a_real_line(scale: PtyHost) -> None:
    session = session_for("scale-toledo-8217", scale.url)
    scale.set("grams", "450")
    async with scale, running(session):
        assert await weighed(session) == 450
        shown = session.snapshot()
    assert shown.weight is not None
    assert (shown.weight.grams, shown.weight.status) == (450, ScaleStatus.STABLE_WEIGHT)
    assert 0 <= shown.weight.age_ms < 5000
    assert shown.statistics["GoodWeightReadCount"] == 1


async def test_a_weight_expires(scale: PtyHost) -> None:
    now = 100.0
    session = Session("scale-1", SCALE, {}, scale.url, open_transport, lambda: now, back_off=QUICK)
    async with scale, running(session):
        await until(is_online(session))
        assert session.snapshot().weight is not None
        now += 5.1
        assert session.snapshot().weight is None


async def test_a_silent_scale_is_an_error_and_never_the_last_weight(scale: PtyHost) -> None:
    session = session_for("scale-toledo-8217", scale.url)
    scale.set("grams", "450")
    async with scale, running(session):
        assert await weighed(session) == 450
        scale.set("silent", "yes")
        with pytest.raises(DeviceSilent, match="check the scale's power") as silent:
            await weighed(session, 0.2)
        assert silent.value.code == ErrorCode.TIMEOUT
        assert session.snapshot().power is Power.OFF
        assert session.snapshot().weight is None
        scale.set("silent", "no")
        await until(is_online(session))
        assert await weighed(session) == 450


async def test_garbage_is_refused_with_what_to_check(scale: PtyHost) -> None:
    session = session_for("scale-toledo-8217", scale.url)
    async with scale, running(session):
        await until(is_online(session))
        scale.set("garbage", "yes")
        with pytest.raises((DeviceRefused, DeviceSilent), match="check"):
            await weighed(session, 1.3)


async def test_unplugged_and_plugged_in_fifty_times_leaks_nothing(scale: PtyHost) -> None:
    session = session_for("scale-toledo-8217", scale.url)
    scale.set("grams", "200")
    async with running(session):
        before, tasks = open_descriptors(), 0
        for turn in range(50):
            await scale.plug()
            await until(is_online(session))
            if turn == 0:
                tasks = len(asyncio.all_tasks())
            assert len(asyncio.all_tasks()) <= tasks
            await scale.unplug()
            await until(lambda: session.snapshot().power is Power.OFF)
        assert open_descriptors() == before
    assert session.snapshot().statistics["CommunicationErrorCount"] == 50


async def test_a_network_printer_unplugged_fifty_times_leaks_nothing() -> None:
    printer = TcpHost(device("printer-escpos"))
    await printer.plug()
    session = session_for("printer-escpos", printer.url)
    async with running(session):
        await until(is_online(session))
        before, tasks = open_descriptors(), len(asyncio.all_tasks())
        for _ in range(50):
            await printer.unplug()
            await until(lambda: session.snapshot().power is Power.OFF)
            await printer.plug()
            await until(is_online(session))
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        await until(lambda: open_descriptors() == before)
    await printer.close()


async def test_one_line_when_it_breaks_and_one_when_it_mends(scale: PtyHost, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.devices")
    opened = 0

    async def counting(url: str) -> object:
        nonlocal opened
        opened += 1
        return await open_transport(url)

    session = Session("scale-1", SCALE, {}, scale.url, counting, back_off=QUICK)  # type: ignore[arg-type]
    async with scale, running(session):
        await until(is_online(session))
        assert caplog.records == []
        await scale.unplug()
        await until(lambda: opened > 10)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        await scale.plug()
        await until(is_online(session))
        powers = [entry.event for entry in session.recent() if isinstance(entry, Happened)]
        assert [event.power for event in powers if isinstance(event, PowerChanged)] == [
            Power.ONLINE,
            Power.OFF,
            Power.ONLINE,
        ]
    broke, mended = caplog.records
    assert broke.getMessage() == f"device offline: scale-1: {scale.path}: unplugged; plug it in"
    assert mended.getMessage().startswith("device online: scale-1: away 0 s, ")
    assert broke.__dict__["device"] == mended.__dict__["device"] == "scale-1"


async def test_asking_an_unplugged_device_fails_at_once(scale: PtyHost) -> None:
    session = session_for("scale-toledo-8217", scale.url, BackOff(10.0, 10.0, lambda limit_s: limit_s))
    async with running(session):
        with pytest.raises(DeviceGone, match="not plugged in; plug it in"):
            await weighed(session)


async def test_a_command_under_way_when_the_line_breaks_fails_there_and_then(scale: PtyHost) -> None:
    session = session_for("scale-toledo-8217", scale.url)
    async with scale, running(session):
        await until(is_online(session))
        scale.set("silent", "yes")
        asked = asyncio.create_task(weighed(session, 60.0))
        waiting = asyncio.create_task(weighed(session, 60.0))
        await until(lambda: isinstance(session.recent()[-1], Traffic))
        await scale.unplug()
        with pytest.raises(DeviceGone, match="went away before it answered"):
            await asked
        with pytest.raises(DeviceGone):
            await waiting


async def test_commands_take_turns_in_order_and_a_long_wait_is_busy(scale: PtyHost) -> None:
    session = session_for("scale-toledo-8217", scale.url)
    async with scale, running(session):
        await until(is_online(session))
        scale.set("moving", "yes")
        first = asyncio.create_task(weighed(session, 30.0))
        await asyncio.sleep(0)
        with pytest.raises(DeviceSilent, match="still busy") as busy:
            await weighed(session, 0.1)
        assert busy.value.code == ErrorCode.BUSY
        others = [asyncio.create_task(weighed(session)) for _ in range(3)]
        scale.set("grams", "120")
        scale.set("moving", "no")
        assert [await task for task in [first, *others]] == [120] * 4


async def test_who_gives_up_leaves_the_command_to_the_device(scale: PtyHost) -> None:
    session = session_for("scale-toledo-8217", scale.url)
    async with scale, running(session):
        await until(is_online(session))
        scale.set("moving", "yes")
        asked = asyncio.create_task(weighed(session, 0.5))
        await asyncio.sleep(0)
        asked.cancel()
        scale.set("moving", "no")
        scale.set("grams", "33")
        assert await weighed(session) == 33


async def test_a_busy_port_says_so(scale: PtyHost) -> None:
    first, second = (session_for("scale-toledo-8217", scale.url) for _ in range(2))
    async with scale, running(first):
        await until(is_online(first))
        async with running(second):
            with pytest.raises(DeviceGone, match="another program has it open"):
                await weighed(second)
        assert await weighed(first) == 0


async def test_a_half_open_connection_is_found_and_made_anew() -> None:
    printer = TcpHost(device("printer-escpos"))
    async with printer:
        session = session_for("printer-escpos", printer.url, poll_s=0.05)
        async with running(session):
            await until(is_online(session))
            printer.set("silent", "yes")  # the socket is open, bytes are taken, nothing comes back
            await until(lambda: session.snapshot().power is Power.OFF)
            printer.set("silent", "no")
            await until(is_online(session))
            assert session.snapshot().last_error == "no answer; check its power and cable"


async def test_a_receipt_is_printed_once_and_its_end_is_the_printers_word() -> None:
    printer = TcpHost(device("printer-escpos"))
    async with printer:
        session = session_for("printer-escpos", printer.url, poll_s=0.1)
        async with running(session):
            status = await session.ask(Print((Text("Backroom"), Cut())))
            assert isinstance(status, PrinterStatus)
            assert printer.device.lines == ["Backroom"]  # type: ignore[attr-defined]
            printer.set("paper_lines", "1")
            with pytest.raises(DeviceRefused, match="paper ran out while printing") as out:
                await session.ask(Print((Text("one"), Text("two"), Cut())))
            assert out.value.reason == "paper_out"
            printer.set("paper_out", "no")
            await until(lambda: session.snapshot().power is Power.ONLINE)
        assert printer.device.lines == ["Backroom", "one", "two"]  # type: ignore[attr-defined]
    assert session.snapshot().statistics["PaperCutCount"] == 1


async def test_scans_and_traffic_reach_listeners_until_they_stop(tmp_path: Path) -> None:
    scanner = PtyHost(device("scanner-line"), tmp_path / "scanner")
    heard: list[Entry] = []

    def broken(device_id: str, entry: Entry) -> None:
        raise RuntimeError("a page that fails to draw")

    async with scanner:
        session = session_for("scanner-line", scanner.url)
        session.listen(broken)
        stop = session.listen(lambda device_id, entry: heard.append(entry))
        async with running(session):
            await until(is_online(session))
            scanner.set("scan", "4711234567899")
            await until(lambda: heard and isinstance(heard[-1], Happened) and isinstance(heard[-1].event, Scan))
            stop()
            count = len(heard)
            scanner.set("scan", "4711234567899")
            await until(lambda: session.snapshot().statistics["GoodScanCount"] == 2)
    assert len(heard) == count
    (line,) = [entry for entry in heard if isinstance(entry, Traffic)]
    assert (line.direction, line.data, line.size) == ("in", b"4711234567899\r", 14)
    assert line.at.tzinfo is not None


async def test_old_scans_are_not_sold_after_a_restart(tmp_path: Path) -> None:
    scanner = PtyHost(device("scanner-line"), tmp_path / "scanner")
    async with scanner:
        scanner.set("scan", "4711234567899")
        session = session_for("scanner-line", scanner.url)
        async with running(session):
            await until(is_online(session))
            scanner.set("scan", "123")
            await until(lambda: session.snapshot().statistics.get("GoodScanCount"))
            scans = [entry.event for entry in session.recent() if isinstance(entry, Happened)]
    assert [event for event in scans if isinstance(event, Scan)] == [Scan("123")]


class Crashing(ToledoScale):
    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        raise ZeroDivisionError("a mistake in a driver")


async def test_a_crashing_driver_is_told_once_with_its_traceback_and_tried_again(
    scale: PtyHost, caplog: pytest.LogCaptureFixture
) -> None:
    driver = replace(SCALE, codec=Crashing)
    opened = 0

    async def counting(url: str) -> object:
        nonlocal opened
        opened += 1
        return await open_transport(url)

    session = Session("scale-1", driver, {}, scale.url, counting, back_off=QUICK)  # type: ignore[arg-type]
    async with scale, running(session):
        await until(lambda: opened > 3)
        with pytest.raises(DeviceGone, match=r"driver scale-toledo-8217 failed|went away|its line broke"):
            await weighed(session)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert errors[0].exc_info is not None


def test_a_wrong_option_is_met_with_the_right_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'unit'"):
        session_for("scale-toledo-8217", "pty:///x", units="kg")
    with pytest.raises(ConfigError, match="unit 'oz'"):
        session_for("scale-toledo-8217", "pty:///x", unit="oz")


def test_back_off_doubles_to_its_cap_and_jitters_below_it() -> None:
    exact = BackOff(jitter=lambda limit_s: limit_s)
    assert [exact.wait_s(attempts) for attempts in (0, 1, 2, 3, 6, 7, 1000)] == [0.2, 0.2, 0.4, 0.8, 6.4, 10.0, 10.0]
    assert all(0 <= BackOff().wait_s(5) <= 3.2 for _ in range(100))
