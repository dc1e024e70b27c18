"""The wheels of a box: what requirements/box.txt pins, for another processor and other Pythons than those at work here.

pip fetches and checks them by hash; they are checked by hash again whenever they are taken from the cache. Nothing is
built from source: a package without a wheel for the target stops the build.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

from deb.errors import BuildError

#: Debian's name of an architecture -> the one in the names of wheels
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
#: Debian 12 and Debian 13
PYTHONS = ("3.11", "3.13")
#: Debian 12 has glibc 2.36
GLIBC_MINORS = range(36, 16, -1)
#: what others depend on and a box never uses
LEFT_OUT = {
    "pip": "asked for by sqlite-utils' own `install` command; nothing is ever installed on a box",
    "setuptools": "asked for by python-escpos, which does not import it",
    "tzdata": "Debian's own package, which gets the changes of law while this one rests",
}

HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package: `text` is what pip reads, without the condition, which was answered for the target already."""

    name: str
    text: str
    sha256: frozenset[str]


def pinned(requirements: Path, machine: str, python: str) -> list[Pin]:
    """What that file asks for on a Debian of this machine and Python."""
    there: dict[str, str] = {
        **{key: str(value) for key, value in default_environment().items()},
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "python_version": python,
        "python_full_version": f"{python}.2",
        "extra": "",
    }
    return [pin for pin, wanted in _lines(requirements, there) if wanted]


def _lines(requirements: Path, there: dict[str, str]) -> Iterator[tuple[Pin, bool]]:
    for line in requirements.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        asked, *hashes = line.split(" --hash=")
        if not asked.strip() or asked.lstrip().startswith("#"):
            continue
        one = Requirement(asked.split(" #")[0])
        if not hashes:
            raise BuildError(f"{requirements}: {one.name} has no hash; run 'make pins'")
        sha256 = frozenset(HASH.findall(line))
        text = f"{one.name}{one.specifier} " + " ".join(f"--hash=sha256:{each}" for each in sorted(sha256))
        wanted = one.name not in LEFT_OUT and (one.marker is None or one.marker.evaluate(there))
        yield Pin(one.name, text, sha256), wanted


def fetch(requirements: Path, architecture: str, python: str, cache: Path) -> list[Path]:
    """The wheels, sorted; from the cache where they are there already.

    Raises:
        BuildError: one is missing for this target, or is not what was pinned.
    """
    machine = MACHINES[architecture]
    pins = pinned(requirements, machine, python)
    folder = folder_of(pins, architecture, python, cache)
    if not folder.exists():
        _download(_asked(pins), machine, python, folder)
    wheels = sorted(folder.glob("*.whl"))
    known = frozenset[str]().union(*(pin.sha256 for pin in pins))
    for wheel in wheels:
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in known:
            raise BuildError(f"{wheel}: not the file that was pinned; delete {folder} and build again")
    if len(wheels) != len(pins):
        raise BuildError(f"{folder}: {len(wheels)} wheels for {len(pins)} pins; delete it and build again")
    return wheels


def folder_of(pins: list[Pin], architecture: str, python: str, cache: Path) -> Path:
    return cache / f"{architecture}-{python}-{hashlib.sha256(_asked(pins).encode()).hexdigest()[:16]}"


def _asked(pins: list[Pin]) -> str:
    """The requirements as pip reads them."""
    return "\n".join(pin.text for pin in pins) + "\n"


def _download(text: str, machine: str, python: str, folder: Path) -> None:
    """Into a folder of another name at first, so that one that was interrupted is never taken for whole."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    asked = partial / "requirements.txt"
    asked.write_text(text, encoding="ascii")
    abi = "cp" + python.replace(".", "")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "-r", str(asked), "--dest", str(partial)]
    command += ["--implementation", "cp", "--python-version", python, "--abi", abi, "--abi", "abi3", "--abi", "none"]
    for minor in GLIBC_MINORS:
        command += ["--platform", f"manylinux_2_{minor}_{machine}"]
    command += ["--platform", f"manylinux2014_{machine}"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise BuildError(f"wheels for {machine}, Python {python}: pip download failed:\n{ran.stderr.strip()}")
        asked.unlink()
        try:
            partial.rename(folder)
        except OSError:
            if not folder.exists():  # else another build was quicker, with the same wheels
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def of_the_repository(source: Path, into: Path, epoch: int) -> Path:
    """Our own wheel, as hatchling builds it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    ran = subprocess.run(
        command,
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = sorted(into.glob("backroom-*.whl"))
    if ran.returncode or len(found) != 1:
        raise BuildError(f"{source}: no wheel of the repository:\n{ran.stderr.strip()}")
    return found[0]
