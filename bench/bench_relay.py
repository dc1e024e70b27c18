"""From the outbox to committed rows at headquarters: how fast, how soon, at what price; against an ordinary relay.

Ours:      gateway, Mosquitto with TLS, core with its full validation on PostgreSQL; all real processes.
Ordinary:  bench/ordinary_relay.py, plain TCP, the same Mosquitto, the same PostgreSQL, no validation.
Rate:      rows committed from the first one seen to the last, by the time between; starting up does not count.
drain:     20,000 sales against 3,000 of the ordinary one, whose rate does not depend on how many there are.
drain_wan: the same through a proxy that delays each way by 25 ms; 100 of the ordinary one.
idle_p50:  from the till's handing over (POST begun on a connection that it keeps; INSERT begun) until the row is
           committed and seen.
cpu:       user and system time of the gateway per relayed sale, while it drains. rss: VmHWM over a 100,000 backlog.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from bench.bench_budget import cpu_s
from bench.ordinary_relay import opened
from bench.relay_stack import Stack
from bench.result import Result, cost, rate
from gateway.demo.broker import free_port
from gateway.demo.client import Client
from retail.wire.canonical import canonical
from torture.program import Broken, Program
from torture.sales import Shelf

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
BACKLOG = 20_000
ORDINARY_BACKLOG = 3_000
ORDINARY_WAN_BACKLOG = 100
BIG_BACKLOG = 100_000
POSTS = 60
#: how often the database is asked; more often would take from the two processors what is to be measured
LOOK_EVERY_S = 0.001
DELAY_MS = 25
WITHIN_S = 180
PEER = "ordinary relay"
ORDINARY = "ordinary"


async def drained(
    booked: Callable[[], int], upto: int, process: Program, within_s: float = WITHIN_S
) -> tuple[int, float, float, float]:
    """(sales after the first look at work, seconds, CPU seconds of the process, its peak memory in MiB)"""
    deadline = time.monotonic() + within_s
    began, first, cpu_before = 0.0, 0, 0.0
    before = booked()
    while True:
        now, mark = time.monotonic(), booked()
        if not began and mark > before:
            began, first, cpu_before = now, mark, cpu_s(process.pid)
        if mark >= upto:
            return mark - first, now - began, cpu_s(process.pid) - cpu_before, peak_mib(process.pid)
        if now > deadline or not process.running():
            raise Broken(f"{process.name}: {mark} of {upto} after {within_s:.0f} s\n{process.tail()}")
        await asyncio.sleep(0.01)


def peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise Broken(f"process {pid} has no VmHWM")


class Relay:
    """Each run takes the next gateway of the stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._left = iter(stack.ids)
        self._ordinary = 0

    async def ours(self, backlog: int, wan: bool = False) -> tuple[float, float, float]:
        """(sales a second, gateway CPU in microseconds a sale, its peak memory in MiB)"""
        stack, name = self._stack, next(self._left)
        await asyncio.to_thread(stack.fill, name, backlog)
        with self._line(stack.broker.port, wan) as port:
            gateway, _ = stack.start_gateway(name, port)
            count, seconds, cpu, peak = await drained(lambda: stack.booked(name), backlog, gateway)
            await gateway.stop()
        if stack.journal_count(name) != backlog:
            raise Broken(f"{name}: {stack.journal_count(name)} of {backlog} sales are in the journal")
        return count / seconds, cpu / count * 1e6, peak

    async def ordinary(self, backlog: int, wan: bool = False) -> float:
        stack = self._stack
        self._ordinary += 1
        file = stack.folder / f"{ORDINARY}-{self._ordinary}.sqlite"
        await asyncio.to_thread(stack.fill_ordinary, file, backlog)
        upto = stack.received() + backlog
        with self._line(stack.broker.plain_port, wan) as port:
            sender = stack.start_sender(file, port)
            count, seconds, _, _ = await drained(stack.received, upto, sender)
            await sender.stop()
        return count / seconds

    @contextlib.contextmanager
    def _line(self, port: int, wan: bool) -> Iterator[int]:
        """The port to connect to: the broker's own, or a proxy's."""
        if not wan:
            yield port
            return
        through = free_port()
        proxy = self._stack.program("wan", "bench.wan", str(through), str(port), str(DELAY_MS))
        try:
            yield through
        finally:
            proxy.kill()

    # --- latency ----------------------------------------------------------------------------------------------------

    async def our_latencies(self) -> list[float]:
        stack, name = self._stack, next(self._left)
        shelf = Shelf(stack.random)
        gateway, client = stack.start_gateway(name, stack.broker.port)
        await answers(client, gateway)
        till = HTTPConnection(client.base.removeprefix("http://"))  # a till keeps its connection
        found = []
        for number in range(1, POSTS + 1):
            sale = shelf.new("lane-1")
            body, headers = json.dumps(sale.body), {"Content-Type": "application/json", "Idempotency-Key": sale.key}
            began = time.perf_counter()
            till.request("POST", "/v1/transactions", body, headers)
            await until_at_least(lambda: stack.booked(name), number)
            found.append((time.perf_counter() - began) * 1000)
            till.getresponse().read()
            await asyncio.sleep(stack.random.uniform(0.1, 0.3))
        till.close()
        await gateway.stop()
        return found

    async def ordinary_latencies(self) -> list[float]:
        stack = self._stack
        file = stack.folder / "idle.sqlite"
        connection = opened(file)
        shelf = Shelf(stack.random)
        sender = stack.start_sender(file, stack.broker.plain_port)
        found = []
        for _ in range(POSTS):
            await asyncio.sleep(stack.random.uniform(0.1, 0.3))
            sale = shelf.new(ORDINARY)
            upto = stack.received() + 1
            began = time.perf_counter()
            connection.execute(
                "INSERT INTO queue (body) VALUES (?)", (canonical({"key": sale.key, "sale": sale.body}),)
            )
            await until_at_least(stack.received, upto)
            found.append((time.perf_counter() - began) * 1000)
        await sender.stop()
        connection.close()
        return found


