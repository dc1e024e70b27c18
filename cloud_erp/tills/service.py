"""Control transactions and sessions: booking them, and looking at them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, func, select

from cloud_erp.bulk import insert_rows, upsert
from cloud_erp.tills.model import control, till_session
from retail.control import ControlTransaction

OPENED, CLOSED = "SessionOpen", "SessionClose"
KEY = ("gateway", "session_id")
SESSION = (*KEY, "store_id", "workstation_id", "business_date", "currency")


class SessionView(BaseModel):
    """A session of a workstation. totals: what its close said. agrees: None until the close was reckoned again;
    differences: [figure, as the close states it, as the journal comes to it].
    """

    gateway: str
    session_id: str
    store_id: str
    workstation_id: str
    business_date: date
    currency: str
    opened_at: datetime | None
    opened_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    totals: dict[str, Any] | None
    checked_at: datetime | None
    agrees: bool | None
    differences: list[tuple[str, Any, Any]]


class ControlView(BaseModel):
    """What happened at a till beside sales."""

    gateway: str
    epoch: str
    seq: int
    control: str
    store_id: str
    workstation_id: str
    session_id: str | None
    business_date: date
    operator_id: str
    at: datetime
    currency: str
    amount_minor: int | None
    body: dict[str, Any]


def entry(booked: ControlTransaction) -> dict[str, Any]:
    """The columns of `control` that are the transaction's own."""
    return {
        "control": booked.control,
        "store_id": booked.store_id,
        "workstation_id": booked.workstation_id,
        "session_id": booked.session_id,
        "business_date": booked.business_day_date,
        "operator_id": booked.operator_id,
        "at": booked.at,
        "currency": booked.currency,
        "amount_minor": booked.amount_minor,
    }


def book(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of `control`, and what they begin and end; their store is locked."""
    insert_rows(connection, control, rows)
    for row in rows:
        if row["control"] in (OPENED, CLOSED):
            upsert(connection, till_session, [{name: row[name] for name in SESSION} | _turn(row)], KEY)


def _turn(row: dict[str, Any]) -> dict[str, Any]:
    if row["control"] == OPENED:
        return {"opened_at": row["at"], "opened_by": row["operator_id"]}
    totals = ControlTransaction.model_validate_json(row["body"]).totals
    said = {"totals": None if totals is None else totals.model_dump_json(), "checked_at": None}
    place = {"closed_epoch": row["epoch"], "closed_seq": row["seq"]}
    return {"closed_at": row["at"], "closed_by": row["operator_id"], **place, **said}


def sessions(
    connection: Connection, day: date | None = None, store_id: str | None = None, limit: int = 200
) -> list[SessionView]:
    """The newest business day first, and of a day the last opened."""
    newest = (till_session.c.business_date.desc(), till_session.c.opened_at.desc(), till_session.c.session_id)
    query = select(till_session).order_by(*newest).limit(limit)
    if day is not None:
        query = query.where(till_session.c.business_date == day)
    if store_id:
        query = query.where(till_session.c.store_id == store_id)
    return [_session(row) for row in connection.execute(query).mappings()]


def session(connection: Connection, gateway: str, session_id: str) -> SessionView | None:
    query = select(till_session).where(till_session.c.gateway == gateway, till_session.c.session_id == session_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _session(row)


def controls(
    connection: Connection,
    day: date | None = None,
    store_id: str | None = None,
    session_id: str | None = None,
    limit: int = 200,
) -> list[ControlView]:
    """What was received last first."""
    query = select(control).order_by(control.c.received_at.desc(), control.c.epoch.desc(), control.c.seq.desc())
    for column, value in ((control.c.business_date, day), (control.c.store_id, store_id)):
        if value:
            query = query.where(column == value)
    if session_id:
        query = query.where(control.c.session_id == session_id)
    rows = connection.execute(query.limit(limit)).mappings()
    return [ControlView.model_validate({**row, "body": json.loads(row["body"])}) for row in rows]


def change_mark(connection: Connection) -> str:
    """A word that differs whenever the page of sessions may differ."""
    marks = (func.count(), func.max(till_session.c.opened_at), func.max(till_session.c.checked_at))
    count, opened, checked = connection.execute(select(*marks).select_from(till_session)).one()
    closed = connection.execute(select(func.count(till_session.c.closed_at))).scalar()
    return f"{count}|{opened}|{closed}|{checked}"


def _session(row: Any) -> SessionView:
    found = json.loads(row["differences"]) if row["differences"] else []
    agrees = None if row["checked_at"] is None else not found
    totals = json.loads(row["totals"]) if row["totals"] else None
    return SessionView.model_validate({**row, "totals": totals, "differences": found, "agrees": agrees})
