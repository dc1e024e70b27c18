"""Sessions: the page under Stores, and what happened at tills as JSON."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel

from cloud_erp.tills import service
from cloud_erp.tills.service import ControlView, SessionView
from cloud_erp.web.shell import Office

Limit = Annotated[int, Query(ge=1, le=1000)]


class SessionList(BaseModel):
    sessions: list[SessionView]


class ControlList(BaseModel):
    controls: list[ControlView]


def router(office: Office) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/sessions", tags=["tills"])
    def sessions(day: date | None = None, store_id: str | None = None, limit: Limit = 200) -> SessionList:
        """Till sessions with what their closes said, and whether the journal comes to the same; the newest first."""
        with office.database.read() as connection:
            return SessionList(sessions=service.sessions(connection, day, store_id, limit))

    @routes.get("/v1/controls", tags=["tills"])
    def controls(
        day: date | None = None, store_id: str | None = None, session_id: str | None = None, limit: Limit = 200
    ) -> ControlList:
        """What happened at tills beside sales: opened, closed, no-sale, cash in and out; the newest first."""
        with office.database.read() as connection:
            return ControlList(controls=service.controls(connection, day, store_id, session_id, limit))

    @routes.get("/stores/sessions", include_in_schema=False)
    def page(request: Request, store: str = "") -> Response:
        with office.database.read() as connection:
            rows = service.sessions(connection, store_id=store or None)
        return office.pages.show(request, "sessions.html", rows=rows, store=store)

    @routes.get("/stores/sessions/{gateway}/{session_id}", include_in_schema=False)
    def one(request: Request, gateway: str, session_id: str) -> Response:
        with office.database.read() as connection:
            row = service.session(connection, gateway, session_id)
            if row is None:
                raise HTTPException(404, f"{gateway} has no session {session_id}")
            others = service.controls(connection, session_id=session_id)
        controls = [control for control in reversed(others) if control.gateway == gateway]
        return office.pages.show(request, "session.html", row=row, controls=controls)

    return routes
