"""What can be asked of the audit records."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, select

from cloud_erp.audit.model import audit


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
