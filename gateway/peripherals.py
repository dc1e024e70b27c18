"""What a peripheral is, in the words of UnifiedPOS 1.16: classes, commands, answers, events and the Codec protocol.

A driver is a codec: bytes in, outputs out, and time comes in as a number. It does no I/O, reads no clock, starts no
thread. A session (gateway/devices/session.py) carries the bytes and the time.

Source: UnifiedPOS Retail Peripheral Architecture 1.16 (OMG retail/23-05-01): chapters CashDrawer, POSPrinter, Scale,
Scanner; error codes from chapter 1, "Errors".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Protocol


class DeviceClass(StrEnum):
    SCANNER = "scanner"
    SCALE = "scale"
    POS_PRINTER = "pos-printer"
    CASH_DRAWER = "cash-drawer"


class Power(StrEnum):
    """UnifiedPOS PowerState: `offline` answers but is not usable (cover open), `off` does not answer."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"
    OFF = "off"


class ErrorCode(IntEnum):
    """UnifiedPOS error codes, as they leave over the local API."""

    CLOSED = 101
    CLAIMED = 102
    NOTCLAIMED = 103
    NOSERVICE = 104
    DISABLED = 105
    ILLEGAL = 106
    NOHARDWARE = 107
    OFFLINE = 108
    NOEXIST = 109
    EXISTS = 110
    FAILURE = 111
    TIMEOUT = 112
    BUSY = 113
    EXTENDED = 114


class ScaleStatus(StrEnum):
    """UnifiedPOS ScaleLiveWeight notifications, without their prefix SCAL_SUE_."""

    STABLE_WEIGHT = "stable_weight"
    WEIGHT_UNSTABLE = "weight_unstable"
    WEIGHT_ZERO = "weight_zero"
    WEIGHT_OVERWEIGHT = "weight_overweight"
    WEIGHT_UNDER_ZERO = "weight_under_zero"
    NOT_READY = "not_ready"


# --- what a printer can be asked to print: a receipt is a list of these, and each printer renders them -----


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph, wrapped at the paper's width. align: left, center, right."""

    text: str
    align: str = "left"
    bold: bool = False
    double: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Left text and a right-aligned figure on one line; the left side wraps, the figure stays on the last line."""

    left: str
    right: str
    bold: bool = False
    double: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Qr:
    data: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Feed past the knife and cut."""


PrintLine = Text | Columns | Rule | Qr | Cut


# --- commands: what a till or a technician may ask; the session gives each a number of its own ------------------------


@dataclass(frozen=True, slots=True)
class ReadWeight:
    """One fresh, legal weight: asked after the goods were placed, never a stored one."""


@dataclass(frozen=True, slots=True)
class ZeroScale:
    pass


@dataclass(frozen=True, slots=True)
class Print:
    """A whole job; done when the printer says so, not when the socket took it."""

    lines: tuple[PrintLine, ...]


@dataclass(frozen=True, slots=True)
class OpenDrawer:
    pass


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Ask the device for its status now."""


@dataclass(frozen=True, slots=True)
class Forward:
    """Bytes of another device that hangs on this one's line (a drawer on a printer's kick connector)."""

    data: bytes


Request = ReadWeight | ZeroScale | Print | OpenDrawer | CheckHealth | Forward


@dataclass(frozen=True, slots=True)
class Command:
    """A request with the number that its one Answer or Refusal will carry."""

    number: int
    request: Request
    timeout_s: float = 3.0


# --- events: what a codec reports ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scan:
    """A label as the scanner sent it, less prefix and suffix. Its meaning is retail/barcode.py's matter.

    symbology: the AIM identifier with its bracket (`]E0`), or "" where the scanner sent none.
    """

    data: str
    symbology: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight as one frame of the scale gave it, at monotonic second `at`.

    grams is None wherever the scale did not give a legal weight (moving, under zero, over its capacity).
    """

    grams: int | None
    stable: bool
    net: bool
    status: ScaleStatus
    at: float


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    online: bool
    cover_open: bool = False
    paper_out: bool = False
    paper_near_end: bool = False
    error: bool = False
    #: pin 3 of the kick connector, as it reads: its meaning (open or closed) is the drawer's matter
    drawer_pin_high: bool | None = None


@dataclass(frozen=True, slots=True)
class DrawerStatus:
    #: None: this drawer has no sensor
    opened: bool | None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Bytes that came back for the device which hangs on this one's line."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The good end of a command."""

    number: int
    result: Weight | PrinterStatus | DrawerStatus | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The bad end of a command: a UnifiedPOS code, one machine word, and what a person should do next.

    begun: the device may have done some of it; False: surely nothing was done.
    """

    number: int
    code: ErrorCode
    reason: str
    text: str
    begun: bool = False


@dataclass(frozen=True, slots=True)
class PowerChanged:
    power: Power


@dataclass(frozen=True, slots=True)
class Oddity:
    """Bytes that the protocol does not know: kept for the technician's page, sells nothing."""

    text: str
    data: bytes = b""


Event = Scan | Weight | PrinterStatus | DrawerStatus | Forwarded | Answer | Refusal | PowerChanged | Oddity


# --- what a codec may hand back --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    data: bytes


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call on_time at this monotonic second; a later WakeAt replaces an earlier one."""

    at: float


Output = Send | WakeAt | Event


class Codec(Protocol):
    """One device protocol without I/O. `now` is monotonic seconds; a fresh codec is made for each connection.

    After connecting, the session calls on_time once, so that a codec that polls can begin.
    """

    def on_command(self, command: Command, now: float) -> list[Output]: ...

    def on_bytes(self, data: bytes, now: float) -> list[Output]: ...

    def on_time(self, now: float) -> list[Output]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """A serial line as the maker ships it; the URL in the configuration may say otherwise."""

    baud: int
    bits: int = 8
    parity: str = "N"
    stop: int = 1


@dataclass(frozen=True, slots=True)
class Driver:
    """The one constant that a driver file declares as DRIVER.

    codec:   called with the options of the device's configuration as keyword arguments; unknown ones raise TypeError
    options: name -> one line of explanation with its default, for docs/devices.md and the configuration's errors
    forwards: another device may hang on this one's line ("via"): the driver knows the Forward command
    prepare: loads what the first command will need; called in a thread, so that no cashier waits for an import
    """

    name: str
    device_class: DeviceClass
    codec: Callable[..., Codec]
    line: Line | None = None
    identities: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    forwards: bool = False
    prepare: Callable[[], None] | None = None


class SimulatedDevice(Protocol):
    """A pretend device: what came from the host goes in, what the device would send comes out. Knobs are attributes."""

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]: ...

    def on_time(self, now: float) -> list[Send | WakeAt]: ...

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        """Turn a knob by name, as `--set grams=450` does; raises ValueError that names the knobs there are."""
        ...


@dataclass(frozen=True, slots=True)
class Simulator:
    """The one constant that a simulator file declares as SIMULATOR.

    acts: knobs that make the device speak by itself, such as a scan.
    """

    name: str
    device_class: DeviceClass
    device: Callable[[], Any]
    knobs: Mapping[str, str] = field(default_factory=dict)
