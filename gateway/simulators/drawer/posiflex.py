"""A pretend Posiflex USB drawer (CR-4000 series): opens on its order, and tells whether it is closed when asked.

Wire:   reports of 120 bytes without ids: number, order, zeros; order = number opens, number + 1 asks. The answer begins
        with number * 16 + closed, and what follows is whatever was in its memory.
Source: README of posiflex-hidcd 1.0.0 (MIT), "Device Info" and "Protocol", with its report descriptor.
"""

from __future__ import annotations

from gateway.peripherals import DeviceClass, Send, Simulator, WakeAt
from gateway.peripherals.reports import Record, Records, pack
from gateway.simulators import knobs

LENGTH = 120
DESCRIPTOR = bytes.fromhex(
    "06a0ff 0901 a101 0902 1500 26ff00 7508 9578 8102 0903 1500 26ff00 7508 9578 9102 c0"
)  # vendor page FFA0, 120 bytes in and 120 bytes out
MEMORY = b"\x55" * (LENGTH - 1)
KNOBS = {
    "drawer": "open or closed; its order opens it, closed is a hand pushing it (default closed)",
    "number": "its own number, 0 to 7 (default 7)",
    "stuck": "yes: locked, so that the order does nothing (default no)",
    "slow": "so many questions after the order it still says closed (default 0)",
    "short": "yes: its reports are cut off after 8 bytes (default no)",
    "silent": "yes: answers nothing (default no)",
    "late": "seconds that each answer takes (default 0)",
    "garbage": "yes: a report of rubbish before each answer (default no)",
}


class PretendPosiflexDrawer:
    def __init__(self) -> None:
        self.number = 7
        self.opened = self.stuck = self.short = self.silent = self.garbage = False
        self.slow = self.orders = 0
        self.late = 0.0
        self._hidden = 0
        self._records = Records()
        self._later: list[tuple[float, bytes]] = []

    def on_bytes(self, data: bytes, now: float) -> list[Send | WakeAt]:
        said = b"".join(self._asked(record) for record in self._records.feed(data))
        if not said or self.silent:
            return []
        if not self.late:
            return [Send(said)]
        self._later.append((now + self.late, said))
        return [WakeAt(self._later[0][0])]

    def on_time(self, now: float) -> list[Send | WakeAt]:
        due: list[Send | WakeAt] = []
        while self._later and self._later[0][0] <= now:
            due.append(Send(self._later.pop(0)[1]))
        return [*due, WakeAt(self._later[0][0])] if self._later else due

    def _asked(self, record: Record) -> bytes:
        if record.kind == "D":
            return pack("D", DESCRIPTOR)
        if record.kind != "O" or len(record.payload) != 1 + LENGTH or record.payload[:2] != bytes([0, self.number]):
            return b""
        match record.payload[2] - self.number:
            case 0:
                self.orders += 1
                if not self.stuck and not self.opened:
                    self.opened, self._hidden = True, self.slow
            case 1:
                return self._status()
        return b""

    def _status(self) -> bytes:
        closed = not self.opened or self._hidden > 0
        self._hidden = max(0, self._hidden - 1)
        answer = bytes([self.number << 4 | closed]) + MEMORY
        rubbish = pack("I", b"\xff" * LENGTH) if self.garbage else b""
        return rubbish + pack("I", answer[:8] if self.short else answer)

    def set(self, knob: str, value: str) -> list[Send | WakeAt]:
        match knob:
            case "drawer":
                if value not in ("open", "closed"):
                    raise ValueError(f"drawer {value!r} is neither open nor closed")
                self.opened = value == "open"
            case "number":
                if knobs.whole(value) > 7:
                    raise ValueError(f"number {value!r} is not one of 0 to 7")
                self.number = knobs.whole(value)
            case "slow":
                self.slow = knobs.whole(value)
            case "late":
                self.late = knobs.seconds(value)
            case _ if knob in KNOBS:
                setattr(self, knob, knobs.yes(value))
            case _:
                raise knobs.unknown(knob, KNOBS)
        return []


SIMULATOR = Simulator(
    name="drawer-posiflex", device_class=DeviceClass.CASH_DRAWER, device=PretendPosiflexDrawer, knobs=KNOBS
)
