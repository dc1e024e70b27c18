"""The package in a Debian: what it brings, that it runs on a read-only root, an upgrade, and a removal."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from gateway.demo.broker import free_port
from tests.deb.box import DPKG, ENVIRONMENT, Box
from tests.deb.made import FIRST, SECOND, package

pytestmark = [pytest.mark.timeout(600)]
READY_WITHIN_S = 60
CONFIGURED = """
[gateway]
id = "S0421-1"
store_id = "S0421"
data_dir = "/var/lib/backroom"

[mqtt]
host = "127.0.0.1"
port = 1

[api]
port = {port}
"""
DEFAULT, IN_FORCE = "/usr/share/backroom/gateway.toml", "/etc/backroom/gateway.toml"
CONDITION = "/usr/lib/systemd/system/backroom.service.d/configured.conf"


def altered(box: Box) -> list[str]:
    """What is not as the package has it; the tree of the tests is made without documents."""
    return [line for line in box.run("dpkg", "--verify", "backroom").splitlines() if "/usr/share/doc/" not in line]


def test_an_installation_brings_program_user_configuration_and_units(installed: Box) -> None:
    assert installed.state() == "ii"
    assert altered(installed) == []
    assert installed.run("backroom", "--version") == f"backroom {FIRST}"
    assert installed.run("readlink", "/opt/backroom/current") == FIRST
    groups = set(installed.run("id", "-nG", "backroom").split())
    assert groups == {"backroom", "dialout", "lp", "input", "plugdev"}
    stat = ("stat", "-c", "%a %U:%G")
    assert installed.run(*stat, IN_FORCE) == "640 root:backroom"
    assert installed.run(*stat, "/etc/backroom/credentials") == "700 root:root"
    assert installed.read(IN_FORCE) == installed.read(DEFAULT)
    for unit in ("backroom.service", "backroom-firstboot.service"):
        assert installed.exists(f"/etc/systemd/system/multi-user.target.wants/{unit}"), unit


def test_the_commands_of_a_technician_work_with_the_default(installed: Box, box: Box) -> None:
    told = json.loads(installed.tried("backroom", "doctor", "--json").stdout)
    checks = {finding["check"]: finding for finding in told["findings"]}
    assert checks["configuration"]["verdict"] == "ok"
    assert checks["name look-up"]["verdict"] == "fail"
    assert "scanner" in installed.run("backroom", "devices", "--drivers")
    assert priced_in(box) == 160


def priced_in(box: Box) -> int:
    """What two of an article cost under one rule, by the box's own command."""
    rule = {"id": "P", "kind": "item_price", "match": {"items": ["A"]}, "reward": {"type": "unit_price", "value": 80}}
    box.write("/tmp/rules.json", json.dumps([rule]))
    box.write("/tmp/basket.json", json.dumps({"lines": [{"item": "A", "quantity": 2, "unit_price": 100}]}))
    told = box.run("backroom", "price", "--rules", "/tmp/rules.json", "--basket", "/tmp/basket.json")
    total: int = json.loads(told)["lines"][0]["net"]
    return total


@pytest.mark.long
def test_each_compiled_library_loads_and_all_bytecode_is_there(installed: Box) -> None:
    library = f"/opt/backroom/{FIRST}/lib"
    probe = f"""
import importlib, pathlib, sys, sysconfig
library = pathlib.Path({library!r})
sys.path.insert(0, str(library))
suffix = sysconfig.get_config_var("EXT_SUFFIX")
for path in sorted(library.rglob("*" + suffix)) + sorted(library.rglob("*.abi3.so")):
    name = ".".join(path.relative_to(library).parts).replace(suffix, "").replace(".abi3.so", "")
    importlib.import_module(name)
    print(name)
import importlib.util
bare = [p for p in library.rglob("*.py") if not pathlib.Path(importlib.util.cache_from_source(str(p))).exists()]
assert not bare, bare
flags = {{p.read_bytes()[4] for p in library.rglob("*." + sys.implementation.cache_tag + ".pyc")}}
assert flags == {{1}}, "not compared with their sources"
"""
    loaded = installed.run("/usr/bin/python3", "-I", "-B", "-c", probe).split()
    assert {"zstandard.backend_c", "pydantic_core._pydantic_core", "PIL._imaging", "_cffi_backend"} <= set(loaded)
    assert "cryptography.hazmat.bindings._rust" in loaded


def test_the_daemon_runs_as_its_own_user_on_a_read_only_root(box: Box, tmp_path: Path) -> None:
    # given
    port = free_port()
    box.write(IN_FORCE, CONFIGURED.format(port=port))
    box.run("install", "-d", "-o", "backroom", "-g", "backroom", "-m", "700", "/var/lib/backroom")
    user = ["setpriv", "--reuid=backroom", "--regid=backroom", "--init-groups", "--no-new-privs"]
    refused = box.tried(*user, "touch", "/opt/backroom/probe", read_only=True)
    assert "Read-only file system" in refused.stderr
    # when
    command = box.command(*user, "/opt/backroom/current/bin/backroom", "run", read_only=True)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        status = answered(f"http://127.0.0.1:{port}/v1/status", process, tmp_path / "log")
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    # then
    assert status["software"] == FIRST
    assert b"<html" in page
    assert code == 0, (tmp_path / "log").read_text()
    assert box.run("stat", "-c", "%U", "/var/lib/backroom/money.sqlite") == "backroom"


def answered(url: str, process: subprocess.Popen[bytes], log: Path) -> dict[str, object]:
    end = time.monotonic() + READY_WITHIN_S
    while True:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: dict[str, object] = json.load(answer)
                return found
        except OSError:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)  # nothing tells a process outside the namespace that it listens


