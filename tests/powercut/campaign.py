"""The power goes at every sync of a scripted day, in several ways each; everything that was promised must be there."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from random import Random
from typing import Any

from gateway.queue import database as database_room
from tests.powercut import store
from tests.powercut.diary import MARK, Expected
from tests.powercut.disk import VARIANTS, Call, Disk, Variant, traced
from tests.powercut.store import MONEY
from tests.powercut.verdict import judge

SYNCS = ("fsync", "fdatasync")
#: opening a rebuilt file syncs, which costs nothing in memory
MEMORY = Path("/dev/shm")


@dataclass(slots=True)
class Findings:
    """syncs: where the power was cut; cuts: how often; checkpoints: syncs of the main file.

    What did not hold stands in `faults`, in words.
    """

    syncs: int = 0
    checkpoints: int = 0
    cuts: int = 0
    accepted: int = 0
    booked: int = 0
    pruned: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@contextmanager
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="backroom-powercut-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def record(
    folder: Path, rounds: int, seed: int, synchronous: str = "FULL", former: bool = False
) -> tuple[list[Call], Path, Path]:
    """Let the store work under strace; its calls, and the two folders that it wrote to.

    former: it begins with a money file of an earlier release.
    """
    data, second = folder / "data", folder / "boot"
    data.mkdir(parents=True)
    second.mkdir()
    command = [sys.executable, "-m", "tests.powercut.store", str(data), str(second), "--rounds", str(rounds)]
    command += ["--seed", str(seed), "--synchronous", synchronous, *(["--former"] if former else [])]
    return traced(command, folder / "trace"), data, second


class Replay:
    """Goes through a trace; calls `cut` right before each sync is done, when its writes are still under way."""

    def __init__(self, data: Path, second: Path) -> None:
        self.disk = Disk([data, second])
        self.expected = Expected()
        self._data, self._second = data, second
        #: (place of the return, path, changes made when it began) of syncs that another thread overtook
        self._waiting: list[tuple[int, str, int]] = []

    def run(self, calls: list[Call]) -> Iterator[None]:
        for call in calls:
            while self._waiting and self._waiting[0][0] < call.begins:
                _, path, before = self._waiting.pop(0)
                yield
                self.disk.sync(path, before)
            if call.name in SYNCS:
                if self.disk.knows(call.file()) or call.file() in (str(self._data), str(self._second)):
                    self._waiting.append((call.ends, call.file(), self.disk.changes))
                    self._waiting.sort()
            elif call.name == "write" and MARK in (text := call.texts()[0]):
                self.expected.read(text)
            else:
                self.disk.apply(call)
        yield

    def cut(self, variant: Variant, random: Random, findings: Findings, at: str) -> None:
        with scratch() as left:
            data, second = left / "data", left / "boot"
            data.mkdir()
            second.mkdir()
            self.disk.cut(variant, random, {str(self._data): data, str(self._second): second})
            verdict = judge(data, second, self.expected)
        findings.cuts += 1
        findings.accepted, findings.booked, findings.pruned = verdict.accepted, verdict.booked, verdict.pruned
        findings.lost += len(verdict.lost)
        findings.doubled += len(verdict.doubled)
        findings.faults += [f"{at}, {variant}: {text}" for text in (*verdict.lost, *verdict.doubled, *verdict.other)]


def power_cuts(
    folder: Path,
    rounds: int,
    seed: int,
    variants: tuple[Variant, ...] = VARIANTS,
    synchronous: str = "FULL",
    former: bool = False,
) -> Findings:
    """Cut at every sync. `accepted` and `booked` are of the last cut, when the day was over."""
    calls, data, second = record(folder, rounds, seed, synchronous, former)
    replay = Replay(data, second)
    findings = Findings(checkpoints=sum(call.name in SYNCS and call.file() == str(data / MONEY) for call in calls))
    random = Random(seed)
    for _ in replay.run(calls):
        findings.syncs += 1
        for variant in variants:
            replay.cut(variant, random, findings, f"seed {seed}, sync {findings.syncs}")
    return findings


def one_day(rounds: int, seed: int) -> Findings:
    """In a process of its own: it opens thousands of files, and laying out a WAL to its full length costs most."""
    database_room.WAL_PAGES_MOST = store.WAL_PAGES
    with scratch() as folder:
        return power_cuts(folder, rounds, seed)


def run(short: bool, seed: int = 1) -> dict[str, Any]:
    """The campaign of `make torture`: one JSON line's worth. `problems`: what did not hold, in words.

    The days are apart from each other, so each processor takes one.
    """
    began = time.monotonic()
    days, rounds = (1, 24) if short else (8, 90)
    total = Findings()
    with ProcessPoolExecutor(min(days, os.cpu_count() or 1), multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(one_day, rounds, seed + day) for day in range(days)]):
            total.add(done.result())
            took = time.monotonic() - began
            print(f"powercut: {total.cuts} cuts, {len(total.faults)} faults, {took:.0f} s", file=sys.stderr, flush=True)
    return {
        "campaign": "powercut",
        "accepted": total.accepted,
        "booked": total.booked,
        "lost": total.lost,
        "duplicated": total.doubled,
        "faults": total.cuts,
        "seconds": round(time.monotonic() - began, 1),
        "seed": seed,
        "syncs": total.syncs,
        "checkpoints": total.checkpoints,
        "pruned": total.pruned,
        "problems": total.faults[:20],
    }
