"""A line through another device: a drawer's bytes travel in the printer's Forward commands, and so do its answers."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.errors import DeviceGone, DeviceSilent
from gateway.peripherals import ErrorCode


class Host(Protocol):
    """What this needs of the session of the device in between."""

    async def forward(self, data: bytes) -> bytes: ...

    async def connected(self) -> None:
        """Return when there is a line; raise DeviceGone when there is none now."""
        ...

    async def disconnected(self) -> None:
        """Return when that line breaks."""
        ...


class ViaTransport:
    reopen_when_silent = False

    def __init__(self, name: str, host: Host) -> None:
        self.name = name
        self._host = host
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def read(self) -> bytes:
        """The next answer; raises DeviceGone as soon as the device in between loses its own line."""
        answer = asyncio.ensure_future(self._answers.get())
        broken = asyncio.ensure_future(self._host.disconnected())
        try:
            await asyncio.wait((answer, broken), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            answer.cancel()
            broken.cancel()
        text = f"{self.name}, which it hangs on, is gone; check its power and cable"
        raise DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE)

    async def write(self, data: bytes) -> None:
        """Hand the bytes over; a refusal of the device in between (cover open) passes on to whoever asked."""
        try:
            answer = await self._host.forward(data)
        except DeviceSilent:
            # The codec at this end waits for an answer and will find out by itself.
            return
        if answer:
            self._answers.put_nowait(answer)

    def close(self) -> None:
        return


async def open_via(name: str, host: Host) -> ViaTransport:
    await host.connected()
    return ViaTransport(name, host)
