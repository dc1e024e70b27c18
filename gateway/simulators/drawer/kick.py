"""A pretend cash drawer on a kick connector of its own: opens on a pulse, and DLE EOT 1 shows its switch.

Wire:   ESC p m t1 t2 opens (m=0 pin 2, m=1 pin 5); DLE EOT 1 -> one byte, fixed bits 0x12, bit 0x04 is pin 3.
Source: Epson ESC/POS command reference, ESC p, DLE DC4 and DLE EOT.
"""

from __future__ import annotations

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.simulators import knobs

KNOBS = {
    "drawer": "open or closed; a pulse opens it, closed is a hand pushing it (default closed)",
    "drawer_pin": "the pin its solenoid hangs on: 2 or 5 (default 2)",
    "drawer_sensor": "its switch when open: open-high, open-low, or none (default open-high)",
    "drawer_stuck": "yes: locked, so a pulse does nothing (default no)",
}


class PretendDrawer:
    """The drawer itself, as it hangs on any kick connector."""

    def __init__(self) -> None:
        self.opened = False
        self.pin = 2
        self.sensor = "open-high"
        self.stuck = False
        self.pulses = 0

    def pulse(self, m: int) -> None:
        """ESC p with this m arrived."""
        if {0: 2, 48: 2, 1: 5, 49: 5}.get(m) == self.pin:
            self.pulses += 1
            self.opened = self.opened or not self.stuck

    @property
    def pin_3_high(self) -> bool:
        return self.sensor != "none" and self.opened == (self.sensor == "open-high")

    def set(self, knob: str, value: str) -> None:
        match knob:
            case "drawer":
                if value not in ("open", "closed"):
                    raise ValueError(f"drawer {value!r} is neither open nor closed")
                self.opened = value == "open"
            case "drawer_pin":
                self.pin = knobs.whole(value)
            case "drawer_sensor":
                if value not in ("open-high", "open-low", "none"):
                    raise ValueError(f"drawer_sensor {value!r} is none of open-high, open-low, none")
                self.sensor = value
            case "drawer_stuck":
                self.stuck = knobs.yes(value)
            case _:
                raise knobs.unknown(knob, KNOBS)


class PretendKickBox:
    """A drawer with a small box that knows two commands."""

    def __init__(self) -> None:
        self.drawer = PretendDrawer()
        self.silent = False
        self.offline = False
        self.late = 0.0
        self._pending = b""
        self._later: list[tuple[float, bytes]] = []

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        said = b""
        self._pending += data
        while self._pending:
            answer, used = self._command(self._pending)
            if not used:
                break
            self._pending = self._pending[used:]
            said += answer
        if self.silent or not said:
            return []
        if not self.late:
            return [Send(said)]
        self._later.append((now + self.late, said))
        return [WakeAt(self._later[0][0])]

    def _command(self, data: bytes) -> tuple[bytes, int]:
        """The answer to the first command and its length; length 0 while it is incomplete."""
        if data[:1] == b"\x1b" and data[:2] in (b"\x1b", b"\x1bp"):
            if len(data) < 5:
                return b"", 0
            self.drawer.pulse(data[2])
            return b"", 5
        if data[:2] in (b"\x10", b"\x10\x04"):
            if len(data) < 3:
                return b"", 0
            bits = 0x12 | 0x04 * self.drawer.pin_3_high | 0x08 * self.offline
            return (bytes([bits]) if data[2] == 1 else b"\x12"), 3
        return b"", 1

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "silent" | "offline":
                setattr(self, knob, knobs.yes(value))
            case "late":
                self.late = knobs.seconds(value)
            case _ if knob in KNOBS:
                self.drawer.set(knob, value)
            case _:
                raise knobs.unknown(knob, SIMULATOR.knobs)
        return []


SIMULATOR = Simulator(
    name="drawer-kick",
    device_class=DeviceClass.CASH_DRAWER,
    device=PretendKickBox,
    knobs={
        **KNOBS,
        "silent": "yes: answers nothing (default no)",
        "late": "seconds that each answer takes (default 0)",
        "offline": "yes: sets the offline bit, as the printer it would hang on (default no)",
    },
)
