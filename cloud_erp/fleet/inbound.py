"""Fleet messages from the wire: state, birth, metrics, devices and events, each in one small transaction."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection

from cloud_erp.db import Database, now_utc
from cloud_erp.fleet import alarms, registry, service
from cloud_erp.fleet.service import Heard
from cloud_erp.intake import positions
from cloud_erp.intake.positions import Limits
from retail.sale import Shape
from retail.wire.ack import Ack
from retail.wire.payload import PayloadError, pack, unpack
from retail.wire.presence import Birth, DeviceState, GatewayEvent, LogPosition, Metrics, State
from retail.wire.topics import GatewayTopics, gateway_of

log = logging.getLogger(__name__)

_ALL = GatewayTopics("+")
#: (filter, quality of service); retained ones are not shared, since a shared subscription gets none
FILTERS = [
    (_ALL.state, 1),
    (_ALL.birth, 1),
    (_ALL.device("+", "+"), 1),
    (_ALL.metrics, 0),
    (f"$share/intake/{_ALL.event('+')}", 1),
]

LOOK_EVERY_S = 1.0

Kind = TypeVar("Kind", bound=Shape)


class FleetInbound:
    """publish: how a store is told the mark that stands, where its own position shows that it must be."""

    def __init__(
        self, database: Database, publish: Callable[[str, bytes, bool], bool], limits: Limits | None = None
    ) -> None:
        self._database = database
        self._publish = publish
        self._limits = limits or Limits()
        self._look_at = 0.0
        self._listening_since: float | None = None

    def listening(self) -> None:
        """The broker is there (again): from now on a store's silence is its own."""
        self._listening_since = time.monotonic()

    def look(self) -> None:
        """From time to time: which stores are silent, and what was written and does not come."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_EVERY_S
        with self._database.write() as connection:
            if self._listening_since is not None:
                listened_s = time.monotonic() - self._listening_since
                if listened_s > self._limits.silent_s:
                    service.silence(connection, now_utc(), self._limits.silent_s, self._limits.again_s)
            positions.overdue(connection, now_utc(), self._limits)

    def handle(self, topic: str, payload: bytes, fresh: bool) -> None:
        try:
            gateway_id = gateway_of(topic)
        except ValueError:
            return
        ack = self._take(gateway_id, topic.split("/")[3:], payload, fresh)
        if ack is not None:
            self._publish(GatewayTopics(gateway_id).ack, pack(ack), True)

    def _take(self, gateway_id: str, rest: list[str], payload: bytes, fresh: bool) -> Ack | None:
        with self._database.write() as connection:
            gateway = registry.find(connection, gateway_id)
            if gateway is None:
                _note_stranger(connection, gateway_id, payload)
                return None
            heard = Heard(gateway_id, now_utc(), fresh)
            try:
                said = _apply(connection, heard, rest, payload)
            except (ValidationError, PayloadError, ValueError, RecursionError) as error:
                text = f"{'/'.join(rest)}: cannot be read: {' '.join(str(error).split())[:200]}"
                alarms.raise_alarm(
                    connection, gateway_id, "unreadable_message", text, subject="/".join(rest), severity="warning"
                )
                return None
            if said is None:
                return None
            return positions.heard(connection, gateway, said[0], heard.at, said[1], self._limits)


def _apply(connection: Connection, heard: Heard, rest: list[str], payload: bytes) -> tuple[LogPosition, bool] | None:
    """Take the message in; where it tells of the store's log, that, and whether it is of now."""
    if not payload:
        if len(rest) == 3 and rest[0] == "dev":
            service.on_device_gone(connection, heard, rest[1], rest[2])
        return None
    match rest:
        case ["state"]:
            service.on_state(connection, heard, _read(State, payload))
        case ["birth"]:
            birth = _read(Birth, payload)
            newest = service.on_birth(connection, heard, birth)
            return birth.log, newest and heard.fresh
        case ["up", "metrics"]:
            metrics = _read(Metrics, payload)
            return (metrics.log, heard.fresh) if service.on_metrics(connection, heard, metrics) else None
        case ["dev", _, _]:
            service.on_device(connection, heard, _read(DeviceState, payload))
        case ["up", "event", severity]:
            service.on_event(connection, heard, severity, _read(GatewayEvent, payload))
        case _:
            log.debug("unexpected topic from %s: %s", heard.gateway, "/".join(rest))
    return None


def _note_stranger(connection: Connection, gateway_id: str, payload: bytes) -> None:
    if payload:
        text = f"sends, but is not registered: backroom-core gateway add {gateway_id} --store STORE --name NAME"
        alarms.raise_alarm(connection, gateway_id[:64], alarms.UNREGISTERED, text)


def _read(kind: type[Kind], payload: bytes) -> Kind:
    return kind.model_validate(json.loads(unpack(payload)))
