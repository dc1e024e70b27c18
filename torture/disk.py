"""The store's disk fails: full, limited, read-only, refusing to sync. Nothing acknowledged is lost, nobody is told 2xx
for what is not on disk, the error says what is wrong, and it recovers by itself.

full      a small tmpfs is filled to the last byte (needs the right to mount; where that is refused it is said so)
fsize     RLIMIT_FSIZE of the running process is lowered: its files cannot grow
others    strace makes the running process's system calls fail: fdatasync with EIO, pwrite64 with EIO, ENOSPC and EROFS
          (a file system that went read-only), all of them for a while; sync failures also followed by kill -9
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import BackroomError
from torture.campaign import Result, Setting, result, settle
from torture.driver import Driver
from torture.house import Box
from torture.program import Broken, Program, until

TMPFS_MIB = 40
ROUNDS, ROUNDS_SHORT = 10, 1
RECOVERS_WITHIN_S = 30.0
#: how long every sync fails while nothing may be answered 2xx
BROKEN_S = 0.7


@dataclass(frozen=True, slots=True)
class Call:
    """System calls of the running process that fail, all alike, while strace is attached."""

    name: str
    calls: str
    error: str
    then_kill: bool = False


INJECTED = (
    Call("eio_sync", "fdatasync,fsync", "EIO"),
    Call("eio_sync_then_kill", "fdatasync,fsync", "EIO", then_kill=True),
    Call("eio_write", "pwrite64", "EIO"),
    Call("enospc_write", "pwrite64", "ENOSPC"),
    Call("read_only", "pwrite64,ftruncate,fdatasync,fsync", "EROFS"),
)


async def run(setting: Setting) -> Result:
    words: dict[str, str] = {}
    problems: list[str] = []
    with _small_disk(setting.folder / "small") as data:
        async with setting.house() as house:
            box = house.add(data=data or setting.folder / "data")
            box.start()
            await box.until_online()
            driver = Driver(box.api.base, setting.random)
            async with driver:
                await driver.until_kept(30)
                for _ in range(ROUNDS_SHORT if setting.short else ROUNDS):
                    if data is None:
                        words["full"] = "mounting was refused: left out; RLIMIT_FSIZE stands for it"
                    else:
                        words["full"] = await _full(box, driver, data, problems)
                    words["fsize"] = await _fsize(box, driver, problems)
                    for call in INJECTED:
                        words[call.name] = await _injected(setting, box, driver, call, problems)
            verdict, drained_s = await settle(house, [box], driver)
            verdict.problems += problems
            faults = len(words) * (ROUNDS_SHORT if setting.short else ROUNDS)
            answers = dict(driver.book.answers)
            return result(setting, verdict, faults, answers=answers, words=words, drained_s=drained_s)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """The data folder on a file system of its own, of a few MiB; None where this machine does not let us mount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MIB}m", "torture", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        yield None
        return
    try:
        yield folder / "data"
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


# --- what the till says ---------------------------------------------------------------------------------------------


async def _until_refused(driver: Driver, before: int, within_s: float = 20) -> None:
    async def refused() -> bool:
        return _failures(driver) >= before + 3

    await until("sales are refused", refused, within_s)


def _failures(driver: Driver) -> int:
    return driver.book.answers["503"] + driver.book.answers["507"]


def _wanted(driver: Driver, what: str, problems: list[str]) -> str:
    """The words of the refusal; an answer that explains nothing is a problem."""
    said = [driver.book.first_words.pop(kind) for kind in ("507", "503") if kind in driver.book.first_words]
    for kind in ("500", "501", "502"):
        if kind in driver.book.first_words:
            problems.append(f"{what}: answered {kind}: {driver.book.first_words.pop(kind)}")
    if not said or "detail" not in said[0]:
        problems.append(f"{what}: the refusal does not say why: {said}")
    return said[0][:240] if said else ""


