"""Devices: from a label's bytes to its event, scans a second, the evenness of a scale's polls, and what idling costs.

Eight devices at the sessions that the daemon runs: two scanners and two scales, a customer display (on ptys), a receipt
printer, a drawer on it, a label printer (on TCP). The pretended ones live in a process of their own, so that their work
is not counted; it writes into each label when it was sent, on the clock that all processes of a machine share.

scan_p99_ms is measured at 200 scans a second while all eight work: receipts, labels, rows on the display, weights. It
is the median of several runs, for the p99 of one is made by whatever else the machine did. scans_per_s is the highest
rate tried (each twice the one before) at which every label arrived, in order, and none had to queue.
weight_poll_jitter_percent is how far the interval between two questions of a polled scale is off (p99), in the same
runs; cpu_idle_8_percent is the CPU time of this process while nobody asks anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import median

from bench.result import Result, cost
from gateway import drivers, simulators
from gateway.devices.host import Host, PtyHost, TcpHost
from gateway.devices.manager import Manager
from gateway.devices.snapshot import Entry, Happened, Traffic
from gateway.errors import DeviceError
from gateway.peripherals import (
    Columns,
    Cut,
    DisplayText,
    Label,
    LabelBarCode,
    LabelText,
    OpenDrawer,
    Print,
    PrintLabels,
    PrintLine,
    Qr,
    ReadWeight,
    Request,
    Rule,
    Scan,
    Text,
)

SCAN_P99_MS, SCANS_PER_S, JITTER_PERCENT, CPU_PERCENT = 2.0, 200, 10.0, 1.0
SCANNERS = ("scanner-1", "scanner-2")
#: device -> driver, options; the drawer hangs on the printer
DEVICES: dict[str, tuple[str, dict[str, object]]] = {
    "scanner-1": ("scanner-line", {}),
    "scanner-2": ("scanner-line", {}),
    "scale-1": ("scale-toledo-8217", {}),
    "scale-2": ("scale-toledo-8217", {"poll_s": 0.2}),
    "display-1": ("display-cd5220", {}),
    "printer-1": ("printer-escpos", {}),
    "label-1": ("label-zpl", {}),
    "drawer-1": ("drawer-kick", {}),
}
POLL_S = 0.2
RECEIPT: tuple[PrintLine, ...] = (
    Text("Corner Shop", align="center", bold=True), Rule(), *(Columns(f"Item {n}", "1.19") for n in range(20)), Rule(),
    Columns("Total", "23.80", bold=True, double=True), Qr("V0;4711;1;2026-11-22T09:15:00"), Cut(),
)  # fmt: skip
SHELF_LABEL = Label(500, 300, (LabelText(10, 10, "Milk 1 l"), LabelBarCode(10, 60, "96385074", "EAN8")))
#: who is asked what while all work, and the pause after each answer
WORK: dict[str, tuple[Request, float]] = {
    "scale-1": (ReadWeight(), 0.1),
    "display-1": (DisplayText(("Milk", "1.19")), 0.1),
    "printer-1": (Print(RECEIPT), 2.0),
    "label-1": (PrintLabels((SHELF_LABEL,)), 2.0),
    "drawer-1": (OpenDrawer(), 2.0),
}  # fmt: skip
RUNS, MEASURED_S, STEP_S, IDLE_S = 5, 4.0, 3.0, 20.0
MOST_TRIED = 6400
#: at a rate that is not kept up, labels wait longer and longer
QUEUE_MS = 50.0


# --- the pretended devices, in their own process ----------------------------------------------------------------------


async def pretend(folder: Path) -> None:
    """Serve all devices; a line "RATE SECONDS" on standard input has labels read, and is answered by how many."""
    hosts: dict[str, Host] = {}
    for device_id, (name, _) in DEVICES.items():
        if device_id != "drawer-1":
            made = simulators.load(name).device()
            hosts[device_id] = (
                TcpHost(made) if device_id in ("printer-1", "label-1") else PtyHost(made, folder / device_id)
            )
            await hosts[device_id].plug()
    hosts["label-1"].set("print_s", "0.1")
    print(json.dumps({device_id: host.url for device_id, host in hosts.items()}), flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        rate, seconds = map(float, line.split())
        count = round(rate * seconds)
        began = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            hosts[SCANNERS[number % 2]].set("scan", f"{number}-{time.monotonic_ns()}")
        print(count, time.monotonic() - began, flush=True)


# --- the sessions, in this one ----------------------------------------------------------------------------------------


class Watch:
    """What a listener of the manager sees, with the time it saw it."""

    def __init__(self) -> None:
        self.waits_ms: list[float] = []
        self.numbers: list[int] = []
        self.polls: list[float] = []
        self.seconds = 0.0
        self._heard = asyncio.Event()

    async def has(self, count: int) -> None:
        while len(self.numbers) < count:
            self._heard.clear()
            await self._heard.wait()

    def __call__(self, device_id: str, entry: Entry) -> None:
        if isinstance(entry, Happened) and isinstance(entry.event, Scan):
            number, _, sent_ns = entry.event.data.partition("-")
            self.waits_ms.append((time.monotonic_ns() - int(sent_ns)) / 1e6)
            self.numbers.append(int(number))
            self._heard.set()
        elif device_id == "scale-2" and isinstance(entry, Traffic) and entry.direction == "out":
            self.polls.append(time.monotonic())

    def jitter_percent(self) -> float:
        gaps = [after - before for before, after in zip(self.polls, self.polls[1:], strict=False)]
        return p99([abs(gap - POLL_S) / POLL_S * 100 for gap in gaps])


def p99(values: list[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.99) - 1)]


class Store:
    def __init__(self, manager: Manager, pretended: asyncio.subprocess.Process) -> None:
        self.manager, self._pretended = manager, pretended
        self.failed: list[str] = []

    async def scans(self, rate: int, seconds: float) -> Watch:
        """Have labels read at that rate while it lasts; all that came within a second after the last."""
        watch = Watch()
        unlisten = self.manager.listen(watch)
        assert self._pretended.stdin is not None
        assert self._pretended.stdout is not None
        self._pretended.stdin.write(f"{rate} {seconds}\n".encode())
        sent, watch.seconds = map(float, (await self._pretended.stdout.readline()).split())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await watch.has(round(sent))
        unlisten()
        # Each scanner's own labels must come in order, and every one of them; lost ones show as too few.
        for one in (0, 1):
            mine = [number for number in watch.numbers if number % 2 == one]
            if mine != list(range(one, round(sent), 2)):
                watch.numbers.clear()
        return watch

    @contextlib.asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._work(device_id, *work)) for device_id, work in WORK.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, device_id: str, request: Request, pause_s: float) -> None:
        while True:
            try:
                await self.manager.ask(device_id, request)
            except DeviceError as refused:
                self.failed.append(str(refused))
            await asyncio.sleep(pause_s)


@contextlib.asynccontextmanager
async def store(folder: Path, *, polling: bool) -> AsyncIterator[Store]:
    """Everything online."""
    pretended = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.bench_devices",
        str(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert pretended.stdin is not None
    assert pretended.stdout is not None
    urls = json.loads(await pretended.stdout.readline()) | {"drawer-1": "via://printer-1"}
    manager = Manager()
    for device_id, (name, options) in DEVICES.items():
        driver = drivers.load(name)
        if driver.prepare is not None:
            driver.prepare()
        manager.add(device_id, driver, urls[device_id], options if polling else {})
    running = asyncio.create_task(manager.run())
    try:
        async with asyncio.timeout(20):
            for session in manager.sessions.values():
                await session.connected()
        yield Store(manager, pretended)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        pretended.stdin.close()
        await pretended.wait()


async def measured(folder: Path) -> tuple[list[Watch], int]:
    """(what was seen in each run at the limit's rate, the highest rate that was kept up)"""
    async with store(folder, polling=True) as shop, shop.busy():
        await shop.scans(SCANS_PER_S, 2.0)  # everything was imported and allocated once
        watched = [await shop.scans(SCANS_PER_S, MEASURED_S) for _ in range(RUNS)]
        kept_up, rate = 0, SCANS_PER_S
        while rate <= MOST_TRIED:
            tried = await shop.scans(rate, STEP_S)
            late = tried.seconds > STEP_S * 1.05  # the pretended scanners themselves were too slow
            if late or not tried.numbers or p99(tried.waits_ms) > QUEUE_MS:
                break
            kept_up, rate = rate, rate * 2
        if shop.failed:
            raise RuntimeError(f"{len(shop.failed)} requests failed: {shop.failed[0]}")
    return watched, kept_up


async def idle_percent(folder: Path) -> float:
    async with store(folder, polling=False):
        await asyncio.sleep(2.0)
        began, cpu_s = time.monotonic(), time.process_time()
        await asyncio.sleep(IDLE_S)
        return (time.process_time() - cpu_s) / (time.monotonic() - began) * 100


def run() -> Iterator[Result]:
    folder = Path(tempfile.mkdtemp(prefix="backroom-bench-devices-"))
    try:
        watched, kept_up = asyncio.run(measured(folder))
        if not all(watch.numbers for watch in watched):
            raise RuntimeError(f"labels were lost at {SCANS_PER_S} scans a second")
        waits = [p99(watch.waits_ms) for watch in watched]
        print("scans: p99 of each run, ms:", *(f"{wait:.2f}" for wait in waits), file=sys.stderr)
        yield cost("devices", "scan_p99_ms", "ms", median(waits), "limit", SCAN_P99_MS)
        yield Result(
            "devices", "scans_per_s", kept_up, "scans/s", "limit", SCANS_PER_S, round(kept_up / SCANS_PER_S, 2)
        )
        jitter = median(watch.jitter_percent() for watch in watched)
        yield cost("devices", "weight_poll_jitter_percent", "%", jitter, "limit", JITTER_PERCENT)
        yield cost("devices", "cpu_idle_8_percent", "%", asyncio.run(idle_percent(folder)), "limit", CPU_PERCENT)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(pretend(Path(sys.argv[1])))
