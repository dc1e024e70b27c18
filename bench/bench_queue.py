"""The outbox: what a durable put costs, against the disk's own limit and against a queue that people use.

Peers: raw sqlite3 (WAL, synchronous=FULL, one row and one commit a put: the least any durable SQLite queue can do), and
persist-queue's SQLiteAckQueue with default settings for several threads. All in the same folder, runs interleaved.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from persistqueue import SQLiteAckQueue

from bench.result import Result, cost, rate
from gateway.clock import Clock
from gateway.queue import outbox as outbox_room
from gateway.queue.database import Database
from gateway.queue.outbox import Outbox
from gateway.queue.records import Draft
from retail.wire.canonical import canonical

RUNS = 5
PUTS = 400
BODY = canonical({"transaction_type": "RetailTransaction", "text": "x" * 900})


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="backroom-bench-", dir=os.environ.get("BENCH_DIR")))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Outbox]:
    database = Database(path / "money.sqlite", [outbox_room.SCHEMA])
    try:
        yield Outbox(database, Clock(), "S1-1", "S1")
    finally:
        database.close()


def draft(key: str) -> Draft:
    return Draft("RetailTransaction", key, "2026-11-22", BODY)


async def _put_all(outbox: Outbox, name: str, count: int) -> None:
    for number in range(count):
        await outbox.put(draft(f"{name}-{number}"))


def ours(producers: int) -> float:
    """Puts a second, each awaited until it is on disk."""

    async def produce(outbox: Outbox) -> float:
        started = time.perf_counter()
        await asyncio.gather(*(_put_all(outbox, str(one), PUTS // producers) for one in range(producers)))
        return PUTS / (time.perf_counter() - started)

    with folder() as path, opened(path) as outbox:
        return asyncio.run(produce(outbox))


def raw_sqlite() -> float:
    """The same table and the same row, worked out beforehand, by a plain loop in one thread."""
    with folder() as path:
        connection = sqlite3.connect(path / "raw.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(outbox_room.SCHEMA)
        rest = (
            "RetailTransaction",
            BODY,
            "0" * 64,
            "0" * 64,
            "boot",
            1,
            "2026-11-22T00:00:00.000Z",
            "synced",
            "2026-11-22",
        )
        started = time.perf_counter()
        for number in range(PUTS):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO record (seq, idempotency_key, type, body, body_sha256, chain, boot_id, boottime_ns,"
                " wall_utc, clock_state, business_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (number + 1, f"t-{number}", *rest),
            )
            connection.execute("COMMIT")
        speed = PUTS / (time.perf_counter() - started)
        connection.close()
        return speed


def ack_queue(producers: int) -> float:
    with folder() as path:
        queue = SQLiteAckQueue(str(path), multithreading=True)

        def produce() -> None:
            for _ in range(PUTS // producers):
                queue.put(BODY)

        threads = [threading.Thread(target=produce) for _ in range(producers)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        speed = PUTS / (time.perf_counter() - started)
        queue.close()
        return speed


def acknowledging(at_once: int) -> float:
    """Records marked a second, by cumulative acknowledgements of that many."""

    async def acknowledge(outbox: Outbox) -> float:
        await asyncio.gather(*(outbox.put(draft(str(number))) for number in range(PUTS)))
        started = time.perf_counter()
        for mark in range(at_once, PUTS + 1, at_once):
            await outbox.acknowledge(outbox.epoch, mark, {})
        return PUTS / (time.perf_counter() - started)

    with folder() as path, opened(path) as outbox:
        return asyncio.run(acknowledge(outbox))


def interleaved(first: Callable[[], float], second: Callable[[], float]) -> tuple[list[float], list[float]]:
    pairs = [(first(), second()) for _ in range(RUNS)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


TRACED = """
import asyncio, os, sys
from pathlib import Path
from bench.bench_queue import _put_all, opened
async def main(outbox):
    await _put_all(outbox, "t", int(sys.argv[2]))
    os._exit(0)
with opened(Path(sys.argv[1])) as outbox:
    asyncio.run(main(outbox))
"""


def syncs_per_put() -> float:
    """Counted by strace: the difference of two runs, so that opening the file counts nothing."""

    def syncs(puts: int) -> int:
        with folder() as path:
            trace = path / "trace"
            command = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(trace), sys.executable, "-c", TRACED]
            subprocess.run([*command, str(path), str(puts)], check=False)
            return sum("sync(" in line and "resumed" not in line for line in trace.read_text().splitlines())

    return (syncs(110) - syncs(10)) / 100


def run() -> Iterator[Result]:
    if shutil.which("strace"):
        yield cost("queue", "fdatasync_per_put", "syncs", syncs_per_put(), "one sync a durable put", 1)
    yield rate("queue", "put_1", "puts/s", *_named(lambda: ours(1), raw_sqlite, "raw sqlite3, WAL, FULL"))
    ack_1 = _named(lambda: ours(1), lambda: ack_queue(1), "persist-queue SQLiteAckQueue")
    yield rate("queue", "put_1_vs_ackqueue", "puts/s", *ack_1)
    ack_8 = _named(lambda: ours(8), lambda: ack_queue(8), "persist-queue SQLiteAckQueue")
    yield rate("queue", "put_8_vs_ackqueue", "puts/s", *ack_8)
    yield rate(
        "queue", "ack_batch", "records/s", *_named(lambda: acknowledging(100), lambda: acknowledging(1), "one by one")
    )


def _named(first: Callable[[], float], second: Callable[[], float], peer: str) -> tuple[list[float], str, list[float]]:
    mine, theirs = interleaved(first, second)
    return mine, peer, theirs
