"""What can be asked of the journal: sales as they came in, totals per store and day, and quarantine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field
from sqlalchemy import Connection, func, select
from sqlalchemy.sql import Select

from cloud_erp.journal import clock
from cloud_erp.journal.horizon import horizon
from cloud_erp.journal.model import journal, quarantine, quarantine_change
from retail.sale import RetailTransaction
from retail.units import Money

SLOT = timedelta(minutes=15)
#: the journal's columns that are extracted from a sale, in the order of entry()
ENTRY = (
    "store_id", "workstation_id", "sequence_number", "operator_id", "business_date", "begin_at", "end_at", "end_slot",
    "currency", "total_minor", "item_count", "training", "session_id", "returned_minor", "discount_minor",
    "rounding_minor",
)  # fmt: skip
#: what most sales have nothing of
BESIDE = ("returned_minor", "discount_minor", "rounding_minor")


class SaleView(BaseModel):
    """One sale in a list. total_minor: below 0 where the shop paid out. The last four: None where there is nothing."""

    id: int
    gateway: str
    epoch: str
    seq: int
    store_id: str
    workstation_id: str
    sequence_number: int
    operator_id: str
    business_date: date
    end_date_time: datetime
    received_at: datetime
    currency: str
    total_minor: int
    items: int
    training: bool
    session_id: str | None
    returned_minor: int | None
    discount_minor: int | None
    rounding_minor: int | None


class SaleDetail(SaleView):
    """One sale with all that was received: `body` is the transaction, `record` what the box said of it."""

    type: str
    idempotency_key: str
    body_sha256: str
    record: dict[str, Any]
    body: dict[str, Any]
    corrected_time: datetime | None = Field(
        default=None, description="when the record was made, where the box's own clock was not synchronised"
    )


class StoreDay(BaseModel):
    """Totals of one store on one business day; training sales count nowhere.

    items and total_minor: sold less returned. returned_minor: paid back in it. discount_minor: what was taken off.
    rounding_minor: what cash rounding brought on top (below 0: let off); it is not in the total.
    """

    store_id: str
    business_date: date
    currency: str
    sales: int
    items: int
    total_minor: int
    returned_minor: int
    discount_minor: int
    rounding_minor: int


class QuarantineView(BaseModel):
    id: str
    gateway: str
    epoch: str
    seq: int
    code: str
    reason: str
    raw: str
    received_at: datetime
    state: str
    mended: str | None


class QuarantineChange(BaseModel):
    """What a person did to a record in quarantine: mended, reposted or discarded."""

    at: datetime
    by: str
    action: str
    detail: str


class QuarantineDetail(QuarantineView):
    changes: list[QuarantineChange]


@dataclass(frozen=True, slots=True)
class Hour:
    """What one hour of the local day sold."""

    hour: int
    sales: int
    total: Money


def entry(sale: RetailTransaction) -> dict[str, Any]:
    """The columns of ENTRY."""
    end = sale.end_date_time
    return {
        "store_id": sale.store_id,
        "workstation_id": sale.workstation_id,
        "sequence_number": sale.sequence_number,
        "operator_id": sale.operator_id,
        "business_date": sale.business_day_date,
        "begin_at": sale.begin_date_time,
        "end_at": end,
        "end_slot": end - timedelta(minutes=end.minute % 15, seconds=end.second, microseconds=end.microsecond),
        "currency": sale.currency,
        "total_minor": sale.total_minor,
        "item_count": sum(line.quantity or 1 for line in sale.sales())
        - sum(line.quantity or 1 for line in sale.returns()),
        "training": sale.training_flag,
        "session_id": sale.session_id,
        "returned_minor": sum(line.extended_amount_minor for line in sale.returns()) or None,
        "discount_minor": sum(line.extended_amount_minor - line.net_minor for line in sale.sales()) or None,
        "rounding_minor": sale.rounding_minor() or None,
    }


def since(connection: Connection, since_id: int, limit: int) -> list[SaleView]:
    """Sales booked after that journal id, oldest first; one that commits late is not skipped but comes later."""
    safe = horizon(connection)
    query = _sales().where(journal.c.id > since_id).order_by(journal.c.id).limit(limit)
    if safe is not None:
        query = query.where(journal.c.id <= safe)
    return [SaleView.model_validate(row) for row in connection.execute(query).mappings()]


def latest(connection: Connection, limit: int, day: date | None = None, store_id: str | None = None) -> list[SaleView]:
    """Sales, newest booking first."""
    query = _sales().order_by(journal.c.id.desc()).limit(limit)
    if day is not None:
        query = query.where(journal.c.business_date == day)
    if store_id:
        query = query.where(journal.c.store_id == store_id)
    return [SaleView.model_validate(row) for row in connection.execute(query).mappings()]


def sale(connection: Connection, gateway: str, epoch: str, seq: int) -> SaleDetail | None:
    columns = [journal.c[name] for name in ("type", "idempotency_key", "body_sha256", "record", "body")]
    query = _sales(*columns).where(journal.c.gateway == gateway, journal.c.epoch == epoch, journal.c.seq == seq)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    record = json.loads(row["record"])
    return SaleDetail.model_validate(
        {
            **row,
            "record": record,
            "body": json.loads(row["body"]),
            "corrected_time": clock.corrected(connection, gateway, record),
        }
    )


def store_days(connection: Connection, day: date | None = None, limit: int = 1000) -> list[StoreDay]:
    """Totals per store, business day and currency, newest day first."""
    key = (journal.c.store_id, journal.c.business_date, journal.c.currency)
    query = (
        select(
            *key,
            func.count().label("sales"),
            func.sum(journal.c.item_count).label("items"),
            func.sum(journal.c.total_minor).label("total_minor"),
            *(func.coalesce(func.sum(journal.c[name]), 0).label(name) for name in BESIDE),
        )
        .where(journal.c.training.is_(False))
        .group_by(*key)
        .order_by(journal.c.business_date.desc(), journal.c.store_id, journal.c.currency)
        .limit(limit)
    )
    if day is not None:
        query = query.where(journal.c.business_date == day)
    return [StoreDay.model_validate(row) for row in connection.execute(query).mappings()]


def hours(connection: Connection, day: date, currency: str, zone: ZoneInfo) -> list[Hour]:
    """The 24 local hours of a business day in one currency; quarter-hour slots fit every time zone's offset."""
    query = (
        select(journal.c.end_slot, func.count(), func.sum(journal.c.total_minor))
        .where(journal.c.business_date == day, journal.c.currency == currency, journal.c.training.is_(False))
        .group_by(journal.c.end_slot)
    )
    counts, totals = [0] * 24, [0] * 24
    for slot, count, total in connection.execute(query):
        hour = slot.astimezone(zone).hour
        counts[hour] += count
        totals[hour] += total
    return [Hour(hour, counts[hour], Money(int(totals[hour]), currency)) for hour in range(24)]


