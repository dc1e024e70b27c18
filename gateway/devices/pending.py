"""A request under way: what was asked, by when it must have ended, and who waits for its end."""

from __future__ import annotations

import asyncio

from gateway.errors import DeviceError, DeviceGone, DeviceRefused, DeviceSilent
from gateway.peripherals import Answer, Command, ErrorCode, Refusal, Result

#: reasons of a driver that mean "no answer": nothing may be assumed about what the device did
SILENCES = ("silent", "unknown")
#: a driver ends its commands in time by itself; this is for one that does not
GRACE_S = 1.0


def failure(device_id: str, reason: str) -> DeviceError:
    """The failures that a session itself knows, each with what to do next."""
    match reason:
        case "off":
            text = f"{device_id}: no answer; check its power and cable"
            return DeviceSilent(text, reason="silent", code=ErrorCode.TIMEOUT)
        case "busy":
            text = f"{device_id}: still busy with what was asked before; wait, then try again"
            return DeviceSilent(text, reason="busy", code=ErrorCode.BUSY)
        case "overdue":
            text = f"{device_id}: no answer in time; look at the device before trying again"
            return DeviceSilent(text, reason="unknown", code=ErrorCode.TIMEOUT, begun=True)
        case "lost":
            text = f"{device_id}: went away before it answered; look at the device before trying again"
            return DeviceGone(text, reason="unknown", code=ErrorCode.NOHARDWARE, begun=True)
        case _:
            text = f"{device_id}: its line broke before this had its turn; try again"
            return DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE)


class Pending:
    """One command between ask() and its Answer, Refusal or failure. The asker may give up; the command goes on."""

    def __init__(self, device_id: str, command: Command) -> None:
        self.device_id = device_id
        self.command = command
        self.result: Result | None = None
        self.forwarded = b""
        self.guard_at = 0.0
        self._started = asyncio.Event()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def given_up(self) -> bool:
        return self._ended.done()

    def start(self, now: float) -> None:
        """Its turn has come."""
        self.guard_at = now + self.command.timeout_s + GRACE_S
        self._started.set()

    def end(self, how: Answer | Refusal) -> None:
        if isinstance(how, Answer):
            self.result = how.result
            if not self._ended.done():
                self._ended.set_result(None)
            return
        kind = DeviceSilent if how.reason in SILENCES else DeviceRefused
        self.fail(kind(f"{self.device_id}: {how.text}", reason=how.reason, code=int(how.code), begun=how.begun))

    def fail(self, error: DeviceError) -> None:
        self._started.set()
        if not self._ended.done():
            self._ended.set_exception(error)

    def nobody_waits(self) -> None:
        """Asked for the sake of the events that come with the answer: how it ends is nobody's business."""
        self._ended.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def finished(self) -> None:
        """Wait for the turn, then for the end; raise how it failed."""
        try:
            async with asyncio.timeout(self.command.timeout_s):
                await self._started.wait()
            await self._ended
        except TimeoutError:
            raise failure(self.device_id, "busy") from None
        finally:
            self._ended.cancel()  # whoever gave up waits no more; without effect on what has ended
