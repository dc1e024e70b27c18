"""Members' points: settling what was booked, and looking at a member.

A balance may go below zero: points that two stores gave away while neither had a line stay given; a case says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, func, select

from cloud_erp.bulk import upsert
from cloud_erp.cases import service as cases
from cloud_erp.feeds import service as feeds
from cloud_erp.feeds import settling
from cloud_erp.feeds.service import CHUNK
from cloud_erp.members.model import member, points_movement
from retail.wire.rows import MEMBERS


class Movement(BaseModel):
    """Points of one sale; below 0 spent, or taken back with goods."""

    points: int
    gateway: str
    epoch: str
    seq: int
    store_id: str
    received_at: datetime


class MemberView(BaseModel):
    """points: the balance, with all that was booked. codes are not shown."""

    member_id: str
    name: str
    phone_masked: str
    tier: str
    points: int
    movements: list[Movement]


def settle(connection: Connection) -> int:
    """Take what waits into the balances and into feed `members`; how many movements that were."""
    if not settling.waits(connection, points_movement):
        return 0
    feeds.lock(connection, MEMBERS)
    moved = settling.waiting(connection, points_movement)
    ids = sorted({row.member_id for row in moved if row.member_id})
    accounts, rows = _accounts(connection, ids), feeds.rows_of(connection, MEMBERS, ids)
    for row in moved:
        place = (row.gateway, row.epoch, row.seq)
        if not row.member_id:
            text = "points were spent on a sale that names no member; nobody's balance was charged"
            cases.raise_case(
                connection, cases.POINTS_OF_NOBODY, cases.subject_of("sale", place), row.store_id, text, [place]
            )
            continue
        account = accounts[row.member_id]
        account["moved"] += row.points
        left = account["opening"] + account["moved"]
        if row.points < 0 and left < 0:
            text = f"member {row.member_id} spent {-row.points} points and is {-left} below zero now; the sale stands"
            subject = cases.subject_of(row.member_id, place)
            cases.raise_case(connection, cases.POINTS_OVERSPENT, subject, row.store_id, text, [place])
        if row.member_id not in rows:
            text = f"member {row.member_id} is not among the imported ones; the points are kept under that number"
            cases.raise_case(connection, cases.MEMBER_UNKNOWN, row.member_id, row.store_id, text, [place])
    upsert(connection, member, [accounts[member_id] for member_id in ids], key=("member_id",))
    changed: dict[str, dict[str, Any] | None] = {
        member_id: row | {"points": accounts[member_id]["opening"] + accounts[member_id]["moved"]}
        for member_id, row in rows.items()
    }
    feeds.put(connection, MEMBERS, changed)
    settling.mark(connection, points_movement, moved)
    return len(moved)


def balances(connection: Connection, member_ids: list[str]) -> dict[str, dict[str, Any]]:
    """member -> its row of table `member`, all 0 where there is none."""
    return _accounts(connection, member_ids)


def one(connection: Connection, member_id: str) -> MemberView | None:
    """A member with the newest movements; None: neither imported nor ever heard of."""
    rows = feeds.rows_of(connection, MEMBERS, [member_id])
    mine = points_movement.c.member_id == member_id
    waiting = select(func.coalesce(func.sum(points_movement.c.points), 0)).where(mine, ~points_movement.c.settled)
    columns = [points_movement.c[name] for name in Movement.model_fields]
    newest = connection.execute(
        select(*columns).where(mine).order_by(points_movement.c.id.desc()).limit(100)
    ).mappings()
    movements = [Movement.model_validate(row) for row in newest]
    if not rows and not movements:
        return None
    account = _accounts(connection, [member_id])[member_id]
    points = account["opening"] + account["moved"] + connection.execute(waiting).scalar_one()
    known = rows.get(member_id, {})
    said = {name: known.get(name, "") for name in ("name", "phone_masked", "tier")}
    return MemberView(member_id=member_id, points=points, movements=movements, **said)


def _accounts(connection: Connection, member_ids: list[str]) -> dict[str, dict[str, Any]]:
    found = {one: {"member_id": one, "opening": 0, "moved": 0} for one in member_ids}
    for start in range(0, len(member_ids), CHUNK):
        query = select(member).where(member.c.member_id.in_(member_ids[start : start + CHUNK]))
        found |= {row["member_id"]: dict(row) for row in connection.execute(query).mappings()}
    return found
