"""The gateway's modules compiled for the box's Python, each kept in the cache by its path and its source.

The package compiles them when it is installed, which under emulation takes minutes for every build. A compiled module
is the same bytes whatever the processor and whatever was compiled before it (checked over all 1429 of them), so only
modules that changed are compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

PYTHON = "python3.13"
TAG = "cpython-313"


@contextlib.contextmanager
def left_to_us(tree: Path) -> Iterator[None]:
    """Meanwhile the package's own script finds no Python to compile with."""
    python = tree / "usr/bin" / PYTHON
    python.chmod(0o644)
    try:
        yield
    finally:
        python.chmod(0o755)


def compile_modules(tree: Path, cache: Path, version: str, inside: Callable[..., None]) -> tuple[int, int]:
    """Returns (how many there are, how many had to be compiled).

    version: of the box's Python. inside: runs a program of the tree.
    """
    cache.mkdir(parents=True, exist_ok=True)
    application = tree / "opt/backroom"
    sources = sorted((application / (application / "current").readlink() / "lib").rglob("*.py"))
    kept = {source: cache / _key(version, source.relative_to(tree), source) for source in sources}
    missing = [source for source in sources if not kept[source].exists()]
    if missing:
        listed = tree / "tmp/modules"
        listed.write_text("".join(f"/{source.relative_to(tree)}\n" for source in missing))
        # unchecked: on a root that never changes nothing has to be compared with its source
        how = ("-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash", "-i", "/tmp/modules")
        inside(PYTHON, "-I", "-m", "compileall", *how)
        listed.unlink()
    for source, file in kept.items():
        compiled = source.parent / "__pycache__" / f"{source.stem}.{TAG}.pyc"
        if file.exists():
            compiled.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, compiled)
        else:
            beside = file.with_suffix(".new")
            shutil.copyfile(compiled, beside)
            beside.rename(file)
    return len(sources), len(missing)


def _key(version: str, path: Path, source: Path) -> str:
    """A compiled module holds its path, for tracebacks."""
    return hashlib.sha256(f"{version}\n{path}\n".encode() + source.read_bytes()).hexdigest()
