"""Cash drawers on a kick connector (RJ11/RJ12): on a printer, by `via://printer-1`, or on a box of their own.

Wire:   ESC p m t1 t2 (1B 70 m t1 t2) opens: m=0 pin 2, m=1 pin 5; t1 on and t2 off, in steps of 2 ms. Its switch is
        bit 0x04 (pin 3) in the answer to DLE EOT 1 (10 04 01; fixed bits: mask 0x93 -> 0x12).
Units:  milliseconds in the options.
Source: Epson ESC/POS command reference, ESC p and DLE EOT. Which level means open depends on the drawer's wiring: an
        option, and a drawer without a switch says so (`none`).

The pulse is sent once and never again by itself. With a switch, the drawer has opened when the switch says so; the
conversation is the one of asked.py.
"""

from __future__ import annotations

from gateway.drivers.drawer.asked import AskedDrawer
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    DrawerStatus,
    Driver,
    Line,
    Oddity,
    OpenDrawer,
    Output,
    Power,
    Send,
)

ASK = b"\x10\x04\x01"
PINS = {2: 0, 5: 1}
SENSORS = ("open-high", "open-low", "none")


class KickDrawer(AskedDrawer):
    def __init__(
        self, *, pin: int = 2, on_ms: int = 100, off_ms: int = 500, sensor: str = "open-high", poll_s: float = 1.0
    ) -> None:
        if pin not in PINS:
            raise ValueError(f"pin {pin!r} is neither 2 nor 5")
        if sensor not in SENSORS:
            raise ValueError(f"sensor {sensor!r} is none of {', '.join(SENSORS)}")
        if not (2 <= on_ms <= 510 and 2 <= off_ms <= 510):
            raise ValueError("on_ms and off_ms go from 2 to 510")
        pulse = bytes([0x1B, 0x70, PINS[pin], on_ms // 2, off_ms // 2])
        super().__init__(pulse, ASK, poll_s, hangs_on="its cable and the printer it hangs on")
        self.sensor = sensor

    def on_command(self, command: Command, now: float) -> list[Output]:
        if self.sensor == "none" and isinstance(command.request, OpenDrawer | CheckHealth):
            # Nothing will ever tell whether it opened.
            pulse = [Send(self.order)] if isinstance(command.request, OpenDrawer) else []
            return [*pulse, Answer(command.number, DrawerStatus(None))]
        return super().on_command(command, now)

    def on_time(self, now: float) -> list[Output]:
        return self._power_is(Power.ONLINE) if self.sensor == "none" else super().on_time(now)

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            if byte & 0x93 != 0x12 or not self._owed:
                outputs.append(Oddity("not an answer of a drawer", bytes([byte])))
                continue
            opened = bool(byte & 0x04) == (self.sensor == "open-high")
            outputs += self._answered(opened, now, offline=bool(byte & 0x08))
        return outputs + self._wake()


DRIVER = Driver(
    name="drawer-kick",
    device_class=DeviceClass.CASH_DRAWER,
    codec=KickDrawer,
    line=Line(9600),
    options={
        "pin": "the connector's pin that carries the pulse, 2 or 5 (default 2)",
        "on_ms": "length of the pulse, 2 to 510 (default 100)",
        "off_ms": "pause after it, 2 to 510 (default 500)",
        "sensor": "the switch on pin 3 when the drawer is open: open-high, open-low, or none for no switch "
        "(default open-high)",
        "poll_s": "seconds between two looks at the switch (default 1.0)",
    },
)
