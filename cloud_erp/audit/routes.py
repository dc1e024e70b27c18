"""Audit records: a page under Stores, and the same as JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from cloud_erp.audit import service
from cloud_erp.audit.service import AuditView, DeedView
from cloud_erp.fleet import registry
from cloud_erp.web.shell import Office


class AuditList(BaseModel):
    audit: list[AuditView]


class DeedList(BaseModel):
    deeds: list[DeedView]


def router(office: Office) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/audit", tags=["fleet"])
    def records(gateway: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> AuditList:
        """What the gateways put on record about themselves, the newest first."""
        with office.database.read() as connection:
            return AuditList(audit=service.listed(connection, gateway, limit))

    @routes.get("/v1/deeds", tags=["operations"])
    def deeds(limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> DeedList:
        """What was done at headquarters, such as imports, the newest first."""
        with office.database.read() as connection:
            return DeedList(deeds=service.deeds(connection, limit))

    @routes.get("/stores/audit", include_in_schema=False)
    def page(request: Request, gateway: str = "") -> Response:
        with office.database.read() as connection:
            rows = service.listed(connection, gateway or None)
            done = service.deeds(connection)
            gateways = [one.id for one in registry.listed(connection)]
        return office.pages.show(request, "audit.html", rows=rows, deeds=done, gateways=gateways, gateway=gateway)

    return routes
