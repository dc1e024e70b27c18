"""Audit cases: the page on which a person settles one, and the same as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from cloud_erp.cases import service
from cloud_erp.cases.service import CaseView
from cloud_erp.web.shell import Office


class CaseList(BaseModel):
    cases: list[CaseView]


class Settle(BaseModel):
    note: str = Field(min_length=1, max_length=500)
    by: str = Field(default="api", min_length=1, max_length=64)


def router(office: Office) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/cases", tags=["cases"])
    def cases(state: Literal["open", "all"] = "open", limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> CaseList:
        """What was booked and a person should look at: coupons used twice, vouchers overspent; the newest first."""
        with office.database.read() as connection:
            return CaseList(cases=service.listed(connection, state == "open", limit))

    @routes.post("/v1/cases/{case_id}/settle", tags=["cases"])
    def settle(case_id: int, asked: Settle) -> CaseView:
        """Close a case, saying what came of it; 409 where that was done before."""
        return _settled(office, case_id, asked.by, asked.note)

    @routes.get("/cases", include_in_schema=False)
    def page(request: Request, settled: bool = False) -> Response:
        with office.database.read() as connection:
            rows = service.listed(connection, only_open=not settled)
        return office.pages.show(request, "cases.html", rows=rows, settled=settled)

    @routes.post("/cases/{case_id}", include_in_schema=False)
    def act(
        case_id: int,
        by: Annotated[str, Form(min_length=1, max_length=64)],
        note: Annotated[str, Form(min_length=1, max_length=500)],
    ) -> Response:
        _settled(office, case_id, by, note)
        return RedirectResponse("/cases", 303)

    return routes


def _settled(office: Office, case_id: int, by: str, note: str) -> CaseView:
    with office.database.write() as connection:
        done = service.settle(connection, case_id, by, note)
        row = service.one(connection, case_id)
    if row is None:
        raise HTTPException(404, f"there is no case {case_id}")
    if not done:
        raise HTTPException(409, f"case {case_id} was settled before, by {row.settled_by}")
    return row
