"""Stores: the page and the same as JSON; and the one change a person makes here, clearing an alarm."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as PathNumber
from pydantic import BaseModel
from starlette.responses import RedirectResponse

from cloud_erp.db import Database, now_utc
from cloud_erp.fleet import alarms, service
from cloud_erp.fleet.service import GatewayView
from cloud_erp.intake.service import marks
from cloud_erp.web.shell import Office


class AlarmView(BaseModel):
    id: int
    gateway: str
    code: str
    severity: str
    text: str
    times: int
    raised_at: datetime
    last_at: datetime


class Fleet(BaseModel):
    at: datetime
    gateways: list[GatewayView]
    alarms: list[AlarmView]


def fleet(database: Database) -> Fleet:
    """The fleet as it stands in the database; what `backroom-core fleet watch` and the page show."""
    with database.read() as connection:
        return Fleet(
            at=now_utc(),
            gateways=service.view(connection, marks(connection)),
            alarms=[
                AlarmView(**{name: getattr(one, name) for name in AlarmView.model_fields})
                for one in alarms.open_alarms(connection)
            ],
        )


def router(office: Office) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/fleet", tags=["fleet"])
    def all_gateways() -> Fleet:
        return fleet(office.database)

    @routes.get("/stores", include_in_schema=False)
    def page(request: Request) -> Response:
        found = fleet(office.database)
        return office.pages.show(request, "stores.html", fleet=found, troubled=service.troubled(found.gateways))

    @routes.post("/stores/alarms/{alarm_id}/clear", include_in_schema=False)
    def clear(alarm_id: Annotated[int, PathNumber(ge=1, le=2**63 - 1)]) -> Response:
        with office.database.write() as connection:
            if not alarms.clear(connection, alarm_id):
                raise HTTPException(404, "there is no such open alarm; it may have been cleared already")
        return RedirectResponse("/stores", 303)

    return routes
