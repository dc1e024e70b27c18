"""A pretend USB bus behind pyusb's IBackend: printers that can be unplugged, busy, slow or forbidden at any moment."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import usb.backend  # type: ignore[import-untyped]
from usb.core import USBError, USBTimeoutError  # type: ignore[import-untyped]

from gateway.peripherals import Send, SimulatedDevice

OUT, IN = 0x01, 0x82


class PretendUsbPrinter:
    """One printer on the bus: its descriptors, and a pretend device behind its bulk ends."""

    def __init__(
        self,
        device: SimulatedDevice,
        serial: str | None = "S1",
        *,
        ids: tuple[int, int] = (0x04B8, 0x0202),
        interfaces: tuple[tuple[int, int, int], ...] = ((7, 2, 2),),
        usblp: bool = True,
    ) -> None:
        """interfaces: class, protocol and number of bulk ends of each alternate setting of the one interface."""
        self.device, self.serial, self.ids, self.interfaces = device, serial, ids, interfaces
        self.usblp = usblp
        self.plugged = True
        self.open_error = self.claim_error = self.write_error = 0
        self.claimed = 0
        self.most_at_once = 1_000_000
        self.takes = True
        self.empty_reads = False
        self.unplug_after: int | None = None
        self.opened = self.closed = 0
        self.altsetting = 0
        self.configured = True
        self._answers = bytearray()
        self._changed = threading.Condition()

    def unplug(self) -> None:
        with self._changed:
            self.plugged = False
            self._changed.notify_all()

    def say(self, data: bytes) -> None:
        with self._changed:
            self._answers += data
            self._changed.notify_all()

    def check(self) -> None:
        if not self.plugged:
            raise USBError("No such device (it may have been disconnected)", errno=errno.ENODEV)

    def write(self, data: bytes, timeout_ms: int) -> int:
        with self._changed:
            self.check()
            if self.write_error:
                raise USBError("broken", errno=self.write_error)
            if not self.takes:
                self._changed.wait_for(lambda: self.takes or not self.plugged, timeout_ms / 1000)
                self.check()
                if not self.takes:
                    raise USBTimeoutError("Operation timed out", errno=errno.ETIMEDOUT)
            taken = data[: self.most_at_once]
            if self.unplug_after is not None:
                taken = taken[: self.unplug_after]
                self.unplug_after -= len(taken)
                self.plugged = self.unplug_after > 0
            for output in self.device.on_bytes(bytes(taken), time.monotonic()):
                if isinstance(output, Send):
                    self._answers += output.data
            self._changed.notify_all()
            if not taken:
                self.check()
            return len(taken)

    def read(self, size: int, timeout_ms: int) -> bytes:
        with self._changed:
            if not self._answers and not self.empty_reads:
                self._changed.wait_for(lambda: self._answers or not self.plugged, timeout_ms / 1000)
            self.check()
            if not self._answers and not self.empty_reads:
                raise USBTimeoutError("Operation timed out", errno=errno.ETIMEDOUT)
            data = bytes(self._answers[:size])
            del self._answers[:size]
            return data

    def go_on(self) -> None:
        with self._changed:
            self.takes = True
            self._changed.notify_all()


class PretendBus(usb.backend.IBackend):  # type: ignore[misc]
    def __init__(self, *printers: PretendUsbPrinter) -> None:
        self.printers = list(printers)

    def enumerate_devices(self) -> Iterator[PretendUsbPrinter]:
        return (printer for printer in self.printers if printer.plugged)

    def get_parent(self, dev: PretendUsbPrinter) -> None:
        return None

    def get_device_descriptor(self, dev: PretendUsbPrinter) -> Any:
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x200, bDeviceClass=0, bDeviceSubClass=0, bDeviceProtocol=0,
            bMaxPacketSize0=64, idVendor=dev.ids[0], idProduct=dev.ids[1], bcdDevice=0x100, iManufacturer=1, iProduct=2,
            iSerialNumber=0 if dev.serial is None else 3, bNumConfigurations=1, bus=1,
            address=self.printers.index(dev) + 1, port_number=1, port_numbers=(1,), speed=3,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: PretendUsbPrinter, config: int) -> Any:
        if config:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=32, bNumInterfaces=1, bConfigurationValue=1, iConfiguration=0,
            bmAttributes=0xC0, bMaxPower=1, extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, dev: PretendUsbPrinter, intf: int, alt: int, config: int) -> Any:
        if intf or alt >= len(dev.interfaces):
            raise IndexError
        kind, protocol, ends = dev.interfaces[alt]
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=alt, bNumEndpoints=ends,
            bInterfaceClass=kind, bInterfaceSubClass=1, bInterfaceProtocol=protocol, iInterface=0, extra_descriptors=[],
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: PretendUsbPrinter, ep: int, intf: int, alt: int, config: int) -> Any:
        if ep >= dev.interfaces[alt][2]:
            raise IndexError
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=(OUT, IN)[ep], bmAttributes=2, wMaxPacketSize=64,
            bInterval=0, bRefresh=0, bSynchAddress=0, extra_descriptors=[],
        )  # fmt: skip

    def open_device(self, dev: PretendUsbPrinter) -> PretendUsbPrinter:
        dev.check()
        if dev.open_error:
            raise USBError("cannot open", errno=dev.open_error)
        dev.opened += 1
        return dev

    def close_device(self, dev_handle: PretendUsbPrinter) -> None:
        dev_handle.closed += 1

    def get_configuration(self, dev_handle: PretendUsbPrinter) -> int:
        return 1 if dev_handle.configured else 0

    def set_configuration(self, dev_handle: PretendUsbPrinter, config_value: int) -> None:
        dev_handle.configured = True

    def set_interface_altsetting(self, dev_handle: PretendUsbPrinter, intf: int, altsetting: int) -> None:
        dev_handle.altsetting = altsetting

    def claim_interface(self, dev_handle: PretendUsbPrinter, intf: int) -> None:
        if dev_handle.claim_error or dev_handle.claimed or dev_handle.usblp:
            raise USBError("Resource busy", errno=dev_handle.claim_error or errno.EBUSY)
        dev_handle.claimed += 1

    def release_interface(self, dev_handle: PretendUsbPrinter, intf: int) -> None:
        dev_handle.claimed -= 1
        dev_handle.check()

    def is_kernel_driver_active(self, dev_handle: PretendUsbPrinter, intf: int) -> bool:
        return dev_handle.usblp

    def detach_kernel_driver(self, dev_handle: PretendUsbPrinter, intf: int) -> None:
        dev_handle.usblp = False

    def attach_kernel_driver(self, dev_handle: PretendUsbPrinter, intf: int) -> None:
        dev_handle.check()
        dev_handle.usblp = True

    def bulk_write(self, dev_handle: PretendUsbPrinter, ep: int, intf: int, data: Any, timeout: int) -> int:
        assert ep == OUT
        return dev_handle.write(bytes(data), timeout)

    def bulk_read(self, dev_handle: PretendUsbPrinter, ep: int, intf: int, buff: Any, timeout: int) -> int:
        assert ep == IN
        data = dev_handle.read(len(buff), timeout)
        buff[: len(data)] = type(buff)("B", data)
        return len(data)

    def ctrl_transfer(
        self,
        dev_handle: PretendUsbPrinter,
        bmRequestType: int,
        bRequest: int,
        wValue: int,
        wIndex: int,
        data: Any,
        timeout: int,
    ) -> int:
        """GET_DESCRIPTOR of strings, which is how a serial number is read."""
        dev_handle.check()
        assert (bmRequestType, bRequest, wValue >> 8) == (0x80, 6, 3)
        text = b"\x09\x04" if wValue & 0xFF == 0 else (dev_handle.serial or "").encode("utf-16-le")
        string = bytes([len(text) + 2, 3]) + text
        data[: len(string)] = type(data)("B", string)
        return len(string)
