"""What is in the package, and that it is the same bytes each time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from deb import archive, tree, wheels
from deb.build import CACHE, source_date_epoch
from deb.errors import BuildError
from gateway.config import load
from tests.deb.made import FIRST, REPO, field, files_of, package

pytestmark = [pytest.mark.timeout(600)]

LIBRARY = f"opt/backroom/{FIRST}/lib/"
ARCHITECTURES = ["amd64", pytest.param("arm64", marks=pytest.mark.long)]
#: e_machine of an ELF file
MACHINE = {"amd64": 62, "arm64": 183}
PINS = REPO / "requirements" / "box.txt"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_names_itself_and_what_it_needs(architecture: str) -> None:
    made = package(architecture)
    assert made.name == f"backroom_{FIRST}_{architecture}.deb"
    assert [field(made, name) for name in ("Package", "Version", "Architecture")] == ["backroom", FIRST, architecture]
    needs = field(made, "Depends")
    for wanted in ("python3 (>= 3.11)", "python3 (<< 3.14)", "libusb-1.0-0", "systemd", "tzdata"):
        assert wanted in needs
    assert 50_000 < int(field(made, "Installed-Size")) < 110_000


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_pinned_library_is_in_it_for_both_pythons_and_this_processor(architecture: str) -> None:
    files = files_of(package(architecture))
    wanted = {pin.name: pin.text.split()[0].partition("==")[2] for pin in wheels.pinned(PINS, "x86_64", "3.11")}
    known = {name for name in files if name.startswith(LIBRARY)}
    for name, version in wanted.items():
        folder = f"{LIBRARY}{name.replace('-', '_')}-{version}.dist-info/METADATA"
        assert folder in known, name
    compiled = {name: content for name, (_, content) in files.items() if content[:4] == b"\x7fELF"}
    assert {int.from_bytes(content[18:20], "little") for content in compiled.values()} == {MACHINE[architecture]}
    tagged = {re.sub(r"cpython-31[13]", "cpython-*", name) for name in compiled if "cpython-3" in name}
    assert len(tagged) > 8
    for name in tagged:
        for python in ("311", "313"):
            assert name.replace("cpython-*", f"cpython-{python}") in compiled


@pytest.mark.long
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_lintian_finds_no_error_and_each_override_says_why(architecture: str) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed: tools/setup.sh deb-test")
    ran = subprocess.run(
        ["lintian", "--fail-on", "error,warning", str(package(architecture))],
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert ran.returncode == 0, ran.stdout
    lines = (REPO / "deb" / "files" / "lintian-overrides").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")


def test_nothing_of_headquarters_of_the_developers_or_of_the_builder_is_in_it() -> None:
    files = files_of(package("amd64"))
    names = {name.removeprefix(LIBRARY).split("/")[0] for name in files if name.startswith(LIBRARY)}
    assert {"gateway", "retail", "pydantic"} <= names
    assert not names & {
        "cloud_erp",
        "fastapi",
        "sqlalchemy",
        "psycopg",
        "alembic",
        "pytest",
        "pip",
        "setuptools",
        "tests",
    }
    assert not [name for name in files if name.endswith((".pyc", "/RECORD")) or "__pycache__" in name]
    ours = [content for name, (_, content) in files.items() if "/gateway/" in name or not name.startswith("opt/")]
    for told in (str(REPO), tempfile.gettempdir() + "/backroom", str(Path.home()) + "/"):
        assert not [content for content in ours if told.encode() in content], told


def test_rights_owners_and_times_are_settled() -> None:
    epoch = source_date_epoch(REPO)
    for name, (member, _) in files_of(package("amd64")).items():
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "root", "root"), name
        assert member.mtime == epoch, name
        if member.issym():
            continue
        runs = member.isdir() or name == f"opt/backroom/{FIRST}/bin/backroom"
        assert member.mode == (0o700 if name.endswith("/credentials") else 0o755 if runs else 0o644), name


def test_every_file_of_systemd_is_where_it_belongs() -> None:
    files = files_of(package("amd64"))
    for path in sorted((REPO / "systemd").iterdir()):
        places = [name for name, (_, content) in files.items() if content == path.read_bytes() and "lib/" in name]
        assert len(places) == 1, path.name
    for place in (
        "usr/lib/systemd/system/backroom.service",
        "usr/lib/systemd/system/backroom.service.d/back-off.conf",
        "usr/lib/sysusers.d/backroom.conf",
        "usr/lib/tmpfiles.d/backroom.conf",
        "usr/lib/udev/rules.d/60-backroom.rules",
    ):
        assert place in files
    assert files["opt/backroom/current"][0].linkname == FIRST
    assert files["usr/bin/backroom"][0].linkname == "/opt/backroom/current/bin/backroom"


def test_a_unit_file_of_an_unknown_kind_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "backroom.nspawn").write_text("")
    with pytest.raises(BuildError, match=r"backroom\.nspawn: this suffix has no place"):
        tree.place_units(tmp_path / "systemd", tmp_path / "usr")


@pytest.mark.long
def test_the_same_sources_give_the_same_bytes_wherever_they_are_built(tmp_path: Path) -> None:
    before = package("amd64")
    elsewhere = tmp_path / "a folder"
    elsewhere.mkdir()
    environment = os.environ | {
        "TZ": "Asia/Taipei",
        "LC_ALL": "C",
        "TMPDIR": str(elsewhere),
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(REPO),
    }
    command = [sys.executable, "-m", "deb", "--arch", "amd64", "--output", str(tmp_path / "dist")]
    ran = subprocess.run(
        command, cwd=elsewhere, env=environment, umask=0o077, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    again = tmp_path / "dist" / before.name
    assert again.read_bytes() == before.read_bytes()
    assert ran.stdout.startswith(f"{again}  {len(again.read_bytes()) / 1e6:.1f} MB  sha256 ")


def test_a_wheel_that_is_not_the_pinned_one_stops_the_build(tmp_path: Path) -> None:
    wheels.fetch(PINS, "amd64", "3.13", CACHE)
    kept = wheels.folder_of(wheels.pinned(PINS, "x86_64", "3.13"), "amd64", "3.13", CACHE)
    shutil.copytree(kept, tmp_path / kept.name)
    wheel = next((tmp_path / kept.name).glob("h11-*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(BuildError, match=r"h11-.*: not the file that was pinned"):
        wheels.fetch(PINS, "amd64", "3.13", tmp_path)
    wheel.unlink()
    with pytest.raises(BuildError, match="wheels for"):
        wheels.fetch(PINS, "amd64", "3.13", tmp_path)


def test_a_pin_without_a_hash_stops_the_build(tmp_path: Path) -> None:
    pins = tmp_path / "box.txt"
    pins.write_text("h11==0.16.0\n")
    with pytest.raises(BuildError, match="h11 has no hash"):
        wheels.pinned(pins, "x86_64", "3.11")


def test_conditions_are_answered_for_the_target_not_for_the_builder(tmp_path: Path) -> None:
    pins = tmp_path / "box.txt"
    sha256 = "--hash=sha256:" + "0" * 64
    pins.write_text(
        f"one==1 ; python_full_version < '3.12' \\\n    {sha256}\n    # via backroom\n"
        f"two==2 ; platform_machine == 'aarch64' \\\n    {sha256}\n"
        f"three==3 ; sys_platform == 'win32' \\\n    {sha256}\n"
    )
    found = {
        (machine, python): [pin.name for pin in wheels.pinned(pins, machine, python)]
        for machine in ("x86_64", "aarch64")
        for python in ("3.11", "3.13")
    }
    assert found == {
        ("x86_64", "3.11"): ["one"],
        ("x86_64", "3.13"): [],
        ("aarch64", "3.11"): ["one", "two"],
        ("aarch64", "3.13"): ["two"],
    }


def test_two_wheels_with_another_file_of_the_same_name_stop_the_build(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with zipfile.ZipFile(tmp_path / f"{name}.whl", "w") as wheel:
            wheel.writestr("shared.py", f"NAME = {name!r}\n")
    with pytest.raises(BuildError, match=r"two\.whl: shared\.py differs"):
        tree.unpack([tmp_path / "one.whl", tmp_path / "two.whl"], tmp_path / "lib")


@pytest.mark.parametrize(
    ("ours", "debian"),
    [("0.1.0", "0.1.0"), ("0.2.0rc1", "0.2.0~rc1"), ("0.2.0a3", "0.2.0~a3"), ("0.2.0.dev4", "0.2.0~dev4")],
)
def test_what_comes_before_a_release_sorts_before_it(ours: str, debian: str) -> None:
    assert archive.debian_version(ours) == debian
    release = ["dpkg", "--compare-versions", debian, "le", ours[: len("0.1.0")]]
    assert subprocess.run(release, check=False).returncode == 0


def test_the_default_configuration_is_valid_and_so_are_the_lines_to_uncomment(tmp_path: Path) -> None:
    default = REPO / "deb" / "files" / "gateway.toml"
    assert files_of(package("amd64"))["usr/share/backroom/gateway.toml"][1] == default.read_bytes()
    assert load(default).gateway.data_dir == Path("/var/lib/backroom")
    body = default.read_text(encoding="utf-8").partition("[gateway]")
    asked = re.sub(r"^# ?(?=\[|[a-z_]+ = )", "", "".join(body[1:]), flags=re.MULTILINE)
    (tmp_path / "gateway.toml").write_text(asked)
    full = load(tmp_path / "gateway.toml")
    assert set(full.device) == {"scanner-1", "printer-1"}
    assert full.api.token_file is not None
    assert full.mqtt.tls is not None
