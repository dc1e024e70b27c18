"""When a feed's new version is in force, what headquarters had booked before stands in its figures already."""

from __future__ import annotations

import asyncio
import logging

from gateway.errors import QueueError
from gateway.queue.outbox import Outbox
from gateway.till.uses import Kind, Uses
from retail.wire.rows import MEMBERS, VOUCHERS

log = logging.getLogger(__name__)

#: feed -> what its figures are of
FIGURES: dict[str, Kind] = {MEMBERS: "points", VOUCHERS: "voucher"}


class Included:
    """wake() when a feed has a new version; run() for ever."""

    def __init__(self, uses: Uses, outbox: Outbox) -> None:
        self._uses, self._outbox = uses, outbox
        self._came: asyncio.Queue[Kind] = asyncio.Queue()

    def wake(self, feed: str) -> None:
        if feed in FIGURES:
            self._came.put_nowait(FIGURES[feed])

    async def run(self) -> None:
        while True:
            kind = await self._came.get()
            try:
                await self._uses.feed_came(kind, self._is_acked)
            except QueueError as error:
                # Then this box goes on counting what headquarters counts too: less is there than there is, until later.
                log.warning("what headquarters has booked of %s is not noted: %s", kind, error)

    def _is_acked(self, key: str) -> bool:
        record = self._outbox.state_of(key)
        return record is None or record["state"] == "acked"
