"""Debian trixie through an apt of its own: which packages there are, and their files.

The mirror is the one that this machine's own apt uses; MIRROR and MIRROR_SECURITY name others. Nothing of the machine's
apt is changed. apt checks the signatures of the lists; the lock's SHA-256 is checked here.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime
from pathlib import Path

from gateway.errors import BackroomError
from images.lock import Lock, Package

SUITE = "trixie"
COMPONENTS = "main non-free-firmware"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
#: 'URI' file size SHA256:hash
OFFERED = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) \d+ SHA256:(?P<sha256>[0-9a-f]{64})")


class Mirror:
    """arch: Debian's name of it. folder: where the lists and the files are kept."""

    def __init__(self, arch: str, folder: Path) -> None:
        self._arch = arch
        self._folder = folder
        self._files = folder / "debs"

    # --- the lock ---------------------------------------------------------------------------------------------------

    def resolve(self, installed: Iterable[str], unpacked: Iterable[str]) -> Lock:
        """The newest versions of these packages; those in `installed` with all they depend on."""
        self._update()
        # Only what is Essential: without this apt counts itself in.
        essential = self._offers("-o", "pkgCacheGen::ForceEssential=,", "install", "?essential", *installed)
        files = self._offers("download", *(self._kernel(name) for name in unpacked))
        return Lock(self._made(), tuple(essential), tuple(files))

    def _made(self) -> int:
        """When the youngest of the mirror's lists was made, in seconds UTC: the same lists give the same lock."""
        heads = (self._folder / "lists").glob("*InRelease")
        dates = [found for head in heads for found in re.findall(r"^Date: (.+)$", head.read_text(), re.MULTILINE)]
        return max(int(parsedate_to_datetime(date).timestamp()) for date in dates)

    def _kernel(self, name: str) -> str:
        """linux-image-arm64 stands for the kernel it depends on."""
        if not name.startswith("linux-image-"):
            return name
        shown = self._apt("apt-cache", "depends", name)
        found = re.search(r"Depends: (linux-image-\d\S+)", shown)
        if found is None:
            raise BackroomError(
                f"{name}: the mirror's package depends on no kernel; look at 'apt-cache depends {name}'"
            )
        return found[1]

    def _offers(self, *command: str) -> list[Package]:
        found = []
        for line in self._apt("apt-get", "-y", "--print-uris", *command).splitlines():
            if match := OFFERED.fullmatch(line.strip()):
                # a file's name carries its version with every ':' as %3a
                name, version, _ = match["file"].replace("%3a", ":").split("_")
                found.append(Package(name, version, match["sha256"]))
        return found

    # --- the files --------------------------------------------------------------------------------------------------

    def fetch(self, packages: Iterable[Package], far: Callable[[str], None]) -> list[Path]:
        """The files of these packages, each with the lock's SHA-256; only those missing here are downloaded.

        Raises:
            BackroomError: the mirror no longer has a version, or has other bytes under it.
        """
        wanted = list(packages)
        missing = [package for package in wanted if not self._file(package).exists()]
        if missing:
            self._download(missing, far)
        return [self._file(package) for package in wanted]

    def _file(self, package: Package) -> Path:
        return self._files / f"{package.sha256}.deb"

    def _download(self, missing: list[Package], far: Callable[[str], None]) -> None:
        far("reading the mirror's lists")
        self._update()
        offered = self._offered(missing)
        gone = [package for package in missing if (package.name, package.version) not in offered]
        if gone:
            names = ", ".join(f"{package.name}={package.version}" for package in gone)
            raise BackroomError(
                f"lock-{self._arch}.txt: the mirror no longer has {names}; run 'make image-lock ARCH={self._arch}',"
                " read what changed in git, and build again"
            )
        incoming = self._folder / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        self._files.mkdir(parents=True, exist_ok=True)
        for done in range(0, len(missing), 20):
            some = missing[done : done + 20]
            far(f"downloading {done} of {len(missing)}")
            self._apt("apt-get", "download", *(f"{one.name}={one.version}" for one in some), folder=incoming)
            for package in some:
                self._take(package, incoming)

    def _take(self, package: Package, incoming: Path) -> None:
        version = package.version.replace(":", "%3a")
        file = next(iter(incoming.glob(f"{package.name}_{version}_*.deb")), None)
        if file is None:
            raise BackroomError(f"{package.name}={package.version}: apt downloaded no such file; run it again")
        with file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        if sha256 != package.sha256:
            file.unlink()
            raise BackroomError(
                f"{package.name}={package.version}: the mirror's file has SHA-256 {sha256}, the lock says"
                f" {package.sha256}; do not build from it before you know why"
            )
        file.rename(self._file(package))

    def _offered(self, packages: list[Package]) -> set[tuple[str, str]]:
        """(name, version) of all that the mirror has under these names."""
        rows = self._apt("apt-cache", "madison", *(package.name for package in packages)).splitlines()
        columns = [row.split("|") for row in rows]
        return {(column[0].strip(), column[1].strip()) for column in columns if len(column) == 3}

    # --- apt --------------------------------------------------------------------------------------------------------

    def _update(self) -> None:
        if not KEYRING.exists():
            raise BackroomError(f"{KEYRING} is missing; apt-get install debian-archive-keyring")
        for folder in ("lists/partial", "cache/archives/partial"):
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        main, security = mirrors()
        lines = [
            f"deb [arch={self._arch} signed-by={KEYRING}] {uri} {suite} {COMPONENTS}"
            for uri, suite in ((main, SUITE), (main, f"{SUITE}-updates"), (security, f"{SUITE}-security"))
        ]
        (self._folder / "sources.list").write_text("\n".join(lines) + "\n")
        self._apt("apt-get", "-q", "update", "-o", "APT::Update::Error-Mode=any")

    def _apt(self, *command: str, folder: Path | None = None) -> str:
        """apt-get or apt-cache on our own lists; raises BackroomError with its last words."""
        settings = {
            "Dir::Etc::sourcelist": self._folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": self._folder,
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            "APT::Architecture": self._arch,
            "APT::Architectures": self._arch,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::ForceHash": "sha256",
        }
        options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        done = subprocess.run(
            [command[0], *options, *command[1:]],
            cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise BackroomError(f"{' '.join(command[:4])}: {' / '.join(said)}")
        return done.stdout


def mirrors() -> tuple[str, str]:
    """(Debian's mirror, that of its security updates)."""
    shown = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=False
    ).stdout
    uris = [line.rstrip("/") for line in shown.splitlines()]
    main = os.environ.get("MIRROR") or next((uri for uri in uris if uri.endswith("/debian")), "")
    security = os.environ.get("MIRROR_SECURITY") or next((uri for uri in uris if uri.endswith("-security")), "")
    if not main or not security:
        raise BackroomError(
            "this machine's apt knows no Debian mirror with security updates;"
            " say MIRROR=<address> MIRROR_SECURITY=<address>"
        )
    return main, security
