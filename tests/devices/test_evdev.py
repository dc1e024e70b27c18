"""The evdev transport: a typing scanner in umockdev's sandbox, and its edges on sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

import pytest

from gateway.devices.evdev import EvdevTransport
from gateway.devices.transport import open_transport
from gateway.errors import DeviceGone
from gateway.peripherals.reports import Key, pack_key
from tests.devices.mock_usb import Keyboard, needs_umockdev, run
from tests.devices.shop import open_descriptors

EVENT = struct.Struct("@llHHi")
#: ]E0 4711 Enter, on a US keyboard
KEYS = [(27, 1), (27, 0), (42, 1), (18, 1), (18, 0), (42, 0)] + [
    (code, value) for code in (11, 5, 8, 2, 2, 28) for value in (1, 0)
]


@needs_umockdev
@pytest.mark.parametrize("url", ["evdev:///dev/input/event5", "evdev://0c2e:0b6a/W1", "evdev://0c2e:0b6a?port=3"])
def test_a_typing_scanner_on_a_real_evdev_interface(tmp_path: Path, url: str) -> None:
    plan = {"sessions": {"scanner-1": ["scanner-evdev", url, {}]}, "paths": [url], "until": 1}
    said = run(tmp_path, [Keyboard(5, KEYS)], plan)
    assert said[0]["path"] == "/dev/input/event5"
    assert [line["text"] for line in said if line.get("event") == "Scan"] == ["Scan(data='4711', symbology=']E0')"]


@needs_umockdev
def test_a_german_scanner_beside_an_american_one(tmp_path: Path) -> None:
    letters = [(code, value) for code in (44, 21, 28) for value in (1, 0)]
    plan = {
        "sessions": {
            "us": ["scanner-evdev", "evdev://0c2e:0b6a/A", {}],
            "de": ["scanner-evdev", "evdev://0c2e:0b6a/B", {"layout": "de"}],
        },
        "until": 2,
    }
    said = run(tmp_path, [Keyboard(5, letters, serial="A", port="3"), Keyboard(6, letters, serial="B", port="4")], plan)
    heard = {line["device"]: line["text"] for line in said if line["event"] == "Scan"}
    assert "'zy'" in heard["us"]
    assert "'yz'" in heard["de"]


def pair() -> tuple[EvdevTransport, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return EvdevTransport("keys", ours.detach()), theirs


async def test_only_keys_and_losses_come_through_without_their_time() -> None:
    line, device = pair()
    with device:
        device.send(EVENT.pack(1, 2, 4, 4, 30) + EVENT.pack(1, 2, 0, 0, 0))
        device.send(EVENT.pack(1, 2, 1, 5, 1) + EVENT.pack(1, 2, 0, 3, 0) + EVENT.pack(1, 2, 1, 5, 0))
        assert await line.read() == b"".join(map(pack_key, [Key(1, 5, 1), Key(0, 3, 0), Key(1, 5, 0)]))
        await line.write(b"nothing")
        line.close()


async def test_unplugging_ends_a_read_that_waits() -> None:
    line, device = pair()
    reading = asyncio.create_task(line.read())
    await asyncio.sleep(0)
    device.close()
    with pytest.raises(DeviceGone, match="plug it in"):
        await reading
    line.close()


async def test_a_device_that_cannot_be_grabbed_is_not_used(tmp_path: Path) -> None:
    before = open_descriptors()
    plain = tmp_path / "file"
    plain.touch()
    with pytest.raises(DeviceGone):
        await open_transport(f"evdev://{plain}")
    with pytest.raises(DeviceGone, match="not plugged in"):
        await open_transport("evdev:///dev/input/event-of-nobody")
    assert open_descriptors() == before
