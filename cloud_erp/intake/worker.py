"""Threads that take messages from the link one by one. None keeps anything that the database does not know."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from cloud_erp.db import Database, now_utc
from cloud_erp.errors import UnreadableBatch
from cloud_erp.intake import service
from cloud_erp.intake.link import Message
from cloud_erp.journal import partitions
from retail.wire.ack import Ack
from retail.wire.payload import pack
from retail.wire.topics import GatewayTopics, gateway_of

log = logging.getLogger(__name__)

IDLE_S = 0.3
#: how long a message waits for a database that is away, and how often one that is there is asked again
AGAIN_FIRST_S = 0.1
AGAIN_MOST_S = 3.0
ATTEMPTS = 5

Publish = Callable[[str, bytes, bool], bool]


class Worker:
    """One thread with a queue before it; the link's flow control bounds the queue.

    While the database is away the message in hand waits, and so do all behind it: nobody is told that it was booked.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Message], None],
        database: Database,
        idle: Callable[[], None] | None = None,
    ) -> None:
        self._handle = handle
        self._database = database
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
            try:
                message = self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                pass
            else:
                if message is None:
                    return
                self._guarded(partial(self._handle, message))
                message.done()
            if self._idle is not None and time.monotonic() >= idle_at:
                idle_at = time.monotonic() + IDLE_S
                self._guarded(self._idle)

    def _guarded(self, action: Callable[[], None]) -> None:
        """Do it; again and again while the database is away, a few times where the database gave way to another."""
        attempts, pause = 0, AGAIN_FIRST_S
        while not self._stopping.is_set():
            try:
                action()
            except Exception as error:  # noqa: BLE001  one message must not end the intake of all others
                self._complain(error)
                if not isinstance(error, (OperationalError, InterfaceError)):
                    return
                attempts += self._database_answers()
                if attempts >= ATTEMPTS:
                    return
            else:
                if self._complaint is not None:
                    log.info("%s: goes on", self._thread.name)
                self._complaint = None
                return
            self._stopping.wait(pause)
            pause = min(AGAIN_MOST_S, pause * 2)

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
    """Books each batch in one transaction, and only then acknowledges it to its store."""

    def __init__(self, database: Database, publish: Publish) -> None:
        self._database = database
        self._publish = publish
        self._month: datetime | None = None

    def handle(self, message: Message) -> None:
        try:
            gateway_id = gateway_of(message.topic)
        except ValueError:
            return
        self._make_months()
        ack = self._book(gateway_id, message.payload)
        if ack is not None:
            self._publish(GatewayTopics(gateway_id).ack, pack(ack), True)

    def _make_months(self) -> None:
        """Once a month, and at the start, see that the journal has tables for the months to come."""
        now = now_utc()
        if self._month != partitions.month_of(now):
            with self._database.write() as connection:
                partitions.ensure(connection, now)
            self._month = partitions.month_of(now)

    def _book(self, gateway_id: str, payload: bytes) -> Ack | None:
        try:
            with self._database.write() as connection:
                return service.book(connection, gateway_id, payload)
        except UnreadableBatch as error:
            with self._database.write() as connection:
                service.note_unreadable(connection, gateway_id, str(error))
            return None
