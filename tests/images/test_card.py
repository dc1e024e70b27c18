"""The initrd's archive and the card: their parts are where they should be, and the same bytes each time."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from images.card import ALIGN, Card
from images.initrd import _newc
from images.story.technician import Card as CardOfAStore
from images.story.technician import _start_of

EPOCH = 1795573351
TOOLS = ("mkfs.vfat", "mcopy", "mkfs.erofs", "mke2fs", "sfdisk", "e2fsck")
missing = [tool for tool in TOOLS if shutil.which(tool, path="/usr/sbin:/sbin:/usr/bin:/bin") is None]
needs_tools = pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)}: 'bash tools/setup.sh image' brings them")


def _card(folder: Path) -> Path:
    boot, root = folder / "boot", folder / "root"
    (boot / "loader").mkdir(parents=True)
    (boot / "vmlinuz").write_bytes(b"kernel" * 100_000)
    (boot / "loader" / "loader.conf").write_text("timeout 0\n")
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "hostname").write_text("backroom\n")
    made = folder / "card.img"
    (folder / "work").mkdir()
    Card(folder / "work", EPOCH).write(boot, root, made, lambda _far: None)
    return made


@needs_tools
def test_two_cards_of_the_same_files_have_one_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
    hashes = set()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made = _card(tmp_path / name)
        hashes.add(hashlib.sha256(made.read_bytes()).hexdigest())
        made.unlink()
    assert len(hashes) == 1


@needs_tools
def test_a_technician_writes_to_the_card_and_reads_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
    (tmp_path / "made").mkdir()
    image = _card(tmp_path / "made")
    assert _start_of(image, 1) == ALIGN
    with image.open("rb") as opened:
        opened.seek(_start_of(image, 2) + 1024)
        assert opened.read(4) == b"\xe2\xe1\xf5\xe0"  # erofs
        opened.seek(_start_of(image, 3) + 1024 + 56)
        assert opened.read(2) == b"\x53\xef"  # ext4
    card = CardOfAStore(image, tmp_path / "card.img", 2**30)
    card.configure("password", "token")
    card.put_key("ssh-ed25519 AAAA test")
    assert {"::/backroom.toml", "::/authorized_keys", "::/vmlinuz"} <= set(card.names())
    table = subprocess.run(["sfdisk", "-d", str(image)], capture_output=True, text=True, check=True).stdout
    assert table.count("start=") == 3


def test_the_initrds_archive_is_what_cpio_reads(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "busybox").write_bytes(b"program")
    (root / "bin" / "busybox").chmod(0o755)
    (root / "sbin").symlink_to("bin")
    archive = b"".join(_newc(root, EPOCH))
    assert archive == b"".join(_newc(root, EPOCH))
    found = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        name_at = at + 110
        name = archive[name_at : name_at + fields[11] - 1].decode()
        data_at = -(-(name_at + fields[11]) // 4) * 4
        if name == "TRAILER!!!":
            break
        found[name] = (fields[1], archive[data_at : data_at + fields[6]])
        assert fields[2:4] == [0, 0]
        assert fields[5] == EPOCH
        at = -(-(data_at + fields[6]) // 4) * 4
    assert found["bin/busybox"] == (0o100755, b"program")
    assert found["sbin"][1] == b"bin"
    assert found["dev/console"][0] == 0o020600
