from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import drivers
from gateway.devices.host import PtyHost, TcpHost
from gateway.devices.manager import Manager
from gateway.drivers.scanner.line import LineScanner
from gateway.errors import ConfigError, DeviceGone, DeviceRefused, DeviceSilent
from gateway.peripherals import DrawerStatus, ErrorCode, OpenDrawer, Output, Power, Print, ReadWeight, Text, Weight
from tests.devices.shop import QUICK, device, is_online, running, until


def shop() -> Manager:
    return Manager(back_off=QUICK)


async def test_a_drawer_opens_through_the_printer_it_hangs_on() -> None:
    printer = TcpHost(device("printer-escpos"))
    async with printer:
        manager = shop()
        manager.add("drawer-1", drivers.load("drawer-kick"), "via://printer-1", {"poll_s": 0.05})
        manager.add("printer-1", drivers.load("printer-escpos"), printer.url)
        async with running(manager):
            await until(is_online(manager.session("drawer-1")))
            assert await manager.ask("drawer-1", OpenDrawer()) == DrawerStatus(True)
            printer.set("drawer", "closed")
            await until(lambda: manager.session("drawer-1").snapshot().drawer == DrawerStatus(False))
            # In the middle of other people's printing, and neither gets the other's answers.
            jobs = [asyncio.create_task(manager.ask("printer-1", Print((Text(f"job {n}"),)))) for n in range(5)]
            assert await manager.ask("drawer-1", OpenDrawer()) == DrawerStatus(True)
            await asyncio.gather(*jobs)
        assert printer.device.lines == [f"job {n}" for n in range(5)]  # type: ignore[attr-defined]
        assert len(printer.device.pulses) == 2  # type: ignore[attr-defined]


async def test_no_pulse_waits_in_a_printer_whose_cover_is_open() -> None:
    printer = TcpHost(device("printer-escpos"))
    async with printer:
        manager = shop()
        manager.add("printer-1", drivers.load("printer-escpos"), printer.url, {"poll_s": 0.05})
        manager.add("drawer-1", drivers.load("drawer-kick"), "via://printer-1", {"sensor": "none"})
        async with running(manager):
            await until(is_online(manager.session("drawer-1")))
            printer.set("cover_open", "yes")
            await until(lambda: manager.session("printer-1").snapshot().power is Power.OFFLINE)
            with pytest.raises(DeviceRefused, match=r"drawer-1: printer-1: not ready: cover open; close it$"):
                await manager.ask("drawer-1", OpenDrawer())
            printer.set("cover_open", "no")
            await until(is_online(manager.session("printer-1")))
        assert printer.device.pulses == []  # type: ignore[attr-defined]


async def test_a_drawer_goes_and_comes_with_its_printer() -> None:
    printer = TcpHost(device("printer-escpos"))
    await printer.plug()
    manager = shop()
    manager.add("printer-1", drivers.load("printer-escpos"), printer.url)
    manager.add("drawer-1", drivers.load("drawer-kick"), "via://printer-1")
    drawer = manager.session("drawer-1")
    async with running(manager):
        await until(is_online(drawer))
        await printer.unplug()
        await until(lambda: drawer.snapshot().power is Power.OFF)
        with pytest.raises(DeviceGone, match="printer-1"):
            await drawer.ask(OpenDrawer())
        await printer.plug()
        await until(is_online(drawer))
    await printer.close()


@pytest.mark.parametrize("second", ["same", "link"])
async def test_two_claims_on_one_line_leave_nobody_with_it(tmp_path: Path, second: str) -> None:
    scale = PtyHost(device("scale-toledo-8217"), tmp_path / "scale")
    async with scale:
        (tmp_path / "link").symlink_to(tmp_path / "scale")
        manager = shop()
        manager.add("scale-1", drivers.load("scale-toledo-8217"), scale.url)
        manager.add(
            "scale-2", drivers.load("scale-toledo-8217"), scale.url if second == "same" else f"pty://{tmp_path}/link"
        )
        async with running(manager):
            for device_id, other in (("scale-1", "scale-2"), ("scale-2", "scale-1")):
                with pytest.raises(DeviceGone, match=f"also claimed by {other}"):
                    await manager.ask(device_id, ReadWeight())
        assert manager.rivals("scale-1") == ["scale-2"]


