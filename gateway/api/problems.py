"""Errors as RFC 9457 problem details: what is wrong, in which field, and what to do next."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from gateway.errors import (
    BackroomError,
    DeviceError,
    DeviceGone,
    DeviceSilent,
    KeyReused,
    NeedsAuthority,
    PairingRefused,
    QueueError,
    QueueFull,
    SaleRefused,
)
from retail.sale import Fault

log = logging.getLogger(__name__)


class Problem(BaseModel):
    """`application/problem+json`. reason: one machine word; errors: one a field; code: the UnifiedPOS error code.

    role: the least role that may allow it; send it again with that person's `authorisation`.
    """

    title: str
    status: int
    detail: str
    reason: str
    errors: list[Fault] = []
    code: int | None = None
    role: str | None = None

    def response(self) -> Response:
        body = self.model_dump_json(exclude_none=True)
        return Response(body, status_code=self.status, media_type="application/problem+json")


def not_found(what: str) -> Problem:
    return Problem(title="Not found", status=404, detail=what, reason="not_found")


def of_fields(errors: Sequence[Fault]) -> Problem:
    """422: the request can be read, but it contradicts itself or the store."""
    first = errors[0]
    return Problem(
        title="Does not add up",
        status=422,
        detail=f"{first.field}: {first.message}",
        reason="does_not_add_up",
        errors=list(errors),
    )


def of_validation(error: ValidationError) -> Problem:
    faults = [Fault(field=path(one["loc"]), message=_words(one)) for one in error.errors()]
    return Problem(
        title="Not readable as asked",
        status=422,
        detail="; ".join(f"{fault.field}: {fault.message}" for fault in faults[:3]),
        reason="invalid",
        errors=faults,
    )


def _words(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


def path(location: Iterable[int | str]) -> str:
    """line_items[0].quantity, from pydantic's location; the tag of a union is no field of the request."""
    text = ""
    parts = list(location)
    for index, part in enumerate(parts):
        if isinstance(part, int):
            text += f"[{part}]"
        elif part[:1].isupper() and index and isinstance(parts[index - 1], int):
            continue
        else:
            text += f".{part}" if text else part
    return text or "body"


def of_error(error: BackroomError) -> Problem:
    """The status a program can act on: 409 not now, 422 mend the request, 503 try again, 504 the device was silent."""
    if isinstance(error, NeedsAuthority):
        return Problem(
            title="Authority needed",
            status=403,
            detail=str(error),
            reason=error.reason,
            errors=[Fault(field="authorisation", message=str(error))],
            role=error.role,
        )
    if isinstance(error, SaleRefused | PairingRefused):
        errors = [Fault(field=error.field, message=str(error))] if error.field else []
        status = 422 if error.field else 409
        return Problem(title="Refused", status=status, detail=str(error), reason=error.reason, errors=errors)
    if isinstance(error, DeviceError):
        status = 504 if isinstance(error, DeviceSilent) else 503 if isinstance(error, DeviceGone) else 409
        return Problem(title="Device", status=status, detail=str(error), reason=error.reason, code=int(error.code))
    if isinstance(error, KeyReused):
        return Problem(title="Idempotency key reused", status=409, detail=str(error), reason="key_reused")
    if isinstance(error, QueueFull):
        log.error("not kept: %s", error)
        detail = f"{str(error).rstrip('.')}; nothing was kept: free space, then post it again under the same key"
        return Problem(title="No room", status=507, detail=detail, reason="disk_full")
    if isinstance(error, QueueError):
        log.error("not kept: %s", error)
        return Problem(title="Not kept", status=503, detail=f"{error}; try again with the same key", reason="not_kept")
    return Problem(title="Refused", status=409, detail=str(error), reason="refused")
