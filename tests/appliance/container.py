"""A booted Debian with the real unit in it, on a machine that need not have systemd itself.

systemd-nspawn gets a mount namespace with a whole cgroup2 of its own, and the tree with an overlay in memory, so that
nothing of a run stays. The network is the host's: the broker and the pretend devices stand outside.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.appliance.tree import REPO, Unavailable, compile_in

UNITS = "/usr/lib/systemd/system"
#: file of systemd/ -> where it goes
INSTALLED = {
    "backroom.service": f"{UNITS}/backroom.service",
    "backroom-firstboot.service": f"{UNITS}/backroom-firstboot.service",
    "backroom-back-off.conf": f"{UNITS}/backroom.service.d/back-off.conf",
    "backroom.sysusers": "/usr/lib/sysusers.d/backroom.conf",
    "backroom.tmpfiles": "/usr/lib/tmpfiles.d/backroom.conf",
    "60-backroom.rules": "/usr/lib/udev/rules.d/60-backroom.rules",
}
WANTED = ("backroom.service", "backroom-firstboot.service")
RUNNER = """
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 9
mine=/sys/fs/cgroup/backroom-test-$$
mkdir "$mine" && echo $$ > "$mine/cgroup.procs" || exit 9
"$@" </dev/null
code=$?
echo $$ > /sys/fs/cgroup/cgroup.procs
find "$mine" -depth -type d -exec rmdir {} + 2>/dev/null
exit $code
"""
BOOT_WITHIN_S = 30.0


class Container:
    """boot(), then run() commands inside; stop() powers it off.

    folder: for this run's files. binds: further `SOURCE:PLACE` of the host. drop_in: lines of an override of the unit.
    installed: files of systemd/ that stand in it already; none where a package is to bring them.
    """

    def __init__(
        self, root: Path, folder: Path, binds: list[str], drop_in: str, installed: dict[str, str] = INSTALLED
    ) -> None:
        self._root, self._folder, self._binds, self._installed = root, folder, binds, installed
        self._override = folder / "test.conf"
        self._override.write_text(drop_in)
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def boot(self) -> None:
        """Raises Unavailable where the machine does not let it."""
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", RUNNER, "sh", "systemd-nspawn", "--quiet"]
        command += ["--register=no", "--keep-unit", f"--machine=backroom-{os.getpid()}", "--volatile=overlay"]
        command += ["-D", str(self._root), "-b", "--console=pipe", *self._options()]
        with (self._folder / "nspawn.log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"SYSTEMD_LOG_LEVEL": "notice"},
            )
        self._until(self._found_leader, "the container's systemd is there")
        self._until(self._answers, "the container's systemd answers")

    def _options(self) -> list[str]:
        binds = [f"{REPO / 'systemd' / name}:{place}" for name, place in self._installed.items()]
        binds.append(f"{self._override}:/etc/systemd/system/backroom.service.d/test.conf")
        return [*(f"--bind-ro={bind}" for bind in binds), *(f"--bind={bind}" for bind in self._binds)]

    def _found_leader(self) -> bool:
        """nspawn's child: the process that is number 1 inside."""
        assert self._process is not None
        family, grown = [self._process.pid], True
        while grown:
            found = [child for parent in family for child in _children(parent) if child not in family]
            family, grown = family + found, bool(found)
        for process in family:
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process}/status").read_text()
                inner = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
                if inner[-1] == "1" and len(inner) > 2:
                    self._leader = process
                    return True
        return False

    def _answers(self) -> bool:
        return self.tried("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + BOOT_WITHIN_S
        while not holds():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > end:
                told = (self._folder / "nspawn.log").read_text(errors="replace").strip()[-300:]
                raise Unavailable(
                    f"systemd-nspawn does not boot here (waiting until {what}): {told or 'it says nothing'}"
                )
            time.sleep(0.05)  # no event tells of a process in another namespace

    # --- inside -----------------------------------------------------------------------------------------------------

    def tried(self, *command: str) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "--"]
        return subprocess.run([*enter, *command], check=False, capture_output=True, text=True, timeout=300)

    def run(self, *command: str) -> str:
        done = self.tried(*command)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def property(self, name: str, unit: str = "backroom.service") -> str:
        return self.run("systemctl", "show", unit, "-p", name, "--value")

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        lines = self.run("journalctl", "--no-pager", "-o", "json", *matches).splitlines()
        return [json.loads(line) for line in lines]

    def log(self) -> str:
        return self.tried("journalctl", "--no-pager", "-n", "60", "-u", "backroom*", "-o", "short-monotonic").stdout

    def stop(self) -> int | None:
        """Power it off; its exit code. What does not end is killed: it is ours."""
        if self._process is None:
            return None
        if self._leader:
            self.tried("systemctl", "poweroff")
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            for process in reversed(_children(self._process.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, 9)
            return self._process.wait(10)


def _children(process: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def install(root: Path, opt: Path, versions: list[str]) -> None:
    """What the package puts below /opt/backroom: the working tree under each of these version numbers, and `current`.

    libraries: where they stand in the container is /opt/backroom/libraries.
    """
    for version in versions:
        folder = opt / version
        for package in ("gateway", "retail"):
            shutil.copytree(REPO / package, folder / "app" / package, ignore=shutil.ignore_patterns("__pycache__"))
        about = folder / "app" / f"backroom-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: backroom\nVersion: {version}\n")
        command = folder / "bin" / "backroom"
        command.parent.mkdir()
        command.write_text(
            f"#!/bin/sh\nexport PYTHONPATH=/opt/backroom/{version}/app:/opt/backroom/libraries\n"
            'exec /usr/bin/python3 -m gateway "$@"\n'
        )
        command.chmod(0o755)
    subprocess.run(compile_in(root, opt), check=True, stdout=sys.stderr)
    (opt / "libraries").symlink_to("/libraries")
    switch(opt, versions[0])


def switch(opt: Path, version: str) -> None:
    """Point `current` to another version, in one step."""
    (opt / "next").symlink_to(version)
    (opt / "next").replace(opt / "current")