class Broken(LineScanner):
    def on_time(self, now: float) -> list[Output]:
        raise RuntimeError("a mistake in a driver")


async def test_a_dead_and_a_crashing_device_delay_nobody(tmp_path: Path) -> None:
    scale = PtyHost(device("scale-toledo-8217"), tmp_path / "scale")
    dead = PtyHost(device("scale-toledo-8217"), tmp_path / "dead")
    dead.set("silent", "yes")
    async with scale, dead:
        manager = shop()
        manager.add("scale-1", drivers.load("scale-toledo-8217"), scale.url)
        manager.add("dead", drivers.load("scale-toledo-8217"), dead.url)
        manager.add("gone", drivers.load("scanner-line"), f"pty://{tmp_path}/nothing")
        crashing = replace(drivers.load("scanner-line"), name="crashing", codec=Broken)
        other = PtyHost(device("scanner-line"), tmp_path / "scanner")
        async with other, running(manager):
            manager.add("crashing", crashing, other.url)  # while the others run
            await until(lambda: "failed" in manager.session("crashing").snapshot().last_error)
            slow = asyncio.create_task(manager.ask("dead", ReadWeight(), 1.0))
            for _ in range(20):
                weight = await manager.ask("scale-1", ReadWeight())
                assert isinstance(weight, Weight)
            assert not slow.done()
            with pytest.raises(DeviceSilent):
                await slow


async def test_an_unknown_device_is_told_with_those_there_are() -> None:
    manager = shop()
    manager.add("scale-1", drivers.load("scale-toledo-8217"), "pty:///nowhere")
    with pytest.raises(DeviceGone, match="there are scale-1") as unknown:
        await manager.ask("scale-9", ReadWeight())
    assert unknown.value.code == ErrorCode.NOEXIST


async def test_nothing_hangs_on_a_scale() -> None:
    manager = shop()
    manager.add("scale-1", drivers.load("scale-toledo-8217"), "pty:///nowhere")
    with pytest.raises(DeviceGone, match="nothing can hang on"):
        await manager.session("scale-1").forward(b"x")


@pytest.mark.parametrize(
    "url",
    [
        "/dev/ttyUSB0",
        "tcp://printer",
        "tcp://printer:port",
        "serial://",
        "via://",
        "serial:///x?baud=fast",
        "pty:///x?",
    ],
)
def test_a_wrong_url_is_a_configuration_error(url: str) -> None:
    manager = shop()
    if url == "pty:///x?":
        manager.add("scale-1", drivers.load("scale-toledo-8217"), url)
        with pytest.raises(ConfigError, match="stands twice"):
            manager.add("scale-1", drivers.load("scale-toledo-8217"), url)
    else:
        with pytest.raises(ConfigError):
            manager.add("scale-1", drivers.load("scale-toledo-8217"), url)


async def test_events_of_every_device_reach_a_listener(tmp_path: Path) -> None:
    scanner = PtyHost(device("scanner-line"), tmp_path / "scanner")
    heard: list[str] = []
    manager = shop()
    stop = manager.listen(lambda device_id, entry: heard.append(device_id))
    async with scanner, running(manager):
        manager.add("scanner-9", drivers.load("scanner-line"), scanner.url)
        await until(lambda: heard == ["scanner-9"])
        stop()


async def test_a_refused_printer_leaves_its_words_to_the_caller() -> None:
    printer = TcpHost(device("printer-escpos"))
    printer.set("cover_open", "yes")
    manager = shop()
    async with printer:
        manager.add("printer-1", drivers.load("printer-escpos"), printer.url)
        async with running(manager):
            with pytest.raises(DeviceRefused, match="printer-1: cover open; close it") as refused:
                await manager.ask("printer-1", Print((Text("x"),)))
    assert (refused.value.reason, refused.value.code) == ("cover_open", ErrorCode.EXTENDED)


def test_a_running_box_does_not_pay_for_what_it_does_not_use() -> None:
    code = (
        "import sys; import gateway.devices.manager; from gateway import drivers;"
        "[drivers.load(name) for name in drivers.names()];"
        "print(sorted({'escpos', 'serial', 'PIL', 'typer', 'rich', 'qrcode'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
