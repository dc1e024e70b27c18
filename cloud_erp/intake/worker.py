"""Threads that take messages from the link one by one. None keeps anything that the database does not know."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from cloud_erp.db import Database
from cloud_erp.errors import UnreadableBatch
from cloud_erp.intake import service
from cloud_erp.intake.link import Message
from retail.wire.ack import Ack
from retail.wire.topics import GatewayTopics, gateway_of

log = logging.getLogger(__name__)

IDLE_S = 0.3

Publish = Callable[[str, bytes, bool], bool]


class Worker:
    """One thread with a queue before it; the link's flow control bounds the queue."""

    def __init__(self, name: str, handle: Callable[[Message], None], idle: Callable[[], None] | None = None) -> None:
        self._handle = handle
        self._idle = idle
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._complaint: str | None = None

    def start(self) -> None:
        self._thread.start()

    def take(self, message: Message) -> None:
        self._queue.put(message)

    def stop(self, within_s: float) -> None:
        """End after the message in hand; what still waits was acknowledged to nobody, and comes again."""
        self._queue.put(None)
        self._thread.join(within_s)

    def _run(self) -> None:
        idle_at = time.monotonic()
        while True:
            try:
                message = self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                pass
            else:
                if message is None:
                    return
                self._guarded(lambda message=message: self._handle(message))  # type: ignore[misc]
                message.done()
            if self._idle is not None and time.monotonic() >= idle_at:
                idle_at = time.monotonic() + IDLE_S
                self._guarded(self._idle)

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # one message must not end the intake of all others
            complaint = f"{type(error).__name__}: {error}"
            if complaint != self._complaint:
                log.exception("%s: a message or task failed; going on", self._thread.name)
            self._complaint = complaint
        else:
            self._complaint = None


class LogIntake:
    """Books each batch in one transaction, and only then acknowledges it to its store."""

    def __init__(self, database: Database, publish: Publish) -> None:
        self._database = database
        self._publish = publish

    def handle(self, message: Message) -> None:
        try:
            gateway_id = gateway_of(message.topic)
        except ValueError:
            return
        ack = self._book(gateway_id, message.payload)
        if ack is not None:
            self._publish(GatewayTopics(gateway_id).ack, ack.model_dump_json().encode(), True)

    def _book(self, gateway_id: str, payload: bytes) -> Ack | None:
        try:
            with self._database.write() as connection:
                return service.book(connection, gateway_id, payload)
        except UnreadableBatch as error:
            with self._database.write() as connection:
                service.note_unreadable(connection, gateway_id, str(error))
            return None
