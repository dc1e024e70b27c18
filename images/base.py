"""The base tree: the installed packages of the lock and nothing else, as one tar file that is kept.

mmdebstrap runs their maintainer scripts, for arm64 under qemu-user; this is the long step, so its result is kept in the
cache under the hash of the lock and of its recipe. It reads a repository of just the locked files: apt has no choice.
Source: mmdebstrap(1), "--variant", "--setup-hook"; Debian Policy 5.3 for the fields of a Packages file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.errors import BackroomError
from images.lock import Lock

SUITE = "trixie"
#: what no box needs; copyright notices stay
EXCLUDED = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
)
#: openssh-server makes no keys where these stand: every box makes its own at its first start
NO_SSH_KEYS = (
    'mkdir -p "$1/etc/ssh" && touch "$1/etc/ssh/ssh_host_rsa_key" "$1/etc/ssh/ssh_host_ecdsa_key"'
    ' "$1/etc/ssh/ssh_host_ed25519_key"'
)
#: what differs from one build to the next and is of no use
CLEAN = (
    'rm -f "$1"/etc/ssh/ssh_host_* "$1"/var/cache/ldconfig/aux-cache "$1"/var/cache/debconf/*-old'
    ' "$1"/var/lib/dpkg/*-old "$1"/var/lib/dbus/machine-id "$1"/etc/passwd- "$1"/etc/shadow- "$1"/etc/group-'
    ' "$1"/etc/gshadow- "$1"/etc/.pwd.lock'
    ' && find "$1/var/log" -type f -delete && : > "$1/etc/machine-id"'
)
WORK_WORDS = ("Unpacking ", "Setting up ", "Processing triggers for ", "I: ")


def base_tree(arch: str, lock: Lock, files: list[Path], cache: Path, far: Callable[[str], None]) -> tuple[Path, bool]:
    """files: those of lock.installed, in its order. Returns the tar and whether it was there already."""
    recipe = "\n".join((lock.text(), *EXCLUDED, NO_SSH_KEYS, CLEAN))
    key = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    kept = cache / f"base-{arch}-{key}.tar"
    if kept.exists():
        return kept, True
    runs_here(arch)
    with repository(cache / f"repository-{arch}", arch, lock, files) as folder:
        made = kept.with_suffix(".new")
        _mmdebstrap(arch, lock, folder, made, far)
    for old in cache.glob(f"base-{arch}-*.tar"):
        old.unlink()
    made.rename(kept)
    return kept, False


def runs_here(arch: str) -> None:
    """Raises BackroomError, with the remedy, where this machine cannot run programs of that architecture."""
    if shutil.which("arch-test") is None:
        raise BackroomError("arch-test is missing; 'bash tools/setup.sh image' installs all that the image needs")
    if subprocess.run(["arch-test", arch], capture_output=True, check=False).returncode:
        raise BackroomError(
            f"this machine cannot run {arch} programs: 'bash tools/setup.sh image' sets up qemu-user-static; in a"
            " container mount binfmt_misc on /proc/sys/fs/binfmt_misc and run 'update-binfmts --enable'"
        )


@contextlib.contextmanager
def repository(folder: Path, arch: str, lock: Lock, files: list[Path]) -> Iterator[Path]:
    """A Debian repository of exactly these files; mmdebstrap looks for what is essential under the suite's name."""
    shutil.rmtree(folder, ignore_errors=True)
    index = f"main/binary-{arch}/Packages"
    (folder / "dists" / SUITE / index).parent.mkdir(parents=True)
    entries = []
    for package, file in zip(lock.installed, files, strict=True):
        os.link(file, folder / f"{package.name}.deb")
        control = subprocess.run(["dpkg-deb", "-f", str(file)], capture_output=True, text=True, check=True).stdout
        size = file.stat().st_size
        entries.append(f"{control}Filename: {package.name}.deb\nSize: {size}\nSHA256: {package.sha256}\n")
    text = "\n".join(entries).encode()
    (folder / "dists" / SUITE / index).write_bytes(text)
    (folder / "dists" / SUITE / "Release").write_text(
        f"Suite: {SUITE}\nCodename: {SUITE}\nComponents: main\nArchitectures: {arch}\n"
        f"SHA256:\n {hashlib.sha256(text).hexdigest()} {len(text)} {index}\n"
    )
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _mmdebstrap(arch: str, lock: Lock, folder: Path, made: Path, far: Callable[[str], None]) -> None:
    names = ",".join(package.name for package in lock.installed)
    command = [
        *(
            "mmdebstrap",
            f"--arch={arch}",
            "--variant=essential",
            "--mode=root",
            "--format=tar",
            "--verbose",
            f"--include={names}",
        ),
        *(f"--dpkgopt={line}" for line in EXCLUDED),
        *(f"--essential-hook={NO_SSH_KEYS}", f"--customize-hook={CLEAN}"),
        *(SUITE, str(made), f"deb [trusted=yes] copy:{folder} {SUITE} main"),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(lock.epoch), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    log = made.with_suffix(".log")
    with log.open("w") as kept:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        assert process.stdout is not None
        done = 0
        for line in process.stdout:
            kept.write(line)
            done += line.startswith(("Unpacking ", "Setting up "))
            if line.startswith(WORK_WORDS):
                far(f"{done} of {2 * len(lock.installed)}: {re.sub(r' [(].*', '', line.strip()).rstrip('.')}")
    if process.wait():
        tail = "\n".join(log.read_text().splitlines()[-12:])
        raise BackroomError(f"mmdebstrap failed; its words are in {log}, the last:\n{tail}")
