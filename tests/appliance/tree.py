"""A Debian tree to boot the real unit in, and the gateway's libraries for its Python; made once, kept outside the repo.

`python -m tests.appliance.tree` makes both and shows what it does; the tests do the same where it was not run before.
Each stands in a folder named after a hash of what it is made of, under a lock, so that two runs may go at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPO = Path(__file__).parents[2]
SUITE, PYTHON = "trixie", "3.13"
EMUPOS = REPO / "requirements" / "emupos.txt"
PACKAGES = ("systemd", "systemd-sysv", "udev", "dbus", "python3", "libusb-1.0-0", "tzdata")
RECIPE = (
    "--variant=minbase",
    f"--include={','.join(PACKAGES)}",
    *(f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("man", "doc", "locale", "info")),
    # The box's own trees are made at each start; an empty machine-id is filled in then.
    '--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/etc/machine-id',
    '--customize-hook=touch "$1"/etc/machine-id',
)
#: wheels of a file of pins, as the box gets them
WHEELS = (
    *("--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}"),
    *(f"--platform={kind}_x86_64" for kind in ("manylinux2014", "manylinux_2_28", "manylinux_2_34")),
)
BUILD_WITHIN_S = 300
FORGOTTEN_S = 30 * 86400
Say = Callable[[str], None]


class Unavailable(Exception):
    """This machine cannot do it; the text says why, and what would help."""


def why_not() -> str | None:
    """Why no container can be run here, or None."""
    if os.uname().machine != "x86_64":
        return f"the tree is made for x86_64, and this is {os.uname().machine}"
    if os.geteuid() != 0:
        return "booting a container needs root; run the tests as root"
    missing = [tool for tool in ("mmdebstrap", "systemd-nspawn", "unshare", "nsenter") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} not installed: apt-get install mmdebstrap systemd-container util-linux"
    probe = ["unshare", "-m", "--propagation", "private", "mount", "-t", "cgroup2", "cgroup2", "/mnt"]
    tried = subprocess.run(probe, check=False, capture_output=True, text=True)
    return f"this machine does not let a cgroup2 be mounted: {tried.stderr.strip()}" if tried.returncode else None


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backroom"


def debian(say: Say, suite: str = SUITE, architecture: str = "amd64") -> Path:
    """The root of the tree; one for another processor is made under emulation, and takes its time.

    Raises:
        Unavailable: it could not be built.
    """

    def build(folder: Path) -> None:
        say(f"building a Debian {suite} tree with mmdebstrap (a minute or two, once)")
        command = ["mmdebstrap", "--mode=root", f"--architectures={architecture}", *RECIPE, *_options_of_apt()]
        _run([*command, suite, str(folder), *_mirror()], say, BUILD_WITHIN_S * (1 if architecture == "amd64" else 10))

    return _kept("debian", [suite, *RECIPE, *([] if architecture == "amd64" else [architecture])], build, say)


def libraries(say: Say, pins: Path = REPO / "requirements" / "box.txt") -> Path:
    """The libraries of a file of pins, by default the gateway's, for the tree's Python, compiled.

    Raises:
        Unavailable: they could not be fetched.
    """
    root = debian(say)

    def build(folder: Path) -> None:
        say(f"fetching the libraries of {pins.name} for Python {PYTHON}")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        _run([*pip, "--target", str(folder), *WHEELS, "-r", str(pins)], say)
        _run([*compile_in(root, folder)], say)

    return _kept("libraries", [*WHEELS, hashlib.sha256(pins.read_bytes()).hexdigest()], build, say)


def compile_in(root: Path, folder: Path) -> list[str]:
    """The command by which the tree's own Python compiles what stands in a folder of ours."""
    script = (
        'mount --bind "$2" "$1/mnt" && exec chroot "$1" /usr/bin/python3 -m compileall -q -j 2 -s /mnt'
        " --invalidation-mode unchecked-hash /mnt"
    )
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", str(root), str(folder)]


def _kept(kind: str, made_of: list[str], build: Callable[[Path], None], say: Say) -> Path:
    folder = cache() / f"{kind}-{hashlib.sha256(chr(0).join(made_of).encode()).hexdigest()[:12]}"
    cache().mkdir(parents=True, exist_ok=True)
    with _lock(folder.with_suffix(".lock"), say):
        if not folder.exists():
            _forget_old(kind)
            growing = folder.with_suffix(".new")
            shutil.rmtree(growing, ignore_errors=True)
            try:
                build(growing)
                growing.rename(folder)
            finally:
                shutil.rmtree(growing, ignore_errors=True)
        os.utime(folder)
    return folder


@contextmanager
def _lock(path: Path, say: Say) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run builds it; waiting for that one")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_old(kind: str) -> None:
    for folder in cache().glob(f"{kind}-*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > FORGOTTEN_S:
            shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], say: Say, within_s: float = BUILD_WITHIN_S) -> None:
    said: list[str] = []
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        too_long = threading.Timer(within_s, process.terminate)
        too_long.start()
        for line in process.stdout:
            said.append(line.rstrip())
            if line.startswith("I: ") and "hook" not in line:
                say(line.strip().removeprefix("I: "))
        code = process.wait()
        too_long.cancel()
    if code != 0:
        raise Unavailable(
            f"{command[0]} ended with {code} after {time.monotonic() - began:.0f} s: {'; '.join(said[-3:])}"
        )


def _mirror() -> list[str]:
    """The first that this machine's own apt uses for Debian itself; none: mmdebstrap takes its own."""
    ask = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"]
    found = subprocess.run(ask, check=False, capture_output=True, text=True).stdout.split()
    return [uri.rstrip("/") for uri in found if uri.rstrip("/").endswith("/debian")][:1]


def _options_of_apt() -> list[str]:
    """How this machine's apt reaches the world and trusts its clock, which mmdebstrap does not take over by itself."""
    dump = subprocess.run(["apt-config", "dump", "Acquire"], check=False, capture_output=True, text=True).stdout
    wanted = [line for line in dump.splitlines() if line.startswith("Acquire::Check-") or "::Proxy " in line]
    return [f"--aptopt={line}" for line in wanted]


def main() -> None:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"tree: {text}", flush=True)

    if reason := why_not():
        say(f"not built: {reason}; the tests in a container will be skipped")
        return
    try:
        debian(say)
        libraries(say)
        libraries(say, EMUPOS)
    except Unavailable as problem:
        say(f"not built: {problem}; the tests in a container will be skipped")
        return
    say(f"ready in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
