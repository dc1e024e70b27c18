"""What systemd hears of the daemon, over a real datagram socket, and when the watchdog goes hungry."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from gateway.devices.manager import Manager
from gateway.devices.transport import Transport
from gateway.drivers import load
from gateway.errors import DeviceGone, QueueError
from gateway.fleet.notify import Notifier
from gateway.fleet.watchdog import Watchdog
from gateway.peripherals import ErrorCode, Line
from tests.cli.test_imports import CONFIG
from tests.shop import until


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)
        self.heard: list[str] = []

    def lines(self) -> list[str]:
        """All that was said until now."""
        while True:
            try:
                self.heard += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    other_end = Systemd(str(tmp_path / "notify"))
    yield other_end
    other_end.close()


@pytest.fixture
def abstract() -> Iterator[Systemd]:
    other_end = Systemd(f"@backroom-test-{secrets.token_hex(8)}")
    yield other_end
    other_end.close()


def test_an_abstract_address_is_reached_too(abstract: Systemd) -> None:
    Notifier(abstract.address).status("well")
    assert abstract.lines() == ["STATUS=well"]


def test_messages_arrive_and_the_words_stay_in_one_line(systemd: Systemd) -> None:
    environment = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    notifier = Notifier.from_environment(environment)
    assert environment == {}, "no child may speak for us"
    assert notifier.watchdog_s == 30.0
    notifier.ready("open\nREADY=0 for sales")
    notifier.alive()
    notifier.stopping()
    assert systemd.lines()[:4] == ["READY=1", "STATUS=open READY=0 for sales", "WATCHDOG=1", "STOPPING=1"]


@pytest.mark.parametrize("usec", ["", "0", "soon"])
def test_who_is_not_watched_has_no_watchdog(usec: str) -> None:
    assert Notifier.from_environment({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": usec}).watchdog_s is None


def test_a_watchdog_of_another_process_is_not_ours() -> None:
    environment = {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}
    assert Notifier.from_environment(environment).watchdog_s is None


def test_nobody_to_tell_and_a_socket_that_is_gone_end_nothing(tmp_path: Path) -> None:
    Notifier(None).ready("x")
    Notifier(str(tmp_path / "gone")).alive()


class Writer:
    """A writer of sales that comes back at once, or hangs."""

    def __init__(self) -> None:
        self.hangs = False
        self.refuses = False
        self.probes: list[Future[Any]] = []

    def probe(self) -> Future[Any]:
        if self.refuses:
            raise QueueError("stopping")
        future: Future[Any] = Future()
        if not self.hangs:
            future.set_result(None)
        self.probes.append(future)
        return future


def watched(systemd: Systemd, writer: Writer, now: Callable[[], float]) -> Watchdog:
    return Watchdog(Notifier(systemd.address, 30.0), writer.probe, lambda: "well", now, hung_s=120.0)


def test_a_writer_that_hangs_for_too_long_ends_the_feeding_until_it_comes_back(systemd: Systemd) -> None:
    writer, now = Writer(), [0.0]
    dog = watched(systemd, writer, lambda: now[0])
    dog.beat()
    writer.hangs = True
    for now[0] in (10.0, 100.0, 130.0):  # the first of these is put at 10
        dog.beat()
    assert systemd.lines().count("WATCHDOG=1") == 4
    now[0] = 131.0
    dog.beat()
    assert systemd.lines().count("WATCHDOG=1") == 4
    assert systemd.lines()[-1].startswith("STATUS=hangs: the disk has taken nothing for 121 s")
    writer.hangs = False
    writer.probes[-1].set_result(None)
    dog.beat()
    assert systemd.lines()[-2:] == ["WATCHDOG=1", "STATUS=well"]


def test_an_error_is_an_answer(systemd: Systemd) -> None:
    writer, now = Writer(), [0.0]
    dog = watched(systemd, writer, lambda: now[0])
    writer.hangs = True
    dog.beat()
    writer.probes[-1].set_exception(QueueError("the disk has become read-only"))
    writer.refuses = True
    now[0] = 1000.0
    dog.beat()
    assert systemd.lines().count("WATCHDOG=1") == 2


async def test_it_is_fed_at_a_third_of_its_time_and_only_while_the_loop_turns(systemd: Systemd) -> None:
    writer = Writer()
    dog = Watchdog(Notifier(systemd.address, 0.3), writer.probe, lambda: "well", asyncio.get_running_loop().time)
    running = asyncio.create_task(dog.run())
    await until(lambda: systemd.lines().count("WATCHDOG=1") >= 3)
    fed = systemd.lines().count("WATCHDOG=1")
    stopped = asyncio.get_running_loop().time() + 0.5
    while asyncio.get_running_loop().time() < stopped:  # the loop is held, as by a mistake of ours
        pass
    assert systemd.lines().count("WATCHDOG=1") == fed
    running.cancel()


def started(systemd: Systemd, config: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "3000000"}
    environment.pop("WATCHDOG_PID", None)
    command = [sys.executable, "-m", "gateway", "run", "--config", str(config)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


async def test_a_daemon_says_ready_when_its_devices_are_tried_then_lives_then_stops(
    systemd: Systemd, tmp_path: Path
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG)
    process = started(systemd, config)
    try:
        await until(lambda: "READY=1" in systemd.lines() and systemd.lines().count("WATCHDOG=1") > 1, 30)
        assert systemd.lines()[0] == f"STATUS=checking the money file in {tmp_path / 'data'}"
        words = systemd.lines()[systemd.lines().index("READY=1") + 1]
        assert words.startswith("STATUS=open for sales; 0 of 4 devices there (away: ")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
        assert "STOPPING=1" in systemd.lines()
    finally:
        process.kill()
        process.wait()


async def test_ready_waits_for_each_device_to_be_claimed_or_known_absent_but_not_for_ever() -> None:
    answered = asyncio.Event()

    async def open_line(url: str, _line: Line | None) -> Transport:
        if "slow" in url:
            await answered.wait()
        raise DeviceGone(f"{url}: refused", reason="gone", code=ErrorCode.NOHARDWARE)

    manager = Manager(open_line=open_line)
    for name in ("slow", "absent"):
        manager.add(name, load("scanner-line"), f"tcp://{name}:1")
    running = asyncio.create_task(manager.run())
    assert await manager.settled(0.2) == ["slow"]
    waiting = asyncio.create_task(manager.settled(30.0))
    answered.set()
    assert await waiting == []
    running.cancel()


async def test_a_start_that_fails_is_told_in_words(systemd: Systemd, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.replace('"data"', '"nowhere/data"'))
    (tmp_path / "nowhere").write_text("a file where a folder should be")
    process = started(systemd, config)
    assert await asyncio.to_thread(process.wait, 30) == 2
    assert "READY=1" not in systemd.lines()
    assert systemd.lines()[-1].startswith("STATUS=cannot start: [gateway] data_dir")
