"""lock-<arch>.txt: the version and the SHA-256 of every package of the image.

    epoch 1764201600
    [installed]
    base-files=13.8+deb13u2 5b0c...
    [unpacked]
    linux-image-6.12.118+deb13-arm64=6.12.118-1 77aa...

epoch: when it was resolved, in seconds UTC. No file of the image is younger, and a box without a clock starts from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import BackroomError

ENTRY = re.compile(r"(?P<name>[a-z0-9][a-z0-9.+-]+)=(?P<version>\S+) (?P<sha256>[0-9a-f]{64})")
INSTALLED, UNPACKED = "installed", "unpacked"


@dataclass(frozen=True, slots=True, order=True)
class Package:
    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}={self.version} {self.sha256}"


@dataclass(frozen=True, slots=True)
class Lock:
    epoch: int
    installed: tuple[Package, ...]
    unpacked: tuple[Package, ...]

    @property
    def all(self) -> tuple[Package, ...]:
        return self.installed + self.unpacked

    def text(self) -> str:
        parts = [f"epoch {self.epoch}"]
        for heading, packages in ((INSTALLED, self.installed), (UNPACKED, self.unpacked)):
            parts += [f"[{heading}]", *(str(package) for package in sorted(packages))]
        return "\n".join(parts) + "\n"


def read(path: Path) -> Lock:
    """Raises BackroomError, with file and line, for what is no lock."""
    if not path.exists():
        arch = path.stem.removeprefix("lock-")
        raise BackroomError(f"{path.name}: no such file; 'make image-lock ARCH={arch}' makes it")
    found: dict[str, list[Package]] = {INSTALLED: [], UNPACKED: []}
    epoch, heading = 0, ""
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        entry = ENTRY.fullmatch(line)
        if line.startswith("epoch ") and line[6:].isdigit():
            epoch = int(line[6:])
        elif line.strip("[]") in found and line.startswith("["):
            heading = line.strip("[]")
        elif entry and heading:
            found[heading].append(Package(**entry.groupdict()))
        elif line and not line.startswith("#"):
            raise BackroomError(f"{path.name}, line {number}: {line!r} is no 'name=version sha256'")
    if not epoch or not found[INSTALLED]:
        raise BackroomError(f"{path.name}: has no epoch or no packages; take it from git, or make it again")
    return Lock(epoch, tuple(found[INSTALLED]), tuple(found[UNPACKED]))
