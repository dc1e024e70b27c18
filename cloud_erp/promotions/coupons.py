"""Coupons: settling the uses that were booked, and looking at one.

A coupon that two stores took while neither had a line was taken twice: both sales stand, and a case names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, Row, func, select

from cloud_erp.bulk import upsert
from cloud_erp.cases import service as cases
from cloud_erp.feeds import service as feeds
from cloud_erp.feeds import settling
from cloud_erp.feeds.service import CHUNK
from cloud_erp.promotions.model import coupon, coupon_use
from retail.wire.rows import COUPONS

#: sales that a case names
MOST_NAMED = 10


class Use(BaseModel):
    gateway: str
    epoch: str
    seq: int
    store_id: str
    received_at: datetime


class CouponView(BaseModel):
    """uses: how often it may be used in all, None without limit; used: how often it was, with all that was booked."""

    coupon_id: str
    name: str
    uses: int | None
    used: int
    booked: list[Use]


def settle(connection: Connection) -> int:
    """Count what waits, and tell the stores of limited coupons; how many uses that were."""
    if not settling.waits(connection, coupon_use):
        return 0
    feeds.lock(connection, COUPONS)
    fresh = settling.waiting(connection, coupon_use)
    ids = sorted({row.coupon_id for row in fresh})
    counts, rows = _counts(connection, ids), feeds.rows_of(connection, COUPONS, ids)
    for row in fresh:
        counts[row.coupon_id] += 1
        known = rows.get(row.coupon_id)
        if known is None:
            text = f"coupon {row.coupon_id} was used and is not among the imported ones"
            place = (row.gateway, row.epoch, row.seq)
            cases.raise_case(connection, cases.COUPON_UNKNOWN, row.coupon_id, row.store_id, text, [place])
        elif known.get("uses") is not None and counts[row.coupon_id] > known["uses"]:
            _conflict(connection, row, known["uses"])
    settling.mark(connection, coupon_use, fresh)
    upsert(connection, coupon, [{"coupon_id": one, "used": counts[one]} for one in ids], key=("coupon_id",))
    changed: dict[str, dict[str, Any] | None] = {}
    for coupon_id, known in rows.items():
        if known.get("uses") is not None:
            changed[coupon_id] = known | {"used": used_by(connection, coupon_id)}
    feeds.put(connection, COUPONS, changed)
    return len(fresh)


def used_by(connection: Connection, coupon_id: str) -> dict[str, int]:
    """gateway -> settled uses."""
    query = select(coupon_use.c.gateway, func.count()).where(coupon_use.c.coupon_id == coupon_id, coupon_use.c.settled)
    return dict(connection.execute(query.group_by(coupon_use.c.gateway)).all())


def one(connection: Connection, coupon_id: str) -> CouponView | None:
    """A coupon with its newest uses; None: neither imported nor ever heard of."""
    known = feeds.rows_of(connection, COUPONS, [coupon_id]).get(coupon_id)
    mine = coupon_use.c.coupon_id == coupon_id
    used = connection.execute(select(func.count()).select_from(coupon_use).where(mine)).scalar_one()
    if known is None and not used:
        return None
    columns = [coupon_use.c[name] for name in Use.model_fields]
    newest = connection.execute(select(*columns).where(mine).order_by(coupon_use.c.id.desc()).limit(100)).mappings()
    booked = [Use.model_validate(row) for row in newest]
    facts = known or {"name": ""}
    return CouponView(coupon_id=coupon_id, name=facts["name"], uses=facts.get("uses"), used=used, booked=booked)


def _conflict(connection: Connection, row: Row[Any], limit: int) -> None:
    others = _others(connection, row)
    where = ", ".join(f"{other.store_id} (seq {other.seq} of {other.gateway})" for other in others)
    text = (
        f"coupon {row.coupon_id} is good for {limit} use(s) and was used again at {row.store_id} (seq {row.seq} of "
        f"{row.gateway}), after {where or 'it was used up'}; both sales stand"
    )
    places = [(one.gateway, one.epoch, one.seq) for one in (*others, row)]
    cases.raise_case(
        connection, cases.COUPON_CONFLICT, cases.subject_of(row.coupon_id, places[-1]), row.store_id, text, places
    )


def _others(connection: Connection, row: Row[Any]) -> Sequence[Row[Any]]:
    before = (coupon_use.c.coupon_id == row.coupon_id) & (coupon_use.c.id < row.id)
    return connection.execute(select(coupon_use).where(before).order_by(coupon_use.c.id).limit(MOST_NAMED)).all()


def _counts(connection: Connection, coupon_ids: list[str]) -> dict[str, int]:
    found = dict.fromkeys(coupon_ids, 0)
    for start in range(0, len(coupon_ids), CHUNK):
        query = select(coupon.c.coupon_id, coupon.c.used).where(
            coupon.c.coupon_id.in_(coupon_ids[start : start + CHUNK])
        )
        found.update(connection.execute(query).all())
    return found
