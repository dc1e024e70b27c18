"""Raising audit cases, each once; listing them; and settling one, which a person does."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, func, select, update

from cloud_erp.bulk import insert_new
from cloud_erp.cases.model import audit_case
from cloud_erp.db import now_utc
from cloud_erp.text import printable

log = logging.getLogger(__name__)

COUPON_CONFLICT = "coupon_conflict"
COUPON_UNKNOWN = "coupon_unknown"
POINTS_OVERSPENT = "points_overspent"
POINTS_OF_NOBODY = "points_of_nobody"
MEMBER_UNKNOWN = "member_unknown"
VOUCHER_OVERSPENT = "voucher_overspent"
VOUCHER_UNKNOWN = "voucher_unknown"
VOUCHER_UNNAMED = "voucher_unnamed"
VOUCHER_CURRENCY = "voucher_currency"
SUBJECT_LENGTH = 200

#: gateway, epoch and seq: how a sale is found in the journal
Place = tuple[str, str, int]


class CaseView(BaseModel):
    """One case. sales: [gateway, epoch, seq] of the sales that it is about; settled_at None: it is open."""

    id: int
    code: str
    subject: str
    store_id: str
    text: str
    sales: list[Place]
    raised_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    note: str | None


def raise_case(
    connection: Connection, code: str, subject: str, store_id: str, text: str, sales: Sequence[Place]
) -> None:
    """Note it, unless the same was noted before, settled or not."""
    subject, text = printable(subject)[:SUBJECT_LENGTH], printable(text)
    row = {"code": code, "subject": subject, "store_id": store_id, "text": text, "raised_at": now_utc()}
    before = _count(connection)
    insert_new(connection, audit_case, [{**row, "sales": json.dumps([list(place) for place in sales])}])
    if _count(connection) > before:
        log.warning("audit case: %s: %s", code, text, extra={"store": store_id})


def subject_of(thing: str, place: Place) -> str:
    gateway, epoch, seq = place
    return f"{thing} {gateway}/{epoch}/{seq}"


def listed(connection: Connection, only_open: bool = True, limit: int = 200) -> list[CaseView]:
    """The newest first."""
    query = select(audit_case).order_by(audit_case.c.id.desc()).limit(limit)
    if only_open:
        query = query.where(audit_case.c.settled_at.is_(None))
    return [_view(row) for row in connection.execute(query).mappings()]


def one(connection: Connection, case_id: int) -> CaseView | None:
    row = connection.execute(select(audit_case).where(audit_case.c.id == case_id)).mappings().one_or_none()
    return None if row is None else _view(row)


def settle(connection: Connection, case_id: int, by: str, note: str) -> bool:
    """A person has looked at it and says what came of it. False: there is no such open case."""
    said = {"settled_at": now_utc(), "settled_by": printable(by)[:64] or "unnamed", "note": printable(note)}
    open_one = (audit_case.c.id == case_id) & audit_case.c.settled_at.is_(None)
    return bool(connection.execute(update(audit_case).where(open_one).values(**said)).rowcount)


def open_count(connection: Connection) -> int:
    query = select(func.count()).select_from(audit_case).where(audit_case.c.settled_at.is_(None))
    return connection.execute(query).scalar_one()


def change_mark(connection: Connection) -> str:
    """A word that differs whenever the page of cases may differ."""
    return f"{_count(connection)}|{open_count(connection)}"


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(audit_case)).scalar_one()


def _view(row: Any) -> CaseView:
    return CaseView.model_validate({**row, "sales": json.loads(row["sales"])})
