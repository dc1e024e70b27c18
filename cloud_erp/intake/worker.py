"""Threads that take messages from the link in order. None keeps anything that the database does not know."""

from __future__ import annotations

import gc
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from cloud_erp.db import Database, now_utc
from cloud_erp.intake.link import Message
from cloud_erp.intake.together import book_together
from cloud_erp.journal import partitions
from retail.wire.payload import pack
from retail.wire.topics import GatewayTopics, gateway_of

log = logging.getLogger(__name__)

IDLE_S = 0.3
#: how long a message waits for a database that is away, and how often one that is there is asked again
AGAIN_FIRST_S = 0.1
AGAIN_MOST_S = 3.0
ATTEMPTS = 5
#: of payloads as they came, so that unpacking them never takes much memory at once
MOST_BYTES_TOGETHER = 1024 * 1024

Publish = Callable[[str, bytes, bool], bool]


def ease_collector() -> None:
    """Once everything that lives as long as the process is there: let the garbage collector leave it alone.

    The batches in hand are a hundred thousand young objects without a cycle; at Python's own threshold they are looked
    through over and over, for nothing; that took a quarter of the time of reading them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class Worker:
    """One thread with a queue before it; the link's flow control bounds the queue.

    It handles what waits, up to `most` at once; where that fails, each message by itself, so that one that cannot be
    handled stops no other. While the database is away they wait, and so do all behind them: nobody is told that they
    were booked.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Sequence[Message]], None],
        database: Database,
        idle: Callable[[], None] | None = None,
        most: int = 1,
    ) -> None:
        self._handle = handle
        self._database = database
        self._most = most
        self._idle = idle
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._complaint: str | None = None

    def start(self) -> None:
        self._thread.start()

    def take(self, message: Message) -> None:
        self._queue.put(message)

    def stop(self) -> None:
        """End after the message in hand; what still waits was acknowledged to nobody, and comes again."""
        self._stopping.set()
        self._queue.put(None)

    def join(self, within_s: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(within_s)

    def _run(self) -> None:
        idle_at = time.monotonic()
        while not self._stopping.is_set():
            messages = self._waiting()
            if messages:
                if not self._guarded(partial(self._handle, messages)) and len(messages) > 1:
                    for message in messages:
                        self._guarded(partial(self._handle, [message]))
                for message in messages:
                    message.done()
            if self._idle is not None and time.monotonic() >= idle_at:
                idle_at = time.monotonic() + IDLE_S
                self._guarded(self._idle)

    def _waiting(self) -> list[Message]:
        """The next messages, after IDLE_S at the latest; none where there are none, or where it is time to end."""
        messages: list[Message] = []
        size = 0
        try:
            while len(messages) < self._most and size < MOST_BYTES_TOGETHER:
                message = self._queue.get(timeout=IDLE_S) if not messages else self._queue.get_nowait()
                if message is None:
                    return []
                messages.append(message)
                size += len(message.payload)
        except queue.Empty:
            pass
        return messages

    def _guarded(self, action: Callable[[], None]) -> bool:
        """Do it; again and again while the database is away, a few times where the database gave way to another.

        False: it could not be done.
        """
        attempts, pause = 0, AGAIN_FIRST_S
        while not self._stopping.is_set():
            try:
                action()
            except Exception as error:  # noqa: BLE001  one message must not end the intake of all others
                self._complain(error)
                if not isinstance(error, (OperationalError, InterfaceError)):
                    return False
                attempts += self._database_answers()
                if attempts >= ATTEMPTS:
                    return False
            else:
                if self._complaint is not None:
                    log.info("%s: goes on", self._thread.name)
                self._complaint = None
                return True
            self._stopping.wait(pause)
            pause = min(AGAIN_MOST_S, pause * 2)
        return False

    def _complain(self, error: Exception) -> None:
        complaint = f"{type(error).__name__}: {error}"
        if self._complaint is None:
            log.error("%s: a message or task failed", self._thread.name, exc_info=error)
        elif complaint != self._complaint:
            log.debug("%s: still failing: %s", self._thread.name, error)
        self._complaint = complaint

    def _database_answers(self) -> bool:
        try:
            with self._database.read() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        return True


class LogIntake:
    """Books the batches that wait in one transaction, and only then acknowledges them to their stores."""

    def __init__(self, database: Database, publish: Publish) -> None:
        self._database = database
        self._publish = publish
        self._month: datetime | None = None

    def handle(self, messages: Sequence[Message]) -> None:
        payloads = []
        for message in messages:
            try:
                payloads.append((gateway_of(message.topic), message.payload))
            except ValueError:
                continue
        self._make_months()
        for gateway_id, ack in book_together(self._database, payloads):
            self._publish(GatewayTopics(gateway_id).ack, pack(ack), True)

    def _make_months(self) -> None:
        """Once a month, and at the start, see that the journal has tables for the months to come."""
        now = now_utc()
        if self._month != partitions.month_of(now):
            with self._database.write() as connection:
                partitions.ensure(connection, now)
            self._month = partitions.month_of(now)
