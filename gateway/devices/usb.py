"""USB printers by libusb, and by Linux's own printer driver.

    usb://04b8:0202                 the one printer with these numbers (vendor, product; hexadecimal)
    usb://04b8:0202/J4ZF012345      the one with this serial number, where there are several
    lp:///dev/usb/lp0               the character device of usblp; better a link of udev's, as the number changes

pyusb does not know asyncio: one thread reads and one writes, each in steps of a fraction of a second, so that closing
never waits for a printer that hangs. A printer that takes nothing (paper out) is not an error here: writing waits, and
the driver's own timeout says so. Closing frees the interface and gives it back to usblp.

Source: USB Device Class Definition for Printing Devices 1.1 (class 7, protocols 1 and 2, 4 is IPP); libusb-1.0; Linux
drivers/usb/class/usblp.c (a read without data may return nothing, which is not the end).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit

from gateway.devices.transport import READ_AT_MOST, DescriptorTransport, Transport
from gateway.errors import ConfigError, DeviceGone
from gateway.peripherals import ErrorCode

PRINTER_CLASS, VENDOR_CLASS = 7, 0xFF
BIDIRECTIONAL, IPP = 2, 4  # protocols of class 7
IDS = re.compile(r"([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})", re.ASCII)
READ_S, WRITE_S = 0.2, 0.5
WRITE_AT_MOST = 4096
#: pieces read in advance of whoever reads here; a printer that floods waits in its own buffer
MOST_UNREAD = 16
#: how long an interface may still be in use, by our own line that is closing
CLAIM_S, CLAIM_AGAIN_S = 1.5, 0.05
QUIET_S = 0.01  # between reads that return nothing, which some printers do without waiting


def ids_of(url: str) -> tuple[int, int, str]:
    """Vendor, product and serial number ("" for any) of a URL.

    Raises:
        ConfigError: it is no usb:// URL.
    """
    parts = urlsplit(url)
    if not (found := IDS.fullmatch(parts.netloc)) or parts.scheme != "usb" or parts.query or parts.fragment:
        raise ConfigError(f"{url}: write it as usb://VENDOR:PRODUCT/SERIAL with four hexadecimal digits, as lsusb does")
    return int(found[1], 16), int(found[2], 16), unquote(parts.path.removeprefix("/"))


async def open_usb(url: str, backend: Any = None) -> Transport:
    """Find and claim a printer; `backend` is pyusb's, libusb where none is handed in.

    Raises:
        DeviceGone: not plugged in, in use, forbidden, or one of several and the URL names none.
        ConfigError: the URL is not one.
    """
    vendor, product, serial = ids_of(url)
    # Finding asks the devices themselves: one that hangs must not hold up the others.
    claimed = await asyncio.to_thread(_claim, url, vendor, product, serial, backend)
    return UsbTransport(url, claimed)


async def open_lp(path: str) -> Transport:
    """Raises DeviceGone: it is not there, or in use."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise _gone(path, problem) from problem
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        os.close(descriptor)
        raise _gone(path, problem) from problem
    return LpTransport(path, descriptor)


def _gone(what: str, problem: OSError) -> DeviceGone:
    match problem.errno:
        case errno.EBUSY | errno.EAGAIN:
            text = f"{what}: another program has it; stop that program (CUPS, another till)"
            return DeviceGone(text, reason="busy", code=ErrorCode.CLAIMED)
        case errno.EACCES | errno.EPERM:
            text = f"{what}: not allowed to open it; add the user to the group lp"
            return DeviceGone(text, reason="forbidden", code=ErrorCode.NOHARDWARE)
        case errno.ENODEV | errno.ENOENT | errno.ENXIO:
            text = f"{what}: unplugged or switched off; plug it in and switch it on"
        case _:
            text = f"{what}: {problem.strerror or problem}; check cable and power"
    return DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE)


# --- finding and claiming, in a thread --------------------------------------------------------------------------------


