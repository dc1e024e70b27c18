"""The lock: what it says, and what a build makes of a mirror that moved on."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import BackroomError
from images import lock
from images.build import ARCHITECTURES, lock_file
from images.lock import Lock, Package
from images.mirror import Mirror, mirrors

FILE = b"a package's bytes"
SHA256 = hashlib.sha256(FILE).hexdigest()


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """apt-get and apt-cache of a mirror that offers what the test says: apt(version, what its file holds)."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("MIRROR", "file:/nowhere")
    monkeypatch.setenv("MIRROR_SECURITY", "file:/nowhere")
    monkeypatch.setattr("images.mirror.KEYRING", programs)

    def offers(version: str, content: str) -> None:
        file = f"systemd_{version.replace(':', '%3a')}_arm64.deb"
        for name, script in (
            ("apt-cache", f"echo ' systemd | {version} | http://mirror trixie/main arm64 Packages'"),
            ("apt-get", f'case "$*" in *download*) printf "%s" "{content}" >"{file}" ;; esac'),
        ):
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)

    return offers


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_locks_in_git_name_versions_and_hashes_and_no_mirror(arch: str) -> None:
    found = lock.read(lock_file(arch))
    names = [package.name for package in found.all]
    assert {"systemd", "python3", "openssh-server", "busybox-static"} <= set(names)
    assert sorted(found.installed) == list(found.installed)
    assert len(set(names)) == len(names)
    assert any(re.match(r"linux-image-\d", package.name) for package in found.unpacked)
    assert not re.search(r"https?:|deb\.debian", lock_file(arch).read_text())
    assert found.text() == lock_file(arch).read_text()


def test_a_line_that_is_no_package_is_refused_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "lock-arm64.txt"
    file.write_text(f"epoch 1795573351\n[installed]\nsystemd=257.13-1 {SHA256}\nsystemd 257\n")
    with pytest.raises(BackroomError, match=r"lock-arm64.txt, line 4: 'systemd 257' is no 'name=version sha256'"):
        lock.read(file)


def test_a_lock_that_is_not_there_says_how_it_is_made(tmp_path: Path) -> None:
    with pytest.raises(BackroomError, match="make image-lock ARCH=arm64"):
        lock.read(tmp_path / "lock-arm64.txt")


def test_a_version_that_the_mirror_no_longer_has_stops_the_build(
    tmp_path: Path, apt: Callable[[str, str], None]
) -> None:
    apt("257.14-1", "newer")
    with pytest.raises(BackroomError, match=r"no longer has systemd=257.13-1; run 'make image-lock ARCH=arm64'"):
        Mirror("arm64", tmp_path / "cache").fetch([Package("systemd", "257.13-1", SHA256)], lambda _far: None)


def test_other_bytes_under_a_locked_version_are_refused(tmp_path: Path, apt: Callable[[str, str], None]) -> None:
    apt("1:257.13-1", "other bytes")
    with pytest.raises(BackroomError, match="the lock says") as refused:
        Mirror("arm64", tmp_path / "cache").fetch([Package("systemd", "1:257.13-1", SHA256)], lambda _far: None)
    assert hashlib.sha256(b"other bytes").hexdigest() in str(refused.value)
    assert not list((tmp_path / "cache" / "debs").glob("*.deb"))


def test_a_file_that_was_fetched_is_not_asked_for_again(tmp_path: Path, apt: Callable[[str, str], None]) -> None:
    wanted = [Package("systemd", "1:257.13-1", SHA256)]
    apt("1:257.13-1", FILE.decode())
    first = Mirror("arm64", tmp_path / "cache").fetch(wanted, lambda _far: None)
    apt("gone", "gone")
    assert Mirror("arm64", tmp_path / "cache").fetch(wanted, lambda _far: None) == first
    assert first[0].read_bytes() == FILE


def test_a_machine_without_a_debian_mirror_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("MIRROR", raising=False)
    with pytest.raises(BackroomError, match="MIRROR=<address>"):
        mirrors()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = Lock(1795573351, (Package("libc6", "1:2~3+4", "0" * 64),), (Package("kmod", "5", "1" * 64),))
    (tmp_path / "lock-amd64.txt").write_text(made.text())
    assert lock.read(tmp_path / "lock-amd64.txt") == made
