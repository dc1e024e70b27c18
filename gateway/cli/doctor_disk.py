"""`backroom doctor --disk`: how fast this card keeps a sale, measured, and whether it is fit for the till.

Each sale waits for one fdatasync. So the same is done here, many times over: a block behind a file of the data folder,
then fdatasync, as the write-ahead log does it. The file is a new one and is taken away again; the daemon may run
meanwhile, and then both wait for the same card, as they would with a busy till.

Limits: a cashier does not notice 50 ms. Cards that clean up inside stop for a second or more now and then; one that
does so often, or for longer than a customer waits, is not fit.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from gateway import config as configuration
from gateway.errors import ConfigError

PUTS = 400
BLOCK = os.urandom(4096)
#: as many blocks as a write-ahead log has before its checkpoint
BLOCKS = 1000
SAYS_EVERY = 40

#: milliseconds at the median, at the 95th of a hundred, and at the most
GOOD_MS = (15.0, 50.0, 1_000.0)
FIT_MS = (50.0, 250.0, 3_000.0)
#: faster than any flash memory commits: what answers so soon has not written yet
TOO_SOON_MS = 0.02

Verdict = Literal["good", "fit", "not fit", "not believed"]


@dataclass(frozen=True, slots=True)
class Measured:
    folder: str
    puts: int
    p50_ms: float
    p95_ms: float
    most_ms: float
    puts_per_s: float
    verdict: Verdict
    text: str


def doctor_disk(path: Path, as_json: bool) -> int:
    """Measure and print; 0 for a card that is good or fit, 1 for one that is not, 2 without a configuration."""
    try:
        folder = configuration.load(path).gateway.data_dir
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        times = measure(existing, progress=not as_json and sys.stderr.isatty())
    except OSError as error:
        print(f"{existing}: {error.strerror}: nothing can be measured; see `backroom doctor`", file=sys.stderr)
        return 1
    found = judged(str(existing), times)
    print(json.dumps(asdict(found)) if as_json else _in_words(found))
    return 0 if found.verdict in ("good", "fit") else 1


def measure(folder: Path, puts: int = PUTS, progress: bool = False) -> list[float]:
    """Seconds of each put.

    Raises:
        OSError: the folder takes no file.
    """
    times: list[float] = []
    with _file(folder) as file:
        for number in range(puts):
            began = time.perf_counter()
            os.pwrite(file, BLOCK, number % BLOCKS * len(BLOCK))
            os.fdatasync(file)
            times.append(time.perf_counter() - began)
            if progress and number % SAYS_EVERY == 0:
                print(f"\rmeasuring {folder}: {number * 100 // puts} %", end="", file=sys.stderr, flush=True)
    if progress:
        print("\r" + " " * 70 + "\r", end="", file=sys.stderr, flush=True)
    return times


@contextmanager
def _file(folder: Path) -> Iterator[int]:
    path = folder / f"doctor-{os.getpid()}.tmp"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        # Laid out beforehand, as the write-ahead log is: growing a file costs a second write.
        for number in range(BLOCKS):
            os.pwrite(file, BLOCK, number * len(BLOCK))
        os.fsync(file)
        yield file
    finally:
        os.close(file)
        path.unlink(missing_ok=True)


def judged(folder: str, times: Sequence[float]) -> Measured:
    """What these times say of the card."""
    inorder = sorted(one * 1000 for one in times)
    p50, p95, most = inorder[len(inorder) // 2], inorder[len(inorder) * 95 // 100], inorder[-1]
    verdict, text = _verdict(p50, p95, most)
    rate = len(inorder) / (sum(inorder) / 1000)
    return Measured(folder, len(inorder), round(p50, 2), round(p95, 2), round(most, 1), round(rate, 1), verdict, text)


def _verdict(p50: float, p95: float, most: float) -> tuple[Verdict, str]:
    if p50 < TOO_SOON_MS:
        return "not believed", (
            "it answers sooner than any card can write: the folder is in memory, or something says yes for it."
            " Sales here would not survive a power cut; put data_dir on a real disk"
        )
    found = (p50, p95, most)
    if all(one <= limit for one, limit in zip(found, GOOD_MS, strict=True)):
        return "good", "nobody at the till will notice it"
    if all(one <= limit for one, limit in zip(found, FIT_MS, strict=True)):
        return "fit", "a sale may be felt to wait now and then; a card of class A2, or a USB SSD, is quicker"
    return "not fit", (
        "the till would wait for it: take a card of class A2 or made for dash cameras, or a USB SSD, and measure again"
    )


def _in_words(found: Measured) -> str:
    return (
        f"{found.folder}: {found.puts} puts, each one write and fdatasync\n"
        f"  half of them within {found.p50_ms:g} ms, 95 of 100 within {found.p95_ms:g} ms, the slowest"
        f" {found.most_ms:g} ms; {found.puts_per_s:g} a second\n"
        f"  {found.verdict}: {found.text}"
    )
