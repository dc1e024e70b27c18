"""One device's life: its line, the codec that understands it, and whoever asks it something.

One task per device carries bytes and time between a transport and a fresh codec for each connection. A broken line
ends the connection and nothing else; the session connects again, slower each time, with jitter so that a hundred boxes
do not knock in step after a power cut. What was asked when the line broke fails there and then: nothing is repeated,
for nobody knows how far the device got.

Some devices (payment terminals) want one connection a conversation. The line of such an on-demand driver is opened when
something is asked and closed when the codec hangs up; in between a question for its health is put to it now and then,
so that the technician's page tells the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.devices.connection import Connection
from gateway.devices.pending import Pending
from gateway.devices.record import Listener, Record
from gateway.devices.snapshot import Entry, Snapshot
from gateway.devices.transport import Transport
from gateway.errors import ConfigError, DeviceError, DeviceGone
from gateway.peripherals import (
    CheckHealth,
    Codec,
    Command,
    Driver,
    EndOfDay,
    ErrorCode,
    Forward,
    KeepResult,
    Pay,
    Power,
    Print,
    PrintLabels,
    RepeatReceipt,
    Request,
    ResolvePayment,
    Result,
)

__all__ = ["BackOff", "Listener", "Session", "utc_now"]

OpenTransport = Callable[[str], Awaitable[Transport]]
TIMEOUT_S = 3.0
#: what takes longer: a long receipt at 9600 baud; a customer who looks for the card; a host that is far away
TIMEOUTS_S: Mapping[type[Request], float] = {
    Print: 15.0,
    PrintLabels: 15.0,
    Pay: 300.0,
    ResolvePayment: 30.0,
    KeepResult: 10.0,
    RepeatReceipt: 60.0,
    EndOfDay: 300.0,
}
#: between two questions for the health of a device whose line is opened on demand
PROBE_S = 60.0
#: a driver hangs up by itself; this is for one that leaves its line open with nothing to do
IDLE_S = 5.0


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long to wait before the next attempt: doubling from first_s to cap_s, drawn between zero and that limit."""

    first_s: float = 0.2
    cap_s: float = 10.0
    jitter: Callable[[float], float] = lambda limit_s: random.uniform(0.0, limit_s)  # noqa: S311

    def wait_s(self, attempts: int) -> float:
        """attempts: how many were made since the device was last online."""
        return self.jitter(min(self.first_s * 2.0 ** min(max(attempts - 1, 0), 20), self.cap_s))


def utc_now() -> datetime:
    return datetime.now(UTC)


