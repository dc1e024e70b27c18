"""Transports on real ptys and real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.devices import transport
from gateway.devices.host import PtyHost, TcpHost
from gateway.devices.transport import line_of, open_transport
from gateway.errors import ConfigError, DeviceGone
from gateway.peripherals import ErrorCode, Line
from tests.devices.shop import device, open_descriptors


@contextlib.contextmanager
def pty() -> Iterator[tuple[int, str]]:
    """The master's descriptor and the slave's path."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(slave)
        with contextlib.suppress(OSError):
            os.close(master)


@pytest.mark.parametrize("form", ["pty://{}", "serial://{}?baud=9600&parity=E&bits=7"])
async def test_a_pty_can_be_opened_again_and_again_in_any_setting(form: str) -> None:
    with pty() as (master, path):
        before = open_descriptors()
        for _ in range(5):
            line = await open_transport(form.format(path))
            await line.write(b"W")
            assert os.read(master, 10) == b"W"
            os.write(master, b"\x82\xb4\r")
            assert await line.read() == b"\x82\xb4\r"
            line.close()
            line.close()
        assert open_descriptors() == before


async def test_pyserial_opens_a_port_and_leaves_one_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the pty were a USB adapter: pyserial sets the line, fails at RTS and DTR, and takes the lock.
    monkeypatch.setattr(transport, "is_pty", lambda path: False)
    with pty() as (master, path):
        before = open_descriptors()
        line = await open_transport(f"serial://{path}?baud=19200")
        assert open_descriptors() == before + 1
        with pytest.raises(DeviceGone, match="another program") as busy:
            await open_transport(f"serial://{path}")
        assert (busy.value.reason, busy.value.code) == ("busy", ErrorCode.CLAIMED)
        os.write(master, b"\x0201.234\r")
        assert await line.read() == b"\x0201.234\r"
        line.close()
        (await open_transport(f"serial://{path}")).close()
        assert open_descriptors() == before


async def test_the_far_end_going_away_ends_a_read(tmp_path: Path) -> None:
    scale = PtyHost(device("scale-toledo-8217"), tmp_path / "scale")
    async with scale:
        line = await open_transport(scale.url)
        reading = asyncio.create_task(line.read())
        await asyncio.sleep(0)
        await scale.unplug()
        with pytest.raises(DeviceGone, match=r"plug it in|check cable"):
            await reading
        line.close()


async def test_closing_ends_a_read_and_a_write_that_wait() -> None:
    with pty() as (_, path):
        line = await open_transport(f"pty://{path}")
        tasks = [asyncio.create_task(line.read()), asyncio.create_task(line.write(b"x" * 1_000_000))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        line.close()
        for task in tasks:
            with pytest.raises(DeviceGone):
                await task


async def test_a_long_write_waits_for_a_slow_reader() -> None:
    with pty() as (master, path):
        line = await open_transport(f"pty://{path}")
        writing = asyncio.create_task(line.write(b"x" * 100_000))
        got = 0
        async with asyncio.timeout(10):
            while got < 100_000:
                await asyncio.sleep(0)
                with contextlib.suppress(BlockingIOError):
                    got += len(os.read(master, 65536))
        await writing
        line.close()


async def test_old_input_is_thrown_away_at_opening() -> None:
    with pty() as (master, path):
        os.write(master, b"old\r")
        line = await open_transport(f"pty://{path}")
        os.write(master, b"new\r")
        assert await line.read() == b"new\r"
        line.close()


async def test_nobody_listening_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(DeviceGone, match="nobody listens there"):
            await open_transport(f"tcp://127.0.0.1:{unused.getsockname()[1]}")


async def test_a_tcp_line_keeps_alive_and_ends_when_the_far_end_does() -> None:
    printer = TcpHost(device("printer-escpos"))
    async with printer:
        line = await open_transport(printer.url)
        assert isinstance(line, transport.TcpTransport)
        assert line._writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await line.write(b"\x10\x04\x01")
        assert await line.read() == b"\x12"
        await printer.unplug()
        with pytest.raises(DeviceGone):
            await line.read()
        line.close()


async def test_a_second_client_of_a_printer_is_sent_away() -> None:
    async with TcpHost(device("printer-escpos")) as printer:
        first, second = await open_transport(printer.url), await open_transport(printer.url)
        with pytest.raises(DeviceGone):
            await second.read()
        await first.write(b"\x10\x04\x01")
        assert await first.read() == b"\x12"
        first.close()
        second.close()


async def test_a_client_that_comes_right_after_another_hung_up_is_served() -> None:
    """As a terminal's driver does, conversation by conversation: the first may not be known to be gone yet."""
    async with TcpHost(device("printer-escpos")) as printer:
        first = await open_transport(printer.url)
        await first.write(b"\x10\x04\x01")
        assert await first.read() == b"\x12"
        second = await open_transport(printer.url)
        for _ in range(20):  # rounds of the loop, in which it is seen to call
            await asyncio.sleep(0)
        first.close()
        await second.write(b"\x10\x04\x01")
        assert await second.read() == b"\x12"
        second.close()


async def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    for scheme in ("pty", "serial"):
        with pytest.raises(DeviceGone, match="not plugged in") as gone:
            await open_transport(f"{scheme}://{tmp_path}/nothing")
        assert gone.value.code == ErrorCode.NOHARDWARE


def test_the_urls_settings_win_over_the_makers() -> None:
    shipped = Line(9600, 7, "E")
    assert line_of("serial:///x", shipped) == shipped
    assert line_of("serial:///x?baud=2400&parity=O", shipped) == Line(2400, 7, "O")
    assert line_of("serial:///x") == Line(9600)


@pytest.mark.parametrize(
    "query", ["bauds=9600", "baud=9600.0", "baud=٩٦٠٠", "bits=9", "parity=even", "stop=3", "baud="]
)
def test_a_wrong_setting_is_a_configuration_error(query: str) -> None:
    with pytest.raises(ConfigError):
        line_of(f"serial:///x?{query}")


async def test_an_unknown_scheme_is_told() -> None:
    with pytest.raises(ConfigError, match="serial:///dev/serial/by-id"):
        await open_transport("gopher://x")


async def test_a_device_file_that_may_not_be_opened_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuses)
    for url, group in (
        ("hid:///dev/hidraw0", "plugdev"),
        ("evdev:///dev/input/event0", "input"),
        ("pty:///dev/x", "dialout"),
    ):
        with pytest.raises(DeviceGone, match=f"group {group}") as refused:
            await open_transport(url)
        assert refused.value.reason == "forbidden"
