"""Gives a pretend device a real line: a pseudo terminal or a TCP port, which can be unplugged and plugged in again.

For the demo, for tests, and for `backroom simulate`. A device keeps its state while it is unplugged, as a scale does
whose cable was pulled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.peripherals import Send, SimulatedDevice, WakeAt

READ_AT_MOST = 4096
#: who hung up just before another calls may not have been heard yet
HANG_UP_S = 0.2


class Host(ABC):
    """What both lines share: bytes and time to the device, its bytes to the line, its knobs."""

    def __init__(self, device: SimulatedDevice, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.device = device
        self._monotonic = monotonic
        self._alarm: asyncio.TimerHandle | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where a session or another program finds the device."""

    @abstractmethod
    async def plug(self) -> None:
        """Connect the line; without effect if it is."""

    @abstractmethod
    async def unplug(self) -> None:
        """Cut the line; the device itself goes on."""

    def set(self, knob: str, value: str) -> None:
        """Turn a knob; raises ValueError as the device does."""
        self._do(self.device.set(knob, value))

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        await self.unplug()

    def _heard(self, data: bytes) -> None:
        self._do(self.device.on_bytes(data, self._monotonic()))

    def _do(self, outputs: list[Send | WakeAt]) -> None:
        for output in outputs:
            if isinstance(output, Send):
                self._send(output.data)
            else:
                if self._alarm is not None:
                    self._alarm.cancel()
                wait_s = max(0.0, output.at - self._monotonic())
                self._alarm = asyncio.get_running_loop().call_later(wait_s, self._time)

    def _time(self) -> None:
        self._do(self.device.on_time(self._monotonic()))

    @abstractmethod
    def _send(self, data: bytes) -> None:
        """Put bytes of the device on the line; lost where nobody listens."""


class PtyHost(Host):
    """A pseudo terminal whose slave stands under a path of the caller's choice, as udev's by-id links do."""

    def __init__(self, device: SimulatedDevice, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(device, monotonic)
        self.path = path
        self._master = self._slave = -1

    @property
    def url(self) -> str:
        return f"pty://{self.path.absolute()}"

    async def plug(self) -> None:
        if self._master >= 0:
            return
        self._master, self._slave = os.openpty()
        # Our own hold on the slave keeps its raw mode, and keeps the master readable while nobody else has it open.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        beside = self.path.with_name(self.path.name + ".new")
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        beside.symlink_to(os.ttyname(self._slave))
        beside.replace(self.path)

    async def unplug(self) -> None:
        if self._master < 0:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def _readable(self) -> None:
        try:
            data = os.read(self._master, READ_AT_MOST)
        except BlockingIOError:
            return
        if data:
            self._heard(data)

    def _send(self, data: bytes) -> None:
        if self._master < 0:
            return
        # Nobody listens and the line's buffer is full: the bytes are lost, as on a serial line.
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)


class TcpHost(Host):
    """A TCP port that serves one client at a time, as network printers do; a second one is sent away."""

    def __init__(
        self,
        device: SimulatedDevice,
        host: str = "127.0.0.1",
        port: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(device, monotonic)
        self.host, self.port = host, port
        self._server: asyncio.Server | None = None
        self._client: asyncio.StreamWriter | None = None
        self._line = asyncio.Lock()

    @property
    def url(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    async def plug(self) -> None:
        if self._server is not None:
            return
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        # Port 0 lets the system choose once; after unplugging the device comes back under the same number.
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._client is not None:
            self._client.transport.abort()
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = self._server
        try:
            async with asyncio.timeout(HANG_UP_S):
                await self._line.acquire()
            try:
                if self._server is server:
                    await self._talk(reader, writer)
            finally:
                self._line.release()
        except TimeoutError:
            pass  # it is taken
        finally:
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._client = writer
        try:
            while data := await reader.read(READ_AT_MOST):
                self._heard(data)
        except (OSError, asyncio.CancelledError):
            pass  # the client went away, or the server is closing; either way this line has ended
        finally:
            self._client = None

    def _send(self, data: bytes) -> None:
        if self._client is not None and not self._client.is_closing():
            self._client.write(data)
