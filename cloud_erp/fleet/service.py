"""The live view of the fleet: what each gateway said last, by session number and never by a late will."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Row, delete, func, select, update

from cloud_erp.audit.model import audit
from cloud_erp.bulk import insert_new, upsert
from cloud_erp.db import now_utc
from cloud_erp.fleet import alarms
from cloud_erp.fleet.model import alarm, gateway, gateway_device, gateway_live
from cloud_erp.intake.model import stream
from retail.wire.presence import Birth, DeviceBrief, DeviceState, GatewayEvent, LaneBrief, Metrics, State

#: powers that mean a person should look; `unknown` says only that nobody asked the device yet
IN_TROUBLE = ("offline", "off")
SILENT = "silent"
QUIET_SEVERITIES = ("debug", "info", "notice")


@dataclass(frozen=True, slots=True)
class Heard:
    """How a message came: `fresh` is False for one the broker had kept, which proves nothing about now."""

    gateway: str
    at: datetime
    fresh: bool


class DeviceView(BaseModel):
    device_class: str
    id: str
    driver: str
    power: str
    since: datetime | None
    last_error: str | None


class LaneView(BaseModel):
    """A workstation of a store, as it said last. call: why somebody is called there."""

    workstation_id: str
    kind: str
    state: str
    since: datetime
    training: bool = False
    call: str | None = None
    call_text: str | None = None
    call_since: datetime | None = None


class GatewayView(BaseModel):
    """One row of the page Stores, and of GET /v1/fleet."""

    gateway: str
    store_id: str
    name: str
    currency: str
    state: str
    state_since: datetime | None
    session: int | None
    last_seen: datetime | None
    software: str | None
    model: str | None
    clock: str | None
    epoch: str | None
    next_seq: int | None
    devices: int
    devices_in_trouble: int
    device_list: list[DeviceView]
    lanes: list[LaneView]
    queue_depth: int | None
    oldest_unacked_age_s: float | None
    count_today: int | None
    sum_today_minor: int | None
    link_reconnects: int | None
    disk_used_percent: float | None
    memory_rss_mib: float | None
    cpu_temperature_c: float | None
    feeds: dict[str, int]
    contiguous_seq: int | None
    alarms: int


def on_state(connection: Connection, heard: Heard, state: State) -> bool:
    """Take over a state unless it belongs to an older session than the newest we know of."""
    live = _live(connection, heard.gateway)
    if state.session < live.session:
        return False
    values: dict[str, Any] = {
        "session": state.session,
        "state": state.state,
        "state_since": state.since,
        "updated_at": heard.at,
    }
    # A will is sent by the broker, so `lost` is no sign of life.
    if heard.fresh and state.state != "lost":
        values["last_seen"] = heard.at
    _set(connection, heard.gateway, values)
    return True


def on_birth(connection: Connection, heard: Heard, birth: Birth) -> bool:
    """Take over a birth that is newer; a new epoch begins its sessions anew (another card in the same box)."""
    live = _live(connection, heard.gateway)
    known = json.loads(live.birth) if live.birth else None
    new_epoch = known is not None and birth.log.epoch > known["log"]["epoch"]
    if known is not None and not new_epoch and (birth.session, birth.at) <= (live.birth_session, live.birth_at):
        return False
    values: dict[str, Any] = {
        "birth": birth.model_dump_json(),
        "birth_session": birth.session,
        "birth_at": birth.at,
        "updated_at": heard.at,
    }
    if new_epoch and birth.session < live.session:
        values |= {"session": birth.session, "state": "ready", "state_since": birth.at}
    if heard.fresh:
        values["last_seen"] = heard.at
    _set(connection, heard.gateway, values)
    _replace_devices(connection, heard.gateway, birth.devices)
    return True


def on_metrics(connection: Connection, heard: Heard, metrics: Metrics) -> bool:
    live = _live(connection, heard.gateway)
    if metrics.session < live.session:
        return False
    values = {"metrics": metrics.model_dump_json(), "metrics_at": metrics.at, "updated_at": heard.at}
    _set(connection, heard.gateway, {**values, "last_seen": heard.at})
    _replace_devices(connection, heard.gateway, metrics.devices)
    _calls(connection, heard.gateway, metrics.lanes)
    return True


def _calls(connection: Connection, gateway_id: str, lanes: Sequence[LaneBrief]) -> None:
    """An alarm for each call that stands at a workstation; it clears itself when somebody came."""
    standing = {f"{lane.workstation_id} {lane.call_since}": lane for lane in lanes if lane.call is not None}
    known = alarms.open_subjects(connection, gateway_id, alarms.HELP)
    for subject, lane in standing.items():
        text = f"till {lane.workstation_id} calls for somebody: {lane.call_text}"
        alarms.hold(connection, gateway_id, alarms.HELP, text, subject=subject, severity="warning")
    for subject in known - standing.keys():
        alarms.mended(connection, gateway_id, alarms.HELP, subject)


def on_device(connection: Connection, heard: Heard, device: DeviceState) -> None:
    upsert(connection, gateway_device, [_device_row(heard.gateway, device)], key=_DEVICE_KEY)
    _touch(connection, heard)


def on_device_gone(connection: Connection, heard: Heard, device_class: str, device_id: str) -> None:
    """The gateway cleared the retained message: it has this device no more."""
    row = gateway_device.c
    connection.execute(
        delete(gateway_device).where(
            row.gateway == heard.gateway, row.device_class == device_class, row.device_id == device_id
        )
    )
    _touch(connection, heard)


def on_event(connection: Connection, heard: Heard, severity: str, happened: GatewayEvent) -> None:
    if severity not in QUIET_SEVERITIES:
        alarms.raise_alarm(
            connection, heard.gateway, happened.code[:64], happened.text, subject=happened.text, severity=severity[:16]
        )
    _touch(connection, heard)


def silence(connection: Connection, now: datetime, silent_s: int, again_s: int) -> None:
    """Raise an alarm for each store that says nothing, and clear it when it speaks. `stopped` was said on purpose."""
    last_batch = (
        select(stream.c.gateway, func.max(stream.c.updated_at).label("at")).group_by(stream.c.gateway).subquery()
    )
    query = select(gateway_live.c.gateway, gateway_live.c.state, gateway_live.c.last_seen, last_batch.c.at)
    query = query.outerjoin(last_batch, last_batch.c.gateway == gateway_live.c.gateway)
    standing = alarms.open_of(connection, SILENT)
    for row in connection.execute(query).all():
        seen = max((moment for moment in (row.last_seen, row.at) if moment is not None), default=None)
        quiet = seen is not None and row.state != "stopped" and now - seen > timedelta(seconds=silent_s)
        if quiet and row.gateway not in standing:
            text = f"nothing was heard for over {silent_s} s; is the shop's line or the box's power off?"
            alarms.hold(connection, row.gateway, SILENT, text, again_s=again_s)
        elif not quiet and row.gateway in standing:
            alarms.mended(connection, row.gateway, SILENT)


def change_mark(connection: Connection) -> str:
    """A word that differs whenever the page Stores may differ."""
    seen = connection.execute(select(func.max(gateway_live.c.updated_at))).scalar()
    rows = connection.execute(select(func.max(alarm.c.last_at), func.max(alarm.c.cleared_at))).one()
    registered = connection.execute(select(func.count()).select_from(gateway)).scalar_one()
    recorded = connection.execute(select(func.max(audit.c.received_at))).scalar()
    return f"{seen}|{rows[0]}|{rows[1]}|{registered}|{recorded}"


def view(connection: Connection, marks: dict[str, tuple[str, int, datetime]]) -> list[GatewayView]:
    """Every gateway as people and monitors see it.

    marks: from intake, per gateway: the newest epoch, its contiguous seq, and when it last sent a batch.
    """
    devices: dict[str, list[DeviceView]] = {}
    order = (gateway_device.c.gateway, gateway_device.c.device_class, gateway_device.c.device_id)
    for row in connection.execute(select(gateway_device).order_by(*order)):
        devices.setdefault(row.gateway, []).append(
            DeviceView(
                device_class=row.device_class,
                id=row.device_id,
                driver=row.driver,
                power=row.power,
                since=row.since,
                last_error=row.last_error,
            )
        )
    counts = alarms.open_counts(connection)
    query = (
        select(gateway, gateway_live)
        .select_from(gateway.outerjoin(gateway_live, gateway.c.id == gateway_live.c.gateway))
        .order_by(gateway.c.store_id, gateway.c.id)
    )
    return [
        _gateway_view(row, devices.get(row.id, []), counts.get(row.id, 0), marks.get(row.id))
        for row in connection.execute(query)
    ]


def _gateway_view(
    row: Row[Any], devices: list[DeviceView], alarm_count: int, mark: tuple[str, int, datetime] | None
) -> GatewayView:
    birth = json.loads(row.birth) if row.birth else {}
    metrics = json.loads(row.metrics) if row.metrics else {}
    # Whichever spoke last knows where the store's log stands.
    newest = metrics if metrics and (not birth or row.metrics_at >= row.birth_at) else birth
    position = newest.get("log", {})
    seen = [moment for moment in (row.last_seen, mark[2] if mark else None) if moment is not None]
    return GatewayView(
        gateway=row.id,
        store_id=row.store_id,
        name=row.name,
        currency=row.currency,
        state=row.state or "never seen",
        state_since=row.state_since,
        session=row.session if row.session is not None and row.session >= 0 else None,
        last_seen=max(seen, default=None),
        software=birth.get("software"),
        model=birth.get("model"),
        clock=birth.get("clock"),
        epoch=position.get("epoch"),
        next_seq=position.get("next_seq"),
        devices=len(devices),
        devices_in_trouble=sum(device.power in IN_TROUBLE for device in devices),
        device_list=devices,
        lanes=[LaneView.model_validate(one) for one in metrics.get("lanes", [])],
        queue_depth=position.get("unacked"),
        oldest_unacked_age_s=position.get("oldest_unacked_age_s"),
        count_today=position.get("count_today"),
        sum_today_minor=position.get("sum_today_minor"),
        link_reconnects=metrics.get("link_reconnects"),
        disk_used_percent=metrics.get("disk_used_percent"),
        memory_rss_mib=metrics.get("memory_rss_mib"),
        cpu_temperature_c=metrics.get("cpu_temperature_c"),
        feeds=birth.get("feeds", {}),
        contiguous_seq=mark[1] if mark and mark[0] == position.get("epoch", mark[0]) else None,
        alarms=alarm_count,
    )


_DEVICE_KEY = ("gateway", "device_class", "device_id")


def _live(connection: Connection, gateway_id: str) -> Row[Any]:
    """The gateway's live row, made where missing, and ours until the transaction ends."""
    insert_new(
        connection,
        gateway_live,
        [{"gateway": gateway_id, "session": -1, "state": "never seen", "updated_at": now_utc()}],
    )
    return connection.execute(select(gateway_live).where(gateway_live.c.gateway == gateway_id).with_for_update()).one()