def _claim(what: str, vendor: int, product: int, serial: str, backend: Any) -> Claimed:
    import usb.core  # type: ignore[import-untyped]  # noqa: PLC0415 -- only a box with a USB printer loads libusb

    try:
        found = list(usb.core.find(find_all=True, idVendor=vendor, idProduct=product, backend=backend))
        device = _the_one(what, found, serial)
        return _claim_in_time(device, time.monotonic() + CLAIM_S)
    except usb.core.NoBackendError as missing:
        text = f"{what}: libusb is not installed; apt-get install libusb-1.0-0"
        raise DeviceGone(text, reason="no_libusb", code=ErrorCode.NOSERVICE) from missing
    except usb.core.USBError as problem:
        raise _gone(what, problem) from problem


def _the_one(what: str, found: list[Any], serial: str) -> Any:
    """The device with this serial number, or the only one."""
    import usb.util  # type: ignore[import-untyped]  # noqa: PLC0415

    if not serial and len(found) == 1:
        return found[0]
    numbers: dict[str, Any] = {}
    for device in found:
        number = _serial_of(device)
        if serial and number == serial:
            return device
        usb.util.dispose_resources(device)
        numbers[number or f"bus {device.bus} device {device.address}"] = device
    if not found or serial:
        there = f"; there is {', '.join(numbers)}" if numbers else ""
        text = f"{what}: not plugged in, or switched off{there}"
        raise DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE)
    text = f"{what}: {len(found)} such printers are plugged in; write /SERIAL behind it: {', '.join(numbers)}"
    raise DeviceGone(text, reason="ambiguous", code=ErrorCode.NOHARDWARE)


def _serial_of(device: Any) -> str:
    """The serial number; "" where it has none, or does not let us read it.

    Raises:
        USBError: we may not open it at all.
    """
    import usb.core  # noqa: PLC0415

    try:
        return device.serial_number or ""
    except ValueError:
        # What pyusb says where it may not open the device, and where there are no strings: opening tells which.
        with contextlib.suppress(NotImplementedError):
            device.is_kernel_driver_active(0)
    except usb.core.USBError as problem:
        if problem.errno in (errno.EACCES, errno.EPERM):
            raise
    return ""


def _claim_in_time(device: Any, until: float) -> Claimed:
    import usb.core  # noqa: PLC0415

    while True:
        try:
            return Claimed(device)
        except usb.core.USBError as problem:
            usb.util.dispose_resources(device)
            if problem.errno != errno.EBUSY or time.monotonic() >= until:
                raise
        time.sleep(CLAIM_AGAIN_S)


class Claimed:
    """One printer's interface, ours alone. Blocks: for threads."""

    def __init__(self, device: Any) -> None:
        import usb.core  # noqa: PLC0415
        import usb.util  # noqa: PLC0415

        self._usb: Any = usb
        self._device = device
        self._detached = False
        try:
            configuration = device.get_active_configuration()
        except usb.core.USBError as problem:
            if problem.errno is not None:
                raise
            device.set_configuration()
            configuration = device.get_active_configuration()
        interface = self._interface(configuration)
        self._number: int = interface.bInterfaceNumber
        self._out, self._in = self._ends(interface)
        with contextlib.suppress(NotImplementedError):
            if device.is_kernel_driver_active(self._number):
                device.detach_kernel_driver(self._number)
                self._detached = True
        usb.util.claim_interface(device, self._number)
        if interface.bAlternateSetting:
            interface.set_altsetting()

    def _interface(self, configuration: Any) -> Any:
        """Class 7 first, one that answers first; a maker's own class if it has the two bulk ends of a printer."""
        fitting = [
            interface
            for interface in configuration
            if self._ends(interface)[0] is not None
            and interface.bInterfaceClass in (PRINTER_CLASS, VENDOR_CLASS)
            and not (interface.bInterfaceClass == PRINTER_CLASS and interface.bInterfaceProtocol == IPP)
        ]
        if not fitting:
            raise self._usb.core.USBError("it is no printer", errno=errno.EMEDIUMTYPE)
        return max(
            fitting,
            key=lambda interface: (
                interface.bInterfaceClass == PRINTER_CLASS,
                self._ends(interface)[1] is not None,
                interface.bInterfaceProtocol == BIDIRECTIONAL,
                -interface.bAlternateSetting,
            ),
        )

    def _ends(self, interface: Any) -> tuple[Any, Any]:
        util = self._usb.util
        bulk = [end for end in interface if util.endpoint_type(end.bmAttributes) == util.ENDPOINT_TYPE_BULK]
        outward = [end for end in bulk if util.endpoint_direction(end.bEndpointAddress) == util.ENDPOINT_OUT]
        inward = [end for end in bulk if util.endpoint_direction(end.bEndpointAddress) == util.ENDPOINT_IN]
        return (outward[0] if outward else None), (inward[0] if inward else None)

    @property
    def answers(self) -> bool:
        return self._in is not None

    def read(self) -> bytes:
        """What came within READ_S, perhaps nothing."""
        try:
            return bytes(self._in.read(READ_AT_MOST, timeout=int(READ_S * 1000)))
        except self._usb.core.USBTimeoutError:
            return b""

    def write(self, data: bytes) -> int:
        """How many bytes it took within WRITE_S."""
        try:
            return int(self._out.write(data, timeout=int(WRITE_S * 1000)))
        except self._usb.core.USBTimeoutError:
            return 0

    def release(self) -> None:
        """Give the interface back; whatever of it fails, the printer is gone."""
        with contextlib.suppress(self._usb.core.USBError):
            self._usb.util.release_interface(self._device, self._number)
        if self._detached:
            with contextlib.suppress(self._usb.core.USBError, NotImplementedError):
                self._device.attach_kernel_driver(self._number)
        with contextlib.suppress(self._usb.core.USBError):
            self._usb.util.dispose_resources(self._device)


