"""What the box answers over HTTP: every operation and page, given the parts that they speak for."""

from __future__ import annotations

from typing import Any

from gateway.api import (
    basket_guards,
    basket_offers,
    baskets,
    devices,
    items,
    labels,
    operators,
    pages,
    pairing,
    payments,
    receipts,
    sessions,
    status,
    suspended,
    transactions,
)
from gateway.api.applications import Applications
from gateway.api.events import Stopping
from gateway.api.scopes import Tokens
from gateway.api.security import Guard
from gateway.api.server import application
from gateway.app.counter import Counter
from gateway.clock import Clock
from gateway.config import Config
from gateway.devices.manager import Manager
from gateway.queue.outbox import Outbox
from gateway.till.paper.shelf_label_template import templates
from gateway.till.people.signing import People


class Served:
    def __init__(
        self,
        config: Config,
        counter: Counter,
        manager: Manager,
        people: People,
        applications: Applications,
        stopping: Stopping,
    ) -> None:
        self._config, self._counter, self._manager, self._people = config, counter, manager, people
        self._applications, self._stopping = applications, stopping

    def application(
        self, store_status: status.StoreStatus, outbox: Outbox, clock: Clock, tokens: Tokens, software: str
    ) -> Guard:
        operations = self._operations(store_status, outbox, clock)
        return application(operations, self._pages(store_status), self._hosts(), tokens, software)

    def _operations(self, store_status: status.StoreStatus, outbox: Outbox, clock: Clock) -> list[Any]:
        counter, store = self._counter, self._counter.store
        return [
            *status.operations(store_status),
            *baskets.operations(counter.workstations, self._stopping),
            *operators.operations(counter.workstations, self._people),
            *sessions.operations(counter.workstations),
            *basket_guards.operations(counter.workstations, self._stopping),
            *suspended.operations(counter.workstations),
            *basket_offers.operations(counter.workstations),
            *items.operations(counter.articles, counter.workstations),
            *transactions.operations(counter.posting, outbox),
            *receipts.operations(counter.receipts, counter.workstations, counter.article, store.locale),
            *payments.operations(counter.payments, self._config.gateway.currency),
            *pairing.operations(self._applications),
            *devices.operations(self._manager.sessions, self._stopping),
            *labels.operations(
                self._manager.sessions,
                counter.article,
                templates(self._config.gateway.shelf_labels),
                self._config.gateway.locale,
                clock.local,
            ),
        ]

    def _pages(self, store_status: status.StoreStatus) -> list[Any]:
        return pages.routes(
            self._counter.workstations,
            self._manager.sessions,
            store_status,
            self._counter.articles,
            self._applications,
            self._stopping,
            self._config.gateway.locale,
        )

    def _hosts(self) -> frozenset[str]:
        """The names a browser may use for this box."""
        loopback = {"127.0.0.1", "localhost", "::1"}
        if not self._config.api.guarded:
            return frozenset(loopback)
        return frozenset(loopback | {self._config.api.host} | set(self._config.api.names))
