"""From the lock to dist/backroom-<version>-<arch>.img."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

from gateway.errors import BackroomError
from images import boot, initrd, lock
from images.base import base_tree
from images.card import Card
from images.mirror import Mirror
from images.root import RootTree
from images.steps import Steps

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
DIST = REPOSITORY / "dist"
ARCHITECTURES = ("amd64", "arm64")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backroom" / "image"
TOOLS = {"mmdebstrap": "mmdebstrap", "mkfs.erofs": "erofs-utils", "mkfs.vfat": "dosfstools", "mcopy": "mtools",
         "mke2fs": "e2fsprogs", "sfdisk": "fdisk", "zstd": "zstd", "depmod": "kmod"}  # fmt: skip


def version() -> str:
    told: str = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return told


def image_file(arch: str) -> Path:
    return DIST / f"backroom-{version()}-{arch}.img"


def lock_file(arch: str) -> Path:
    return HERE / f"lock-{arch}.txt"


def write_lock(arch: str, steps: Steps) -> None:
    """Resolve images/packages.toml anew."""
    wanted = tomllib.loads((HERE / "packages.toml").read_text(encoding="utf-8"))
    with steps.step(f"the newest versions for {arch}"):
        made = Mirror(arch, CACHE / arch).resolve(wanted["installed"], wanted["unpacked"][arch])
    lock_file(arch).write_text(made.text(), encoding="ascii")
    steps.say(f"{lock_file(arch).name}: {len(made.all)} packages; 'git diff' shows what changed")


def build(arch: str, package: Path, steps: Steps) -> Path:
    """The image of the locked packages and of this .deb of the gateway; returns its file."""
    _ready()
    locked = lock.read(lock_file(arch))
    CACHE.mkdir(parents=True, exist_ok=True)
    with steps.step(f"{len(locked.all)} Debian packages") as far:
        files = Mirror(arch, CACHE / arch).fetch(locked.all, far)
    count = len(locked.installed)
    with steps.step(f"base tree for {arch}") as far:
        base, was_there = base_tree(arch, locked, files[:count], CACHE, far)
    if was_there:
        steps.say(f"base tree taken from {base}")
    with tempfile.TemporaryDirectory(prefix="backroom-image-", dir=CACHE) as name:
        work = Path(name)
        with steps.step("kernel, boot loader and firmware"):
            unpacked = work / "unpacked"
            for file in files[count:]:
                subprocess.run(["dpkg-deb", "-x", str(file), str(unpacked)], check=True)
        root = RootTree(arch, work / "root", locked, CACHE / "compiled")
        with steps.step("root tree") as far:
            root.lay(base, unpacked, package, far)
        with steps.step("initrd and boot partition"):
            modules = root.folder / "usr/lib/modules" / root.kernel
            packed = initrd.pack(arch, unpacked / "usr/bin/busybox", modules, work, locked.epoch)
            boot.lay(arch, work / "boot", unpacked, packed)
        with steps.step("card") as far:
            DIST.mkdir(exist_ok=True)
            Card(work, locked.epoch).write(work / "boot", root.folder, image_file(arch), far)
    return image_file(arch)


def hashed(file: Path) -> str:
    """Its SHA-256, also written beside it."""
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    file.with_name(f"{file.name}.sha256").write_text(f"{sha256}  {file.name}\n")
    return sha256


def compress(file: Path) -> Path:
    """For sending about: a tenth of its size, and holes stay holes when it is unpacked with `zstd -d --sparse`."""
    target = file.with_name(f"{file.name}.zst")
    subprocess.run(["zstd", "-q", "-f", "-T1", "-10", str(file), "-o", str(target)], check=True)
    return target


def package_of_the_gateway(arch: str) -> Path:
    found = DIST / f"backroom_{version()}_{arch}.deb"
    if not found.exists():
        raise BackroomError(f"{found}: no such file; 'make deb ARCH={arch}' builds it")
    return found


def _ready() -> None:
    if os.geteuid() != 0:
        raise BackroomError("building an image makes files of many owners: run it as root, such as 'sudo make image'")
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    os.environ["PATH"] = search
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool, path=search) is None})
    if missing:
        raise BackroomError(f"missing: {', '.join(missing)}; 'bash tools/setup.sh image' installs them")
