"""USB printers on a pretend bus behind pyusb, and the character device of usblp."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import threading
import tty
from pathlib import Path
from typing import Any

import pytest

from gateway import drivers
from gateway.devices import usb
from gateway.devices.session import Session
from gateway.devices.usb import ids_of, open_lp, open_usb
from gateway.errors import ConfigError, DeviceError, DeviceGone
from gateway.peripherals import ErrorCode, Print, PrinterStatus, Text
from tests.devices.pretend_usb import PretendBus, PretendUsbPrinter
from tests.devices.shop import QUICK, device, is_online, open_descriptors, running, until

URL = "usb://04b8:0202"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "READ_S", 0.02)
    monkeypatch.setattr(usb, "WRITE_S", 0.02)
    monkeypatch.setattr(usb, "CLAIM_S", 0.3)
    monkeypatch.setattr(usb, "CLAIM_AGAIN_S", 0.005)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Any:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("usb-"):
            thread.join(5)
            assert not thread.is_alive(), thread


def printer(serial: str | None = "S1", **settings: Any) -> PretendUsbPrinter:
    return PretendUsbPrinter(device("printer-escpos"), serial, **settings)


async def test_bytes_go_there_and_back_and_usblp_gets_its_printer_again() -> None:
    there = printer()
    line = await open_usb(URL, PretendBus(there))
    assert (there.usblp, there.claimed) == (False, 1)
    await line.write(b"Tea\n\x10\x04\x01")
    assert await line.read() == b"\x12"
    assert there.device.lines == ["Tea"]  # type: ignore[attr-defined]
    line.close()
    line.close()
    await until(lambda: there.usblp)
    assert (there.claimed, there.opened - there.closed) == (0, 0)


async def test_a_printer_that_takes_a_little_at_a_time_gets_everything_once() -> None:
    there = printer()
    there.most_at_once = 7
    line = await open_usb(URL, PretendBus(there))
    text = b"".join(b"line %d\n" % n for n in range(200))
    await line.write(text)
    assert bytes(there.device.received) == text  # type: ignore[attr-defined]
    line.close()


async def test_a_printer_that_takes_nothing_holds_up_nobody_and_loses_nothing() -> None:
    there = printer()
    there.takes = False
    line = await open_usb(URL, PretendBus(there))
    writing = asyncio.create_task(line.write(b"Tea\n"))
    there.say(b"\x12")
    assert await line.read() == b"\x12"
    assert not writing.done()
    there.go_on()
    await writing
    assert there.device.lines == ["Tea"]  # type: ignore[attr-defined]
    line.close()


async def test_closing_ends_a_read_and_a_write_that_wait() -> None:
    there = printer()
    there.takes = False
    line = await open_usb(URL, PretendBus(there))
    tasks = [asyncio.create_task(line.read()), asyncio.create_task(line.write(b"Tea\n"))]
    await asyncio.sleep(0)
    line.close()
    for task in tasks:
        with pytest.raises(DeviceGone, match="closed"):
            await task
    await until(lambda: there.closed == there.opened)


@pytest.mark.parametrize("place", [0, 1, 40, 200])
async def test_unplugged_in_the_middle_of_a_write_is_told_to_writer_and_reader(place: int) -> None:
    there = printer()
    there.most_at_once = 64
    there.unplug_after = place
    line = await open_usb(URL, PretendBus(there))
    reading = asyncio.create_task(line.read())
    with pytest.raises(DeviceGone, match="plug it in") as gone:
        await line.write(b"Tea\n" * 100)
    assert (gone.value.reason, gone.value.code) == ("gone", ErrorCode.NOHARDWARE)
    with pytest.raises(DeviceGone, match="plug it in"):
        await reading
    assert len(there.device.received) == place  # type: ignore[attr-defined]
    line.close()


async def test_unplugged_while_nothing_happens_ends_the_read() -> None:
    there = printer()
    line = await open_usb(URL, PretendBus(there))
    reading = asyncio.create_task(line.read())
    await asyncio.sleep(0)
    there.unplug()
    with pytest.raises(DeviceGone, match="unplugged or switched off"):
        await reading
    line.close()


async def test_of_two_alike_the_serial_number_names_one() -> None:
    first, second = printer("A1"), printer("B2")
    bus = PretendBus(first, second, printer("A1", ids=(0x0519, 0x0003)))
    line = await open_usb(URL + "/B2", bus)
    await line.write(b"Tea\n")
    assert (first.device.lines, second.device.lines) == ([], ["Tea"])  # type: ignore[attr-defined]
    line.close()
    with pytest.raises(DeviceGone, match=r"2 such printers .* A1, B2") as many:
        await open_usb(URL, bus)
    assert many.value.reason == "ambiguous"
    with pytest.raises(DeviceGone, match="there is A1, B2"):
        await open_usb(URL + "/C3", bus)
    await until(lambda: [there.opened - there.closed for there in (first, second)] == [0, 0])


async def test_a_printer_without_a_serial_number_is_found_if_it_is_alone() -> None:
    line = await open_usb(URL, PretendBus(printer(None)))
    line.close()
    with pytest.raises(DeviceGone, match="bus 1 device 1"):
        await open_usb(URL, PretendBus(printer(None), printer(None)))


@pytest.mark.parametrize(
    ("number", "reason", "words"),
    [(errno.EBUSY, "busy", "another program"), (errno.EACCES, "forbidden", "group lp"), (errno.EIO, "gone", "cable")],
)
async def test_what_hinders_is_told_in_words(number: int, reason: str, words: str) -> None:
    there = printer()
    there.claim_error = number
    with pytest.raises(DeviceGone, match=words) as refused:
        await open_usb(URL, PretendBus(there))
    assert refused.value.reason == reason
    assert there.opened == there.closed


async def test_a_device_that_may_not_be_opened_is_told_even_where_its_serial_is_asked_for() -> None:
    there = printer()
    there.open_error = errno.EACCES
    for url in (URL, URL + "/S1"):
        with pytest.raises(DeviceGone, match="group lp"):
            await open_usb(url, PretendBus(there))


async def test_nothing_plugged_in_is_told() -> None:
    with pytest.raises(DeviceGone, match="not plugged in, or switched off"):
        await open_usb(URL, PretendBus())


async def test_without_libusb_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import usb.core  # type: ignore[import-untyped]

    def none(**_: object) -> None:
        raise usb.core.NoBackendError("No backend available")

    monkeypatch.setattr(usb.core, "find", none)
    with pytest.raises(DeviceGone, match=r"apt-get install libusb-1\.0-0") as missing:
        await open_usb(URL)
    assert missing.value.code == ErrorCode.NOSERVICE


async def test_a_line_that_is_just_closing_is_waited_for() -> None:
    there = printer()
    bus = PretendBus(there)
    for _ in range(5):
        line = await open_usb(URL, bus)
        line.close()
    await until(lambda: (there.claimed, there.usblp) == (0, True))
    assert there.opened == there.closed


@pytest.mark.parametrize(
    ("interfaces", "altsetting"),
    [
        (((7, 1, 1), (7, 2, 2)), 1),  # one way, both ways
        (((7, 2, 2), (7, 4, 2)), 0),  # IPP over USB beside it
        (((7, 4, 2), (7, 2, 2)), 1),
        (((0xFF, 0, 2), (7, 2, 2)), 1),
        (((0xFF, 0, 2),), 0),  # printers switched to their maker's class
    ],
)
async def test_the_interface_that_prints_and_answers_is_taken(
    interfaces: tuple[tuple[int, int, int], ...], altsetting: int
) -> None:
    there = printer(interfaces=interfaces)
    there.configured = False
    line = await open_usb(URL, PretendBus(there))
    assert (there.altsetting, there.configured) == (altsetting, True)
    await line.write(b"\x10\x04\x01")
    assert await line.read() == b"\x12"
    line.close()


async def test_a_printer_that_cannot_answer_still_prints() -> None:
    there = printer(interfaces=((7, 1, 1),))
    line = await open_usb(URL, PretendBus(there))
    await line.write(b"Tea\n")
    assert there.device.lines == ["Tea"]  # type: ignore[attr-defined]
    line.close()


async def test_a_keyboard_is_no_printer() -> None:
    with pytest.raises(DeviceGone, match="it is no printer"):
        await open_usb(URL, PretendBus(printer(interfaces=((3, 1, 0),))))


async def test_reads_that_return_nothing_are_no_end() -> None:
    there = printer()
    there.empty_reads = True
    line = await open_usb(URL, PretendBus(there))
    await line.write(b"\x10\x04\x04")
    assert await line.read() == b"\x12"
    line.close()


async def test_a_flood_waits_in_the_printer_until_it_is_read() -> None:
    there = printer()
    line = await open_usb(URL, PretendBus(there))
    there.say(bytes(1_000_000))
    await line.write(b"Tea\n")
    assert isinstance(line, usb.UsbTransport)
    await until(lambda: len(line._unread) == usb.MOST_UNREAD)
    got = 0
    while got < 1_000_000:
        got += len(await line.read())
    assert got == 1_000_000
    line.close()


@pytest.mark.parametrize(
    "url",
    ["usb://04b8", "usb://04b8:020", "usb://04b8:0202:1/x", "usb://epson:0202", "usb://04b8:0202/S?x=1", "usb:///S"],
)
async def test_a_wrong_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigError, match="usb://VENDOR:PRODUCT/SERIAL"):
        await open_usb(url)


def test_a_serial_number_may_hold_anything() -> None:
    assert ids_of("usb://04B8:0202/A%2F1%20b") == (0x04B8, 0x0202, "A/1 b")


def session_on(bus: PretendBus, url: str = URL) -> Session:
    async def open_line(url: str, line: object = None) -> Any:
        return await open_usb(url, bus)

    return Session("printer-1", drivers.load("printer-escpos"), {}, url, open_line, back_off=QUICK)


async def test_a_session_prints_unplugged_and_plugged_in_again_under_the_same_name() -> None:
    there = printer()
    bus = PretendBus(there)
    session = session_on(bus, URL + "/S1")
    receipt = Print((Text("Backroom"),))
    async with running(session):
        await until(is_online(session))
        status = await session.ask(receipt, 5.0)
        assert isinstance(status, PrinterStatus)
        there.unplug()
        await until(lambda: not is_online(session)())
        again = PretendUsbPrinter(there.device, "S1")
        bus.printers.append(again)
        await until(is_online(session))
        await session.ask(receipt, 5.0)
    assert there.device.lines == ["Backroom", "Backroom"]  # type: ignore[attr-defined]


async def test_a_job_cut_off_by_unplugging_is_told_as_begun() -> None:
    there = printer()
    session = session_on(PretendBus(there))
    async with running(session):
        await until(is_online(session))
        there.unplug_after = 100
        with pytest.raises(DeviceError) as cut:
            await session.ask(Print(tuple(Text(f"line {n}") for n in range(100))), 5.0)
        assert cut.value.begun
    assert len(there.device.lines) < 100  # type: ignore[attr-defined]


@contextlib.contextmanager
def character_device() -> Any:
    """A pty stands in for /dev/usb/lp0: a character device that can be read and written."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(slave)
        with contextlib.suppress(OSError):
            os.close(master)


async def test_the_printer_device_of_linux_is_read_and_written() -> None:
    with character_device() as (master, path):
        before = open_descriptors()
        line = await open_lp(path)
        await line.write(b"Tea\n")
        assert os.read(master, 10) == b"Tea\n"
        os.write(master, b"\x12")
        assert await line.read() == b"\x12"
        with pytest.raises(DeviceGone, match="another program"):
            await open_lp(path)
        line.close()
        assert open_descriptors() == before


async def test_an_empty_packet_of_usblp_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    packets = iter([b"", b"", b"\x12"])
    with character_device() as (_, path):
        line = await open_lp(path)
        monkeypatch.setattr(os, "read", lambda *_: next(packets))
        assert await line.read() == b"\x12"
        line.close()


async def test_a_printer_device_that_is_not_there_or_goes_away_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceGone, match="plug it in"):
        await open_lp(str(tmp_path / "lp0"))

    def unplugged(*_: object) -> bytes:
        raise OSError(errno.ENODEV, "No such device")

    with character_device() as (_, path):
        line = await open_lp(path)
        monkeypatch.setattr(os, "read", unplugged)
        with pytest.raises(DeviceGone, match="plug it in"):
            await line.read()
        line.close()
