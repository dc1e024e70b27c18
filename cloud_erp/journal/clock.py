"""When a sale really was, where the box's wall clock was wrong: reckoned from what it said once it knew the time.

A record carries boot id and CLOCK_BOOTTIME beside its wall time. An audit record `clock_anchor` of the same boot, made
when the clock was right, says which wall time one boot time was; the difference of the boot times does the rest. Both
times are kept; nothing is ordered by either (promise P7).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from cloud_erp.audit.model import audit

ANCHOR = "clock_anchor"
SYNCED = "synced"


def corrected(connection: Connection, gateway: str, record: dict[str, Any]) -> datetime | None:
    """The time of a record whose own clock was not synchronised; None where it was, or where no anchor tells."""
    if record.get("clock_state") == SYNCED:
        return None
    boot_id, boottime_ns = record.get("boot_id"), record.get("boottime_ns")
    query = select(audit.c.body).where(audit.c.gateway == gateway, audit.c.code == ANCHOR)
    best: tuple[int, datetime] | None = None
    for body in connection.execute(query).scalars():
        facts = json.loads(body).get("facts", {})
        if facts.get("boot_id") != boot_id or facts.get("clock_state") != SYNCED:
            continue
        away_ns = int(facts["boottime_ns"]) - int(boottime_ns or 0)
        moment = datetime.fromisoformat(facts["wall_utc"]) - timedelta(microseconds=away_ns // 1000)
        if best is None or abs(away_ns) < best[0]:
            best = abs(away_ns), moment
    return best[1] if best else None
