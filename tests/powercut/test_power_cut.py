"""P1, P2, P5 on a disk that keeps only what was synced: whenever the power goes, what was confirmed is there."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from tests.powercut.campaign import Findings, Replay, power_cuts, record
from tests.powercut.disk import VARIANTS, Change, Inode, calls
from tests.powercut.store import MONEY

pytestmark = [
    pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed: make setup installs it"),
    pytest.mark.timeout(900),  # hundreds of disks are opened: half a minute of CPU, which a busy machine gives slowly
]


def test_nothing_that_was_confirmed_is_lost_wherever_the_power_is_cut(tmp_path: Path) -> None:
    found = power_cuts(tmp_path, rounds=14, seed=1)
    assert found.faults[:10] == []
    assert (found.lost, found.doubled) == (0, 0)
    assert found.booked == found.accepted > 60
    assert found.syncs > 140
    assert found.checkpoints > 10
    assert found.pruned > 0
    assert found.cuts == found.syncs * len(VARIANTS)


def test_a_file_of_an_earlier_release_is_brought_up_to_date_whole_or_not_at_all(tmp_path: Path) -> None:
    found = power_cuts(tmp_path, rounds=3, seed=3, former=True)
    assert found.faults[:10] == []
    assert (found.lost, found.doubled) == (0, 0)
    assert found.booked == found.accepted > 40


def test_with_less_than_full_synchronous_confirmed_sales_are_lost_and_this_test_sees_it(tmp_path: Path) -> None:
    found = power_cuts(tmp_path, rounds=9, seed=1, variants=("nothing", "some"), synchronous="NORMAL")
    assert found.lost > 0
    assert any("confirmed as seq" in fault for fault in found.faults)


def test_a_writer_that_answers_before_the_commit_is_seen(tmp_path: Path) -> None:
    """The same trace, with each confirmation told one sync too early."""
    traced, data, second = record(tmp_path, rounds=3, seed=1)
    replay = Replay(data, second)
    findings = Findings()
    told_early = sorted(traced, key=lambda call: call.begins - 200 if call.name == "write" else call.begins)
    for _ in replay.run(told_early):
        replay.cut("nothing", Random(1), findings, "early")
    assert findings.lost > 0


def test_the_rebuilt_disk_is_the_real_one_when_nothing_is_cut_off(tmp_path: Path) -> None:
    traced, data, second = record(tmp_path, rounds=9, seed=2)
    replay = Replay(data, second)
    for _ in replay.run(traced):
        pass
    into = {str(data): tmp_path / "a", str(second): tmp_path / "b"}
    for folder in into.values():
        folder.mkdir()
    replay.disk.cut("everything", Random(1), into)
    for name in (MONEY, f"{MONEY}-wal"):
        assert (tmp_path / "a" / name).read_bytes() == (data / name).read_bytes()
    assert (tmp_path / "b" / "epoch").read_bytes() == (second / "epoch").read_bytes()


def test_a_torn_write_keeps_whole_sectors_only() -> None:
    inode = Inode(durable=bytearray(2048))
    inode.pending.append(Change(0, 100, b"\xff" * 1500))
    for seed in range(20):
        left = inode.content("torn", Random(seed), last=0)
        assert left[:100] == bytes(100)
        for sector in range(4):
            written = [
                byte
                for place, byte in enumerate(left[512 * sector : 512 * sector + 512], 512 * sector)
                if 100 <= place < 1600
            ]
            assert len(set(written)) <= 1


def test_calls_of_threads_that_overtake_each_other_are_joined() -> None:
    lines = [
        '7 pwrite64(4<\\x2f\\x61>, "\\x01\\x02", 2, 5 <unfinished ...>',
        "8 fdatasync(5<\\x2f\\x62>) = 0",
        "7 <... pwrite64 resumed>) = 2",
        '7 openat(AT_FDCWD<\\x2f>, "\\x2f\\x63", O_RDONLY) = -1 ENOENT (No such file or directory)',
    ]
    first, second = calls(lines)
    assert (first.name, first.file(), first.texts(), first.numbers(), first.ends) == (
        "pwrite64", "/a", [b"\x01\x02"], [2, 5], 2
    )  # fmt: skip
    assert (second.name, second.file()) == ("fdatasync", "/b")
