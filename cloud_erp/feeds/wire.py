"""Feeds on the wire: every registered gateway has each feed's retained head; pulls are answered in pages.

The version is read from the database again and again, so an import by another process is announced within a second.
What was announced to whom is remembered only to spare the broker; after a reconnect all is announced again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from pydantic import ValidationError

from cloud_erp.db import Database
from cloud_erp.feeds import service
from cloud_erp.fleet import registry
from retail.wire.feed import FeedPull
from retail.wire.payload import PayloadError, pack, unpack
from retail.wire.rows import ROWS
from retail.wire.topics import GatewayTopics, gateway_of

log = logging.getLogger(__name__)

FILTERS = [(f"$share/intake/{GatewayTopics('+').feed_pull('+')}", 1)]


class Feeds:
    def __init__(self, database: Database, publish: Callable[[str, bytes, bool], bool]) -> None:
        self._database = database
        self._publish = publish
        #: feed -> gateway -> the version that it was told of
        self._announced: dict[str, dict[str, int]] = {}

    def forget(self) -> None:
        """The broker may have lost what it kept: announce to all again."""
        self._announced = {}

    def announce(self) -> None:
        """Publish each head to every gateway that was not told of that version. One never filled is not announced."""
        announced = self._announced
        with self._database.read() as connection:
            heads = service.heads(connection)
            gateways = [one.id for one in registry.listed(connection)]
        for name, head in heads.items():
            told = announced.setdefault(name, {})
            behind = [gateway_id for gateway_id in gateways if told.get(gateway_id) != head.version]
            for gateway_id in behind:
                if not self._publish(GatewayTopics(gateway_id).feed_head(name), pack(head), True):
                    return
                told[gateway_id] = head.version
            if behind:
                log.info("feed announced: %s version %d to %d gateway(s)", name, head.version, len(behind))

    def handle(self, topic: str, payload: bytes) -> None:
        """Answer a pull; one that cannot be read, or comes from nobody we know, gets no answer."""
        try:
            gateway_id = gateway_of(topic)
            pull = FeedPull.model_validate(json.loads(unpack(payload)))
        except (ValidationError, PayloadError, ValueError, RecursionError) as error:
            log.warning("feed pull unreadable: %s: %s", topic, " ".join(str(error).split())[:200])
            return
        name = next((name for name in ROWS if topic == GatewayTopics(gateway_id).feed_pull(name)), None)
        if name is None:
            log.warning("feed unknown: %s", topic)
            return
        with self._database.read() as connection:
            if registry.find(connection, gateway_id) is None:
                return
            pages = service.pages(connection, name, pull)
        answer = GatewayTopics(gateway_id).feed_page(name)
        for page in pages:
            self._publish(answer, pack(page), False)
        log.info("feed sent: %s to %s from version %d to %d", name, gateway_id, pages[0].from_version, pages[0].version)
