"""A Debian tree that a test may install into, break and purge: an overlay in a mount namespace, gone afterwards.

Each command gets the mounts anew and takes them with it when it ends, so nothing is left of a test that was killed. No
systemd runs in there: it is what a chroot or the making of an image is to a package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

#: $1 lower folders, $2 upper, $3 work, $4 where, $5 ro or rw; then the command
ENTER = """
set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$4"
root=$4
if [ "$5" = ro ]; then
    mount -o remount,ro "$root"
    for folder in /tmp /run; do mount -t tmpfs tmpfs "$root$folder"; done
    mount --bind "$2/var/lib/backroom" "$root/var/lib/backroom"
fi
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/shm"
for device in null zero urandom random; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
shift 5
exec chroot "$root" "$@"
"""
DPKG = ("dpkg", "--force-unsafe-io", "--force-confold")
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
}


class Box:
    """layers: what lies below, uppermost first; none of it is changed. folder: for this one's own files.

    within_s: how long one command may take; under emulation that is long.
    """

    def __init__(self, layers: list[Path], folder: Path, within_s: float = 300) -> None:
        self._layers, self._work, self._where, self._within_s = layers, folder / "work", folder / "root", within_s
        self.upper = folder / "upper"
        for part in (self.upper, self._work, self._where):
            part.mkdir(parents=True, mode=0o755)

    def on_top(self, folder: Path) -> Box:
        """Another one that begins as this one is now."""
        return Box([self.upper, *self._layers], folder, self._within_s)

    def command(self, *command: str, read_only: bool = False) -> list[str]:
        lower = ":".join(map(str, self._layers))
        mounts = [lower, str(self.upper), str(self._work), str(self._where), "ro" if read_only else "rw"]
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", ENTER, "sh", *mounts, *command]

    def tried(self, *command: str, read_only: bool = False, **options: Any) -> subprocess.CompletedProcess[str]:
        entered = self.command(*command, read_only=read_only)
        return subprocess.run(
            entered, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=self._within_s, **options
        )

    def run(self, *command: str, read_only: bool = False, **options: Any) -> str:
        done = self.tried(*command, read_only=read_only, **options)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def exists(self, path: str) -> bool:
        return self.tried("test", "-e", path).returncode == 0

    def write(self, path: str, content: str | bytes) -> None:
        """Put a file there, with its owner and rights where it is there already."""
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && touch "$1"', "sh", path)
        (self.upper / path.lstrip("/")).write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, path: str) -> str:
        return self.run("cat", path)

    # --- packages ---------------------------------------------------------------------------------------------------

    def bring(self, package: Path) -> str:
        """Copy it in; its path there."""
        place = f"/tmp/{package.name}"
        target = self.upper / "tmp" / package.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(package, target)
        return place

    def install(self, package: Path) -> str:
        return self.run(*DPKG, "--install", self.bring(package))

    def state(self) -> str:
        """dpkg's word for how things are: 'ii', 'rc', 'pc', 'iU'; empty where it knows nothing of the package."""
        return self.tried("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "backroom").stdout.strip()


def why_not() -> str | None:
    """Why there can be no such tree here, or None."""
    if os.uname().machine != "x86_64":
        return f"the tree is made for x86_64, and this is {os.uname().machine}"
    if os.geteuid() != 0:
        return "a chroot needs root; run the tests as root"
    missing = [tool for tool in ("mmdebstrap", "unshare", "dpkg-deb") if shutil.which(tool) is None]
    return f"{', '.join(missing)} not installed: make setup" if missing else None
