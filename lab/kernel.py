"""Debian's kernel and a tiny first file system: just enough to mount this machine's root and go on there.

Everything is kept under a cache folder, so that only the first run downloads and packs.
Source: Linux Documentation/filesystems/9p.rst and Documentation/admin-guide/initrd.rst.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from gateway.errors import BackroomError

#: in the order in which they load; what they depend on comes before them by itself
MODULES = (
    "virtio_pci",
    "9pnet_virtio",
    "9p",
    "overlay",
    "xhci-pci",
    "usbhid",
    "hid-generic",
    "evdev",
    "ftdi_sio",
    "uhid",
    "usblp",
    "cdc-acm",
    "libcomposite",
    "dummy_hcd",
    "usb_f_printer",
    "usb_f_acm",
    "crc32c_generic",
    "ext4",
    "loop",
)
INIT = r"""#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys /dev /host /upper /new
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in $($b cat /modules/order); do
    $b insmod /modules/$module || echo "LAB init: $module does not load"
done
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576,cache=loose,ro host /host || echo "LAB init: no 9p"
$b mount -t tmpfs tmpfs /upper
$b mkdir -p /upper/new /upper/work
layers=lowerdir=/host,upperdir=/upper/new,workdir=/upper/work
$b mount -t overlay -o $layers overlay /new || echo "LAB init: no overlay"
for place in proc sys dev; do $b mount --move /$place /new/$place; done
$b mount -t tmpfs tmpfs /new/tmp
$b mount -t tmpfs tmpfs /new/run
$b mount -t configfs none /new/sys/kernel/config
$b ip link set lo up
run=$($b sed -n 's/.*lab_run=\[\([^]]*\)\].*/\1/p' /new/proc/cmdline)
exec $b chroot /new /bin/sh -c "$run"
"""


class Kernel:
    """image: what QEMU boots; initrd: its first file system."""

    def __init__(self, image: Path, initrd: Path) -> None:
        self.image, self.initrd = image, initrd


def prepare(cache: Path) -> Kernel:
    """The kernel of Debian's current `linux-image-amd64`, downloaded once.

    Raises:
        BackroomError: a tool or the package is missing; the text says what to install.
    """
    for tool, package in (("apt-get", "apt"), ("depmod", "kmod"), ("cpio", "cpio"), ("busybox", "busybox-static")):
        if shutil.which(tool, path="/usr/bin:/usr/sbin:/bin:/sbin") is None:
            raise BackroomError(f"{tool} is missing; apt-get install {package}")
    cache.mkdir(parents=True, exist_ok=True)
    package = _package()
    tree = cache / package
    if not (tree / "boot").is_dir():
        _download(package, tree)
    image = next((tree / "boot").glob("vmlinuz-*"))
    version = image.name.removeprefix("vmlinuz-")
    recipe = hashlib.sha256((INIT + " ".join(MODULES)).encode()).hexdigest()[:12]
    initrd = cache / f"{package}-{recipe}.cpio"
    if not initrd.exists():
        _pack(tree, version, initrd)
    return Kernel(image, initrd)


def _package() -> str:
    """The kernel package that `linux-image-amd64` depends on now."""
    shown = subprocess.run(
        ["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"Depends: (linux-image-\S+)", shown)
    if not found:
        raise BackroomError("apt knows no linux-image-amd64; run 'apt-get update' on a Debian amd64 machine")
    return found[1].removesuffix("-unsigned")


def _download(package: str, tree: Path) -> None:
    print(f"lab: downloading {package} (70 MB, once)", flush=True)
    folder = tree.with_suffix(".deb")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True, capture_output=True)
    beside = tree.with_suffix(".new")
    subprocess.run(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(beside)], check=True)
    beside.rename(tree)
    shutil.rmtree(folder)


def _pack(tree: Path, version: str, initrd: Path) -> None:
    """init, busybox, the modules in loading order."""
    subprocess.run(["/usr/sbin/depmod", "-b", str(tree), version], check=True)
    folder = tree / "lib" / "modules" / version
    needs = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        file, _, rest = line.partition(":")
        needs[Path(file).name.split(".ko")[0]] = (file, rest.split())
    order: list[str] = []
    for module in MODULES:
        file, before = needs.get(module) or needs[module.replace("-", "_")]
        order += [one for one in (*reversed(before), file) if one not in order]
    root = initrd.with_suffix(".tree")
    shutil.rmtree(root, ignore_errors=True)
    (root / "modules").mkdir(parents=True)
    (root / "bin").mkdir()
    shutil.copy("/usr/bin/busybox", root / "bin" / "busybox")
    for file in order:
        shutil.copy(folder / file, root / "modules" / Path(file).name)
    (root / "modules" / "order").write_text("\n".join(Path(file).name for file in order) + "\n")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with initrd.open("wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), stdout=out, check=True)
    shutil.rmtree(root)