async def answers(client: Client, gateway: Program) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and gateway.running():
        with contextlib.suppress(Exception):
            if (await client.get("/v1/status"))["online"]:
                return
        await asyncio.sleep(0.1)
    raise Broken(f"the gateway did not come up\n{gateway.tail()}")


async def until_at_least(number: Callable[[], int], least: int) -> None:
    deadline = time.monotonic() + 30
    while number() < least:
        if time.monotonic() > deadline:
            raise Broken(f"{least} was not reached within 30 s")
        await asyncio.sleep(LOOK_EVERY_S)


async def _all(folder: Path) -> list[Result]:
    results = []
    async with Stack(folder, gateways=2 * RUNS + 2) as stack:
        relay = Relay(stack)
        stack.start_receiver()
        drains, ordinary = [], []
        for _ in range(RUNS):
            drains.append(await relay.ours(BACKLOG))
            ordinary.append(await relay.ordinary(ORDINARY_BACKLOG))
        results.append(rate("relay", "drain", "sales/s", [one[0] for one in drains], PEER, ordinary))
        wans, ordinary = [], []
        for _ in range(RUNS):
            wans.append((await relay.ours(BACKLOG, wan=True))[0])
            ordinary.append(await relay.ordinary(ORDINARY_WAN_BACKLOG, wan=True))
        results.append(rate("relay", "drain_wan", "sales/s", wans, PEER, ordinary))
        mine, theirs = median(await relay.our_latencies()), median(await relay.ordinary_latencies())
        results.append(cost("relay", "idle_p50", "ms", mine, PEER, round(theirs, 2)))
        cpu = median(one[1] for one in drains)
        results.append(cost("relay", "cpu_us_per_sale", "us", cpu, "limit", 25))
        _, _, peak = await relay.ours(BIG_BACKLOG)
        results.append(cost("relay", "rss_drain_mib", "MiB", peak, "limit", 80))
    return results


def run() -> Iterator[Result]:
    folder = Path(tempfile.mkdtemp(prefix="backroom-bench-relay-", dir=os.environ.get("BENCH_DIR")))
    folder.chmod(0o755)
    try:
        yield from asyncio.run(_all(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
