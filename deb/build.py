"""From a source tree to a `.deb`."""

from __future__ import annotations

import os
import subprocess
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from deb import archive, tree, wheels
from deb.errors import BuildError

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backroom" / "wheels"


def build(source: Path, architecture: str, output: Path, cache: Path = CACHE, compression: str = "xz") -> Path:
    """Build for one architecture into the folder `output`; the path of the package.

    compression: as dpkg-deb calls it; "none" saves most of the time, for a package that goes nowhere.

    Raises:
        BuildError: says what is missing and how to get it.
    """
    version = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    epoch = source_date_epoch(source)
    with tempfile.TemporaryDirectory(prefix="backroom-deb-") as name:
        work = Path(name)
        root = work / "root"
        enabled = lay_out(source, architecture, version, root, cache, epoch)
        package = archive.Package(
            archive.debian_version(version),
            architecture,
            {
                "APPLICATION": f"/opt/backroom/{version}",
                "ENABLED": " ".join(enabled),
                "HELD": (HERE / "held.py").read_text(encoding="utf-8"),
            },
        )
        archive.write_control(package, root)
        tree.settle(root, epoch)
        for script in archive.SCRIPTS:
            (root / "DEBIAN" / script).chmod(0o755)
        output.mkdir(parents=True, exist_ok=True)
        made = output / package.file_name
        # under another name until it is whole
        archive.pack(root, work / package.file_name, epoch, compression)
        made.with_suffix(".new").write_bytes((work / package.file_name).read_bytes())
        return made.with_suffix(".new").rename(made)


def lay_out(source: Path, architecture: str, version: str, root: Path, cache: Path, epoch: int) -> list[str]:
    """The tree of files under root; the units to enable."""
    application = root / "opt" / "backroom" / version
    library = application / "lib"
    with tempfile.TemporaryDirectory(prefix="backroom-wheel-") as own:
        tree.unpack([wheels.of_the_repository(source, Path(own), epoch)], library)
    for python in wheels.PYTHONS:
        tree.unpack(wheels.fetch(source / "requirements" / "box.txt", architecture, python, cache), library)
    tree.strip(library, architecture)
    tree.place_launcher(application)
    (root / "opt" / "backroom" / "current").symlink_to(version)
    usr = root / "usr"
    (usr / "bin").mkdir(parents=True)
    (usr / "bin" / "backroom").symlink_to("/opt/backroom/current/bin/backroom")
    enabled = tree.place_units(source / "systemd", usr)
    tree.place_condition(usr)
    tree.place_documents(source, usr / "share", library, changelog(version, epoch))
    (root / "etc" / "backroom" / "credentials").mkdir(parents=True)
    return enabled


def changelog(version: str, epoch: int) -> str:
    when = datetime.fromtimestamp(epoch, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    return (
        f"backroom ({archive.debian_version(version)}) unstable; urgency=medium\n\n"
        f"  * Release {version}; what changed is in the repository's history.\n\n"
        f" -- {archive.MAINTAINER}  {when}\n"
    )


def source_date_epoch(source: Path) -> int:
    """When the sources were last changed, in seconds: as the environment says, else the last commit.

    Raises:
        BuildError: neither is there.
    """
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told is None:
        command = ["git", "-C", str(source), "log", "-1", "--format=%ct"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        told = ran.stdout.strip()
    if not told.isdigit():
        raise BuildError("there is no commit to take the date from; set SOURCE_DATE_EPOCH to seconds since 1970")
    return int(told)
