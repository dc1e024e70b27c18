"""Each close of a session is reckoned again from what was booked between its open and its close.

That is due once every record up to the close was received. A close that agrees is done; one that differs raises an
alarm, and is looked at again from time to time: what is missing may be in quarantine, and is booked once it is mended.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from cloud_erp.fleet import alarms
from cloud_erp.intake.model import inbox, stream
from cloud_erp.journal.model import journal
from cloud_erp.tills.model import control, till_session
from retail.control import SessionTotals

DIFFERS = "session_differs"
AGAIN_S = 60
#: sessions in one go
MOST = 100
CASH = "Cash"
#: figure of the close -> column of the journal
BESIDE = {
    "returned_minor": "returned_minor",
    "discounts_minor": "discount_minor",
    "rounding_minor": "rounding_minor",
}

Difference = tuple[str, Any, Any]


def check(connection: Connection, now: datetime, again_s: float = AGAIN_S) -> int:
    """Reckon again what is due; how many closes that were."""
    due = _due(connection, now, again_s)
    for session in due:
        _check(connection, session, now)
    return len(due)


def any_due(connection: Connection, now: datetime, again_s: float = AGAIN_S) -> bool:
    return bool(_due(connection, now, again_s, most=1))


def reckon(connection: Connection, gateway: str, session_id: str) -> dict[str, Any]:
    """What was booked of a session, under the names of SessionTotals; each kind of tender as (count, amount)."""
    mine = (journal.c.session_id == session_id) & (journal.c.gateway == gateway) & journal.c.training.is_(False)
    sums = [func.coalesce(func.sum(journal.c[name]), 0) for name in ("total_minor", *BESIDE.values())]
    count, total, *beside = connection.execute(select(func.count(), *sums).where(mine)).one()
    tenders: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for kind, amount in _tenders(connection.execute(select(journal.c.body).where(mine)).scalars()):
        tenders[kind] += 1
        amounts[kind] += amount
    moved = _controls(connection, gateway, session_id)
    cash = moved["SessionOpen"][1] + moved["PaidIn"][1] - moved["PaidOut"][1] - moved["PickUp"][1] + amounts[CASH]
    return {
        "sales_count": count,
        "sales_minor": int(total),
        **{name: int(value) for name, value in zip(BESIDE, beside, strict=True)},
        "voids_count": moved["SaleVoid"][0],
        "float_minor": moved["SessionOpen"][1],
        "paid_in_minor": moved["PaidIn"][1],
        "paid_out_minor": moved["PaidOut"][1],
        "picked_up_minor": moved["PickUp"][1],
        "expected_cash_minor": cash,
        "tenders": {kind: (tenders[kind], amounts[kind]) for kind in sorted(tenders)},
    }


def differences(stated: SessionTotals, reckoned: dict[str, Any]) -> list[Difference]:
    """(figure, as the close states it, as it was reckoned); a kind of tender as `Cash count` and `Cash amount`."""
    found: list[Difference] = []
    for name, value in reckoned.items():
        if name != "tenders" and getattr(stated, name) != value:
            found.append((name, getattr(stated, name), value))
    said = {one.tender_type: (one.count, one.amount_minor) for one in stated.tenders}
    for kind in sorted({*said, *reckoned["tenders"]}):
        pairs = zip(("count", "amount"), said.get(kind, (0, 0)), reckoned["tenders"].get(kind, (0, 0)), strict=True)
        found += [(f"{kind} {what}", there, here) for what, there, here in pairs if there != here]
    counted, short = stated.counted_cash_minor, stated.over_short_minor
    if counted is not None and short != counted - reckoned["expected_cash_minor"]:
        found.append(("over_short_minor", short, counted - reckoned["expected_cash_minor"]))
    return found


def _due(connection: Connection, now: datetime, again_s: float, most: int = MOST) -> list[Row[Any]]:
    differed = till_session.c.differences.is_not(None) & (till_session.c.checked_at < now - timedelta(seconds=again_s))
    arrived = and_(stream.c.gateway == till_session.c.gateway, stream.c.epoch == till_session.c.closed_epoch)
    query = (
        select(till_session)
        .outerjoin(stream, arrived)
        .where(
            till_session.c.closed_seq.is_not(None),
            # A close that was mended and re-posted may stand outside of any stream: then nothing is waited for.
            stream.c.contiguous_seq.is_(None) | (stream.c.contiguous_seq >= till_session.c.closed_seq),
            till_session.c.checked_at.is_(None) | differed,
        )
        .order_by(till_session.c.closed_at)
        .limit(most)
    )
    return list(connection.execute(query).all())


def _check(connection: Connection, session: Row[Any], now: datetime) -> None:
    stated = SessionTotals.model_validate_json(session.totals)
    found = differences(stated, reckon(connection, session.gateway, session.session_id))
    here = (till_session.c.gateway == session.gateway) & (till_session.c.session_id == session.session_id)
    said = json.dumps(found) if found else None
    connection.execute(update(till_session).where(here).values(checked_at=now, differences=said))
    if not found:
        alarms.mended(connection, session.gateway, DIFFERS, session.session_id)
        return
    first, stated_value, reckoned_value = found[0]
    more = f" and {len(found) - 1} figure(s) more" if len(found) > 1 else ""
    text = (
        f"workstation {session.workstation_id}, Z {stated.z_number} of {session.business_date}: {first} is "
        f"{stated_value} by the close and {reckoned_value} by the journal{more}{_held(connection, session)}"
    )
    alarms.hold(connection, session.gateway, DIFFERS, text, subject=session.session_id)


def _held(connection: Connection, session: Row[Any]) -> str:
    """Where records of its store's log wait in quarantine, they may be what is missing."""
    mine = (inbox.c.gateway == session.gateway) & (inbox.c.epoch == session.closed_epoch)
    query = select(func.count()).where(mine, inbox.c.fate == "rejected", inbox.c.seq <= session.closed_seq)
    count = connection.execute(query).scalar_one()
    return f"; {count} record(s) of this gateway are in quarantine" if count else ""


def _tenders(bodies: Iterable[str]) -> Iterator[tuple[str, int]]:
    for body in bodies:
        for line in json.loads(body)["line_items"]:
            if line["type"] == "Tender":
                yield line.get("tender_type", CASH), line["amount_minor"] - line.get("change_minor", 0)


def _controls(connection: Connection, gateway: str, session_id: str) -> dict[str, tuple[int, int]]:
    """kind -> (count, sum of amounts)"""
    query = select(control.c.control, func.count(), func.coalesce(func.sum(control.c.amount_minor), 0))
    mine = (control.c.gateway == gateway) & (control.c.session_id == session_id)
    found = dict.fromkeys(("SessionOpen", "PaidIn", "PaidOut", "PickUp", "SaleVoid"), (0, 0))
    rows = connection.execute(query.where(mine).group_by(control.c.control))
    return found | {kind: (count, int(amount)) for kind, count, amount in rows}
