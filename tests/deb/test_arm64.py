"""The package for the Raspberry Pi, in a Debian of its own processor, emulated."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.appliance import tree
from tests.deb.box import Box, why_not
from tests.deb.made import FIRST, package
from tests.deb.test_install import priced_in

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
REGISTERED = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")


@pytest.fixture(scope="module")
def arm64(tmp_path_factory: pytest.TempPathFactory) -> Box:
    if reason := why_not() or no_emulation():
        pytest.skip(reason)
    try:
        root = tree.debian(print, "trixie", "arm64")
    except tree.Unavailable as problem:
        pytest.skip(str(problem))
    return Box([root], tmp_path_factory.mktemp("arm64"), within_s=2400)


def no_emulation() -> str | None:
    """Why a program for arm64 does not start here, or None; the kernel is asked to let it, where it can be."""
    if shutil.which("qemu-aarch64-static") is None:
        return "qemu-user-static not installed: tools/setup.sh deb-test"
    if not REGISTERED.exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", "/proc/sys/fs/binfmt_misc"], check=False)
        subprocess.run(["update-binfmts", "--enable", "qemu-aarch64"], check=False)
    return None if REGISTERED.exists() else "this kernel does not take qemu-aarch64 for programs of arm64 (binfmt_misc)"


def test_it_installs_and_its_commands_run(arm64: Box) -> None:
    arm64.install(package("arm64"))
    assert arm64.state() == "ii"
    assert arm64.run("dpkg", "--print-architecture") == "arm64"
    assert arm64.run("backroom", "--version") == f"backroom {FIRST}"
    told = json.loads(arm64.tried("backroom", "doctor", "--json").stdout)
    assert {"check": "configuration", "verdict": "ok"}.items() <= told["findings"][0].items()
    assert priced_in(arm64) == 160
