"""Everything between this box and headquarters: the link, what goes up, what comes down, and what the fleet is told."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from random import SystemRandom
from typing import Any

from gateway.clock import Clock, rfc3339
from gateway.config import Config
from gateway.fleet.report import Report
from gateway.mqtt.downlink import Downlink
from gateway.mqtt.link import Link, LinkSettings, Publication, TlsFiles
from gateway.mqtt.presence import Presence
from gateway.mqtt.uplink import Uplink
from gateway.queue.inbox import Inbox
from gateway.queue.outbox import Outbox
from retail.wire.rows import ROWS
from retail.wire.topics import HQ_STATE, GatewayTopics


class Headquarters:
    """report: what this box says of itself, given how often the link came back. changed: the line or the log moved.

    feed_changed: a new version of this feed is in force.
    """

    def __init__(
        self,
        config: Config,
        password: str | None,
        outbox: Outbox,
        inbox: Inbox,
        clock: Clock,
        report: Callable[[Callable[[], int]], Report],
        changed: Callable[[], None],
        feed_changed: Callable[[str], None],
    ) -> None:
        self._outbox, self._changed, self._tell_feed = outbox, changed, feed_changed
        random = SystemRandom()
        topics = GatewayTopics(config.gateway.id)
        self.link = Link(_settings(config, password), self._next_session, self._will, random)
        publish = self.link.publish
        self.report = said = report(lambda: self.link.reconnects)
        self._presence = Presence(topics, publish, said.state, said.birth, said.metrics, said.devices)
        self._uplink = Uplink(outbox, topics.log, publish, clock.monotonic, random)
        self._downlink = Downlink(
            inbox, topics, tuple(ROWS), publish, lambda: rfc3339(clock.wall()), random, self._feed_changed
        )
        self.link.subscribe(topics.ack, self._uplink.on_ack)
        self.link.subscribe(HQ_STATE, self._uplink.on_hq, only_news=True)
        self.link.subscribe(topics.feed_head("+"), self._downlink.on_head)
        self.link.subscribe(topics.feed_page("+"), self._downlink.on_page)
        self.link.on_up(self._link_up)
        self.link.on_down(self._link_down)
        outbox.listen(self.moved)

    def moved(self) -> None:
        """Something that the fleet is told of has changed."""
        self._presence.moved()
        self._changed()

    def runnables(self) -> list[Coroutine[Any, Any, None]]:
        return [self.link.run(), self._uplink.run(), self._downlink.run(), self._presence.run()]

    async def goodbye(self) -> None:
        await self._presence.stopping()

    # --- joints -----------------------------------------------------------------------------------------------------

    async def _next_session(self) -> int:
        session = int(self._outbox.recall("session") or "0") + 1
        await self._outbox.remember("session", str(session))
        return session

    def _will(self, session: int) -> Publication:
        return self._presence.will(session)

    def _feed_changed(self, feed: str) -> None:
        self._tell_feed(feed)
        self.moved()

    async def _link_up(self, session: int) -> None:
        self._uplink.link_up()
        self._downlink.link_up()
        self._changed()
        await self._presence.link_up(session)

    def _link_down(self) -> None:
        self._uplink.link_down()
        self._presence.link_down()
        self._changed()


def _settings(config: Config, password: str | None) -> LinkSettings:
    tls = config.mqtt.tls
    files = TlsFiles(str(tls.ca_file), _text(tls.cert_file), _text(tls.key_file)) if tls else None
    return LinkSettings(
        host=config.mqtt.host,
        port=config.mqtt.port,
        client_id=config.gateway.id,
        username=config.broker_user(),
        password=password,
        tls=files,
        keepalive_s=config.mqtt.keepalive_s,
        reconnect_most_s=config.mqtt.reconnect_most_s,
    )


def _text(path: object) -> str | None:
    return None if path is None else str(path)
