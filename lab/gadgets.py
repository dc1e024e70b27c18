"""Devices that the guest makes for itself: a HID device by uhid, a USB printer by configfs on dummy_hcd's bus.

Source: Linux include/uapi/linux/uhid.h; Documentation/usb/gadget_configfs.rst and gadget_printer.rst.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.peripherals import Send

BUS_USB = 3
CREATE2, DESTROY, INPUT2, OUTPUT = 11, 1, 12, 6
GET_REPORT, GET_REPORT_REPLY, SET_REPORT, SET_REPORT_REPLY = 9, 10, 13, 14
EVENT_BYTES = 4380


class HidDevice:
    """A HID device of this descriptor; said: called with each output or set-feature report, its id first."""

    def __init__(self, name: str, vendor: int, product: int, serial: str, descriptor: bytes) -> None:
        self.said: list[bytes] = []
        self._file = os.open("/dev/uhid", os.O_RDWR | os.O_NONBLOCK)
        body = struct.pack("<128s64s64sHHIIII", name.encode(), b"lab", serial.encode(), len(descriptor), BUS_USB,
                           vendor, product, 0, 0)  # fmt: skip
        os.write(self._file, struct.pack("<I", CREATE2) + body + descriptor.ljust(4096, b"\0"))
        asyncio.get_running_loop().add_reader(self._file, self._readable)

    def report(self, data: bytes) -> None:
        os.write(self._file, struct.pack("<IH", INPUT2, len(data)) + data.ljust(4096, b"\0"))

    def unplug(self) -> None:
        asyncio.get_running_loop().remove_reader(self._file)
        os.write(self._file, struct.pack("<I", DESTROY))
        os.close(self._file)

    def _readable(self) -> None:
        event = os.read(self._file, EVENT_BYTES)
        (kind,) = struct.unpack_from("<I", event)
        if kind == OUTPUT:
            (size,) = struct.unpack_from("<H", event, 4 + 4096)
            self.said.append(event[4 : 4 + size])
        elif kind == SET_REPORT:
            number, _report, _type, size = struct.unpack_from("<IBBH", event, 4)
            self.said.append(event[12 : 12 + size])
            os.write(self._file, struct.pack("<IIH", SET_REPORT_REPLY, number, 0))
        elif kind == GET_REPORT:
            (number,) = struct.unpack_from("<I", event, 4)
            os.write(self._file, struct.pack("<IIHH", GET_REPORT_REPLY, number, 5, 0))


@contextlib.contextmanager
def usb_printer(vendor: int, product: int, serial: str) -> Iterator[Path]:
    """A class-7 printer on the guest's own bus; yields the file at which one is that printer."""
    gadget = Path("/sys/kernel/config/usb_gadget/lab")
    function = gadget / "functions/printer.lab"
    for folder in (gadget, gadget / "strings/0x409", function, gadget / "configs/c.1"):
        folder.mkdir()
    for name, text in (
        ("idVendor", f"{vendor:#06x}"),
        ("idProduct", f"{product:#06x}"),
        ("strings/0x409/serialnumber", serial),
        ("strings/0x409/manufacturer", "Backroom"),
        ("strings/0x409/product", "Lab printer"),
        ("functions/printer.lab/pnp_string", "MFG:EPSON;CMD:ESC/POS;MDL:TM-LAB;CLS:PRINTER;"),
    ):
        (gadget / name).write_text(text)
    link = gadget / "configs/c.1/printer.lab"
    link.symlink_to(function)
    (gadget / "UDC").write_text("dummy_udc.0")
    try:
        yield Path("/dev/g_printer0")
    finally:
        (gadget / "UDC").write_text("\n")
        link.unlink()
        for folder in (gadget / "configs/c.1", function, gadget / "strings/0x409", gadget):
            folder.rmdir()


def _open(file: Path) -> int:
    """The file cannot be opened before the bus has set the printer up."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            return os.open(file, os.O_RDWR | os.O_NONBLOCK)
        time.sleep(0.1)
    return os.open(file, os.O_RDWR | os.O_NONBLOCK)


class Behind:
    """Joins a pretend device to the file of a gadget."""

    def __init__(self, file: Path, on_bytes: Callable[[bytes, float], list[object]]) -> None:
        self._file = _open(file)
        self._on_bytes = on_bytes
        asyncio.get_running_loop().add_reader(self._file, self._readable)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._file, 8192)
            for output in self._on_bytes(data, asyncio.get_running_loop().time()):
                if isinstance(output, Send):
                    os.write(self._file, output.data)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._file)
        os.close(self._file)