def test_the_daemon_does_not_start_under_the_made_up_store_of_the_default(box: Box) -> None:
    [line] = [line for line in box.read(CONDITION).splitlines() if line.startswith("ExecCondition=")]
    condition = shlex.split(line.removeprefix("ExecCondition="))
    refused = box.tried(*condition)
    assert refused.returncode == 1
    assert "still the default of the package" in refused.stdout
    box.write(IN_FORCE, CONFIGURED.format(port=8380))
    assert box.tried(*condition).returncode == 0


def test_an_upgrade_keeps_what_the_technician_set_and_a_power_cut_in_it_leaves_a_box_that_runs(box: Box) -> None:
    # given a box that was configured, and one of whose units somebody disabled
    mine = CONFIGURED.format(port=8380)
    box.write(IN_FORCE, mine)
    box.write("/etc/backroom/credentials/mqtt.password", "secret\n")
    box.write("/var/lib/backroom/money.sqlite", b"the sales")
    box.run("systemctl", "disable", "backroom-firstboot.service")
    # when the power goes between unpacking and configuring
    box.run(*DPKG, "--unpack", box.bring(package("amd64", SECOND)))
    # then it runs all the same, the new one
    assert box.state() == "iU"
    assert box.run("backroom", "--version") == f"backroom {SECOND}"
    assert box.exists("/etc/systemd/system/multi-user.target.wants/backroom.service")
    # when it is configured
    box.run(*DPKG, "--configure", "-a")
    assert box.state() == "ii"
    assert box.run("readlink", "/opt/backroom/current") == SECOND
    assert box.run("ls", "/opt/backroom").split() == [SECOND, "current"], "nothing is left of the version before"
    assert box.exists(f"/opt/backroom/{SECOND}/lib/gateway/__pycache__")
    assert box.read(IN_FORCE) == mine.strip()
    assert box.read("/etc/backroom/credentials/mqtt.password") == "secret"
    assert box.read("/var/lib/backroom/money.sqlite") == "the sales"
    assert box.exists("/etc/systemd/system/multi-user.target.wants/backroom.service")
    assert not box.exists("/etc/systemd/system/multi-user.target.wants/backroom-firstboot.service")
    assert altered(box) == []


@pytest.mark.long
def test_a_default_that_nobody_changed_follows_the_package_and_the_scripts_may_run_twice(box: Box) -> None:
    info = "/var/lib/dpkg/info/backroom"
    old = "# the default of an earlier release\n"
    new = box.read(DEFAULT)
    box.write(DEFAULT, old)
    box.write(IN_FORCE, old)
    box.run("sh", f"{info}.preinst", "upgrade", "0.0.9")
    assert not box.exists(IN_FORCE)
    box.write(DEFAULT, new)
    box.run("sh", f"{info}.postinst", "configure", "0.0.9")
    assert box.read(IN_FORCE) == new
    box.write(IN_FORCE, "mine")
    box.run("sh", f"{info}.preinst", "upgrade", FIRST)
    assert box.read(IN_FORCE) == "mine"
    assert box.tried("sh", f"{info}.postinst", "nonsense").returncode == 1


def test_a_removal_leaves_configuration_and_sales_alone(box: Box) -> None:
    box.write(IN_FORCE, CONFIGURED.format(port=8380))
    box.write("/var/lib/backroom/money.sqlite", b"the sales")
    box.run(*DPKG, "--remove", "backroom")
    assert box.state() == "rc"
    for gone in ("/opt/backroom", "/usr/bin/backroom", "/usr/lib/systemd/system/backroom.service", DEFAULT):
        assert not box.exists(gone), gone
    assert box.read(IN_FORCE) == CONFIGURED.format(port=8380).strip()
    assert box.read("/var/lib/backroom/money.sqlite") == "the sales"
    assert not re.findall(r"backroom", box.run("ls", "/usr/lib/udev/rules.d", "/usr/lib/tmpfiles.d"))


@pytest.mark.long
def test_an_installation_after_a_removal_takes_up_where_it_was(box: Box) -> None:
    mine = CONFIGURED.format(port=8380)
    box.write(IN_FORCE, mine)
    box.run(*DPKG, "--remove", "backroom")
    box.install(package("amd64", SECOND))
    assert box.read(IN_FORCE) == mine.strip()
    assert box.run("backroom", "--version") == f"backroom {SECOND}"
    assert box.exists("/etc/systemd/system/multi-user.target.wants/backroom.service")


DRIVER = """
from gateway.drivers import load
from dataclasses import replace
DRIVER = replace(load("scanner-line"), name="scanner-acme")
"""


def test_a_driver_of_another_maker_is_found_where_debian_has_its_python_packages(box: Box) -> None:
    packages = "/usr/lib/python3/dist-packages"
    box.write(f"{packages}/acme_scanner.py", DRIVER)
    box.write(
        f"{packages}/acme_scanner-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-scanner\nVersion: 1\n"
    )
    entry = "[backroom.drivers]\nscanner-acme = acme_scanner:DRIVER\n"
    box.write(f"{packages}/acme_scanner-1.dist-info/entry_points.txt", entry)
    assert "scanner-acme" in box.run("backroom", "devices", "--drivers")


@pytest.mark.long
def test_a_python_that_debian_brings_later_gets_its_bytecode(box: Box) -> None:
    [python] = box.run("sh", "-c", "ls /usr/bin/python3.??").split()
    bytecode = f"/opt/backroom/{FIRST}/lib/gateway/__pycache__"
    box.run("rm", "-r", bytecode)
    # what dpkg does by itself when it unpacks that file
    minimal = f"{Path(python).name}-minimal"
    box.run("dpkg-trigger", f"--by-package={minimal}", "--no-await", python)
    assert box.state() in ("it", "ii")
    box.run(*DPKG, "--triggers-only", "backroom")
    assert box.exists(bytecode)
