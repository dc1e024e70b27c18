"""One SQLite file for money: WAL, synchronous=FULL, one writer thread with group commit.

A unit of work is a function of the connection. Producers that arrive while a commit runs share the next one, and so its
fsync. Each work item has a savepoint of its own: one that raises takes back only itself, and its producer alone sees
the error. A commit that fails takes back all it held, and every producer hears of it: nobody is told "on disk" by a
transaction that is not.

Brief work that the event loop brings is done in the event loop, as one group a turn, while the disk is so quick that
to wake the writer and be woken by it takes longer. On an SD card it never is.

Source: https://www.sqlite.org/wal.html (durability: FULL syncs the WAL at each commit; checkpoints sync the rest).
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import QueueDamaged, QueueError, QueueFull
from gateway.queue.disk import must_be_writable

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

GROUP = 128  # producers that share one fsync at the most
PAGE = 4096
#: pages that the WAL has room for from the start; above it a checkpoint is due even if the writer never rests
WAL_PAGES_MOST = 2048
LOOK_AT_WAL_EVERY = 64  # commits between two looks at its size
CHUNK = 64 * 1024
#: a disk whose commits take less than this is waited for in the event loop: so long as to check one posted sale
QUICK_S = 0.0005
IN_PLACE_MOST = 16  # more than so many at once go to the writer all the same
IDLE_S = 1.0


@dataclass(slots=True)
class _Job:
    """waiter: a future of an event loop, or one that a thread waits for; None while its producer looks for itself."""

    work: Work[Any]
    waiter: asyncio.Future[Any] | Future[Any] | None = None
    result: Any = None
    failure: BaseException | None = None


class _Nudge:
    """Wakes the writer, which then looks whether a checkpoint is due."""


NUDGE = _Nudge()


class Database:
    """open() or raise; write() from the event loop, submit() from any thread; read() for short looks; close().

    schemas: SQL scripts of `CREATE ... IF NOT EXISTS`, one per owner of tables in this file.
    relief: called when the disk is full; True if it made room, and then the same work is tried once more.
    synchronous: what SQLite waits for; less than FULL loses confirmed records in a power cut, and is for tests of that.
    """

    def __init__(
        self,
        path: Path,
        schemas: Iterable[str],
        relief: Callable[[], bool] = lambda: False,
        synchronous: str = "FULL",
    ) -> None:
        self.path = path
        self._wal = path.with_name(path.name + "-wal")
        self._relief = relief
        self._synchronous = synchronous
        self._jobs: queue.SimpleQueue[_Job | _Nudge | None] = queue.SimpleQueue()
        self._accepting = True
        self._gate = threading.Lock()
        #: held by whoever uses the writing connection, and with it what follows
        self._turn = threading.Lock()
        self._commits = 0
        self._commit_s = QUICK_S
        self._dirty = self._long = False
        self._gathering: tuple[asyncio.AbstractEventLoop, list[_Job]] | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = self._connect()
            self._check(self._connection)
            for schema in schemas:
                # one commit each: a new file on a slow card would wait for as many as it has tables
                self._connection.executescript(f"BEGIN; {schema}; COMMIT")
            self._lay_out_wal()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise QueueDamaged(f"{path}: damaged ({error}); keep the file: it may hold sales") from error
            raise QueueError(f"{path}: does not open ({error}); check its folder's owner, rights and room") from error
        self._reader = self._connect()
        self._reader.execute("PRAGMA query_only=ON")
        self._reading = threading.Lock()
        # A daemon thread: a process that fails at its start must end, and what was confirmed is on disk anyway.
        self._thread = threading.Thread(target=self._write_forever, name=f"writer-{path.name}", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-2048")
        # Checkpoints sync the database file too; they are run between commits, so that a put costs one fdatasync.
        connection.execute("PRAGMA wal_autocheckpoint=0")
        return connection

    def _lay_out_wal(self) -> None:
        """Fill the WAL with zeros to its usual length, where there is plenty of room.

        A commit that makes a file longer waits for the file's inode as well as for its data, which doubles the wait.
        To SQLite a WAL ends at the first frame whose salt and checksum do not fit, so it never sees the zeros.
        """
        try:
            with self._wal.open("r+b", buffering=0) as file:
                length, wanted = os.fstat(file.fileno()).st_size, WAL_PAGES_MOST * PAGE
                if length < wanted and shutil.disk_usage(self.path.parent).free > 8 * wanted:
                    for start in range(length, wanted, CHUNK):
                        os.pwrite(file.fileno(), bytes(min(CHUNK, wanted - start)), start)
                    os.fsync(file.fileno())
        except OSError as error:
            log.info("%s: its commits will take longer at first: %s", self.path.name, error)

    def _check(self, connection: sqlite3.Connection) -> None:
        verdict = connection.execute("PRAGMA quick_check(5)").fetchall()
        if [row[0] for row in verdict] != ["ok"]:
            faults = "; ".join(str(row[0]) for row in verdict)
            raise QueueDamaged(
                f"{self.path}: damaged ({faults}); keep the file: it may hold sales not yet at headquarters"
            )

    # --- writing ----------------------------------------------------------------------------------------------------

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue work from a thread; the future ends after the commit that holds it, never before."""
        waiter: Future[T] = Future()
        self._enqueue(_Job(work, waiter))
        return waiter

    async def write(self, work: Work[T], brief: bool = False) -> T:
        """Queue work and wait for its commit. A caller that is cancelled does not undo work that was queued.

        brief: it touches a few rows only, so it may be done in the event loop.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work)
        if brief and self._commit_s < QUICK_S:
            gathered = self._gather(loop, job)
            try:
                await asyncio.sleep(0)
            finally:
                # The first of them to come back hands them in for all, even if it was cancelled meanwhile.
                if gathered:
                    self._hand_in(loop, gathered)
        else:
            job.waiter = loop.create_future()
            self._enqueue(job)
        if isinstance(job.waiter, asyncio.Future):
            await job.waiter
        if job.failure is not None:
            raise job.failure
        result: T = job.result
        return result

    def _enqueue(self, job: _Job) -> None:
        with self._gate:
            if not self._accepting:
                raise QueueError(f"{self.path.name} is closed: the daemon is stopping")
            self._jobs.put(job)

    def _gather(self, loop: asyncio.AbstractEventLoop, job: _Job) -> list[_Job]:
        """Put it with what else comes until the event loop's next turn, to share one commit."""
        gathering = self._gathering
        if gathering is None or gathering[0] is not loop or not gathering[1]:
            self._gathering = gathering = (loop, [])
        gathering[1].append(job)
        return gathering[1]

    def _hand_in(self, loop: asyncio.AbstractEventLoop, gathered: list[_Job]) -> None:
        """Commit these here and now; or have the writer do it, when it is at work or they are many."""
        jobs = gathered.copy()
        gathered.clear()
        if len(jobs) <= IN_PLACE_MOST and self._jobs.empty() and self._turn.acquire(blocking=False):
            try:
                if self._accepting:
                    self._commit(jobs, _no_more)
                    return
            finally:
                self._turn.release()
        for job in jobs:
            job.waiter = loop.create_future()
            try:
                self._enqueue(job)
            except QueueError as error:
                job.waiter.set_exception(error)

    def _write_forever(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S if self._dirty else None)
            except queue.Empty:
                self._checkpoint()
                continue
            if job is None:
                return
            if isinstance(job, _Job) and self._commit_group(job):
                return
            if self._long:
                self._checkpoint()

    def _commit_group(self, first: _Job) -> bool:
        """Run first and all that waits behind it in one transaction; True if the end was called in between."""
        taken = [first]
        with self._turn:
            ending = self._commit(taken, self._waiting)
        _tell(taken)
        return ending

    def _commit(self, taken: list[_Job], more: Callable[[list[_Job]], bool]) -> bool:
        """One group, tried again where there was no room and some was made; in the hands of who has the turn."""
        ending = self._try(taken, more)
        refused = [job for job in taken if job.failure is not None and _is_full(job.failure)]
        if refused and self._relief():
            self._try(refused, _no_more)
        self._commits += 1
        nudge = not self._dirty
        self._dirty = True
        if self._commits % LOOK_AT_WAL_EVERY == 0 and self._wal_is_long():
            nudge = self._long = True
        if nudge:
            self._jobs.put(NUDGE)
        return ending

    def _try(self, taken: list[_Job], more: Callable[[list[_Job]], bool]) -> bool:
        """One transaction over all that is taken; `more` takes what else waits, and says whether the end was called."""
        ending = False
        for job in taken:
            job.failure = None
        try:
            must_be_writable(self.path.parent)
            self._connection.execute("BEGIN IMMEDIATE")
            self._run_alone(taken[0])
            for job in taken[1:]:
                self._run(job)
            ending = more(taken)
            began = time.monotonic()
            self._connection.execute("COMMIT")
            must_be_writable(self.path.parent)  # and was, so that the sync was one
            self._commit_s += (time.monotonic() - began - self._commit_s) / 8
        except (sqlite3.Error, QueueError) as error:
            self._roll_back()
            failure = self._told(error)
            if not isinstance(failure, QueueError):
                failure = QueueError(f"{self.path.name}: not written: {error}")
            for job in taken:
                job.failure = failure
        return ending

    def _waiting(self, taken: list[_Job]) -> bool:
        """Run what arrived meanwhile, too; True if the end was called among it."""
        while len(taken) < GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return False
            if job is None:
                return True
            if isinstance(job, _Job):
                taken.append(job)
                self._run(job)
        return False

    def _run_alone(self, job: _Job) -> None:
        """The first of a group needs no savepoint: when it fails, the transaction holds nothing else yet."""
        try:
            job.result = job.work(self._connection)
        except Exception as error:  # noqa: BLE001  the producer gets it; one job must not take the others down
            job.failure = self._told(error)
            self._roll_back()
            self._connection.execute("BEGIN IMMEDIATE")

    def _run(self, job: _Job) -> None:
        self._connection.execute("SAVEPOINT work")
        try:
            job.result = job.work(self._connection)
        except Exception as error:
            job.failure = self._told(error)
            if not self._connection.in_transaction:
                # A full or failing disk made SQLite take back the whole transaction, not only this savepoint.
                raise
            self._connection.execute("ROLLBACK TO work")
        self._connection.execute("RELEASE work")

    def _told(self, error: Exception) -> Exception:
        """What a producer hears: a disk that is full or failing in our words, its own mistakes as they are."""
        if not isinstance(error, sqlite3.OperationalError):
            return error
        return (QueueFull if _is_full(error) else QueueError)(f"{self.path.name}: not written: {error}")

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                log.error("%s: rollback failed: %s", self.path.name, error)

    def _wal_is_long(self) -> bool:
        try:
            return self._wal.stat().st_size > WAL_PAGES_MOST * PAGE
        except OSError:
            return False

    def _checkpoint(self) -> None:
        with self._turn:
            self._dirty = self._long = False
            try:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error as error:
                log.warning("%s: checkpoint put off: %s", self.path.name, error)

    # --- reading ----------------------------------------------------------------------------------------------------

    def read(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """All rows of one query, as of the last commit. For short queries; from any thread."""
        with self._reading:
            return self._reader.execute(sql, parameters).fetchall()

    def look(self, work: Work[T]) -> T:
        """Several queries on the reading connection; from any thread."""
        with self._reading:
            return work(self._reader)

    def close(self) -> None:
        """Finish what is queued, then close. Safe to call twice."""
        with self._gate:
            if not self._accepting:
                return
            self._accepting = False
            self._jobs.put(None)
        self._thread.join()
        with self._reading:
            self._reader.close()
        self._checkpoint()
        with self._turn:
            self._connection.close()


def _no_more(_taken: list[_Job]) -> bool:
    return False


def _is_full(failure: BaseException | None) -> bool:
    if isinstance(failure, QueueFull):
        return True
    return isinstance(failure, sqlite3.OperationalError) and failure.sqlite_errorcode == sqlite3.SQLITE_FULL


def _tell(jobs: list[_Job]) -> None:
    """Hand each producer its outcome; those of one event loop are woken together."""
    in_loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if isinstance(job.waiter, asyncio.Future):
            in_loops.setdefault(job.waiter.get_loop(), []).append(job)
        else:
            _settle(job)
    for loop, those in in_loops.items():
        try:
            loop.call_soon_threadsafe(_settle_all, those)
        except RuntimeError:
            log.warning("%d commits had nobody left to be told: the event loop has ended", len(those))


def _settle_all(jobs: list[_Job]) -> None:
    for job in jobs:
        _settle(job)


def _settle(job: _Job) -> None:
    if job.waiter is None or job.waiter.done():
        return  # its producer was cancelled; what it queued is on disk all the same
    if job.failure is not None:
        job.waiter.set_exception(job.failure)
    else:
        job.waiter.set_result(job.result)
