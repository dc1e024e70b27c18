"""Runs inside the guest: each device through the gateway's own session, one JSON line a step on the console.

`LAB {"ask": ...}` asks the host for what a hand would do (type on the keyboard, pull the adapter out, plug it in); the
host answers by doing it. `LAB {"step": ...}` tells how a step ended; the last line is `LAB {"done": ...}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from gateway import drivers, simulators
from gateway.devices.session import BackOff, Session
from gateway.devices.snapshot import Entry, Happened
from gateway.devices.transport import open_transport
from gateway.errors import DeviceError
from gateway.peripherals import Cut, OpenDrawer, Power, Print, ReadWeight, Scan, Text, Weight
from lab.gadgets import Behind, HidDevice, usb_printer
from lab.readonly import read_only

LABEL = "4006381333931"
KEYBOARD = "evdev://0627:0001"
ADAPTER = "serial:///dev/ttyUSB0?baud=9600&bits=7&parity=E"
PRINTER_ID = (0x04B8, 0x0202)
SCALE_ID = (0x0922, 0x8003)


def say(**facts: Any) -> None:
    print("LAB " + json.dumps(facts), flush=True)


class Seen:
    """What a session told, and a way to wait for it."""

    def __init__(self, session: Session) -> None:
        self.events: list[Any] = []
        self._news = asyncio.Event()
        session.listen(self._heard)

    def _heard(self, _device: str, entry: Entry) -> None:
        if isinstance(entry, Happened):
            self.events.append(entry.event)
            self._news.set()

    async def until(self, holds: Callable[[], bool], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                self._news.clear()
                # A change of power or statistics needs no event of its own.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await self._news.wait()


@contextlib.asynccontextmanager
async def device(driver: str, url: str, **options: Any) -> AsyncIterator[tuple[Session, Seen]]:
    """A running session that is online."""
    loaded = drivers.load(driver)
    opened = partial(open_transport, line=loaded.line)
    session = Session("lab", loaded, options, url, opened, back_off=BackOff(0.2, 1.0))
    seen = Seen(session)
    running = asyncio.create_task(session.run())
    try:
        await seen.until(lambda: session.snapshot().power is Power.ONLINE)
        yield session, seen
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def wedge() -> str:
    """A label typed on the USB keyboard arrives as one scan, and nobody else gets the keys."""
    async with device("scanner-evdev", KEYBOARD) as (_session, seen):
        say(ask="type", text=LABEL + "\n")
        await seen.until(lambda: any(isinstance(event, Scan) for event in seen.events))
        say(ask="type", text="Ab-12\n")
        await seen.until(lambda: sum(isinstance(event, Scan) for event in seen.events) == 2)
    scans = [event.data for event in seen.events if isinstance(event, Scan)]
    assert scans == [LABEL, "Ab-12"], scans
    return f"scans {scans}"


async def adapter() -> str:
    """A true 7E1 line to a scale; the adapter is pulled out in mid-life and comes back under the same name."""
    async with device("scale-toledo-8217", ADAPTER) as (session, seen):
        weight = await session.ask(ReadWeight())
        assert isinstance(weight, Weight), weight
        assert weight.grams == 450, weight
        say(ask="unplug")
        await seen.until(lambda: session.snapshot().power is Power.OFF)
        try:
            await session.ask(ReadWeight())
            raise AssertionError("a scale that is not there gave a weight")
        except DeviceError as gone:
            told = str(gone)
        say(ask="plug")
        await seen.until(lambda: session.snapshot().power is Power.ONLINE, 60.0)
        again = await session.ask(ReadWeight())
        assert isinstance(again, Weight), again
        assert again.grams == 450, again
    return f"450 g, unplugged ({told}), 450 g again"


async def hid_scale() -> str:
    """A HID scale made with uhid: its descriptor is read from the kernel, its reports weigh."""
    from gateway.simulators.scale.hid import descriptor  # noqa: PLC0415

    scale = HidDevice("Lab scale", *SCALE_ID, "LAB1", descriptor(3, "output"))
    try:
        async with device("scale-hid", f"hid://{SCALE_ID[0]:04x}:{SCALE_ID[1]:04x}/LAB1") as (session, _seen):
            asked = asyncio.create_task(session.ask(ReadWeight(), 20.0))
            for _ in range(40):
                if asked.done():
                    break
                scale.report(bytes([3, 4, 2, 0, 0xC2, 0x01]))  # stable, grams, times 1, 450
                await asyncio.sleep(0.2)
            weight = await asked
            assert isinstance(weight, Weight), weight
            assert (weight.grams, weight.stable) == (450, True), weight
    finally:
        scale.unplug()
    return "450 g by report"


async def printer(url: str) -> str:
    """A receipt through a USB printer that dummy_hcd plugs in; done only when the printer's own status says so."""
    pretend = simulators.load("printer-escpos").device()
    with usb_printer(*PRINTER_ID, "LABP1") as file:
        behind = Behind(file, pretend.on_bytes)
        try:
            async with device("printer-escpos", url) as (session, _seen):
                await session.ask(Print((Text("lab receipt"), Cut())), 30.0)
                pretend.set("paper_out", "yes")
                try:
                    await session.ask(Print((Text("no paper"), Cut())), 15.0)
                    raise AssertionError("a printer without paper printed")
                except DeviceError as refused:
                    told = refused.reason
                pretend.set("paper_out", "no")
        finally:
            behind.close()
    assert "lab receipt" in "\n".join(pretend.lines), pretend.lines
    return f"printed; without paper: {told}"


async def drawer_on_usb_printer() -> str:
    """The drawer's pulse goes the same way as the receipt."""
    pretend = simulators.load("printer-escpos").device()
    with usb_printer(*PRINTER_ID, "LABP1") as file:
        behind = Behind(file, pretend.on_bytes)
        try:
            async with device("drawer-kick", "lp:///dev/usb/lp0") as (session, _seen):
                await session.ask(OpenDrawer(), 10.0)
        finally:
            behind.close()
    assert pretend.drawer.pulses == 1, pretend.drawer.pulses
    return "one pulse"


STEPS: tuple[tuple[str, Callable[[], Awaitable[str]]], ...] = (
    ("wedge scanner on a USB keyboard", wedge),
    ("scale on a USB serial adapter, 7E1, hot-plugged", adapter),
    ("HID scale by uhid", hid_scale),
    ("USB printer by /dev/usb/lp0", partial(printer, "lp:///dev/usb/lp0")),
    ("USB printer by libusb", partial(printer, "usb://04b8:0202/LABP1")),
    ("drawer on the USB printer", drawer_on_usb_printer),
    ("sales while the disk turns read-only and back", read_only),
)


async def main(wanted: list[str]) -> int:
    failed = 0
    chosen = [(name, step) for name, step in STEPS if not wanted or any(word in name for word in wanted)]
    for name, step in chosen:
        began = time.monotonic()
        try:
            told = await asyncio.wait_for(step(), 120)
            holds = True
        except Exception as wrong:
            line = traceback.extract_tb(wrong.__traceback__)
            at = next((frame.lineno for frame in reversed(line) if frame.filename == __file__), 0)
            told, holds = f"{type(wrong).__name__}: {wrong} (guest.py:{at})", False
            failed += 1
        say(step=name, holds=holds, seconds=round(time.monotonic() - began, 1), told=told)
    say(done=len(chosen) - failed, failed=failed, kernel=Path("/proc/sys/kernel/osrelease").read_text().strip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
