"""One device's life: its line, the codec that understands it, and whoever asks it something.

One task per device carries bytes and time between a transport and a fresh codec for each connection. A broken line
ends the connection and nothing else; the session connects again, slower each time, with jitter so that a hundred boxes
do not knock in step after a power cut. What was asked when the line broke fails there and then: nothing is repeated,
for nobody knows how far the device got.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.devices.connection import Connection
from gateway.devices.pending import Pending, failure
from gateway.devices.snapshot import WEIGHT_EXPIRES_S, Direction, Entry, Happened, Snapshot, Traffic, weight_seen
from gateway.devices.statistics import Statistics
from gateway.devices.transport import Transport
from gateway.errors import ConfigError, DeviceError, DeviceGone
from gateway.peripherals import (
    Answer,
    Codec,
    Command,
    DrawerStatus,
    Driver,
    ErrorCode,
    Event,
    Forward,
    Power,
    PowerChanged,
    Print,
    PrinterStatus,
    Refusal,
    Request,
    Result,
    Weight,
)

log = logging.getLogger(__name__)

OpenTransport = Callable[[str], Awaitable[Transport]]
Listener = Callable[[str, Entry], None]
TIMEOUT_S = 3.0
#: a long receipt on a 9600 baud line takes this long
PRINT_TIMEOUT_S = 15.0
RING = 200
RING_BYTES = 256


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
    ) -> None:
        self.device_id, self.driver, self.options, self.url = device_id, driver, dict(options), url
        self._open_transport, self._monotonic, self._wall, self._back_off = open_transport, monotonic, wall, back_off
        self.statistics = Statistics()
        self._listeners: dict[object, Listener] = {}
        self._ring: deque[Entry] = deque(maxlen=RING)
        self._connection: Connection | None = None
        self._tried = asyncio.Event()  # the first attempt to connect is over, one way or the other
        self._line_changed = asyncio.Event()
        self._commands = 0
        self._power, self._since = Power.UNKNOWN, wall()
        self._broken_at: float | None = None
        self._attempts = 0
        self._crashed = False
        self._last_error = ""
        self._weight: Weight | None = None
        self._printer: PrinterStatus | None = None
        self._drawer: DrawerStatus | None = None
        self._new_codec()

    # --- for the till and the technician --------------------------------------------------------------------

    async def ask(self, request: Request, timeout_s: float | None = None) -> Result | None:
        """Have one request done and return its result.

        Requests are done one at a time, in the order they came. timeout_s is for the request itself; waiting for those
        before it may take as long again.

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
            timeout_s = PRINT_TIMEOUT_S if isinstance(request, Print) else TIMEOUT_S
        if not self._tried.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._tried.wait()
        if self._connection is None:
            raise self._gone()
        self._commands += 1
        pending = Pending(self.device_id, Command(self._commands, request, timeout_s))
        self._connection.submit(pending)
        await pending.finished()
        return pending

    def _gone(self) -> DeviceGone:
        text = f"{self.device_id}: not connected: {self._last_error or 'its session is not running'}"
        return DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE)

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Call back with (device id, Traffic | Happened) for all that goes on; returns how to stop it."""
        key = object()
        self._listeners[key] = callback

        def unlisten() -> None:
            self._listeners.pop(key, None)

        return unlisten

    def recent(self) -> list[Entry]:
        """The last traffic and events, oldest first."""
        return list(self._ring)

    def snapshot(self) -> Snapshot:
        now = self._monotonic()
        fresh = self._weight is not None and now - self._weight.at <= WEIGHT_EXPIRES_S
        return Snapshot(
            device_id=self.device_id,
            device_class=self.driver.device_class,
            driver=self.driver.name,
            url=self.url,
            power=self._power,
            since=self._since,
            last_error=self._last_error,
            statistics=self.statistics.snapshot(),
            weight=weight_seen(self._weight, now) if self._weight and fresh else None,
            printer=self._printer,
            drawer=self._drawer,
        )

    # --- for a device that hangs on this one ----------------------------------------------------------------

    async def connected(self) -> None:
        """Return when there is a line to the device; raise DeviceGone if there is none."""
        await self._tried.wait()
        if self._connection is None:
            raise self._gone()

    async def disconnected(self) -> None:
        """Return when the line breaks that is open now."""
        connection = self._connection
        while connection is not None and self._connection is connection:
            await self._line_changed.wait()

    # --- the life -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, carry, and connect again, until cancelled."""
        try:
            while True:
                self._broke(await self._connect_and_carry())
                # A device that was online in between has no attempts yet and starts from the shortest wait.
                await asyncio.sleep(self._back_off.wait_s(self._attempts))
        finally:
            self._tried.set()
            self._set_power(Power.UNKNOWN)

    async def _connect_and_carry(self) -> DeviceError:
        """One connection from its opening to its end; returns why it ended."""
        self._attempts += 1
        transport: Transport | None = None
        try:
            transport = await self._open_transport(self.url)
            self._connection = Connection(self._new_codec(), transport, self._monotonic, self._saw, self._passed)
            self._changed()
            return await self._connection.run()
        except DeviceError as problem:
            return problem
        except Exception as bug:
            if not self._crashed:
                log.exception(
                    "driver failed: %s: %s", self.device_id, self.driver.name, extra={"device": self.device_id}
                )
            self._crashed = True
            text = f"its driver {self.driver.name} failed ({type(bug).__name__}: {bug}); send us the log"
            return DeviceGone(text, reason="driver_failed", code=ErrorCode.FAILURE)
        finally:
            ended, self._connection = self._connection, None
            if transport is not None:
                transport.close()
            if ended is not None:
                ended.fail_all(self.device_id)
            self._changed()

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

    # --- what comes from the connection ---------------------------------------------------------------------

    def _passed(self, direction: Direction, data: bytes) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s %s", self.device_id, direction, data.hex(" "))
        self._tell(Traffic(self._wall(), direction, data[:RING_BYTES], len(data)))

    def _saw(self, event: Event, pending: Pending | None) -> None:
        """Keep what an event tells, count it, and pass it on."""
        if isinstance(event, Answer | Refusal):
            if pending is not None:
                self.statistics.ended(pending.command.request, event)
        else:
            self.statistics.saw(event)
        match event:
            case PowerChanged(power=Power.OFF):
                self._broke(failure(self.device_id, "off"))
                return  # told there, if it is news
            case PowerChanged(power=power):
                self._power_changed(power)
            case Weight():
                self._weight = event
            case PrinterStatus():
                self._printer = event
            case DrawerStatus():
                self._drawer = event
        self._tell(Happened(self._wall(), event))

    def _tell(self, entry: Entry) -> None:
        self._ring.append(entry)
        for listener in list(self._listeners.values()):
            try:
                listener(self.device_id, entry)
            except Exception:
                log.exception("a listener of %s failed", self.device_id, extra={"device": self.device_id})

    # --- power, and the two lines in the log ----------------------------------------------------------------

    def _power_changed(self, power: Power) -> None:
        self._set_power(power)
        if self._broken_at is not None:
            away_s = self._monotonic() - self._broken_at
            log.info(
                "device online: %s: away %.0f s, %d attempts",
                self.device_id,
                away_s,
                self._attempts,
                extra={"device": self.device_id},
            )
        self._broken_at, self._attempts, self._crashed = None, 0, False

    def _broke(self, problem: DeviceError) -> None:
        """The device cannot be used now; said once, until it is back."""
        self._last_error = str(problem).removeprefix(f"{self.device_id}: ")
        self._weight = self._printer = self._drawer = None
        self._tried.set()
        if self._broken_at is None:
            self._broken_at = self._monotonic()
            self.statistics.line_broke()
            log.warning("device offline: %s: %s", self.device_id, self._last_error, extra={"device": self.device_id})
        if self._power is not Power.OFF:
            self._set_power(Power.OFF)
            self._tell(Happened(self._wall(), PowerChanged(Power.OFF)))

    def _set_power(self, power: Power) -> None:
        if power is not self._power:
            self._power, self._since = power, self._wall()
