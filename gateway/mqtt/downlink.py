"""The downlink: feeds of master data. A head says which version there is; the store pulls what it lacks, page by page.

A page that never comes is asked for again after a while; a version that does not add up to its hash is refused and
pulled again from 0. Until the switch the version in force stays in force.
Contract: retail/wire/feed.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from pydantic import ValidationError
from ulid import ULID

from gateway.errors import FeedRefused, QueueError
from gateway.mqtt.link import LinkDown, Publication
from gateway.queue.inbox import Inbox
from retail.wire.feed import FeedHead, FeedPage, FeedPull, FeedRow
from retail.wire.payload import PayloadError, pack, unpack
from retail.wire.topics import GatewayTopics

log = logging.getLogger(__name__)

PAGES_WITHIN_S = 20.0
AGAIN_AFTER_S = 5.0


@dataclass(slots=True)
class _Pull:
    """One request and the pages that came for it."""

    head: FeedHead
    request_id: str
    from_version: int
    pages: dict[int, list[FeedRow]] = field(default_factory=dict)
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    #: the core answers with its newest version, which may be newer than the head that made us ask
    version: int = 0


class Downlink:
    """One per gateway; `changed` is called with the feed's name after each switch."""

    def __init__(
        self,
        inbox: Inbox,
        topics: GatewayTopics,
        feeds: tuple[str, ...],
        publish: Callable[[Publication], Awaitable[int]],
        now_utc: Callable[[], str],
        random: Random,
        changed: Callable[[str], None],
    ) -> None:
        self._inbox = inbox
        self._topics = topics
        self.feeds = feeds
        self._publish = publish
        self._now_utc = now_utc
        self._random = random
        self._changed = changed
        self._heads: dict[str, FeedHead] = {}
        self._pulls: dict[str, _Pull] = {}
        self._wake = {feed: asyncio.Event() for feed in feeds}

    def on_head(self, topic: str, payload: bytes) -> None:
        feed = topic.split("/")[5]
        try:
            self._heads[feed] = FeedHead.model_validate_json(unpack(payload))
        except (ValidationError, PayloadError) as error:
            log.error("head of feed %s cannot be read and was left out: %s", feed, error, extra={"feed": feed})
            return
        self._wake[feed].set()

    def on_page(self, topic: str, payload: bytes) -> None:
        feed = topic.split("/")[5]
        pull = self._pulls.get(feed)
        try:
            page = FeedPage.model_validate_json(unpack(payload))
        except (ValidationError, PayloadError) as error:
            log.error("page of feed %s cannot be read and was left out: %s", feed, error, extra={"feed": feed})
            return
        if pull is None or page.request_id != pull.request_id or page.from_version != pull.from_version:
            return
        pull.version = page.version
        pull.pages[page.page] = page.rows
        if len(pull.pages) == page.pages:
            pull.complete.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for feed in self.feeds:
                group.create_task(self._follow(feed))

    def link_up(self) -> None:
        for wake in self._wake.values():
            wake.set()

    async def _follow(self, feed: str) -> None:
        from_zero = False
        while True:
            await self._wake[feed].wait()
            self._wake[feed].clear()
            head = self._heads.get(feed)
            have = self._inbox.version(feed)
            if head is None or (have is not None and have.version == head.version and have.sha256 == head.sha256):
                continue
            # A core restored from a backup may be behind: then nothing adds up from our version, so begin at 0.
            behind = have is not None and have.version >= head.version
            try:
                await self._pull(feed, head, 0 if have is None or from_zero or behind else have.version)
                from_zero = False
            except (FeedRefused, LinkDown, QueueError, TimeoutError) as error:
                from_zero = isinstance(error, FeedRefused)
                log.warning("feed %s stays at its version: %s", feed, error or "no pages came", extra={"feed": feed})
                await asyncio.sleep(self._random.uniform(0, AGAIN_AFTER_S))
                self._wake[feed].set()

    async def _pull(self, feed: str, head: FeedHead, from_version: int) -> None:
        pull = _Pull(head, str(ULID()), from_version)
        self._pulls[feed] = pull
        request = FeedPull(request_id=pull.request_id, from_version=from_version)
        try:
            await self._publish(Publication(self._topics.feed_pull(feed), pack(request)))
            async with asyncio.timeout(PAGES_WITHIN_S):
                await pull.complete.wait()
        finally:
            del self._pulls[feed]
        newest = self._heads[feed]
        if newest.version != pull.version:
            self._wake[feed].set()  # the head of these pages is still on its way, or has just changed
            return
        rows = [row for page in sorted(pull.pages) for row in pull.pages[page]]
        await self._inbox.apply(feed, newest, from_version, rows, self._now_utc())
        log.info("feed %s: version %d in force, %d rows", feed, newest.version, newest.rows, extra={"feed": feed})
        self._changed(feed)
