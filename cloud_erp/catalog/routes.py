"""The catalogue: the page and the same as JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from cloud_erp.catalog import service
from cloud_erp.catalog.service import ItemView
from cloud_erp.feeds import service as feeds
from cloud_erp.web.shell import Office
from retail.wire.rows import ITEMS


class ItemList(BaseModel):
    """`version` and `sha256` are those of feed `items`."""

    version: int
    sha256: str
    items: list[ItemView]


def router(office: Office) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/items", tags=["catalogue"])
    def items(search: str | None = None, limit: Annotated[int, Query(ge=1, le=100_000)] = 2000) -> ItemList:
        with office.database.read() as connection:
            head = feeds.head(connection, ITEMS)
            return ItemList(version=head.version, sha256=head.sha256, items=service.listed(connection, search, limit))

    @routes.get("/catalogue", include_in_schema=False)
    def page(request: Request, search: str = "") -> Response:
        with office.database.read() as connection:
            rows = service.listed(connection, search or None)
            head, count = feeds.head(connection, ITEMS), service.count(connection)
        return office.pages.show(request, "catalogue.html", rows=rows, head=head, count=count, search=search)

    return routes
