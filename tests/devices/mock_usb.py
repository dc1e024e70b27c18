"""Pretend /dev and /sys nodes by umockdev (Debian package `umockdev`): the real transports on a kernel's interface.

`run` starts this file as a program inside the sandbox; it prints one JSON line per event of the sessions it runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

RUN = shutil.which("umockdev-run")
needs_umockdev = pytest.mark.skipif(RUN is None, reason="umockdev-run is missing; apt-get install umockdev")
BUS = "/devices/pci0000:00/0000:00:14.0/usb1"


class HidDevice:
    """number: of /dev/hidrawN. The reports come in turn; `expects` must be written by the host before them."""

    def __init__(
        self,
        number: int,
        descriptor: bytes,
        reports: Sequence[bytes],
        *,
        serial: str = "19146B1234",
        port: str = "2",
        interface: int = 0,
        feature: bytes = b"",
        expects: bytes = b"",
    ) -> None:
        self.node = f"/dev/hidraw{number}"
        hid = f"{BUS}/1-{port}/1-{port}:1.{interface}/0003:0C2E:0B61.{number + 1:04d}"
        self.about = (
            f"P: {hid}/hidraw/hidraw{number}\nN: hidraw{number}\nE: DEVNAME={self.node}\nE: SUBSYSTEM=hidraw\n"
            f"A: dev=244:{number}\nL: device=../../../{Path(hid).name}\n\n"
            f"P: {hid}\nE: SUBSYSTEM=hid\nE: HID_ID=0003:00000C2E:00000B61\nE: HID_NAME=Pretend Scanner\n"
            f"E: HID_PHYS=usb-0000:00:14.0-{port}/input{interface}\nE: HID_UNIQ={serial}\n"
            f"H: report_descriptor={descriptor.hex().upper()}\n\n"
        )
        size = len(descriptor).to_bytes(4, "little")
        whole = (size + descriptor.ljust(4096, b"\0")).hex().upper()
        self.ioctl = f"@DEV {self.node}\nHIDIOCGRDESCSIZE 0 {size.hex().upper()}\nHIDIOCGRDESC 0 {whole}\n"
        if feature:
            self.ioctl += f"HIDIOCSFEATURE 0 {feature.hex().upper()}\n"
        script = [b"w 0 " + _escaped(expects)] if expects else []
        self.script = b"\n".join([*script, *(b"r 300 " + _escaped(report) for report in reports), b""])

    def write(self, folder: Path) -> list[str]:
        stem = self.node.rpartition("/")[2]
        for name, data in (("umockdev", self.about.encode()), ("ioctl", self.ioctl.encode()), ("script", self.script)):
            (folder / f"{stem}.{name}").write_bytes(data)
        return [
            "--device", f"{folder}/{stem}.umockdev", "--ioctl", f"{self.node}={folder}/{stem}.ioctl",
            "--script", f"{self.node}={folder}/{stem}.script",
        ]  # fmt: skip


class Keyboard:
    """number: of /dev/input/eventN; keys: (key code, value), 20 ms apart, each followed by its SYN."""

    def __init__(self, number: int, keys: Sequence[tuple[int, int]], *, serial: str = "W1", port: str = "3") -> None:
        self.node = f"/dev/input/event{number}"
        about = f"{BUS}/1-{port}/1-{port}:1.0/0003:0C2E:0B6A.0009/input/input{number}"
        self.about = (
            f"P: {about}/event{number}\nN: input/event{number}\nE: DEVNAME={self.node}\nE: SUBSYSTEM=input\n"
            f"A: dev=13:{64 + number}\nL: device=../../input{number}\n\n"
            f"P: {about}\nE: SUBSYSTEM=input\nA: id/vendor=0c2e\\n\nA: id/product=0b6a\\n\nA: uniq={serial}\\n\n"
            f"A: phys=usb-0000:00:14.0-{port}/input0\\n\nA: capabilities/key=1000000000007 ff9f207ac14057ff "
            "febeffdfffefffff fffffffffffffffe\\n\n\n"
        )
        lines = []
        for index, (code, value) in enumerate(keys):
            at = 0.3 + index * 0.005
            lines += [
                f"E: {at:.6f} 0004 0004 458756",
                f"E: {at:.6f} 0001 {code:04x} {value}",
                f"E: {at:.6f} 0000 0000 0",
            ]
        self.events = "\n".join([*lines, ""])

    def write(self, folder: Path) -> list[str]:
        stem = self.node.rpartition("/")[2]
        (folder / f"{stem}.umockdev").write_text(self.about)
        (folder / f"{stem}.events").write_text(self.events)
        return [
            "--device", f"{folder}/{stem}.umockdev", "--evemu-events", f"{self.node}={folder}/{stem}.events",
        ]  # fmt: skip


def _escaped(data: bytes) -> bytes:
    """As umockdev's script format writes bytes."""
    pieces = [b"^`" if byte == 94 else b"^" + bytes([byte + 64]) if byte <= 32 else bytes([byte]) for byte in data]
    return b"".join(pieces)


def run(folder: Path, devices: Sequence[HidDevice | Keyboard], plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Run the plan in the sandbox (see `act`) and return what it printed."""
    arguments = [argument for device in devices for argument in device.write(folder)]
    assert RUN is not None
    ended = subprocess.run(
        [RUN, *arguments, "--", sys.executable, "-m", "tests.devices.mock_usb", json.dumps(plan)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


async def act(plan: dict[str, Any]) -> None:
    """sessions: {id: [driver, url, options]}; ask: {id: enabled}: SetScanning once it is online; until: how many scans.
    paths: URLs whose device file is told; rename: [old, new] node names, before the paths are told."""
    from gateway import drivers
    from gateway.devices import evdev, hid
    from gateway.devices.manager import Manager, claim
    from gateway.errors import DeviceError
    from gateway.peripherals import Power, Scan, SetScanning
    from tests.devices.shop import QUICK, running, until

    for old, new in plan.get("rename", []):
        root = Path(os.environ["UMOCKDEV_DIR"])
        for place in ("sys/class/hidraw", "dev"):
            (root / place / old).rename(root / place / new)
    for url in plan.get("paths", []):
        try:
            path = (hid if url.startswith("hid") else evdev).path_of(url)
            print(json.dumps({"url": url, "path": path, "claim": claim(url)}))
        except DeviceError as problem:
            print(json.dumps({"url": url, "reason": problem.reason, "text": str(problem)}))
    if "sessions" not in plan:
        return
    manager, scans = Manager(back_off=QUICK), []

    def heard(device_id: str, entry: Any) -> None:
        event = getattr(entry, "event", None)
        if event is not None:
            scans.extend([event] if isinstance(event, Scan) else [])
            print(json.dumps({"device": device_id, "event": type(event).__name__, "text": str(event)}), flush=True)

    manager.listen(heard)
    for device_id, (driver, url, options) in plan["sessions"].items():
        manager.add(device_id, drivers.load(driver), url, options)
    async with running(manager):
        await until(lambda: all(s.snapshot().power is Power.ONLINE for s in manager.sessions.values()))
        for device_id, enabled in plan.get("ask", {}).items():
            await manager.ask(device_id, SetScanning(enabled))
            print(json.dumps({"device": device_id, "event": "asked"}))
        await until(lambda: len(scans) >= plan["until"], within_s=20)


if __name__ == "__main__":
    logging.basicConfig()  # to stderr, which a failing test shows
    asyncio.run(act(json.loads(sys.argv[1])))
