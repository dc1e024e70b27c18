"""The unit files, by systemd's own checks on this machine. Debian 13's, on the installed ones: test_nspawn.py."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.appliance.tree import REPO

SYSTEMD = REPO / "systemd"
UNITS = ("backroom.service", "backroom-firstboot.service")
COMMAND = "/opt/backroom/current/bin/backroom"
#: ten times what `systemd-analyze security` shows: at most 1.5
MOST_EXPOSED = 15

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here: apt-get install systemd"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], check=False, capture_output=True, text=True)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units with a command that is there: verify looks for it."""
    command = tmp_path / "backroom"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    for unit in UNITS:
        (tmp_path / unit).write_text((SYSTEMD / unit).read_text().replace(COMMAND, str(command)))
    return tmp_path


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_to_say_of_a_unit(unit: str, installed: Path) -> None:
    checked = analyze("verify", "--man=no", str(installed / unit))
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_that_check_can_fail(installed: Path) -> None:
    unit = installed / "backroom.service"
    unit.write_text(unit.read_text().replace("WatchdogSec", "WatchdogSecs"))
    assert "WatchdogSecs" in analyze("verify", "--man=no", str(unit)).stderr


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_exposed_to_little(unit: str) -> None:
    checked = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(SYSTEMD / unit))
    assert checked.returncode == 0, checked.stdout


def test_a_unit_that_is_opened_up_is_over_the_threshold(tmp_path: Path) -> None:
    unit = tmp_path / "backroom.service"
    unit.write_text(
        (SYSTEMD / unit.name).read_text().replace("ProtectSystem=strict", "").replace("PrivateUsers=yes", "")
    )
    assert analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)).returncode != 0


@pytest.mark.parametrize(
    "line",
    [
        "Type=notify",
        "NotifyAccess=main",
        "WatchdogSec=30s",
        "Restart=always",
        "User=backroom",
        "StateDirectory=backroom",
        "LoadCredential=backroom:/etc/backroom/credentials",
        "DevicePolicy=closed",
        "ExecStart=/opt/backroom/current/bin/backroom run --config /etc/backroom/gateway.toml",
        "ConditionPathExists=/etc/backroom/gateway.toml",
    ],
)
def test_the_unit_says_what_the_rest_of_the_appliance_relies_on(line: str) -> None:
    assert line in (SYSTEMD / "backroom.service").read_text().splitlines()


def test_a_store_without_a_line_does_not_wait_for_one() -> None:
    for unit in UNITS:
        directives = [line for line in (SYSTEMD / unit).read_text().splitlines() if not line.startswith("#")]
        assert not [line for line in directives if "network-online" in line or "time-sync" in line]


def test_the_udev_rules_are_right() -> None:
    udevadm = shutil.which("udevadm") or "/bin/false"
    verbs = subprocess.run([udevadm, "--help"], check=False, capture_output=True, text=True).stdout
    if "verify" not in verbs:
        pytest.skip("udevadm here knows no `verify` (systemd 254 does); test_nspawn.py asks Debian 13's")
    subprocess.run([udevadm, "verify", str(SYSTEMD / "60-backroom.rules")], check=True)