# --- the line ---------------------------------------------------------------------------------------------------------


class UsbTransport:
    reopen_when_silent = False

    def __init__(self, what: str, claimed: Claimed) -> None:
        self.what = what
        self._claimed = claimed
        self._loop = asyncio.get_running_loop()
        self._unread: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._room = threading.Semaphore(MOST_UNREAD)
        self._closing = threading.Event()
        self._broken: DeviceGone | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="usb-write")
        self._reader = threading.Thread(target=self._read_on, name="usb-read", daemon=True)
        if claimed.answers:
            self._reader.start()

    async def read(self) -> bytes:
        while not self._unread:
            self._must_be_open()
            self._news.clear()
            await self._news.wait()
        self._room.release()
        return self._unread.popleft()

    async def write(self, data: bytes) -> None:
        self._must_be_open()
        try:
            await self._loop.run_in_executor(self._writer, self._write_all, data)
        except OSError as problem:
            self._break(_gone(self.what, problem))
        self._must_be_open()

    def _must_be_open(self) -> None:
        if self._broken is not None:
            raise self._broken
        if self._closing.is_set():
            raise DeviceGone(f"{self.what}: closed", reason="gone", code=ErrorCode.CLOSED)

    def _break(self, why: DeviceGone) -> None:
        self._broken = self._broken or why
        self._news.set()

    def _came(self, data: bytes) -> None:
        self._unread.append(data)
        self._news.set()

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._news.set()
        # After the write that is under way, in its thread: nobody waits here, and nothing is pulled from under it.
        self._writer.submit(self._release)
        self._writer.shutdown(wait=False)

    # --- in threads -----------------------------------------------------------------------------------------

    def _write_all(self, data: bytes) -> None:
        rest = data
        while rest and not self._closing.is_set():
            rest = rest[self._claimed.write(rest[:WRITE_AT_MOST]) :]

    def _read_on(self) -> None:
        try:
            while not self._closing.is_set():
                if not self._room.acquire(timeout=READ_S):
                    continue
                data = self._claimed.read()
                if data:
                    self._tell(self._came, data)
                else:
                    self._room.release()
                    self._closing.wait(QUIET_S)
        except OSError as problem:
            self._tell(self._break, _gone(self.what, problem))

    def _tell(self, call: Callable[[Any], None], what: Any) -> None:
        # The loop may have ended before this thread noticed; then there is nobody to tell.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, what)

    def _release(self) -> None:
        if self._claimed.answers:
            self._reader.join()
        self._claimed.release()


class LpTransport(DescriptorTransport):
    """/dev/usb/lp*: as a terminal, but that a read of nothing is no end: usblp passes empty packets on."""

    async def read(self) -> bytes:
        while True:
            self._must_be_open()
            try:
                data = os.read(self._descriptor, READ_AT_MOST)
            except BlockingIOError:
                await self._ready(for_writing=False)
                continue
            except OSError as problem:
                raise _gone(self.what, problem) from problem
            if data:
                return data
            await asyncio.sleep(QUIET_S)
