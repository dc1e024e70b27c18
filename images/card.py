"""The card: an MBR, a FAT volume, a read-only root (erofs) and a small data partition that grows at the first start.

MBR, since the Pi 3's boot ROM reads no other. Nothing here has a random part: ids come from the disk's, times from the
lock. The tools' own versions matter: docs/image.md says which gave which hash.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

from gateway.errors import BackroomError

#: also in images/overlay/etc/fstab; the initrd takes it from the kernel's command line
DISK_ID = "b4c6f00d"
MIB = 1024 * 1024
ALIGN = 4 * MIB  # an SD card's erase block, or a multiple of it
BOOT_MIB, DATA_MIB = 256, 192
IDS = uuid.UUID("b4c6f00d-0000-4000-8000-000000000000")


class Card:
    """work: a folder for the parts. epoch: the time of everything that has one."""

    def __init__(self, work: Path, epoch: int) -> None:
        self._work = work
        self._environment = {
            **os.environ,
            "SOURCE_DATE_EPOCH": str(epoch),
            "E2FSPROGS_FAKE_TIME": str(epoch),
            "TZ": "UTC",
        }
        self._epoch = epoch

    def write(self, boot: Path, root: Path, target: Path, far: Callable[[str], None]) -> None:
        """boot, root: folders. target: the image; it takes that name when it is whole."""
        far("boot partition")
        parts = [self._fat(boot)]
        far("root, compressed")
        parts.append(self._erofs(root))
        far("data partition")
        parts.append(self._ext4())
        far("joining")
        self._join(parts, target)

    def _fat(self, folder: Path) -> Path:
        file = self._work / "boot.fat"
        _sized(file, BOOT_MIB * MIB)
        self._run("mkfs.vfat", "-F", "32", "-n", "BACKROOM", "-i", DISK_ID, "--invariant", str(file))
        for path in sorted(folder.rglob("*")):
            os.utime(path, (self._epoch, self._epoch))
        names = sorted(str(path) for path in folder.iterdir())
        self._run("mcopy", "-i", str(file), "-s", "-m", "-Q", *names, "::/")
        return file

    def _erofs(self, tree: Path) -> Path:
        file = self._work / "root.erofs"
        self._run("mkfs.erofs", "-zlz4hc", "-C65536", "-U", str(uuid.uuid5(IDS, "root")), str(file), str(tree))
        return file

    def _ext4(self) -> Path:
        """Room in its tables to grow to any card's size while it is mounted."""
        file, empty = self._work / "data.ext4", self._work / "empty"
        empty.mkdir()
        os.utime(empty, (self._epoch, self._epoch))
        _sized(file, DATA_MIB * MIB)
        self._run(
            *(
                "mke2fs",
                "-q",
                "-t",
                "ext4",
                "-b",
                "4096",
                "-i",
                "16384",
                "-m",
                "1",
                "-J",
                "size=16",
                "-L",
                "backroom-data",
            ),
            *("-E", f"resize=134217728,lazy_itable_init=0,hash_seed={uuid.uuid5(IDS, 'hash')}"),
            *("-U", str(uuid.uuid5(IDS, "data")), "-d", str(empty), str(file)),
        )
        return file

    def _join(self, parts: list[Path], target: Path) -> None:
        starts, at = [], ALIGN
        for part in parts:
            starts.append(at)
            at += -(-part.stat().st_size // ALIGN) * ALIGN
        beside = target.with_suffix(".new")
        _sized(beside, at)
        rows = "".join(
            f"start={start // 512}, size={(end - start) // 512}, type={kind}{active}\n"
            for start, end, kind, active in zip(
                starts, [*starts[1:], at], ("c", "83", "83"), (", bootable", "", ""), strict=True
            )
        )
        self._run("sfdisk", "-q", str(beside), stdin=f"label: dos\nlabel-id: 0x{DISK_ID}\n{rows}")
        with beside.open("r+b") as disk:
            for part, start in zip(parts, starts, strict=True):
                _copy(part, disk.fileno(), start)
        beside.rename(target)

    def _run(self, *command: str, stdin: str = "") -> None:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=self._environment)
        if done.returncode:
            raise BackroomError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-800:]}")


def _sized(file: Path, size: int) -> None:
    file.unlink(missing_ok=True)
    with file.open("wb") as made:
        made.truncate(size)


def _copy(part: Path, disk: int, start: int) -> None:
    """Leaving holes where there are only zeros."""
    with part.open("rb") as source:
        while block := source.read(MIB):
            if block.strip(b"\0"):
                os.pwrite(disk, block, start)
            start += len(block)
