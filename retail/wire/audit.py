"""What a gateway puts on record about itself: an item of the ordered log, of type AuditRecord, beside the sales."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retail.sale import Identifier, Shape, UtcTime

AUDIT_RECORD = "AuditRecord"


Severity = Literal["info", "warning", "error"]


class AuditRecord(Shape):
    """Something a person at headquarters must be able to find later: a new epoch, a salvage, a clock that was set.

    facts: figures and names by name; never card data, never a token.
    """

    type: Literal["AuditRecord"] = "AuditRecord"
    code: str = Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_]+$", examples=["new_epoch"])
    severity: Severity
    text: str = Field(min_length=1, max_length=500)
    at: UtcTime
    store_id: Identifier
    facts: dict[str, str | int | None] = Field(default={})
