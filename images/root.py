"""The root tree: the base, the kernel's modules, the gateway's package and images/overlay, the same bytes each time.

/var and /etc of the running box lie in memory and on the data partition; so what is in /var here is either moved to
/usr (dpkg's list of packages) or dropped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.errors import BackroomError
from images import bytecode
from images.lock import Lock

OVERLAY = Path(__file__).parent / "overlay"
#: drivers for which no till has hardware, below /usr/lib/modules/V/kernel
TRIMMED = (
    *("drivers/gpu", "drivers/media", "drivers/infiniband", "drivers/iio", "drivers/isdn", "drivers/comedi", "sound"),
    *("drivers/net/wireless", "drivers/net/wan", "drivers/net/can", "drivers/net/fddi", "drivers/net/hamradio"),
    *("drivers/net/ethernet/mellanox", "drivers/net/ethernet/chelsio", "drivers/net/ethernet/qlogic"),
    *("drivers/net/ethernet/netronome", "drivers/net/ethernet/sfc", "drivers/net/ethernet/cavium"),
    *(
        "drivers/scsi",
        "drivers/target",
        "drivers/mtd",
        "drivers/accel",
        "drivers/edac",
        "drivers/staging",
        "drivers/ntb",
    ),
    *(
        "arch/x86/kvm",
        "arch/arm64/kvm",
        "drivers/md/bcache",
        "drivers/crypto",
        "drivers/video",
        "drivers/w1",
        "drivers/pcmcia",
        "drivers/mfd/cros",
    ),
    *("fs/btrfs", "fs/xfs", "fs/ocfs2", "fs/gfs2", "fs/ceph", "fs/smb", "fs/nfs", "fs/nfsd", "fs/jfs", "fs/f2fs"),
    *("fs/bcachefs", "fs/reiserfs", "fs/orangefs", "fs/ntfs3", "fs/afs", "fs/udf", "fs/nilfs2"),
    *(
        "net/bluetooth",
        "net/wireless",
        "net/mac80211",
        "net/ceph",
        "net/sctp",
        "net/tipc",
        "net/dccp",
        "net/batman-adv",
    ),
)
#: below a trimmed folder, and kept all the same
KEPT = ("drivers/scsi/scsi_mod.", "drivers/scsi/scsi_common.", "drivers/scsi/sd_mod.", "drivers/scsi/virtio_scsi.")
LISTS = "usr/share/dpkg-of-the-image"


class RootTree:
    """folder: where it is laid out. compiled: where compiled modules are kept. kernel: its version, once unpacked."""

    def __init__(self, arch: str, folder: Path, lock: Lock, compiled: Path) -> None:
        self._arch, self.folder, self._lock, self._compiled = arch, folder, lock, compiled
        self.kernel = ""

    def lay(self, base: Path, unpacked: Path, package: Path, far: Callable[[str], None]) -> None:
        """base: the tar. unpacked: the files of lock.unpacked. package: the gateway's .deb."""
        far("unpacking the base")
        self.folder.mkdir(parents=True)
        subprocess.run(["tar", "-xf", str(base), "-C", str(self.folder), "--numeric-owner"], check=True)
        far("the kernel's modules")
        self._modules(unpacked)
        far(f"installing {package.name}")
        self._install(package)
        far("compiling the gateway's modules")
        python = next(one.version for one in self._lock.installed if one.name == f"{bytecode.PYTHON}-minimal")
        bytecode.compile_modules(self.folder, self._compiled, python, self._inside)
        far("overlay")
        self._overlay()
        self._inside("systemctl", "preset-all", "--preset-mode=full")
        far("tidying")
        self._tidy()

    # --- parts ------------------------------------------------------------------------------------------------------

    def _modules(self, unpacked: Path) -> None:
        source = next((unpacked / "usr/lib/modules").iterdir())
        self.kernel = source.name
        target = self.folder / "usr/lib/modules" / self.kernel
        shutil.copytree(source, target, symlinks=True)
        for folder in TRIMMED:
            for file in sorted((target / "kernel" / folder).rglob("*.ko*")):
                if not str(file.relative_to(target / "kernel")).startswith(KEPT):
                    file.unlink()
        for folder in ("build", "source"):
            (target / folder).unlink(missing_ok=True)
        subprocess.run(["/usr/sbin/depmod", "-b", str(self.folder), self.kernel], check=True)
        for notice in sorted(unpacked.glob("usr/share/doc/*/copyright")):
            kept = self.folder / notice.relative_to(unpacked)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notice, kept)

    def _install(self, package: Path) -> None:
        inside = self.folder / "tmp" / package.name
        shutil.copyfile(package, inside)
        with bytecode.left_to_us(self.folder):
            self._inside("dpkg", "-i", f"/tmp/{package.name}")
        inside.unlink()

    def _overlay(self) -> None:
        """Every file of images/overlay, owned by root; executable where git says so."""
        for source in sorted(OVERLAY.rglob("*")):
            target = self.folder / source.relative_to(OVERLAY)
            if source.is_symlink():
                target.unlink(missing_ok=True)
                target.symlink_to(source.readlink())
            elif source.is_dir():
                target.mkdir(exist_ok=True)
            else:
                target.unlink(missing_ok=True)
                shutil.copyfile(source, target)
                target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
        for folder in ("boot/firmware", "data"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        resolver = self.folder / "etc/resolv.conf"
        resolver.unlink(missing_ok=True)
        resolver.symlink_to("../run/systemd/resolve/stub-resolv.conf")
        # A box without a clock starts from here (systemd sets the time of this file, if it is later).
        clock = self.folder / "usr/lib/clock-epoch"
        clock.touch()
        lines = "".join(f"{one.name} {one.version}\n" for one in sorted(self._lock.all))
        (self.folder / "usr/share/backroom-image").mkdir(parents=True, exist_ok=True)
        (self.folder / "usr/share/backroom-image/packages").write_text(lines)

    def _tidy(self) -> None:
        """Drop what differs from build to build; nothing is younger than the lock."""
        tree = self.folder
        lists = tree / LISTS
        shutil.move(tree / "var/lib/dpkg", lists)
        for folder in ("var", "run", "tmp", "boot", "root/.cache"):
            _empty(tree / folder)
        (tree / "boot/firmware").mkdir()
        (tree / "usr/lib/tmpfiles.d/backroom-image.conf").write_text(f"L /var/lib/dpkg - - - - /{LISTS}\n")
        # It names the builder's own cache, as mmdebstrap was told it.
        (tree / "etc/apt/sources.list").unlink(missing_ok=True)
        # The package's default says nothing of this box; where the data partition's folder is not shown over it, it
        # would pass for a configuration.
        (tree / "etc/backroom/gateway.toml").unlink(missing_ok=True)
        for old in ("passwd-", "shadow-", "group-", "gshadow-", ".pwd.lock", "subuid-", "subgid-", "ld.so.cache~"):
            (tree / "etc" / old).unlink(missing_ok=True)
        for left in (*lists.glob("lock*"), *lists.glob("*-old")):
            left.unlink()
        (tree / "etc/machine-id").write_text("")
        for path in [tree, *tree.rglob("*")]:
            if path.lstat().st_mtime > self._lock.epoch:
                os.utime(path, (self._lock.epoch, self._lock.epoch), follow_symlinks=False)

    # --- running inside ---------------------------------------------------------------------------------------------

    def _inside(self, *command: str) -> None:
        """One program of the tree, with /proc and /run; raises BackroomError with its last words."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "SYSTEMD_OFFLINE": "1",
            "SOURCE_DATE_EPOCH": str(self._lock.epoch),
        }
        with _mounted(self.folder):
            done = subprocess.run(
                ["chroot", str(self.folder), *command],
                env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        if done.returncode:
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise BackroomError(
                f"{' '.join(command)} failed inside the tree:\n{said}\nWhere a package is missing: name it in"
                f" images/packages.toml and run 'make image-lock ARCH={self._arch}'"
            )


@contextlib.contextmanager
def _mounted(tree: Path) -> Iterator[None]:
    mounts = (("proc", "proc", tree / "proc"), ("tmpfs", "tmpfs", tree / "run"))
    for kind, what, where in mounts:
        subprocess.run(["mount", "-t", kind, what, str(where)], check=True)
    try:
        yield
    finally:
        for _, _, where in reversed(mounts):
            subprocess.run(["umount", str(where)], check=True)


def _empty(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
