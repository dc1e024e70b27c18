"""Fleet messages from the wire: state, birth, metrics, devices and events, each in one small transaction."""

from __future__ import annotations

import json
import logging
from typing import TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection

from cloud_erp.db import Database, now_utc
from cloud_erp.fleet import alarms, registry, service
from cloud_erp.fleet.service import Heard
from retail.sale import Shape
from retail.wire.payload import PayloadError, unpack
from retail.wire.presence import Birth, DeviceState, GatewayEvent, Metrics, State
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

Kind = TypeVar("Kind", bound=Shape)


class FleetInbound:
    def __init__(self, database: Database) -> None:
        self._database = database

    def handle(self, topic: str, payload: bytes, fresh: bool) -> None:
        try:
            gateway_id = gateway_of(topic)
        except ValueError:
            return
        rest = topic.split("/")[3:]
        with self._database.write() as connection:
            if registry.find(connection, gateway_id) is None:
                _note_stranger(connection, gateway_id, payload)
                return
            heard = Heard(gateway_id, now_utc(), fresh)
            try:
                _apply(connection, heard, rest, payload)
            except (ValidationError, PayloadError, ValueError, RecursionError) as error:
                text = f"{'/'.join(rest)}: cannot be read: {' '.join(str(error).split())[:200]}"
                alarms.raise_alarm(
                    connection, gateway_id, "unreadable_message", text, subject="/".join(rest), severity="warning"
                )


def _apply(connection: Connection, heard: Heard, rest: list[str], payload: bytes) -> None:
    if not payload:
        if len(rest) == 3 and rest[0] == "dev":
            service.on_device_gone(connection, heard, rest[1], rest[2])
        return
    match rest:
        case ["state"]:
            service.on_state(connection, heard, _read(State, payload))
        case ["birth"]:
            service.on_birth(connection, heard, _read(Birth, payload))
        case ["up", "metrics"]:
            service.on_metrics(connection, heard, _read(Metrics, payload))
        case ["dev", _, _]:
            service.on_device(connection, heard, _read(DeviceState, payload))
        case ["up", "event", severity]:
            service.on_event(connection, heard, severity, _read(GatewayEvent, payload))
        case _:
            log.debug("unexpected topic from %s: %s", heard.gateway, "/".join(rest))


def _note_stranger(connection: Connection, gateway_id: str, payload: bytes) -> None:
    if payload:
        text = f"sends, but is not registered: backroom-core gateway add {gateway_id} --store STORE --name NAME"
        alarms.raise_alarm(connection, gateway_id[:64], alarms.UNREGISTERED, text)


def _read(kind: type[Kind], payload: bytes) -> Kind:
    return kind.model_validate(json.loads(unpack(payload)))
