"""What can be asked of the audit records: those of the boxes, and those of headquarters itself."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, select

from cloud_erp.audit.model import audit, deed


class AuditView(BaseModel):
    """One audit record: `at` by the box's clock, `received_at` by headquarters'."""

    gateway: str
    epoch: str
    seq: int
    code: str
    severity: str
    text: str
    facts: dict[str, Any]
    at: datetime
    received_at: datetime


def listed(connection: Connection, gateway: str | None = None, limit: int = 200) -> list[AuditView]:
    """The newest first."""
    query = select(audit).order_by(audit.c.received_at.desc(), audit.c.epoch.desc(), audit.c.seq.desc()).limit(limit)
    if gateway:
        query = query.where(audit.c.gateway == gateway)
    return [
        AuditView.model_validate({**row, "facts": json.loads(row["body"]).get("facts", {})})
        for row in connection.execute(query).mappings()
    ]


class DeedView(BaseModel):
    """What was done at headquarters: by whom, and what it came to."""

    id: int
    at: datetime
    by: str
    action: str
    text: str
    facts: dict[str, Any]


def deeds(connection: Connection, limit: int = 200) -> list[DeedView]:
    """The newest first."""
    rows = connection.execute(select(deed).order_by(deed.c.id.desc()).limit(limit)).mappings()
    return [DeedView.model_validate({**row, "facts": json.loads(row["facts"])}) for row in rows]