def newest_day(connection: Connection) -> date | None:
    return connection.execute(select(func.max(journal.c.business_date))).scalar()


def quarantined(connection: Connection, limit: int = 200, only_open: bool = False) -> list[QuarantineView]:
    """The newest first."""
    query = select(*(quarantine.c[name] for name in QuarantineView.model_fields))
    query = query.order_by(quarantine.c.received_at.desc(), quarantine.c.id.desc()).limit(limit)
    if only_open:
        query = query.where(quarantine.c.state == "open")
    return [QuarantineView.model_validate(row) for row in connection.execute(query).mappings()]


def quarantined_one(connection: Connection, quarantine_id: str) -> QuarantineDetail | None:
    query = select(*(quarantine.c[name] for name in QuarantineView.model_fields))
    row = connection.execute(query.where(quarantine.c.id == quarantine_id)).mappings().one_or_none()
    if row is None:
        return None
    columns = [quarantine_change.c[name] for name in QuarantineChange.model_fields]
    mine = select(*columns).where(quarantine_change.c.quarantine_id == quarantine_id).order_by(quarantine_change.c.id)
    return QuarantineDetail.model_validate({**row, "changes": list(connection.execute(mine).mappings())})


def quarantine_count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(quarantine)).scalar_one()


def high_mark(connection: Connection) -> int:
    """The id of the newest entry."""
    return connection.execute(select(func.max(journal.c.id))).scalar() or 0


def change_mark(connection: Connection) -> str:
    """A word that differs whenever a page of sales, stock or quarantine may differ."""
    changes = connection.execute(select(func.max(quarantine_change.c.id))).scalar()
    return f"{high_mark(connection)}|{horizon(connection)}|{quarantine_count(connection)}|{changes}"


def _sales(*more: Any) -> Select[Any]:
    names = ("id", "gateway", "epoch", "seq", "store_id", "workstation_id", "sequence_number", "operator_id")
    columns = [journal.c[name] for name in (*names, "business_date", "received_at", "currency", "total_minor")]
    return select(
        *columns,
        journal.c.end_at.label("end_date_time"),
        journal.c.item_count.label("items"),
        journal.c.training,
        journal.c.session_id,
        *(journal.c[name] for name in BESIDE),
        *more,
    )