async def _recovers(box: Box, driver: Driver, what: str) -> None:
    """By itself: the same process sells again."""
    if not box.program.running():
        raise Broken(f"{what}: the gateway ended: {box.program.tail()}")
    await driver.until_kept(15, RECOVERS_WITHIN_S)


# --- full -----------------------------------------------------------------------------------------------------------


async def _full(box: Box, driver: Driver, data: Path, problems: list[str]) -> str:
    """Fill it to the last byte, again whenever the box makes room; then a restart on the full disk; then space."""
    filler = data.parent / "filler"
    failed = _failures(driver)
    driver.book.first_words.clear()
    with _filling(filler):
        await _until_refused(driver, failed)
        await asyncio.to_thread(_fill, filler)
        said = _wanted(driver, "full", problems)
        await until("the status tells of the disk", lambda: _disk_trouble(box), 20, [box.program])
        page = await box.api.text("/till/1")
        if "Disk" not in page:
            problems.append("full: the till page does not say so")
        box.program.kill()
        box.start()
        try:
            await box.until_answers()
        except Broken as error:
            problems.append(f"full: it does not start on a full disk: {str(error)[-600:]}")
            box.program.kill()
            filler.unlink(missing_ok=True)
            box.start()
            await box.until_answers()
    await _recovers(box, driver, "full")
    return said


async def _disk_trouble(box: Box) -> bool:
    try:
        return bool((await box.api.get("/v1/status")).get("disk_trouble"))
    except BackroomError:
        return False


@contextmanager
def _filling(filler: Path) -> Iterator[None]:
    """While this lasts, room that the box makes for itself is taken too."""
    loop = asyncio.get_running_loop()

    async def again() -> None:
        while True:
            await loop.run_in_executor(None, _fill, filler)
            await asyncio.sleep(0.2)

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()
        filler.unlink(missing_ok=True)


def _fill(filler: Path) -> None:
    with filler.open("ab", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while True:
                    if file.write(b"x" * size) < size:
                        break
            except OSError:
                continue


# --- limits and failing calls ---------------------------------------------------------------------------------------


async def _fsize(box: Box, driver: Driver, problems: list[str]) -> str:
    """Its files may not grow past where the write-ahead log stands now."""
    failed = _failures(driver)
    driver.book.first_words.clear()
    wal = box.money.with_name(box.money.name + "-wal")
    now = resource.prlimit(box.program.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(box.program.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size + 4096, now[1]))
    try:
        await _until_refused(driver, failed)
    finally:
        resource.prlimit(box.program.pid, resource.RLIMIT_FSIZE, now)
    await _recovers(box, driver, "fsize")
    return _wanted(driver, "fsize", problems)


async def _injected(setting: Setting, box: Box, driver: Driver, call: Call, problems: list[str]) -> str:
    """While every such call fails, no new sale may be answered 2xx."""
    failed = _failures(driver)
    driver.book.first_words.clear()
    async with _strace(box, call, setting.folder):
        await _until_refused(driver, failed)
        kept = driver.book.answers["201"]
        await asyncio.sleep(BROKEN_S)
        more = driver.book.answers["201"] - kept
        if more:
            problems.append(f"{call.name}: {more} sales were answered 201 while every {call.calls} failed")
        if call.then_kill:
            box.program.kill()
    if call.then_kill:
        box.start()
        await box.until_answers()
    await _recovers(box, driver, call.name)
    return _wanted(driver, call.name, problems)


@asynccontextmanager
async def _strace(box: Box, call: Call, folder: Path) -> AsyncIterator[None]:
    if shutil.which("strace") is None:
        raise Broken("strace is not installed: apt-get install strace")
    inject = ["-e", f"trace={call.calls}", "-e", f"inject={call.calls}:error={call.error}"]
    command = ["strace", "-f", "-q", "-p", str(box.program.pid), "-o", os.devnull, *inject]
    tracer = Program(f"strace-{call.name}", command, folder)
    tracer.start()
    try:
        yield
    finally:
        await tracer.stop()
