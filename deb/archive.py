"""One `.deb` from a tree of files: control data, checksums, and dpkg-deb with fixed times and no need of root."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deb.errors import BuildError

HERE = Path(__file__).parent
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
MAINTAINER = "Backroom maintainers <maintainers@backroom.invalid>"

#: Debian 12's Python or Debian 13's: compiled modules are there for these two
PYTHON = "python3 (>= 3.11), python3 (<< 3.12) | python3 (>= 3.13), python3 (<< 3.14)"
DEPENDS = (
    PYTHON,
    "init-system-helpers (>= 1.52)",
    "libc6 (>= 2.34)",
    "libgcc-s1",
    "libstdc++6",
    "libusb-1.0-0",
    "systemd",
    "tzdata",
    "zlib1g",
)
CONTROL = """\
Package: backroom
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kib}
Depends: {depends}
Recommends: ca-certificates, systemd-timesyncd | time-daemon, udev
Suggests: fonts-noto-cjk
Section: misc
Priority: optional
Description: gateway of a shop: devices, till and durable queue of sales
 Backroom drives the scanners, scales, receipt printers, cash drawers, displays
 and card terminals of one store, prices and takes sales, keeps each of them
 through power cuts and outages, and relays it over MQTT to headquarters, which
 books it exactly once.
 .
 This package is the box in the store. It brings its Python libraries with it,
 under /opt/backroom, and touches none of the system's.
"""


@dataclass(frozen=True, slots=True)
class Package:
    """version: Debian's way of writing it. parts: what maintainer scripts are filled in with, by name."""

    version: str
    architecture: str
    parts: dict[str, str]

    @property
    def file_name(self) -> str:
        return f"backroom_{self.version}_{self.architecture}.deb"


def debian_version(version: str) -> str:
    """0.2.0rc1 -> 0.2.0~rc1, which sorts before 0.2.0."""
    for mark in (".dev", "rc", "a", "b"):
        if mark in version:
            before, _, after = version.partition(mark)
            return f"{before}~{mark.lstrip('.')}{after}"
    return version


def write_control(package: Package, root: Path) -> None:
    folder = root / "DEBIAN"
    folder.mkdir()
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    kib = sum(-(-path.stat().st_size // 1024) for path in files) + sum(1 for path in root.rglob("*") if path.is_dir())
    control = CONTROL.format(
        version=package.version,
        architecture=package.architecture,
        maintainer=MAINTAINER,
        kib=kib,
        depends=", ".join(DEPENDS),
    )
    (folder / "control").write_text(control, encoding="ascii")
    sums = "".join(f"{_md5(path)}  {path.relative_to(root).as_posix()}\n" for path in files)
    (folder / "md5sums").write_text(sums, encoding="utf-8")
    shutil.copyfile(HERE / "maintainer" / "triggers", folder / "triggers")
    for name in SCRIPTS:
        (folder / name).write_text(filled(HERE / "maintainer" / name, package.parts), encoding="utf-8")


def filled(script: Path, parts: dict[str, str]) -> str:
    """The script with @NAME@ replaced.

    Raises:
        BuildError: it asks for a part that nobody gave.
    """
    text = script.read_text(encoding="utf-8")
    for name, value in parts.items():
        text = text.replace(f"@{name}@", value.rstrip("\n"))
    missing = [line for line in text.splitlines() if line.strip().startswith("@") and line.strip().endswith("@")]
    if missing:
        raise BuildError(f"{script}: nothing to put for {missing[0].strip()}")
    return text


def _md5(path: Path) -> str:
    """What dpkg --verify compares with; it is no protection and is not meant as one."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def pack(root: Path, output: Path, epoch: int, compression: str = "xz") -> None:
    """root, which has a DEBIAN folder, as a `.deb`.

    xz at its lowest level: 22 MB in some seconds, where the highest makes 18 MB in a minute. dpkg takes zstd as well,
    but Debian's archive and lintian do not. One thread, since the bytes may depend on how many there are.
    """
    command = ["dpkg-deb", "--root-owner-group", "--build", f"-Z{compression}", "-z1", str(root), str(output)]
    if shutil.which(command[0]) is None:
        raise BuildError("dpkg-deb is missing: build on Debian, or install its package dpkg")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "DPKG_DEB_THREADS_MAX": "1"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise BuildError(f"dpkg-deb: {ran.stderr.strip()}")
