"""Cash drawers on a kick connector (RJ11/RJ12): on a printer, by `via://printer-1`, or on a box of their own.

Wire:   ESC p m t1 t2 (1B 70 m t1 t2) opens: m=0 pin 2, m=1 pin 5; t1 on and t2 off, in steps of 2 ms. Its switch is
        bit 0x04 (pin 3) in the answer to DLE EOT 1 (10 04 01; fixed bits: mask 0x93 -> 0x12).
Units:  milliseconds in the options.
Source: Epson ESC/POS command reference, ESC p and DLE EOT. Which level means open depends on the drawer's wiring: an
        option, and a drawer without a switch says so (`none`).

The pulse is sent once and never again by itself. With a switch, the drawer has opened when the switch says so.
"""

from __future__ import annotations

from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    DeviceClass,
    DrawerStatus,
    Driver,
    ErrorCode,
    Line,
    Oddity,
    OpenDrawer,
    Output,
    Power,
    PowerChanged,
    Refusal,
    Send,
    WakeAt,
)

ASK = b"\x10\x04\x01"
PINS = {2: 0, 5: 1}
SENSORS = ("open-high", "open-low", "none")
REPLY_S, AGAIN_S = 2.0, 0.1
MOST_OWED = 5
LOOK_AGAIN_S = 5.0


class KickDrawer:
    def __init__(
        self, *, pin: int = 2, on_ms: int = 100, off_ms: int = 500, sensor: str = "open-high", poll_s: float = 1.0
    ) -> None:
        if pin not in PINS:
            raise ValueError(f"pin {pin!r} is neither 2 nor 5")
        if sensor not in SENSORS:
            raise ValueError(f"sensor {sensor!r} is none of {', '.join(SENSORS)}")
        if not (2 <= on_ms <= 510 and 2 <= off_ms <= 510):
            raise ValueError("on_ms and off_ms go from 2 to 510")
        self.pulse = bytes([0x1B, 0x70, PINS[pin], on_ms // 2, off_ms // 2])
        self.sensor = sensor
        self.poll_s = poll_s
        self._command: Command | None = None
        self._deadline = 0.0
        self._kicked = False
        self._jump_by = 0.0
        self._owed = self._stale = 0
        self._reply_by: float | None = None
        self._ask_at: float | None = None if sensor == "none" else 0.0
        self._power = Power.UNKNOWN
        self._opened: bool | None = None

    def on_command(self, command: Command, now: float) -> list[Output]:
        if not isinstance(command.request, OpenDrawer | CheckHealth):
            return [Refusal(command.number, ErrorCode.ILLEGAL, "unsupported", "a drawer cannot do this")]
        if self.sensor == "none":
            pulse = [Send(self.pulse)] if isinstance(command.request, OpenDrawer) else []
            return [*pulse, Answer(command.number, DrawerStatus(None))]
        self._command, self._deadline, self._kicked = command, now + command.timeout_s, False
        self._forget()
        return [*self._ask(now), *self._wake()]

    def _ask(self, now: float, first: bytes = b"") -> list[Output]:
        self._owed += 1
        self._ask_at, self._reply_by = None, now + REPLY_S
        return [Send(first + ASK)]

    def _forget(self) -> None:
        """Whatever is still owed answers a question that no longer stands; see scale/toledo_8217.py."""
        self._stale = self._owed = min(self._owed, MOST_OWED)
        self._reply_by = None

    def on_time(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self.sensor == "none":
            return self._power_is(Power.ONLINE)
        if self._command and now >= self._deadline:
            outputs += self._refuse_late(self._command, now)
        elif self._reply_by is not None and now >= self._reply_by:
            self._forget()
            if self._command:
                outputs += self._ask(now)
            else:
                self._ask_at = now + LOOK_AGAIN_S
                outputs += self._power_is(Power.OFF)
        elif self._ask_at is not None and now >= self._ask_at:
            outputs += self._ask(now)
        return outputs + self._wake()

    def _refuse_late(self, command: Command, now: float) -> list[Output]:
        self._command = None
        self._forget()
        self._ask_at = now + LOOK_AGAIN_S
        if self._kicked:
            text = "no answer after the pulse; look whether it is open before sending another"
            return [Refusal(command.number, ErrorCode.TIMEOUT, "unknown", text), *self._power_is(Power.OFF)]
        text = "no answer; check its cable and the printer it hangs on"
        return [Refusal(command.number, ErrorCode.TIMEOUT, "silent", text), *self._power_is(Power.OFF)]

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for byte in data:
            if byte & 0x93 != 0x12 or not self._owed:
                outputs.append(Oddity("not an answer of a drawer", bytes([byte])))
                continue
            self._owed -= 1
            if self._stale:
                self._stale -= 1
                if self._reply_by is not None:
                    # Perhaps the old answer was lost and this was the new one: ask once more rather than guess.
                    self._reply_by, self._ask_at = None, now + AGAIN_S
            else:
                outputs += self._fresh(byte, now)
        return outputs + self._wake()

    def _fresh(self, byte: int, now: float) -> list[Output]:
        opened = bool(byte & 0x04) == (self.sensor == "open-high")
        offline = bool(byte & 0x08)
        self._reply_by, self._ask_at = None, now + self.poll_s
        outputs = self._power_is(Power.OFFLINE if offline else Power.ONLINE)
        if opened is not self._opened:
            self._opened = opened
            outputs.append(DrawerStatus(opened))
        return outputs + (self._advance(self._command, opened, offline, now) if self._command else [])

    def _advance(self, command: Command, opened: bool, offline: bool, now: float) -> list[Output]:
        if isinstance(command.request, CheckHealth) or (self._kicked and opened):
            self._command = None
            return [Answer(command.number, DrawerStatus(opened))]
        if self._kicked and now >= self._jump_by:
            self._command = None
            text = "it got the pulse and did not open; unlock it, check its cable and the option sensor"
            return [Refusal(command.number, ErrorCode.FAILURE, "drawer_stuck", text)]
        if self._kicked:
            self._ask_at = now + AGAIN_S
            return []
        if offline:
            # The printer would keep the pulse and open the drawer minutes later, when somebody closes its cover.
            self._command = None
            text = "the printer it hangs on is offline; close its cover, look at its paper, then open the drawer again"
            return [Refusal(command.number, ErrorCode.OFFLINE, "offline", text)]
        self._kicked = True
        # A receipt still in the printer's buffer comes first, so the drawer has nearly all the time there is.
        self._jump_by = self._deadline - 2 * AGAIN_S
        return self._ask(now, first=self.pulse)

    def _power_is(self, power: Power) -> list[Output]:
        if power is self._power:
            return []
        self._power = power
        return [PowerChanged(power)]

    def _wake(self) -> list[Output]:
        timers = (self._ask_at, self._reply_by, self._deadline if self._command else None)
        at = min((timer for timer in timers if timer is not None), default=None)
        return [] if at is None else [WakeAt(at)]


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
