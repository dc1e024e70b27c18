"""What is known of one device: its power, the last it said of itself, its traffic and counters, and who listens.

A session writes it; the technician's page, the till and the fleet's report read it. Two lines in the log tell when a
device broke and when it was back. Of a private driver (a payment terminal) no byte stands here, only how many there
were.
"""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from gateway.devices.pending import Pending, failure
from gateway.devices.snapshot import WEIGHT_EXPIRES_S, Direction, Entry, Happened, Snapshot, Traffic, weight_seen
from gateway.devices.statistics import Statistics
from gateway.errors import DeviceError, DeviceGone
from gateway.peripherals import (
    Answer,
    DisplayStatus,
    DrawerStatus,
    Driver,
    ErrorCode,
    Event,
    LabelPrinterStatus,
    Oddity,
    Power,
    PowerChanged,
    PrinterStatus,
    Refusal,
    Weight,
)

log = logging.getLogger(__name__)

Listener = Callable[[str, Entry], None]
RING = 200
RING_BYTES = 256
#: the last that a device said of itself, by the field of Snapshot that shows it; payments are not among them
Facts = Weight | PrinterStatus | DrawerStatus | DisplayStatus | LabelPrinterStatus


class Record:
    def __init__(
        self, device_id: str, driver: Driver, monotonic: Callable[[], float], wall: Callable[[], datetime]
    ) -> None:
        self.device_id, self.driver = device_id, driver
        self.statistics = Statistics()
        self.power, self.last_error = Power.UNKNOWN, ""
        self.attempts = 0  # to open the line, since the device was last online
        self._monotonic, self._wall = monotonic, wall
        self._since = wall()
        self._broken_at: float | None = None
        self._crashed = False
        self._facts: dict[type[Facts], Facts] = {}
        self._listeners: dict[object, Listener] = {}
        self._ring: deque[Entry] = deque(maxlen=RING)

    # --- for readers ----------------------------------------------------------------------------------------

    def listen(self, callback: Listener) -> Callable[[], None]:
        key = object()
        self._listeners[key] = callback

        def unlisten() -> None:
            self._listeners.pop(key, None)

        return unlisten

    def recent(self) -> list[Entry]:
        return list(self._ring)

    def snapshot(self, url: str) -> Snapshot:
        now = self._monotonic()
        weight, printer, drawer, display, label_printer = map(
            self._facts.get, (Weight, PrinterStatus, DrawerStatus, DisplayStatus, LabelPrinterStatus)
        )
        fresh = isinstance(weight, Weight) and now - weight.at <= WEIGHT_EXPIRES_S
        return Snapshot(
            device_id=self.device_id,
            device_class=self.driver.device_class,
            driver=self.driver.name,
            url=url,
            power=self.power,
            since=self._since,
            last_error=self.last_error,
            statistics=self.statistics.snapshot(),
            weight=weight_seen(weight, now) if isinstance(weight, Weight) and fresh else None,
            printer=printer if isinstance(printer, PrinterStatus) else None,
            drawer=drawer if isinstance(drawer, DrawerStatus) else None,
            display=display if isinstance(display, DisplayStatus) else None,
            label_printer=label_printer if isinstance(label_printer, LabelPrinterStatus) else None,
        )

    # --- what comes from the connection ---------------------------------------------------------------------

    def passed(self, direction: Direction, data: bytes) -> None:
        shown = b"" if self.driver.private else data[:RING_BYTES]
        if log.isEnabledFor(logging.DEBUG):
            what = f"{len(data)} bytes" if self.driver.private else data.hex(" ")
            log.debug("%s %s %s", self.device_id, direction, what)
        self._tell(Traffic(self._wall(), direction, shown, len(data)))

    def saw(self, event: Event, pending: Pending | None) -> None:
        """Keep what an event tells, count it, and pass it on; pending: the command that it ends."""
        match event:
            case Answer() | Refusal():
                if pending is not None:
                    self.statistics.ended(pending.command.request, event)
            case PowerChanged(power=Power.OFF):
                self.broke(failure(self.device_id, "off"))
                return  # told there, if it is news
            case PowerChanged(power=power):
                if not self._power_changed(power):
                    return
                self.statistics.saw(event)
            case Oddity() if self.driver.private:
                event = replace(event, data=b"")
                self.statistics.saw(event)
            case _:
                self.statistics.saw(event)
        fact = event.result if isinstance(event, Answer) else event
        if isinstance(fact, Facts):
            self._facts[type(fact)] = fact
        self._tell(Happened(self._wall(), event))

    def _tell(self, entry: Entry) -> None:
        self._ring.append(entry)
        for listener in list(self._listeners.values()):
            try:
                listener(self.device_id, entry)
            except Exception:
                log.exception("a listener of %s failed", self.device_id, extra={"device": self.device_id})

    # --- power, and the two lines in the log ----------------------------------------------------------------

    def _power_changed(self, power: Power) -> bool:
        """Note it; tell whether it is news. A line that is opened for each command says `online` every time."""
        news = power is not self.power
        self.set_power(power)
        if self._broken_at is not None:
            away_s = self._monotonic() - self._broken_at
            log.info(
                "device online: %s: away %.0f s, %d attempts",
                self.device_id,
                away_s,
                self.attempts,
                extra={"device": self.device_id},
            )
        self._broken_at, self.attempts, self._crashed = None, 0, False
        return news

    def broke(self, problem: DeviceError) -> None:
        """The device cannot be used now; said once, until it is back."""
        self.last_error = str(problem).removeprefix(f"{self.device_id}: ")
        self._facts.clear()
        if self._broken_at is None:
            self._broken_at = self._monotonic()
            self.statistics.line_broke()
            log.warning("device offline: %s: %s", self.device_id, self.last_error, extra={"device": self.device_id})
        if self.power is not Power.OFF:
            self.set_power(Power.OFF)
            self._tell(Happened(self._wall(), PowerChanged(Power.OFF)))

    def crashed(self, bug: Exception) -> DeviceGone:
        """A mistake in the driver: its traceback in the log once, and what the shop is told."""
        name = self.driver.name
        # The text of an exception may quote what the driver was reading, and that may be a card's number.
        what = type(bug).__name__ if self.driver.private else f"{type(bug).__name__}: {bug}"
        if not self._crashed:
            where = "".join(traceback.format_tb(bug.__traceback__)) if self.driver.private else ""
            log.error(
                "driver failed: %s: %s: %s%s",
                self.device_id,
                name,
                what,
                f"\n{where}" if where else "",
                exc_info=None if self.driver.private else bug,
                extra={"device": self.device_id},
            )
        self._crashed = True
        text = f"its driver {name} failed ({what}); send us the log"
        return DeviceGone(text, reason="driver_failed", code=ErrorCode.FAILURE)

    def set_power(self, power: Power) -> None:
        if power is not self.power:
            self.power, self._since = power, self._wall()
