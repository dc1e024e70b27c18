"""The boot partition: what a Raspberry Pi's firmware, a PC's UEFI and a technician look for, on one FAT volume.

Source: raspi-firmware's /etc/kernel/postinst.d/z50-raspi-firmware (which files, which settings); the Boot Loader
Specification of systemd for loader/entries; UEFI 2.10, 3.5.1.1 for /EFI/BOOT.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from images.card import DISK_ID

ROOT = Path(__file__).parents[1]
CMDLINE = (
    f"root=PARTUUID={DISK_ID}-02 ro quiet loglevel=4 panic=10 console=tty1"
    # /usr never changes, so nothing has to be brought up to date with it at each start
    " systemd.condition_needs_update=no systemd.ssh_auto=no"
)
LOADER = {"amd64": "x64", "arm64": "aa64"}
PI_FIRMWARE = ("bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat")
#: the device trees of boards that Debian 13's kernel drives: Pi 3, Zero 2 W, 4, 400 and their compute modules
PI_BOARDS = ("bcm2837-*.dtb", "bcm2711-*.dtb")
CONFIG_TXT = """\
# For the Raspberry Pi's firmware. The gateway's own settings stand in backroom.toml.
arm_64bit=1
upstream_kernel=1
enable_uart=1
disable_splash=1
gpu_mem=16
kernel=vmlinuz
initramfs initrd.img followkernel
"""
README = """\
Backroom: the boot partition of a store's box.

backroom.toml          Put it here, then start the box. backroom.toml.example shows every key.
backroom-secrets/      The files that backroom.toml names: passwords, tokens, certificates.
backroom-result.txt    The box writes here what it took over, or what is wrong and what to do.
authorized_keys        With an SSH public key in it, root can log in with that key; without it SSH is off.

The box takes backroom.toml and its secrets off this card when it has accepted them.
Its name in the network is backroom.local.
"""


def lay(arch: str, folder: Path, unpacked: Path, initrd: bytes) -> None:
    """Every file of the volume. unpacked: the files of the kernel, the boot loader and the Pi's firmware."""
    loader = LOADER[arch]
    (folder / "EFI/BOOT").mkdir(parents=True)
    (folder / "loader/entries").mkdir(parents=True)
    shutil.copyfile(next(unpacked.glob("boot/vmlinuz-*")), folder / "vmlinuz")
    (folder / "initrd.img").write_bytes(initrd)
    shutil.copyfile(
        unpacked / f"usr/lib/systemd/boot/efi/systemd-boot{loader}.efi", folder / f"EFI/BOOT/BOOT{loader.upper()}.EFI"
    )
    _text(folder / "loader/loader.conf", "default backroom.conf\ntimeout 0\neditor no\n")
    _text(
        folder / "loader/entries/backroom.conf",
        f"title Backroom\nlinux /vmlinuz\ninitrd /initrd.img\noptions {CMDLINE}\n",
    )
    _text(folder / "README.txt", README.replace("\n", "\r\n"))
    shutil.copyfile(ROOT / "docs" / "gateway.toml", folder / "backroom.toml.example")
    if arch == "arm64":
        _pi(folder, unpacked)


def _pi(folder: Path, unpacked: Path) -> None:
    firmware = unpacked / "usr/lib/raspi-firmware"
    for name in PI_FIRMWARE:
        shutil.copyfile(firmware / name, folder / name)
    shutil.copytree(firmware / "overlays", folder / "overlays")
    for pattern in PI_BOARDS:
        for tree in sorted(unpacked.glob(f"usr/lib/linux-image-*/broadcom/{pattern}")):
            shutil.copyfile(tree, folder / tree.name)
    _text(folder / "config.txt", CONFIG_TXT)
    _text(folder / "cmdline.txt", CMDLINE + "\n")


def _text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
