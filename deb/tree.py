"""The files of the package, as they lie on a box.

One folder of libraries serves both Pythons: what is compiled carries its Python in its name, and all else is the same
in the wheels of both, which is checked. The compiled bytecode is made on the box by postinst, since only there is known
which Python runs.
"""

from __future__ import annotations

import fnmatch
import gzip
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

from deb.errors import BuildError

HERE = Path(__file__).parent
#: not unpacked, by their path in a wheel
LEFT_OUT = (
    "*.dist-info/RECORD",  # dpkg keeps its own list, and this one would name files that are not there
    "*.data/*",  # commands; ours are in bin/
    "*/__pycache__/*",
    "cloud_erp/*",  # headquarters; a box needs none of its libraries either
    "tests/*",
    "*/tests/*",
    "zstandard/_cffi*",  # for Pythons that are not CPython
    "zstandard/backend_cffi.py",
    "PIL/_avif*",  # a receipt's logo is a PNG or a JPEG; these bring windows and 5 MB of a video codec
    "PIL/_imagingtk*",
    "pillow.libs/libavif*",
)
#: rich highlights Python in a traceback; the other 500 languages stay away
PYGMENTS_LEXERS = ("__init__.py", "_mapping.py", "python.py")
#: folders of what auditwheel's patchelf has rewritten
PATCHED = ("pillow.libs",)
TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}

#: a file of systemd/ -> where it goes, by its suffix
PLACES = {
    **dict.fromkeys((".service", ".timer", ".path", ".socket", ".target", ".mount", ".slice"), "lib/systemd/system"),
    ".rules": "lib/udev/rules.d",
    ".sysusers": "lib/sysusers.d",
    ".tmpfiles": "lib/tmpfiles.d",
    ".modules": "lib/modules-load.d",
    ".preset": "lib/systemd/system-preset",
}
AS_CONF = (".sysusers", ".tmpfiles", ".modules")


def unpack(wheels: list[Path], library: Path) -> None:
    """Put the wheels together in one folder.

    Raises:
        BuildError: two of them have the same file with different content.
    """
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.endswith("/") and not _left_out(name):
                    _place(archive.read(name), library / name, wheel)


def _left_out(name: str) -> bool:
    if name.startswith("pygments/lexers/"):
        return name.removeprefix("pygments/lexers/") not in PYGMENTS_LEXERS
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in LEFT_OUT)


def _place(content: bytes, path: Path, wheel: Path) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    elif path.read_bytes() != content and ".dist-info" not in path.as_posix():
        # what a wheel says of itself (its tag, its bill of materials) may differ: the first one stays
        raise BuildError(f"{wheel.name}: {path.name} differs from the one of another wheel; they cannot share a folder")


def strip(library: Path, architecture: str) -> None:
    """Take the symbols out of compiled modules that nobody links: 35 MB.

    Not out of Pillow's libraries, which were patched to find each other: such a file may not survive it.
    """
    tool = f"{TRIPLETS[architecture]}-strip"
    if shutil.which(tool) is None:
        raise BuildError(f"{tool} is missing: install Debian's binutils-{TRIPLETS[architecture].replace('_', '-')}")
    ours = [path for path in sorted(library.rglob("*.so")) if path.relative_to(library).parts[0] not in PATCHED]
    subprocess.run([tool, "--strip-unneeded", *map(str, ours)], check=True)


def place_units(systemd: Path, usr: Path) -> list[str]:
    """Every file of systemd/ where it belongs; the names of the units that are enabled at the installation.

    Raises:
        BuildError: a file whose suffix says nothing.
    """
    enabled: list[str] = []
    for path in sorted(systemd.iterdir()):
        folder, name = _place_of(path)
        if path.is_dir():
            shutil.copytree(path, usr / folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            continue
        (usr / folder).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, usr / folder / name)
        if folder == "lib/systemd/system" and "\n[Install]\n" in path.read_text(encoding="utf-8"):
            enabled.append(name)
    return enabled


def _place_of(path: Path) -> tuple[str, str]:
    if path.is_dir() and path.suffix == ".d":
        return "lib/systemd/system", path.name
    if path.suffix in PLACES:
        return PLACES[path.suffix], f"{path.stem}.conf" if path.suffix in AS_CONF else path.name
    if path.suffix == ".conf":
        for unit in sorted(path.parent.glob("*.service"), key=lambda one: -len(one.stem)):
            if path.stem.startswith(f"{unit.stem}-"):
                return f"lib/systemd/system/{unit.name}.d", path.name.removeprefix(f"{unit.stem}-")
    raise BuildError(f"{path}: this suffix has no place in the package; give it one in deb/tree.py, PLACES")


def place_condition(usr: Path) -> None:
    """The drop-in that keeps the daemon from starting with the default configuration."""
    folder = usr / "lib/systemd/system/backroom.service.d"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "files" / "configured.conf", folder / "configured.conf")


def place_launcher(application: Path) -> None:
    launcher = application / "bin" / "backroom"
    launcher.parent.mkdir(parents=True)
    shutil.copyfile(HERE / "files" / "backroom", launcher)
    launcher.chmod(0o755)


def place_documents(source: Path, share: Path, library: Path, changelog: str) -> None:
    """/usr/share: the default configuration, the one with every key, and what Debian wants under doc/."""
    doc = share / "doc" / "backroom"
    doc.mkdir(parents=True)
    (share / "backroom").mkdir()
    shutil.copyfile(HERE / "files" / "gateway.toml", share / "backroom" / "gateway.toml")
    # not under doc/, which images of small machines leave out
    shutil.copyfile(source / "docs" / "gateway.toml", share / "backroom" / "every-key.toml")
    (doc / "copyright").write_text(copyright_of(library), encoding="utf-8")
    (doc / "changelog.gz").write_bytes(gzip.compress(changelog.encode(), 9, mtime=0))
    overrides = share / "lintian" / "overrides" / "backroom"
    overrides.parent.mkdir(parents=True)
    shutil.copyfile(HERE / "files" / "lintian-overrides", overrides)


def copyright_of(library: Path) -> str:
    """Debian's copyright file: ours, then each library's licence by its own words; the texts are with them."""
    head = (HERE / "files" / "copyright").read_text(encoding="utf-8")
    return head + "".join(f"  {line}\n" for line in _licences(library))


def _licences(library: Path) -> Iterator[str]:
    for path in sorted(library.glob("*.dist-info/METADATA")):
        told = Parser().parsestr(path.read_text(encoding="utf-8"), headersonly=True)
        if told["Name"] == "backroom":
            continue
        classifiers = [one.split(" :: ")[-1] for one in told.get_all("Classifier", []) if one.startswith("License ::")]
        short = told["License"] if told["License"] and "\n" not in told["License"] else None
        licence = told["License-Expression"] or short or ", ".join(classifiers)
        yield f"{told['Name']} {told['Version']}: {licence or 'see its dist-info folder'}"


def settle(root: Path, epoch: int) -> None:
    """Rights and times that do not depend on who builds, where and when."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files, "."):
            path = Path(folder) / name
            if not path.is_symlink():
                runs = path.is_dir() or path.parent.name == "bin"
                path.chmod(0o700 if path.name == "credentials" else 0o755 if runs else 0o644)
            os.utime(path, (epoch, epoch), follow_symlinks=False)
