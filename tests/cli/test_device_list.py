"""`backroom devices`: what is configured, what is plugged in, and which drivers there are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from gateway.cli.device_list import plugged_in

CONFIG = """
[gateway]
id = "S0421-1"
store_id = "S0421"
[mqtt]
host = "127.0.0.1"
[api]
port = 9
[device.scale-1]
driver = "scale-toledo-8217"
url = "pty:///nowhere/scale"
"""


def backroom(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "gateway", *words], capture_output=True, text=True, check=False)


def test_without_a_daemon_the_devices_are_listed_and_their_state_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG)
    shown = backroom("devices", "--config", str(path))
    assert shown.returncode == 0
    head, row, why = shown.stdout.splitlines()
    assert head.split() == ["ID", "DEVICE_CLASS", "DRIVER", "URL", "POWER"]
    assert row.split() == ["scale-1", "scale", "scale-toledo-8217", "pty:///nowhere/scale", "unknown"]
    assert "the daemon does not run" in why
    (device,) = json.loads(backroom("devices", "--config", str(path), "--json").stdout)["devices"]
    assert device["power"] == "unknown"


def test_a_wrong_configuration_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG.replace("[mqtt]", "[mqtt]\nprot = 1"))
    shown = backroom("devices", "--config", str(path))
    assert shown.returncode == 2
    assert shown.stderr.splitlines() == ["backroom: gateway.toml, [mqtt]: unknown key 'prot'; did you mean 'port'?"]


def test_what_is_plugged_in_is_shown_under_names_that_last(tmp_path: Path) -> None:
    dev, sys_folder = tmp_path / "dev", tmp_path / "sys"
    for node in (
        "serial/by-id/usb-FTDI_FT232R_A1-if00-port0",
        "input/by-id/usb-Honeywell_1470-event-kbd",
        "input/by-id/usb-Honeywell_1470-mouse",
        "usb/lp0",
        "ttyUSB0",
    ):
        (dev / node).parent.mkdir(parents=True, exist_ok=True)
        (dev / node).touch()
    scale = sys_folder / "class/hidraw/hidraw0/device"
    scale.mkdir(parents=True)
    (scale / "uevent").write_text("HID_ID=0003:00000922:00008003\nHID_NAME=DYMO M10\nHID_UNIQ=A17\n")
    assert [one["url"] for one in plugged_in(dev, sys_folder)] == [
        "serial:///dev/serial/by-id/usb-FTDI_FT232R_A1-if00-port0",
        "evdev:///dev/input/by-id/usb-Honeywell_1470-event-kbd",
        "lp:///dev/usb/lp0",
        "hid://0922:8003/A17",
    ]
    assert plugged_in(tmp_path / "none", tmp_path / "none") == []


def test_every_driver_is_listed_with_its_class() -> None:
    rows = json.loads(backroom("devices", "--drivers", "--json").stdout)["drivers"]
    assert {"driver": "scanner-line", "device_class": "scanner"} in rows
