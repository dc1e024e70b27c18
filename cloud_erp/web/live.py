"""Live pages: one look at the database for all open tabs, and server-sent events that say only "changed".

The page then fetches its own fragment again, so one template serves the first view and every later one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from cloud_erp.db import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.25
HEARTBEAT_S = 15.0

Mark = Callable[[Connection], str]


class Pulse:
    """Watches change marks (words that differ whenever a topic's pages may differ) while anybody listens.

    It looks at the database, not at this process's own doings, so that another process's bookings show as well.
    """

    def __init__(self, database: Database, marks: dict[str, Mark]) -> None:
        self._database = database
        self._watched = marks
        self._marks: dict[str, str] = {}
        self._listeners = 0
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._complained = False

    @property
    def topics(self) -> set[str]:
        return set(self._watched)

    def stop(self) -> None:
        """End every stream, from the event loop's thread."""
        self._stopping.set()
        self._changed.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            if self._listeners:
                await self._look()
            try:
                await asyncio.wait_for(self._stopping.wait(), LOOK_EVERY_S)
            except TimeoutError:
                pass

    async def follow(self, topic: str) -> AsyncIterator[str]:
        """The topic's mark now, and each time it differs; an empty word from time to time; ends when the core stops."""
        self._listeners += 1
        try:
            await self._look()
            last = ""
            while not self._stopping.is_set():
                changed = self._changed
                mark = self._marks.get(topic, "")
                if mark != last:
                    last = mark
                    yield mark
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield ""
        finally:
            self._listeners -= 1

    async def _look(self) -> None:
        try:
            marks = await run_in_threadpool(self._read)
            self._complained = False
        except Exception:  # a database that is away for a moment must not end all open pages
            if not self._complained:
                log.exception("live pages: the database cannot be read; trying again")
            self._complained = True
            return
        if marks != self._marks:
            self._marks = marks
            self._changed.set()
            if not self._stopping.is_set():
                self._changed = asyncio.Event()

    def _read(self) -> dict[str, str]:
        with self._database.read() as connection:
            return {topic: mark(connection) for topic, mark in self._watched.items()}


def event_stream(pulse: Pulse, topic: str) -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        yield "retry: 1000\n\n"
        async for mark in pulse.follow(topic):
            yield f"event: change\ndata: {mark}\n\n" if mark else ": still here\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)
