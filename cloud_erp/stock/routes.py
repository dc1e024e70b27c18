"""Stock: the page and the same as JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from cloud_erp.stock import service
from cloud_erp.stock.service import StockView
from cloud_erp.web.shell import Office

#: positions on the page
MOST = 1000


class StockList(BaseModel):
    stock: list[StockView]


def router(office: Office) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/stock", tags=["stock"])
    def stock(
        store_id: str | None = None, item: str | None = None, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
    ) -> StockList:
        """Positions, by store and by words in the item's id or description."""
        with office.database.read() as connection:
            return StockList(stock=service.positions(connection, store_id, item, limit))

    @routes.get("/stock", include_in_schema=False)
    def page(request: Request, store: str = "", item: str = "") -> Response:
        with office.database.read() as connection:
            rows = service.positions(connection, store or None, item or None, MOST)
            stores = service.stores(connection)
        return office.pages.show(request, "stock.html", rows=rows, most=MOST, stores=stores, store=store, item=item)

    return routes
