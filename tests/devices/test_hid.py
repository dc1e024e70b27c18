"""The hidraw transport: in umockdev's sandbox on a kernel's interface, and its edges on sockets."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from gateway.devices import hid
from gateway.devices.hid import HidTransport
from gateway.devices.transport import open_transport
from gateway.errors import DeviceGone, DeviceRefused
from gateway.peripherals.reports import Records, pack
from gateway.simulators.scanner.hid_pos import KEYBOARD, SHAPES
from tests.devices.mock_usb import HidDevice, needs_umockdev, run
from tests.devices.shop import open_descriptors, until

LABEL = bytes([2, 13]) + b"]E0" + b"4711234567899".ljust(56, b"\0") + bytes(3)


def scans(said: list[dict[str, Any]]) -> list[str]:
    return [line["text"] for line in said if line.get("event") == "Scan"]


@needs_umockdev
def test_a_hid_pos_scanner_on_a_real_hidraw_interface(tmp_path: Path) -> None:
    scanner = HidDevice(0, SHAPES["honeywell"], [LABEL], feature=b"\xfe\x01", expects=b"\x04\x02")
    said = run(
        tmp_path,
        [scanner],
        {
            "sessions": {"scanner-1": ["scanner-hid-pos", "hid://0c2e:0b61/19146B1234", {}]},
            "ask": {"scanner-1": False},
            "until": 1,
        },
    )
    assert scans(said) == ["Scan(data='4711234567899', symbology=']E0')"]
    assert {"device": "scanner-1", "event": "asked"} in said
    assert not [line for line in said if line.get("event") == "Oddity"]


@needs_umockdev
def test_two_scanners_of_one_kind_are_told_apart(tmp_path: Path) -> None:
    first = HidDevice(0, SHAPES["access"], [LABEL], serial="A", port="1.2")
    second = HidDevice(1, SHAPES["access"], [LABEL.replace(b"4711", b"4006")], serial="B", port="1.3")
    said = run(
        tmp_path,
        [first, second],
        {
            "paths": ["hid://0c2e:0b61", "hid://0c2e:0b61/B", "hid://0c2e:0b61?port=1.2", "hid://0c2e:0b62"],
            "sessions": {
                "left": ["scanner-hid-pos", "hid://0c2e:0b61/A", {}],
                "right": ["scanner-hid-pos", "hid://0c2e:0b61/B", {}],
            },
            "until": 2,
        },
    )
    ambiguous, by_serial, by_port, absent = said[:4]
    assert ambiguous["reason"] == "ambiguous"
    assert "serial A in port 1.2" in ambiguous["text"]
    assert (by_serial["path"], by_serial["claim"]) == ("/dev/hidraw1", "/dev/hidraw1")
    assert by_port["path"] == "/dev/hidraw0"
    assert absent["reason"] == "gone"
    heard = {line["device"]: line["text"] for line in said[4:] if line["event"] == "Scan"}
    assert "4711234567899" in heard["left"]
    assert "4006234567899" in heard["right"]


@needs_umockdev
def test_a_device_that_comes_back_under_another_number_is_found(tmp_path: Path) -> None:
    plan = {"rename": [["hidraw0", "hidraw7"]], "paths": ["hid://0c2e:0b61/19146B1234"]}
    (said,) = run(tmp_path, [HidDevice(0, SHAPES["access"], [])], plan)
    assert said["path"] == "/dev/hidraw7"


@needs_umockdev
def test_of_several_interfaces_the_one_of_the_point_of_sale_is_taken(tmp_path: Path) -> None:
    keys = HidDevice(0, KEYBOARD, [], interface=0)
    data = HidDevice(1, SHAPES["access"], [], interface=1)
    said = run(tmp_path, [keys, data], {"paths": ["hid://0c2e:0b61", "hid://0c2e:0b61?interface=0"]})
    assert [line["path"] for line in said] == ["/dev/hidraw1", "/dev/hidraw0"]


# --- the edges ------------------------------------------------------------------------------------------------


def pair() -> tuple[HidTransport, socket.socket]:
    """A transport on one end; packets keep their borders, as reports do."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return HidTransport("hid", ours.detach(), SHAPES["access"]), theirs


async def test_each_read_is_one_report_and_the_descriptor_comes_when_asked() -> None:
    line, device = pair()
    with device:
        reading = asyncio.create_task(line.read())
        await asyncio.sleep(0)
        await line.write(pack("D", b""))
        assert await reading == pack("D", SHAPES["access"])
        device.send(LABEL)
        device.send(b"\x04\x01")
        assert await line.read() == pack("I", LABEL)
        assert await line.read() == pack("I", b"\x04\x01")
        line.close()


async def test_output_reports_reach_the_device_however_their_records_are_cut() -> None:
    line, device = pair()
    with device:
        for byte in pack("O", b"\x04\x02") + pack("O", b"\x04\x00"):
            await line.write(bytes([byte]))
        assert (device.recv(64), device.recv(64)) == (b"\x04\x02", b"\x04\x00")
        line.close()


async def test_unplugging_ends_a_read_that_waits() -> None:
    line, device = pair()
    reading = asyncio.create_task(line.read())
    await asyncio.sleep(0)
    device.close()
    with pytest.raises(DeviceGone, match="plug it in"):
        await reading
    line.close()


async def test_features_are_set_and_got_with_the_id_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, bytes]] = []

    def ioctl(_: int, request: int, buffer: bytearray) -> int:
        calls.append((request & 0xFF, bytes(buffer)))
        if request & 0xFF == 7:
            buffer[:] = bytes([buffer[0], 7])[: len(buffer)]
        return len(buffer)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    line = HidTransport("hid", ours.detach(), SHAPES["honeywell"])
    with theirs:
        await line.write(pack("S", b"\xfe\x01") + pack("G", b"\xfe"))
        assert Records().feed(await line.read()) == [("F", b"\xfe\x07")]
        assert calls == [(6, b"\xfe\x01"), (7, b"\xfe\x00")]
        line.close()
    assert hid.get_feature(0, bytes(2)) == b"\x07"


async def test_a_report_that_the_device_stalls_is_refused_and_the_line_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def stalls(*_: object) -> bytes:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(hid, "send_output", stalls)
    line, device = pair()
    with device:
        with pytest.raises(DeviceRefused, match="does not take"):
            await line.write(pack("O", b"\x04\x02"))
        device.send(LABEL)
        assert await line.read() == pack("I", LABEL)
        line.close()


async def test_closing_while_a_report_goes_out_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_descriptors()
    line, device = pair()
    slow, entered = os.pipe()

    def waits(_: int, __: bytes) -> bytes:
        os.read(slow, 1)
        return b""

    monkeypatch.setattr(hid, "send_output", waits)
    writing = asyncio.create_task(line.write(pack("O", b"\x04\x02")))
    await until(lambda: line._working)
    writing.cancel()
    line.close()
    device.close()
    # The thread still waits: the number of its descriptor must not go to anybody else yet.
    assert open_descriptors() == before + 3
    os.write(entered, b"x")
    await until(lambda: open_descriptors() == before + 2)
    os.close(entered)
    os.close(slow)


async def test_what_is_not_there_and_what_is_no_hidraw_are_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceGone, match="not plugged in"):
        await open_transport("hid:///dev/hidraw-of-nobody")
    before = open_descriptors()
    plain = tmp_path / "file"
    plain.touch()
    with pytest.raises(DeviceGone):
        await open_transport(f"hid://{plain}")
    assert open_descriptors() == before
