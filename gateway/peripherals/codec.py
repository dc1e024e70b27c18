"""The Codec protocol: bytes in, outputs out, and time comes in as a number.

A driver is a codec. It does no I/O, reads no clock, starts no thread: a session (gateway/devices/session.py) carries
the bytes and the time. What each device class can be asked and says stands in the files beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.peripherals.display import ClearText, DisplayStatus, DisplayText, SetBrightness
from gateway.peripherals.label import LabelPrinterStatus, PrintLabels
from gateway.peripherals.printer import DrawerStatus, OpenDrawer, Print, PrinterStatus
from gateway.peripherals.scale import ClearTare, ReadWeight, SelfTest, TareScale, Weight, ZeroScale
from gateway.peripherals.scanner import Beep, Scan, SetScanning
from gateway.peripherals.terminal import (
    AbortPayment,
    EndOfDay,
    KeepResult,
    Pay,
    PaymentProgress,
    PaymentResult,
    RepeatReceipt,
    ResolvePayment,
    TerminalReport,
)
from gateway.peripherals.words import DeviceClass, ErrorCode, Power

# --- commands: what a till or a technician may ask; the session gives each a number of its own ------------------------


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Ask the device for its status now."""


@dataclass(frozen=True, slots=True)
class Forward:
    """Bytes of another device that hangs on this one's line (a drawer on a printer's kick connector)."""

    data: bytes


Request = (
    ReadWeight | ZeroScale | TareScale | ClearTare | SelfTest | SetScanning | Beep | Print | OpenDrawer | DisplayText
    | ClearText | SetBrightness | PrintLabels | Pay | ResolvePayment | AbortPayment | KeepResult | RepeatReceipt
    | EndOfDay | CheckHealth | Forward
)  # fmt: skip
#: these do not wait for the request before them: they are about it, or about another device
OUT_OF_TURN = (Forward, AbortPayment, KeepResult)


@dataclass(frozen=True, slots=True)
class Command:
    """A request with the number that its one Answer or Refusal will carry."""

    number: int
    request: Request
    timeout_s: float = 3.0


# --- events: what a codec reports ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Bytes that came back for the device which hangs on this one's line."""

    data: bytes


#: what the good end of a command may carry
Result = Weight | PrinterStatus | DrawerStatus | DisplayStatus | LabelPrinterStatus | PaymentResult | TerminalReport


@dataclass(frozen=True, slots=True)
class Answer:
    """The good end of a command."""

    number: int
    result: Result | None = None


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


Event = Scan | Result | PaymentProgress | Forwarded | Answer | Refusal | PowerChanged | Oddity


# --- what a codec may hand back --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    data: bytes


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call on_time at this monotonic second; a later WakeAt replaces an earlier one."""

    at: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the line: the conversation is over. The session opens it again when the next command comes."""


Output = Send | WakeAt | HangUp | Event


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
    on_demand: the line is opened for a command and closed by HangUp, and is not kept in between
    private: the bytes may hold card data: nobody is shown them, only how many there were and the decoded events
    prepare: loads what the first command will need; called in a thread, so that no cashier waits for an import
    """

    name: str
    device_class: DeviceClass
    codec: Callable[..., Codec]
    line: Line | None = None
    identities: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    forwards: bool = False
    on_demand: bool = False
    private: bool = False
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