class Session:
    """Runs one device; see run, ask, listen, snapshot.

    open_transport: opens a URL, raising DeviceGone; called again for each connection
    """

    def __init__(
        self,
        device_id: str,
        driver: Driver,
        options: Mapping[str, Any],
        url: str,
        open_transport: OpenTransport,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        wall: Callable[[], datetime] = utc_now,
        back_off: BackOff = BackOff(),
        probe_s: float = PROBE_S,
    ) -> None:
        self.device_id, self.driver, self.options, self.url = device_id, driver, dict(options), url
        self._open_transport, self._monotonic, self._back_off, self._probe_s = (
            open_transport,
            monotonic,
            back_off,
            probe_s,
        )
        self._record = Record(device_id, driver, monotonic, wall)
        self.statistics = self._record.statistics
        self._connection: Connection | None = None
        self._running = False
        self._tried = asyncio.Event()  # the first attempt to connect is over, one way or the other
        self._line_changed = asyncio.Event()
        self._wanted: deque[Pending] = deque()  # asked of an on-demand device while its line is closed
        self._somebody_asked = asyncio.Event()
        self._plugged = asyncio.Event()
        self._commands = 0
        self._new_codec()

    # --- for the till and the technician --------------------------------------------------------------------

    async def ask(self, request: Request, timeout_s: float | None = None) -> Result | None:
        """Have one request done and return its result.

        Requests are done one at a time, in the order they came, but for those that are about the one under way.
        timeout_s is for the request itself; waiting for those before it may take as long again.

        Raises:
            DeviceRefused: the device answered and said no; a person can mend it.
            DeviceSilent: no answer in time, or not even a turn.
            DeviceGone: there is no line to it, or it broke before the answer.
        """
        if isinstance(request, Forward):
            await self.forward(request.data, timeout_s)
            return None
        return (await self._do(request, timeout_s)).result

    async def forward(self, data: bytes, timeout_s: float | None = None) -> bytes:
        """Pass the bytes of a device that hangs on this one, out of turn; return what came back for it."""
        if not self.driver.forwards:
            text = f"{self.device_id}: nothing can hang on a {self.driver.name}; give the device a line of its own"
            raise DeviceGone(text, reason="unsupported", code=ErrorCode.NOSERVICE)
        pending = await self._do(Forward(data), timeout_s)
        return pending.forwarded

    async def _do(self, request: Request, timeout_s: float | None) -> Pending:
        if timeout_s is None:
            timeout_s = TIMEOUTS_S.get(type(request), TIMEOUT_S)
        if not self._running or not (self._tried.is_set() or self.driver.on_demand):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._tried.wait()
        pending = self._pending(request, timeout_s)
        if self._connection is not None and self._connection.takes_more:
            self._connection.submit(pending)
        elif self.driver.on_demand and self._running and not isinstance(request, KeepResult):
            # What a terminal holds, it holds on the line where it said so: KeepResult never opens another.
            self._wanted.append(pending)
            self._somebody_asked.set()
        else:
            raise self._gone()
        await pending.finished()
        return pending

    def _pending(self, request: Request, timeout_s: float) -> Pending:
        self._commands += 1
        return Pending(self.device_id, Command(self._commands, request, timeout_s))

    def _gone(self) -> DeviceGone:
        text = f"{self.device_id}: not connected: {self._record.last_error or 'its session is not running'}"
        return DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE)

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Call back with (device id, Traffic | Happened) for all that goes on; returns how to stop it."""
        return self._record.listen(callback)

    def recent(self) -> list[Entry]:
        """The last traffic and events, oldest first."""
        return self._record.recent()

    def snapshot(self) -> Snapshot:
        return self._record.snapshot(self.url)

    def plugged(self) -> None:
        """Something was plugged in somewhere: try again now if the line is down."""
        self._plugged.set()

    # --- for a device that hangs on this one ----------------------------------------------------------------

    async def tried(self) -> None:
        """Return when the first attempt to claim the device is over, one way or the other."""
        await self._tried.wait()

    async def connected(self) -> None:
        """Return when the device can be asked; raise DeviceGone if there is no line to it."""
        await self._tried.wait()
        at_rest = self.driver.on_demand and self._running and self._record.power is not Power.OFF
        if self._connection is None and not at_rest:
            raise self._gone()

    async def disconnected(self) -> None:
        """Return when the line breaks that is open now."""
        connection = self._connection
        while connection is not None and self._connection is connection:
            await self._line_changed.wait()

    # --- the life -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, carry, and connect again, until cancelled."""
        self._running = True
        try:
            while True:
                if self.driver.on_demand:
                    await self._until_asked()
                if broken := await self._connect_and_carry():
                    self._record.broke(broken)
                    self._tried.set()
                    self._fail_wanted()
                if not self.driver.on_demand:
                    # A device that was online in between has no attempts yet and starts from the shortest wait.
                    await self._rest(self._back_off.wait_s(self._record.attempts))
        finally:
            self._running = False
            self._tried.set()
            self._fail_wanted()
            self._record.set_power(Power.UNKNOWN)

    async def _rest(self, seconds: float) -> None:
        """Wait before the next attempt; something plugged in ends it at once."""
        self._plugged.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._plugged.wait()

    async def _until_asked(self) -> None:
        """Return when somebody asked something, or when it is time to ask for the device's health ourselves."""
        # The loop closes the last line's socket in its next round; a terminal that takes one caller must not see two.
        await asyncio.sleep(0)
        if not self._tried.is_set():
            wait_s = 0.0
        elif self._record.power is Power.OFF:
            wait_s = self._back_off.wait_s(self._record.attempts)
        else:
            wait_s = self._probe_s
        try:
            async with asyncio.timeout(wait_s):
                await self._somebody_asked.wait()
        except TimeoutError:
            probe = self._pending(CheckHealth(), TIMEOUT_S)
            probe.nobody_waits()
            self._wanted.append(probe)

    def _fail_wanted(self) -> None:
        while self._wanted:
            self._wanted.popleft().fail(self._gone())
        self._somebody_asked.clear()

    async def _connect_and_carry(self) -> DeviceError | None:
        """One connection from its opening to its end; returns why it broke, None if it was hung up."""
        self._record.attempts += 1
        transport: Transport | None = None
        ended: Connection | None = None
        try:
            transport = await self._open_transport(self.url)
            idle_s = IDLE_S if self.driver.on_demand else None
            codec, record = self._new_codec(), self._record
            ended = self._connection = Connection(codec, transport, self._monotonic, record.saw, record.passed, idle_s)
            while self._wanted:
                ended.submit(self._wanted.popleft())
            self._somebody_asked.clear()
            self._changed()
            return await ended.run()
        except DeviceError as problem:
            return problem
        except Exception as bug:  # noqa: BLE001 -- logged there
            return self._record.crashed(bug)
        finally:
            self._connection = None
            if transport is not None:
                transport.close()
            if ended is not None:
                self._leave(ended)
            self._changed()

    def _leave(self, connection: Connection) -> None:
        """What had begun on it fails; what had not yet goes out on the next line, where there will be one on demand."""
        if self.driver.on_demand and connection.hung_up:
            self._wanted.extendleft(reversed(connection.unbegun()))
            if self._wanted:
                self._somebody_asked.set()
        connection.fail_all(self.device_id)

    def _changed(self) -> None:
        """Wake whoever waits for a line or for its end, and be ready for the next."""
        self._tried.set()
        self._line_changed.set()
        self._line_changed = asyncio.Event()

    def _new_codec(self) -> Codec:
        """A codec with the configured options.

        Raises:
            ConfigError: an option is unknown or has an impossible value.
        """
        for name in self.options:
            if name not in self.driver.options:
                near = difflib.get_close_matches(name, self.driver.options, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.driver.options)}"
                raise ConfigError(f"{self.device_id}: unknown option {name!r} of {self.driver.name}; {hint}")
        try:
            return self.driver.codec(**self.options)
        except (ValueError, TypeError) as problem:
            raise ConfigError(f"{self.device_id}: {problem}") from problem
