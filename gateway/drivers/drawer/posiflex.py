"""Posiflex cash drawers on USB: the CR-4000 series and others with the HID interface 0d3a:0200 to 0d3a:0207.

Wire:   HID, no report ids, 120 bytes each way (vendor page FFA0). Out: number, order, zeros; the order is the number to
        open, the number plus one to ask. In, to the question only: number * 16 + closed (1 or 0), the rest undefined.
        The number is that of the drawer, 0 to 7, and the last digit of its product id; 7 as it is shipped.
Units:  none.
Source: two independent programs: posiflex-hidcd 1.0.0 (MIT; README and hidcd.py, tested by its author with a
        CR-4115G2), for everything; a program of Vzor- for QZ Tray (gist d8a1cdb1b8bb, "Posiflex 4000 series"), for the
        order to open and the number. Of the maker's own text nothing was found.

Order F0 would put the drawer into its bootloader: nothing is ever sent here but the two orders above.
"""

from __future__ import annotations

from gateway.drivers.drawer.asked import AskedDrawer
from gateway.peripherals import DeviceClass, Driver, Oddity, Output, Send
from gateway.peripherals.reports import Records, pack

LENGTH = 120


class PosiflexDrawer(AskedDrawer):
    def __init__(self, *, number: int = 7, poll_s: float = 1.0) -> None:
        if not 0 <= number <= 7:
            raise ValueError(f"number {number!r} is not one of 0 to 7")
        self.number = number
        super().__init__(report(number, number), report(number, number + 1), poll_s)
        self._records = Records()
        self._introduced = False

    def on_time(self, now: float) -> list[Output]:
        if self._introduced:
            return super().on_time(now)
        self._introduced = True
        # The form of the line; what the descriptor says is no news here, for all of these drawers have the same.
        return [Send(pack("D", b"")), *super().on_time(now)]

    def on_bytes(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        for record in self._records.feed(data):
            if record.kind == "D":
                continue
            status = record.payload[0] if record.kind == "I" and len(record.payload) == LENGTH else -1
            if status & ~1 != self.number << 4 or not self._owed:
                outputs.append(Oddity("not an answer of this drawer", record.payload[:8]))
                continue
            outputs += self._answered(opened=not status & 1, now=now)
        return outputs + self._wake()


def report(number: int, order: int) -> bytes:
    """An output report: id 0 (none), the drawer's number, the order, zeros."""
    return pack("O", bytes([0, number, order]).ljust(1 + LENGTH, b"\0"))


DRIVER = Driver(
    name="drawer-posiflex",
    device_class=DeviceClass.CASH_DRAWER,
    codec=PosiflexDrawer,
    identities=tuple(f"usb:0d3a:020{number}" for number in range(8)),
    options={
        "number": "the drawer's own number, 0 to 7: the last digit of its USB product id (default 7)",
        "poll_s": "seconds between two looks at the switch (default 1.0)",
    },
)
