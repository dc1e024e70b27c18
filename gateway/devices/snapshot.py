"""What the rest of the gateway sees of a device: one frozen picture of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.peripherals import (
    DeviceClass,
    DisplayStatus,
    DrawerStatus,
    Event,
    LabelPrinterStatus,
    Power,
    PrinterStatus,
    ScaleStatus,
    Weight,
)

#: a weight older than this is not shown any more, not even with its age
WEIGHT_EXPIRES_S = 5.0


@dataclass(frozen=True, slots=True)
class WeightSeen:
    """A weight as the API shows it. grams is None wherever the scale gave no legal weight."""

    grams: int | None
    stable: bool
    net: bool
    status: ScaleStatus
    age_ms: int


def weight_seen(weight: Weight, now: float) -> WeightSeen:
    """The weight with its age at monotonic second `now`."""
    return WeightSeen(weight.grams, weight.stable, weight.net, weight.status, max(0, round((now - weight.at) * 1000)))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """since: when power became what it is; last_error: what broke last, "" if nothing ever did.

    Of a payment terminal there is its power and its counters; payments are the till's, and stand in its journal.
    """

    device_id: str
    device_class: DeviceClass
    driver: str
    url: str
    power: Power
    since: datetime
    last_error: str
    statistics: Mapping[str, int]
    weight: WeightSeen | None = None
    printer: PrinterStatus | None = None
    drawer: DrawerStatus | None = None
    display: DisplayStatus | None = None
    label_printer: LabelPrinterStatus | None = None


Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes on the line, in (from the device) or out. `size` is how many there were: long ones are cut, and those of
    a private driver are kept back."""

    at: datetime
    direction: Direction
    data: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a device."""

    at: datetime
    event: Event


Entry = Traffic | Happened
