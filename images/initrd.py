"""The initial file system, packed here in seconds: busybox, the modules that reach a card, and initrd/init.

Debian's own tools would build it inside the tree, under emulation for half an hour, and not the same twice.
Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst (newc); modprobe(8).
"""

from __future__ import annotations

import lzma
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gateway.errors import BackroomError

INIT = Path(__file__).parent / "initrd" / "init"
#: needed whatever the hardware says of itself, in this order
ALWAYS = ("crc32c_generic", "erofs", "ext4", "overlay", "sd_mod", "usb-storage", "uas", "nls_ascii")
#: patterns below /usr/lib/modules/V/kernel: what may stand between a processor and its card, and watchdogs
FOR_ALL = (
    *("drivers/virtio/*", "drivers/block/virtio_blk*", "drivers/scsi/virtio_scsi*", "drivers/scsi/sd_mod*"),
    *("drivers/usb/host/*", "drivers/usb/storage/usb-storage*", "drivers/usb/storage/uas*", "drivers/mmc/*/*"),
    *("drivers/watchdog/i6300esb*", "drivers/nvme/host/nvme.*"),
)
FOR = {
    "amd64": ("drivers/ata/ahci*", "drivers/ata/ata_piix*", "drivers/watchdog/iTCO_wdt*", "drivers/watchdog/sp5100*"),
    "arm64": (
        *("drivers/watchdog/bcm2835_wdt*", "drivers/pci/controller/pcie-brcmstb*", "drivers/clk/bcm/*"),
        *("drivers/gpio/gpio-raspberrypi*", "drivers/firmware/*raspberrypi*", "drivers/reset/reset-raspberrypi*"),
        *("drivers/usb/dwc2/*", "drivers/regulator/gpio-regulator*", "drivers/regulator/fixed*"),
        *("drivers/phy/broadcom/*usb*", "drivers/dma/bcm2835*", "drivers/pinctrl/bcm/*", "drivers/mailbox/bcm2835*"),
        *("drivers/pmdomain/bcm/*", "drivers/soc/bcm/*", "drivers/nvmem/*raspberrypi*"),
    ),
}
FOLDERS = ("bin", "data", "dev", "etc", "proc", "run", "sys", "sysroot", "usr")


def pack(arch: str, busybox: Path, modules: Path, work: Path, epoch: int) -> bytes:
    """The compressed archive. modules: /usr/lib/modules/V of the tree, after depmod."""
    root = work / "initrd"
    shutil.rmtree(root, ignore_errors=True)
    for name in FOLDERS:
        (root / name).mkdir(parents=True)
    shutil.copyfile(busybox, root / "bin" / "busybox")
    shutil.copyfile(INIT, root / "init")
    for program in ("bin/busybox", "init"):
        (root / program).chmod(0o755)
    (root / "etc" / "always").write_text(" ".join(ALWAYS) + "\n")
    _copy_modules(arch, modules, root)
    archive = work / "initrd.cpio"
    archive.write_bytes(b"".join(_newc(root, epoch)))
    done = subprocess.run(["zstd", "-q", "-9", "-T1", "-c", str(archive)], capture_output=True, check=True)
    return done.stdout


def _copy_modules(arch: str, modules: Path, root: Path) -> None:
    """Unpacked, for busybox; with the lists by which modprobe finds them."""
    needs = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, rest = line.partition(":")
        needs[file] = rest.split()
    by_name = {Path(file).name.split(".ko")[0].replace("_", "-"): file for file in needs}
    wanted = [file for file in needs for pattern in FOR_ALL + FOR[arch] if Path(file).match(f"kernel/{pattern}")]
    for name in ALWAYS:
        found = by_name.get(name.replace("_", "-"))
        if found is None:
            raise BackroomError(f"the kernel has no module {name}; initrd.py names it in ALWAYS")
        wanted.append(found)
    target = root / "usr/lib/modules" / modules.name
    (root / "lib").symlink_to("usr/lib")
    (root / "sbin").symlink_to("bin")  # the kernel itself asks for /sbin/modprobe
    for file in sorted({one for top in wanted for one in (top, *needs[top])}):
        unpacked = target / file.removesuffix(".xz")
        unpacked.parent.mkdir(parents=True, exist_ok=True)
        content = (modules / file).read_bytes()
        unpacked.write_bytes(lzma.decompress(content) if file.endswith(".xz") else content)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copyfile(modules / name, target / name)
    subprocess.run(["/usr/sbin/depmod", "-b", str(root), modules.name], check=True)


def _newc(root: Path, epoch: int) -> Iterator[bytes]:
    """A cpio archive of root, owned by root, with one time; sorted, so that it is the same each time."""
    paths = [root, *sorted(root.rglob("*"))]
    for number, path in enumerate(paths, 1):
        name = "." if path == root else str(path.relative_to(root))
        state = path.lstat()
        content = b""
        if path.is_symlink():
            content = str(path.readlink()).encode()
        elif path.is_file():
            content = path.read_bytes()
        yield _entry(name, number, state.st_mode, content, epoch)
    # the console has to be there before devtmpfs is
    yield _entry("dev/console", len(paths) + 1, 0o020600, b"", epoch, (5, 1))
    yield _entry("TRAILER!!!", 0, 0, b"", 0)


def _entry(name: str, number: int, mode: int, content: bytes, epoch: int, device: tuple[int, int] = (0, 0)) -> bytes:
    fields = [number, mode, 0, 0, 1, epoch, len(content), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + "".join(f"{field:08X}" for field in fields).encode() + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)
