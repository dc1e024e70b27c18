"""The daemon on a small box: 256 MB of memory and a quarter of one core; and what a sale costs the card.

drain_small:        a backlog of 100,000 sales goes up from a gateway in such a control group; sales a second, against
                    the same gateway unconfined. Broker, core and PostgreSQL are outside of the group.
rss_small_mib:      the daemon's peak resident memory meanwhile (VmHWM), against the 80 MiB of its budget.
group_small_mib:    the group's peak with its page cache, against its 256 MiB. No process in it was killed, or it fails.
card_kib_per_sale:  bytes that reached the disk (write_bytes of /proc/PID/io) for each of 500 sales posted one after
                    the other while the line is up, against the size of the sale's own JSON: what the log, its index,
                    the write-ahead log and its checkpoints cost. docs/small-machines.md says what it means for a card.
file_kib_per_sale:  how much the money file grew for each of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from bench import bench_relay
from bench.relay_stack import Stack
from bench.result import Result, cost, rate
from bench.small_machine import SmallMachine, confined
from torture.program import Broken
from torture.sales import Shelf

MEMORY_MIB = 256
CORES = 0.25
BACKLOG = int(os.environ.get("BENCH_BACKLOG", "100000"))
SALES = 500
WITHIN_S = 1_800


async def _drain(stack: Stack, name: str, machine: SmallMachine | None) -> tuple[float, float]:
    """(sales a second, peak MiB)"""
    await asyncio.to_thread(stack.fill, name, BACKLOG)
    prefix = machine.prefix() if machine is not None else []
    gateway, _ = stack.start_gateway(name, stack.broker.port, prefix)
    count, seconds, _, peak = await bench_relay.drained(lambda: stack.booked(name), BACKLOG, gateway, WITHIN_S)
    await gateway.stop()
    if stack.journal_count(name) != BACKLOG:
        raise Broken(f"{name}: {stack.journal_count(name)} of {BACKLOG} sales are in the journal")
    return count / seconds, peak


def _written(pid: int) -> int:
    lines = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(lines["write_bytes"])


async def _card(stack: Stack, name: str) -> tuple[float, float, float]:
    """(bytes written, bytes of growth of the file, bytes of JSON), each for one sale"""
    shelf = Shelf(stack.random)
    gateway, client = stack.start_gateway(name, stack.broker.port)
    await bench_relay.answers(client, gateway)
    till = HTTPConnection(client.base.removeprefix("http://"))
    file = stack.folder / name / "money.sqlite"

    def post() -> int:
        sale = shelf.new("lane-1")
        headers = {"Content-Type": "application/json", "Idempotency-Key": sale.key}
        till.request("POST", "/v1/transactions", json.dumps(sale.body), headers)
        answer = till.getresponse()
        answer.read()
        if answer.status != 201:
            raise Broken(f"a sale was answered with {answer.status}")
        return len(json.dumps(sale.kept_as, separators=(",", ":")))

    for _ in range(20):
        await asyncio.to_thread(post)
    before, size = _written(gateway.pid), file.stat().st_size
    told = sum([await asyncio.to_thread(post) for _ in range(SALES)])
    await bench_relay.until_at_least(lambda: stack.booked(name), SALES + 20)
    written, grown = _written(gateway.pid) - before, file.stat().st_size - size
    till.close()
    await gateway.stop()
    return written / SALES, grown / SALES, told / SALES


async def _all(folder: Path) -> list[Result]:
    async with Stack(folder, gateways=3) as stack:
        written, grown, told = await _card(stack, stack.ids[0])
        with confined(MEMORY_MIB, CORES) as machine:
            speed, peak = await _drain(stack, stack.ids[1], machine)
            group, killed = machine.peak_mib(), machine.killed()
        if killed:
            raise Broken(f"{killed} processes were killed for lack of memory within {MEMORY_MIB} MiB")
        free, _ = await _drain(stack, stack.ids[2], None)
    return [
        rate("small", "drain_small", "sales/s", [speed], "unconfined", [free]),
        cost("small", "rss_small_mib", "MiB", peak, "limit", 80),
        cost("small", "group_small_mib", "MiB", group, "limit", MEMORY_MIB),
        cost("small", "card_kib_per_sale", "KiB", written / 1024, "its JSON", round(told / 1024, 2)),
        cost("small", "file_kib_per_sale", "KiB", grown / 1024, "its JSON", round(told / 1024, 2)),
    ]


def run() -> Iterator[Result]:
    folder = Path(tempfile.mkdtemp(prefix="backroom-bench-small-", dir=os.environ.get("BENCH_DIR")))
    folder.chmod(0o755)
    try:
        yield from asyncio.run(_all(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
