"""Quarantine: the pages on which a person mends, re-posts or discards a record; and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.responses import RedirectResponse

from cloud_erp.errors import NotInQuarantine, Settled, StillUnfit
from cloud_erp.intake import repost
from cloud_erp.journal import service
from cloud_erp.journal.service import QuarantineDetail, QuarantineView
from cloud_erp.web.shell import Office
from retail.sale import Fault

MOST_TEXT = 1_000_000
Name = Annotated[str, Field(min_length=1, max_length=64)]


class QuarantineList(BaseModel):
    quarantine: list[QuarantineView]


class Mend(BaseModel):
    """The whole body, as it should have come."""

    body: dict[str, Any]
    by: Name = "api"


class Repost(BaseModel):
    by: Name = "api"


class Discard(BaseModel):
    reason: str = Field(min_length=1, max_length=500)
    by: Name = "api"


def router(office: Office) -> APIRouter:
    routes = APIRouter()
    _api(routes, office)
    _changes(routes, office)
    _pages(routes, office)
    return routes


def _api(routes: APIRouter, office: Office) -> None:
    @routes.get("/v1/quarantine", tags=["journal"])
    def quarantined(
        limit: Annotated[int, Query(ge=1, le=1000)] = 200, state: Literal["open", "all"] = "all"
    ) -> QuarantineList:
        """Records that could not be booked as they came, the newest first."""
        with office.database.read() as connection:
            return QuarantineList(quarantine=service.quarantined(connection, limit, state == "open"))

    @routes.get("/v1/quarantine/{quarantine_id}", tags=["journal"])
    def one(quarantine_id: str) -> QuarantineDetail:
        """One of them, with all that was done to it."""
        return _one(office, quarantine_id)


def _changes(routes: APIRouter, office: Office) -> None:
    def changed(quarantine_id: str, change: Callable[[Connection], object]) -> QuarantineDetail:
        with _told(), office.database.write() as connection:
            change(connection)
        return _one(office, quarantine_id)

    @routes.post("/v1/quarantine/{quarantine_id}/mend", tags=["journal"])
    def mend(quarantine_id: str, asked: Mend) -> QuarantineDetail:
        """Keep another body for it; 422 with the fields at fault where it could not be booked so."""
        return changed(quarantine_id, lambda connection: repost.mend(connection, quarantine_id, asked.body, asked.by))

    @routes.post("/v1/quarantine/{quarantine_id}/repost", tags=["journal"])
    def repost_it(quarantine_id: str, asked: Repost) -> QuarantineDetail:
        """Book it, as mended or as it came, under its own idempotency key; 409 where that was done before."""
        return changed(quarantine_id, lambda connection: repost.repost(connection, quarantine_id, asked.by))

    @routes.post("/v1/quarantine/{quarantine_id}/discard", tags=["journal"])
    def discard(quarantine_id: str, asked: Discard) -> QuarantineDetail:
        """Close the case without booking; the record stays as it came."""
        return changed(
            quarantine_id, lambda connection: repost.discard(connection, quarantine_id, asked.by, asked.reason)
        )


def _pages(routes: APIRouter, office: Office) -> None:
    @routes.get("/quarantine", include_in_schema=False)
    def page(request: Request, settled: bool = False) -> Response:
        with office.database.read() as connection:
            rows = service.quarantined(connection, only_open=not settled)
        return office.pages.show(request, "quarantine.html", rows=rows, settled=settled)

    def show(request: Request, quarantine_id: str, status: int = 200, **entered: Any) -> Response:
        row = _one(office, quarantine_id)
        facts: dict[str, Any] = {"text": _body_text(row), "by": "", "reason": "", "fault": "", "faults": []}
        return office.pages.show(request, "quarantined.html", status, row=row, **(facts | entered))

    @routes.get("/quarantine/{quarantine_id}", include_in_schema=False)
    def one_page(request: Request, quarantine_id: str) -> Response:
        return show(request, quarantine_id)

    @routes.post("/quarantine/{quarantine_id}/{action}", include_in_schema=False)
    def act(
        request: Request,
        quarantine_id: str,
        action: Literal["mend", "repost", "discard"],
        by: Annotated[str, Form(min_length=1, max_length=64)],
        text: Annotated[str, Form(max_length=MOST_TEXT)] = "",
        reason: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        """Re-posting from the page keeps what stands in the text field first."""
        try:
            with office.database.write() as connection:
                if action == "discard":
                    repost.discard(connection, quarantine_id, by, reason)
                else:
                    repost.mend(connection, quarantine_id, _parsed(text), by)
                if action == "repost":
                    repost.repost(connection, quarantine_id, by)
        except StillUnfit as unfit:
            entered = {"by": by, "reason": reason, "fault": str(unfit), "faults": unfit.faults}
            return show(request, quarantine_id, 422, **(entered | ({"text": text} if text else {})))
        except Settled:
            pass  # by somebody else, a moment ago: the page says how
        except NotInQuarantine as error:
            raise HTTPException(404, str(error)) from error
        return RedirectResponse(f"/quarantine/{quarantine_id}", 303)


@contextmanager
def _told() -> Iterator[None]:
    """The errors of a change as a program should hear them."""
    try:
        yield
    except NotInQuarantine as error:
        raise HTTPException(404, str(error)) from error
    except Settled as error:
        raise HTTPException(409, str(error)) from error
    except StillUnfit as error:
        faults = [fault.model_dump() for fault in error.faults]
        raise HTTPException(422, {"reason": str(error), "code": error.code, "faults": faults}) from error


def _one(office: Office, quarantine_id: str) -> QuarantineDetail:
    with office.database.read() as connection:
        row = service.quarantined_one(connection, quarantine_id)
    if row is None:
        raise HTTPException(404, f"nothing is in quarantine under {quarantine_id}")
    return row


def _body_text(row: QuarantineDetail) -> str:
    """The body to begin from: as mended, or as it came."""
    if row.mended is not None:
        return row.mended
    raw = json.loads(row.raw)
    return json.dumps(raw.get("body", {}) if isinstance(raw, dict) else {})


def _parsed(text: str) -> Any:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        fault = Fault(field="body", message=f"is not JSON: {error}")
        raise StillUnfit(f"the body {fault.message}", "unreadable", [fault]) from error
    if not isinstance(body, dict):
        fault = Fault(field="body", message="must be an object: { ... }")
        raise StillUnfit(f"the body {fault.message}", "unreadable", [fault])
    return body
