"""HID devices through Linux hidraw, as the record stream of gateway/peripherals/reports.py.

    hid://0c2e:0b61/SERIAL      see plugged.py
    hid:///dev/hidraw0          or a link of udev's

Found through /sys/class/hidraw: the numbers of /dev/hidraw* change at every plugging. Where a device has several
interfaces, the one with a point-of-sale collection (usage pages 8C scanner, 8D scale) is taken.

Source: Linux Documentation/hid/hidraw.rst; include/uapi/linux/hidraw.h.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import re
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.devices.plugged import Node, find, text_of
from gateway.devices.transport import READ_AT_MOST, DescriptorTransport, Transport, gone
from gateway.errors import DeviceRefused
from gateway.peripherals import ErrorCode, hid_descriptor
from gateway.peripherals.reports import LONGEST, Records, pack

SYS = Path("/sys/class/hidraw")
_ID = re.compile(r"^HID_ID=[0-9A-F]{4}:0000([0-9A-F]{4}):0000([0-9A-F]{4})$", re.MULTILINE | re.ASCII)
_UNIQ = re.compile(r"^HID_UNIQ=(.*)$", re.MULTILINE)
_PHYS = re.compile(r"^HID_PHYS=(.*)$", re.MULTILINE)
POINT_OF_SALE = (0x8C, 0x8D)

_READ, _WRITE = 2, 1
_DESCRIPTOR = struct.Struct("=I4096s")


def _request(direction: int, number: int, size: int) -> int:
    """An ioctl of the letter H, as _IOC of <asm-generic/ioctl.h>, which all machines of ours use."""
    return direction << 30 | size << 16 | ord("H") << 8 | number


GET_DESCRIPTOR_SIZE = _request(_READ, 1, 4)
GET_DESCRIPTOR = _request(_READ, 2, _DESCRIPTOR.size)


def nodes() -> Iterator[Node]:
    """Every hidraw device there is."""
    for entry in sorted(SYS.glob("hidraw*")):
        about = text_of(entry / "device" / "uevent")
        if found := _ID.search(about):
            serial, physical = _UNIQ.search(about), _PHYS.search(about)
            yield Node(
                path=f"/dev/{entry.name}",
                vendor=int(found[1], 16),
                product=int(found[2], 16),
                serial=serial[1] if serial else "",
                physical=physical[1] if physical else "",
                about=entry,
            )


def is_point_of_sale(node: Node) -> bool:
    try:
        layout = hid_descriptor.parse((node.about / "device" / "report_descriptor").read_bytes())
    except (OSError, hid_descriptor.BadDescriptor):
        return False
    return any(usage >> 16 in POINT_OF_SALE for usage in layout.applications)


def path_of(url: str) -> str:
    """Raises DeviceGone where no device, or more than one, fits."""
    return find(url, nodes(), is_point_of_sale)


def open_hid(url: str) -> Transport:
    path = path_of(url)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        raise gone(path, problem) from problem
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return HidTransport(path, descriptor, report_descriptor(descriptor))
    except OSError as problem:
        os.close(descriptor)
        raise gone(path, problem) from problem


def report_descriptor(descriptor: int) -> bytes:
    size = bytearray(4)
    fcntl.ioctl(descriptor, GET_DESCRIPTOR_SIZE, size)
    whole = bytearray(_DESCRIPTOR.pack(min(int.from_bytes(size, "little"), LONGEST), b""))
    fcntl.ioctl(descriptor, GET_DESCRIPTOR, whole)
    length, value = _DESCRIPTOR.unpack(whole)
    return bytes(value[: min(length, LONGEST)])


class HidTransport(DescriptorTransport):
    """Reports in both directions; one read of hidraw is one report.

    The kernel waits for the device at each report that goes out, up to five seconds: so that happens in a thread.
    """

    def __init__(self, what: str, descriptor: int, report_descriptor: bytes) -> None:
        super().__init__(what, descriptor)
        self._report_descriptor = report_descriptor
        self._answers: deque[bytes] = deque()
        self._records = Records()
        self._lock = threading.Lock()
        self._working = 0
        self._left = -1

    def _take(self, descriptor: int) -> bytes | None:
        if self._answers:
            return self._answers.popleft()
        report = os.read(descriptor, READ_AT_MOST)
        return pack("I", report) if report else b""

    async def write(self, data: bytes) -> None:
        for kind, payload in self._records.feed(data):
            if kind == "D":
                self._answer("D", self._report_descriptor)
            elif kind == "O" and payload:
                await self._in_a_thread(send_output, payload)
            elif kind == "S" and payload:
                await self._in_a_thread(set_feature, payload)
            elif kind == "G" and payload:
                self._answer("F", await self._in_a_thread(get_feature, self._room_for(payload[0])))

    def _room_for(self, report_id: int) -> bytes:
        """A feature report to be filled by the device."""
        try:
            size = hid_descriptor.parse(self._report_descriptor).size("feature", report_id)
        except hid_descriptor.BadDescriptor:
            size = 63
        return bytes([report_id]) + bytes(size)

    def _answer(self, kind: str, payload: bytes) -> None:
        self._answers.append(pack(kind, payload))
        self._wake()

    async def _in_a_thread(self, act: Callable[[int, bytes], bytes], payload: bytes) -> bytes:
        self._must_be_open()
        descriptor = self._descriptor
        with self._lock:
            self._working += 1

        def work() -> bytes:
            try:
                return act(descriptor, payload)
            finally:
                self._worked()

        # Shielded: a thread that was cancelled before it began would never say that it ended.
        working = asyncio.get_running_loop().run_in_executor(None, work)
        working.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(working)
        except OSError as problem:
            if problem.errno in (errno.EPIPE, errno.EINVAL, errno.ETIMEDOUT):
                text = f"{self.what}: it does not take this report; unplug it and plug it in again"
                raise DeviceRefused(text, reason="not_taken", code=ErrorCode.FAILURE) from problem
            raise gone(self.what, problem) from problem

    def _worked(self) -> None:
        with self._lock:
            self._working -= 1
            if self._working == 0 and self._left >= 0:
                os.close(self._left)
                self._left = -1

    def _release(self, descriptor: int) -> None:
        """Whatever a thread still waits on is closed by that thread: its number may go to another device at once."""
        with self._lock:
            if self._working:
                self._left = descriptor
            else:
                os.close(descriptor)


def send_output(descriptor: int, report: bytes) -> bytes:
    os.write(descriptor, report)
    return b""


def set_feature(descriptor: int, report: bytes) -> bytes:
    fcntl.ioctl(descriptor, _request(_READ | _WRITE, 6, len(report)), bytearray(report))
    return b""


def get_feature(descriptor: int, report: bytes) -> bytes:
    """The report with its id first; without it where the device has none (asked for as 0)."""
    whole = bytearray(report)
    length = fcntl.ioctl(descriptor, _request(_READ | _WRITE, 7, len(report)), whole)
    # The kernel leaves the id in front in either case (usbhid_get_raw_report).
    return bytes(whole[0 if report[0] else 1 : length])
