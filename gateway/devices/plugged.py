"""Which of the plugged-in USB devices a URL means: by vendor, product and serial number, else by port; never by order.

    hid://0c2e:0b61/19146B1234          this very device, wherever it is plugged in
    hid://0c2e:0b61                     the only one of its kind
    hid://0c2e:0b61?port=1.2            the one in this port: some makers number all alike
    evdev:///dev/input/by-id/...        a path, which udev keeps up to date

A device may show several interfaces (a keyboard beside a scanner). The transport says which of them it can use; where
that leaves more than one, `interface=1` decides. Two devices that fit are nobody's: the error names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.errors import ConfigError, DeviceGone
from gateway.peripherals import ErrorCode

_ID = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})", re.ASCII | re.IGNORECASE)
#: HID_PHYS and an input device's phys, as Linux writes them: usb-0000:01:00.0-1.2/input1
_PHYSICAL = re.compile(r"usb-.*-(?P<port>[0-9]+(?:\.[0-9]+)*)/input(?P<interface>[0-9]+)", re.ASCII)
_SETTINGS = {
    "port": re.compile(r"[0-9]+(\.[0-9]+)*", re.ASCII),
    "interface": re.compile(r"[0-9]{1,2}", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a URL asks for. path: then nothing else is set. serial, port: "" for any."""

    path: str = ""
    vendor: int = 0
    product: int = 0
    serial: str = ""
    port: str = ""
    interface: int | None = None

    def fits(self, node: Node) -> bool:
        return (
            (node.vendor, node.product) == (self.vendor, self.product)
            and self.serial in ("", node.serial)
            and self.port in ("", node.port)
            and self.interface in (None, node.interface)
        )


@dataclass(frozen=True, slots=True)
class Node:
    """One device file as the kernel describes it; physical: which port and interface of which bus."""

    path: str
    vendor: int
    product: int
    serial: str
    physical: str
    about: Path

    @property
    def port(self) -> str:
        found = _PHYSICAL.fullmatch(self.physical)
        return found["port"] if found else ""

    @property
    def interface(self) -> int | None:
        found = _PHYSICAL.fullmatch(self.physical)
        return int(found["interface"]) if found else None

    @property
    def device(self) -> tuple[str, str]:
        """The same for all interfaces of one device."""
        return self.serial, self.physical.rpartition("/")[0] or self.physical


def wanted(url: str) -> Wanted:
    """Read the URL.

    Raises:
        ConfigError: it is neither a path nor VID:PID with hexadecimal digits, or it has a setting that there is not.
    """
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise ConfigError(f"{url}: unknown setting {name!r}; there are {', '.join(_SETTINGS)}")
        if not _SETTINGS[name].fullmatch(value):
            raise ConfigError(f"{url}: {name} cannot be {value!r}")
    if not parts.netloc and len(parts.path) > 1 and not settings:
        return Wanted(path=unquote(parts.path))
    found = _ID.fullmatch(parts.netloc)
    if not found:
        scheme = parts.scheme
        raise ConfigError(f"{url}: write it as {scheme}://VID:PID/SERIAL (four hex digits each) or {scheme}:///dev/...")
    interface = settings.get("interface")
    return Wanted(
        vendor=int(found[1], 16),
        product=int(found[2], 16),
        serial=unquote(parts.path.removeprefix("/")),
        port=settings.get("port", ""),
        interface=None if interface is None else int(interface),
    )


def find(url: str, nodes: Iterable[Node], usable: Callable[[Node], bool]) -> str:
    """The path of the one device file that the URL means.

    Raises:
        DeviceGone: none is plugged in, or more than one fits (reason `ambiguous`).
    """
    asked = wanted(url)
    if asked.path:
        return asked.path
    fitting = [node for node in nodes if asked.fits(node)]
    if not fitting:
        raise DeviceGone(f"{url}: not plugged in; plug it in", reason="gone", code=ErrorCode.NOHARDWARE)
    if len({node.device for node in fitting}) > 1:
        seen = ", ".join(sorted({f"serial {node.serial or 'none'} in port {node.port or '?'}" for node in fitting}))
        text = f"{url}: several such devices ({seen}); add /SERIAL or ?port= to the address"
        raise DeviceGone(text, reason="ambiguous", code=ErrorCode.CLAIMED)
    chosen = [node for node in fitting if usable(node)] if len(fitting) > 1 else fitting
    if len(chosen) != 1:
        seen = ", ".join(sorted(str(node.interface) for node in fitting))
        text = f"{url}: it has several interfaces ({seen}); add ?interface= to the address"
        raise DeviceGone(text, reason="ambiguous", code=ErrorCode.CLAIMED)
    return chosen[0].path


def text_of(file: Path) -> str:
    """One line out of /sys; "" where the kernel has none, or the device went away meanwhile."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