def _set(connection: Connection, gateway_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(gateway_live).where(gateway_live.c.gateway == gateway_id).values(**values))


def _touch(connection: Connection, heard: Heard) -> None:
    _live(connection, heard.gateway)
    _set(
        connection,
        heard.gateway,
        {"updated_at": heard.at, **({"last_seen": heard.at} if heard.fresh else {})},
    )


def _replace_devices(connection: Connection, gateway_id: str, briefs: Sequence[DeviceBrief]) -> None:
    """The list is complete: what is missing from it is gone; what a device topic told stays with the others."""
    row = gateway_device.c
    known = {
        (there.device_class, there.device_id): there
        for there in connection.execute(select(gateway_device).where(row.gateway == gateway_id))
    }
    named = {(brief.device_class, brief.id): brief for brief in briefs}
    for device_class, device_id in known.keys() - named.keys():
        connection.execute(
            delete(gateway_device).where(
                row.gateway == gateway_id, row.device_class == device_class, row.device_id == device_id
            )
        )
    changed = [_brief_row(gateway_id, brief) for key, brief in named.items() if _differs(known.get(key), brief)]
    upsert(connection, gateway_device, changed, key=_DEVICE_KEY)


def _differs(known: Row[Any] | None, brief: DeviceBrief) -> bool:
    return known is None or (known.power, known.driver) != (brief.power, brief.driver)


def _brief_row(gateway_id: str, brief: DeviceBrief) -> dict[str, Any]:
    return {
        "gateway": gateway_id,
        "device_class": brief.device_class,
        "device_id": brief.id,
        "driver": brief.driver,
        "power": brief.power,
    }


def _device_row(gateway_id: str, device: DeviceState) -> dict[str, Any]:
    return {
        "gateway": gateway_id,
        "device_class": device.device_class,
        "device_id": device.id,
        "driver": device.driver,
        "power": device.power,
        "since": device.since,
        "last_error": device.last_error,
    }


def troubled(views: Iterable[GatewayView]) -> int:
    """How many of them a person should look at."""
    return sum(view.alarms > 0 or view.devices_in_trouble > 0 or view.state in ("lost", "degraded") for view in views)
