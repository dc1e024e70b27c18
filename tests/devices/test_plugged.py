"""What a URL names among the plugged-in devices, and who else lays claim to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import drivers
from gateway.devices.manager import Manager, claim
from gateway.devices.plugged import Node, Wanted, find, wanted
from gateway.errors import ConfigError, DeviceGone


def node(path: str, serial: str = "", port: str = "1", interface: int = 0) -> Node:
    return Node(path, 0x0C2E, 0x0B61, serial, f"usb-0000:01:00.0-{port}/input{interface}", Path())


def one_of(url: str, *nodes: Node, usable: str = "") -> str:
    return find(url, nodes, lambda node: node.path == usable)


def test_urls_are_read() -> None:
    assert wanted("hid:///dev/hidraw0") == Wanted(path="/dev/hidraw0")
    assert wanted("hid://0c2e:0B61") == Wanted(vendor=0x0C2E, product=0x0B61)
    assert wanted("evdev://0c2e:0b61/A%20B?port=1.2&interface=3") == Wanted(
        vendor=0x0C2E, product=0x0B61, serial="A B", port="1.2", interface=3
    )


@pytest.mark.parametrize(
    "url",
    ["hid://x", "hid://", "hid:///", "hid://c2e:b61", "hid://0c2e:0b61?prot=1", "hid://0c2e:0b61?port=x",
     "hid:///dev/hidraw0?port=1", "evdev://٠٠٠٠:0b61"],
)  # fmt: skip
def test_a_wrong_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigError):
        wanted(url)
    with pytest.raises(ConfigError, match="scanner-1"):
        Manager().add("scanner-1", drivers.load("scanner-hid-pos"), url)


def test_by_serial_by_port_or_the_only_one() -> None:
    left, right = node("/dev/a", "L", "1.1"), node("/dev/b", "R", "1.2")
    assert one_of("hid://0c2e:0b61/R", left, right) == "/dev/b"
    assert one_of("hid://0c2e:0b61?port=1.1", left, right) == "/dev/a"
    assert one_of("hid://0c2e:0b61", left) == "/dev/a"
    with pytest.raises(DeviceGone, match=r"serial L in port 1\.1"):
        one_of("hid://0c2e:0b61", left, right)
    with pytest.raises(DeviceGone, match="not plugged in"):
        one_of("hid://0c2e:0b61/X", left, right)


def test_two_of_one_kind_without_serial_numbers_are_told_apart_by_their_ports_only() -> None:
    left, right = node("/dev/a", port="1.1"), node("/dev/b", port="1.2")
    with pytest.raises(DeviceGone, match=r"port 1\.2") as ambiguous:
        one_of("hid://0c2e:0b61", left, right, usable="/dev/a")
    assert ambiguous.value.reason == "ambiguous"


def test_of_several_interfaces_the_usable_one_or_the_one_that_was_said() -> None:
    keys, data = node("/dev/a"), node("/dev/b", interface=1)
    assert one_of("hid://0c2e:0b61", keys, data, usable="/dev/b") == "/dev/b"
    assert one_of("hid://0c2e:0b61?interface=0", keys, data) == "/dev/a"
    with pytest.raises(DeviceGone, match="interfaces"):
        one_of("hid://0c2e:0b61", keys, data)


def test_claims_are_the_same_for_the_same_device(tmp_path: Path) -> None:
    (tmp_path / "hidraw0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "hidraw0")
    assert claim(f"hid://{tmp_path}/by-id") == claim(f"hid://{tmp_path}/hidraw0")
    # Not plugged in: the numbers themselves.
    assert claim("hid://ABCD:0001/S") == claim("hid://abcd:0001/S") != claim("hid://abcd:0001/T")
    assert claim("tls://Host:1?ca=/a") == claim("tls://host:1?ca=/b") != claim("tls://host:2")
    assert claim("lp:///dev/usb/lp0") == claim("lp:///dev/usb/../usb/lp0")
    assert claim("usb://04B8:0202/X") == claim("usb://04b8:0202/X")


@pytest.mark.parametrize(
    "url", ["tls://host", "tls://host:1?fingerprint=x", "usb://", "lp://", "tcp://host:x", "gopher://x", "via://"]
)
def test_a_url_that_could_never_be_opened_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="device-1"):
        Manager().add("device-1", drivers.load("scanner-line"), url)


def test_a_url_of_each_kind_is_taken() -> None:
    manager = Manager()
    urls = [
        "serial:///dev/ttyUSB0?baud=19200", "pty:///run/x", "tcp://h:1", "tls://h:1", "hid://0c2e:0b61",
        "hid:///dev/hidraw0", "evdev:///dev/input/event0", "usb://04b8:0202", "lp:///dev/usb/lp0", "via://printer-1",
    ]  # fmt: skip
    for number, url in enumerate(urls):
        manager.add(f"device-{number}", drivers.load("scanner-line"), url)
