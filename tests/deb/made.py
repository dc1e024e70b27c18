"""The packages under test, built once for a state of the sources and kept outside the repository."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from subprocess import run

from deb.build import build, source_date_epoch

REPO = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backroom"
SOURCES = ("gateway", "retail", "systemd", "deb", "requirements/box.txt", "docs/gateway.toml")
FILES = ("pyproject.toml", "README.md", "LICENSE")
KEPT_MOST = 6
FIRST, SECOND = "0.1.0", "0.1.1"


def package(architecture: str, version: str | None = None) -> Path:
    """The `.deb` of the working tree; under another version number where one is said."""
    name = f"deb-{architecture}-{version or 'as-is'}-{_fingerprint()}"
    with _lock(CACHE / "deb.lock"):
        folder = CACHE / name
        if not folder.exists():
            _forget(CACHE)
            growing = folder.with_suffix(".new")
            shutil.rmtree(growing, ignore_errors=True)
            with _sources(growing / "source", version) as source:
                build(source, architecture, growing, compression="xz" if version is None else "none")
            shutil.rmtree(growing / "source", ignore_errors=True)
            growing.rename(folder)
    os.utime(folder)
    [made] = folder.glob("*.deb")
    return made


@contextmanager
def _sources(folder: Path, version: str | None) -> Iterator[Path]:
    """The repository itself, or a copy of it that calls itself another version."""
    if version is None:
        yield REPO
        return
    for name in (*SOURCES, *FILES):
        source, to = REPO / name, folder / name
        to.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, to)
    project = folder / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    assert f'version = "{FIRST}"' in text
    project.write_text(text.replace(f'version = "{FIRST}"', f'version = "{version}"'), encoding="utf-8")
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(source_date_epoch(REPO))
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


def _fingerprint() -> str:
    digest = hashlib.sha256(str(source_date_epoch(REPO)).encode())
    paths = [path for name in SOURCES for path in [REPO / name, *(REPO / name).rglob("*")]]
    for path in sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts):
        digest.update(f"{path.relative_to(REPO)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    for name in FILES:
        digest.update((REPO / name).read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget(cache: Path) -> None:
    kept = sorted(cache.glob("deb-*-*"), key=lambda one: one.stat().st_mtime)
    for folder in kept[: max(0, len(kept) - KEPT_MOST + 1)]:
        shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=2)
def files_of(made: Path) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """Path on a box, without the first slash -> what stands there."""
    told = run(["dpkg-deb", "--fsys-tarfile", str(made)], capture_output=True, check=True).stdout
    found: dict[str, tuple[tarfile.TarInfo, bytes]] = {}
    with tarfile.open(fileobj=BytesIO(told)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            found[member.name.removeprefix("./")] = (member, content.read() if content else b"")
    return found


def field(made: Path, name: str) -> str:
    return run(["dpkg-deb", "-f", str(made), name], capture_output=True, check=True, text=True).stdout.strip()
