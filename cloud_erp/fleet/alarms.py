"""Alarms: what a person at headquarters must look at. One row per gateway, code and subject; repeats are counted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from cloud_erp.bulk import upsert
from cloud_erp.db import now_utc
from cloud_erp.fleet.model import alarm
from cloud_erp.text import printable

log = logging.getLogger(__name__)

UNREGISTERED = "unregistered_gateway"
UNREADABLE = "unreadable_batch"
EQUIVOCATION = "equivocation"
CHAIN = "chain_mismatch"
HELP = "help_called"
SUBJECT_LENGTH = 128
#: who cleared an alarm that mended
SYSTEM = "system"
PERSON = "person"


@dataclass(frozen=True, slots=True)
class Alarm:
    id: int
    gateway: str
    code: str
    severity: str
    text: str
    times: int
    raised_at: datetime
    last_at: datetime


def raise_alarm(
    connection: Connection, gateway_id: str, code: str, text: str, *, subject: str = "", severity: str = "error"
) -> None:
    """Note it; log it only when it is new or comes back after a person cleared it."""
    subject, text = printable(subject)[:SUBJECT_LENGTH], printable(text)
    about = (alarm.c.gateway == gateway_id) & (alarm.c.code == code) & (alarm.c.subject == subject)
    is_open = connection.execute(select(alarm.c.id).where(about, alarm.c.cleared_at.is_(None))).scalar() is not None
    now = now_utc()
    row = {
        "gateway": gateway_id,
        "code": code,
        "subject": subject,
        "severity": severity,
        "text": text,
        "times": 1,
        "raised_at": now,
        "last_at": now,
        "cleared_at": None,
        "cleared_by": None,
    }
    if is_open:
        connection.execute(update(alarm).where(about).values(times=alarm.c.times + 1, last_at=now, text=text))
        return
    upsert(connection, alarm, [row], key=("gateway", "code", "subject"))
    level = logging.ERROR if severity in ("error", "critical") else logging.WARNING
    log.log(level, "alarm: %s: %s: %s", gateway_id, code, text, extra={"gateway": gateway_id})


def hold(
    connection: Connection,
    gateway_id: str,
    code: str,
    text: str,
    *,
    subject: str = "",
    severity: str = "error",
    again_s: int = 3600,
) -> None:
    """An alarm for what lasts: raised once, not counted while it stands.

    One that a person cleared though nothing had changed comes back after again_s.
    """
    about = (alarm.c.gateway == gateway_id) & (alarm.c.code == code) & (alarm.c.subject == printable(subject))
    row = connection.execute(select(alarm.c.cleared_at, alarm.c.cleared_by).where(about)).one_or_none()
    if row is not None and row.cleared_at is None:
        return
    if row is not None and row.cleared_by != SYSTEM and now_utc() - row.cleared_at < timedelta(seconds=again_s):
        return
    raise_alarm(connection, gateway_id, code, text, subject=subject, severity=severity)


def open_alarms(connection: Connection, limit: int = 200) -> list[Alarm]:
    columns = [alarm.c[name] for name in Alarm.__slots__]
    query = select(*columns).where(alarm.c.cleared_at.is_(None)).order_by(alarm.c.last_at.desc()).limit(limit)
    return [Alarm(*row) for row in connection.execute(query)]


def open_of(connection: Connection, code: str) -> set[str]:
    """The gateways for which an alarm of that code is open."""
    query = select(alarm.c.gateway).where(alarm.c.code == code, alarm.c.cleared_at.is_(None))
    return set(connection.execute(query).scalars())


def open_subjects(connection: Connection, gateway_id: str, code: str) -> set[str]:
    """What the open alarms of that code at this gateway are about."""
    query = select(alarm.c.subject).where(alarm.c.gateway == gateway_id, alarm.c.code == code)
    return set(connection.execute(query.where(alarm.c.cleared_at.is_(None))).scalars())


def open_counts(connection: Connection) -> dict[str, int]:
    """Open alarms per gateway."""
    query = select(alarm.c.gateway, func.count()).where(alarm.c.cleared_at.is_(None)).group_by(alarm.c.gateway)
    return dict(connection.execute(query).all())


def mended(connection: Connection, gateway_id: str, code: str, subject: str = "") -> bool:
    """What it was about is well again: it clears itself, and says so. False: no such alarm was open."""
    about = (alarm.c.gateway == gateway_id) & (alarm.c.code == code) & (alarm.c.subject == printable(subject))
    cleared = {"cleared_at": now_utc(), "cleared_by": SYSTEM}
    done = connection.execute(update(alarm).where(about, alarm.c.cleared_at.is_(None)).values(**cleared))
    if done.rowcount:
        log.info("alarm over: %s: %s", gateway_id, code, extra={"gateway": gateway_id})
    return bool(done.rowcount)


def clear(connection: Connection, alarm_id: int) -> bool:
    """A person has seen to it; the row stays. False: there is no such open alarm."""
    done = connection.execute(
        update(alarm)
        .where(alarm.c.id == alarm_id, alarm.c.cleared_at.is_(None))
        .values(cleared_at=now_utc(), cleared_by=PERSON)
    )
    return bool(done.rowcount)
