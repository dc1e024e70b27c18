"""Today and one sale; and the same as JSON."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection

from cloud_erp.fleet import registry
from cloud_erp.journal import service
from cloud_erp.journal.chart import Chart, chart
from cloud_erp.journal.service import SaleDetail, SaleView, StoreDay
from cloud_erp.web.shell import Office

LATEST = 50
#: what the database counts with
MOST_ID = 2**63 - 1


class SaleList(BaseModel):
    """Ask again with since_id=last_id for what came after."""

    sales: list[SaleView]
    last_id: int


class StoreDays(BaseModel):
    store_days: list[StoreDay]


def router(office: Office) -> APIRouter:
    routes = APIRouter()
    _api(routes, office)
    _pages(routes, office)
    return routes


def _api(routes: APIRouter, office: Office) -> None:
    @routes.get("/v1/sales", tags=["journal"])
    def sales(
        since_id: Annotated[int, Query(ge=0, le=MOST_ID)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> SaleList:
        """Sales in order of booking, after that journal id."""
        with office.database.read() as connection:
            found = service.since(connection, since_id, limit)
        return SaleList(sales=found, last_id=found[-1].id if found else since_id)

    @routes.get("/v1/sales/{gateway}/{epoch}/{seq}", tags=["journal"])
    def sale(gateway: str, epoch: str, seq: int) -> SaleDetail:
        return _sale(office, gateway, epoch, seq)

    @routes.get("/v1/store-days", tags=["journal"])
    def store_days(day: date | None = None) -> StoreDays:
        """Totals per store and business day; training sales count nowhere."""
        with office.database.read() as connection:
            return StoreDays(store_days=service.store_days(connection, day))


def _pages(routes: APIRouter, office: Office) -> None:
    @routes.get("/", include_in_schema=False)
    def today(request: Request, day: str = "") -> Response:
        chosen = _day(day) or office.pages.today()
        with office.database.read() as connection:
            totals = service.store_days(connection, chosen)
            facts: dict[str, Any] = {
                "latest": service.latest(connection, LATEST, chosen if day else None),
                "totals": totals,
                "charts": _charts(office, connection, chosen, totals),
                "names": {one.store_id: one.name for one in registry.listed(connection)},
                "newest_day": service.newest_day(connection),
            }
        return office.pages.show(
            request, "today.html", day=chosen, is_today=chosen == office.pages.today(), chosen=bool(day), **facts
        )

    @routes.get("/sales/{gateway}/{epoch}/{seq}", include_in_schema=False)
    def sale_page(request: Request, gateway: str, epoch: str, seq: int) -> Response:
        return office.pages.show(request, "sale.html", sale=_sale(office, gateway, epoch, seq))


def _sale(office: Office, gateway: str, epoch: str, seq: int) -> SaleDetail:
    with office.database.read() as connection:
        found = service.sale(connection, gateway, epoch, seq) if 0 < seq <= MOST_ID else None
    if found is None:
        raise HTTPException(404, f"no sale of {gateway} under {epoch}/{seq}")
    return found


def _charts(office: Office, connection: Connection, day: date, totals: list[StoreDay]) -> list[Chart]:
    currencies = sorted({total.currency for total in totals})
    return [chart(service.hours(connection, day, currency, office.pages.zone)) for currency in currencies]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
