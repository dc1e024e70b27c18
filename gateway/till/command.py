"""One command of a workstation at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.errors import BackroomError
from gateway.till.lane import Notice

if TYPE_CHECKING:
    from gateway.till.workstation import Workstation


class Command:
    """Takes the lane's lock, turns a refusal into the screen's notice, tells every listener."""

    def __init__(self, workstation: Workstation, lock: asyncio.Lock) -> None:
        self._workstation = workstation
        self._lock = lock

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        self._workstation.notice = None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BackroomError):
            reason = getattr(error, "reason", "failed")
            self._workstation.notice = Notice("error", reason, str(error))
        self._workstation.change.take()  # what was to be written with a change that did not come
        self._lock.release()
        self._workstation.changed()
