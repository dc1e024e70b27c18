"""What is left of a root tree when it is tidied."""

from __future__ import annotations

from pathlib import Path

from images.lock import Lock
from images.root import LISTS, RootTree

EPOCH = 1_700_000_000


def test_a_tidied_tree_has_nothing_of_one_box_and_nothing_younger_than_its_lock(tmp_path: Path) -> None:
    # given what dpkg left there
    tree = tmp_path / "root"
    for file in (
        "etc/apt/sources.list",
        "etc/backroom/gateway.toml",
        "etc/machine-id",
        "etc/passwd-",
        "usr/share/backroom/gateway.toml",
        "var/lib/dpkg/status",
        "var/lib/dpkg/status-old",
        "var/log/dpkg.log",
        "tmp/left",
        "run/left",
        "boot/vmlinuz",
    ):
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_text("something")
    (tree / "usr/lib/tmpfiles.d").mkdir(parents=True)
    # when
    RootTree("arm64", tree, Lock(EPOCH, (), ()), tmp_path)._tidy()
    # then it does not say where it was built, and the package's default is no configuration of this box
    assert not (tree / "etc/apt/sources.list").exists()
    assert list((tree / "etc/backroom").iterdir()) == []
    assert (tree / "usr/share/backroom/gateway.toml").exists()
    assert (tree / "etc/machine-id").read_text() == ""
    assert [path.name for path in (tree / LISTS).iterdir()] == ["status"]
    for folder in ("var", "run", "tmp"):
        assert list((tree / folder).iterdir()) == [], folder
    assert [path.name for path in (tree / "boot").iterdir()] == ["firmware"]
    assert max(path.lstat().st_mtime for path in [tree, *tree.rglob("*")]) <= EPOCH
