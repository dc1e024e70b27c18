"""Control transactions and sessions: booking them, and looking at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from cloud_erp.bulk import insert_rows, upsert
from cloud_erp.tills.model import control, till_session
from retail.control import ControlTransaction

OPENED, CLOSED = "SessionOpen", "SessionClose"
KEY = ("gateway", "session_id")
SESSION = (*KEY, "store_id", "workstation_id", "business_date", "currency")


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
