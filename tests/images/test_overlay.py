"""The files that only the image has agree with each other, with systemd/, and with what the code takes for granted."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gateway import config
from images.card import DISK_ID
from images.initrd import INIT
from images.root import OVERLAY
from images.story.technician import BACKROOM_TOML

UNITS = OVERLAY / "usr/lib/systemd/system"
FSTAB = [line.split() for line in (OVERLAY / "etc/fstab").read_text().splitlines() if not line.startswith("#")]
SCRIPTS = [INIT, *(path for path in (OVERLAY / "usr/lib/backroom-image").iterdir() if path.suffix == "")]
PROGRAMS = Path(__file__).parents[2] / "systemd"


def test_nothing_on_the_card_is_waited_for_at_a_prompt() -> None:
    for what, where, kind, options, *_ in FSTAB:
        assert kind == "tmpfs" or "nofail" in options.split(","), f"{what} {where}"


def test_fstab_names_the_disk_that_the_card_gets() -> None:
    of_the_card = [row for row in FSTAB if row[0].startswith("PARTUUID=")]
    assert {row[0] for row in of_the_card} == {f"PARTUUID={DISK_ID}-01", f"PARTUUID={DISK_ID}-03"}
    for unit in UNITS.glob("*.service"):
        for named in re.findall(r"partuuid[/-](?:x2d)?([0-9a-f]{8})", unit.read_text().replace("\\", "")):
            assert named == DISK_ID, unit


def test_every_folder_shown_elsewhere_is_made_first() -> None:
    made = {line.split()[1] for line in (OVERLAY / "usr/lib/backroom-image/data.conf").read_text().splitlines()
            if line.startswith("d ")}  # fmt: skip
    shown = [row for row in FSTAB if row[0].startswith("/data/")]
    assert {row[0] for row in shown} <= made
    for _, where, _, options, *_ in shown:
        assert "x-systemd.requires=backroom-data-folders.service" in options, where


def test_the_gateway_never_starts_without_the_data_partition() -> None:
    drop_in = (OVERLAY / "etc/systemd/system/backroom.service.d/image.conf").read_text()
    assert "ConditionPathIsMountPoint=/var/lib/backroom" in drop_in
    assert "ConditionPathIsMountPoint=|!/var/lib/backroom" in (UNITS / "backroom-trouble.service").read_text()


def test_what_runs_is_what_is_there() -> None:
    preset = (OVERLAY / "usr/lib/systemd/system-preset/00-backroom.preset").read_text()
    ours = [line.split()[1] for line in preset.splitlines() if line.startswith("enable backroom")]
    there = {path.name for folder in (UNITS, PROGRAMS) for path in folder.iterdir()}
    assert set(ours) <= there
    assert preset.strip().endswith("disable *")


def test_nobody_can_log_in_by_a_scanner_that_types() -> None:
    system = OVERLAY / "etc/systemd/system"
    for unit in ("getty@.service", "serial-getty@.service", "autovt@.service", "console-getty.service"):
        assert (system / unit).readlink() == Path("/dev/null"), unit


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_are_shell(script: Path) -> None:
    assert script.stat().st_mode & 0o100 or script == INIT
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_the_technician_of_the_story_writes_a_right_configuration(tmp_path: Path) -> None:
    written = tmp_path / "backroom.toml"
    written.write_text(BACKROOM_TOML.format(id="S0421-1", store="S0421", host="10.0.2.100", port=1883))
    assert set(config.load(written).device) == {"scanner-1", "scale-1", "printer-1"}
