"""The door's own pages, the live streams, and health."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import RedirectResponse

from cloud_erp.journal import service as journal
from cloud_erp.web.live import event_stream
from cloud_erp.web.security import COOKIE, local_path
from cloud_erp.web.shell import Office

SESSION_S = 12 * 3600


class Health(BaseModel):
    """What monitors poll; `ok` is both of the others."""

    ok: bool
    database: Literal["ok", "unreadable"]
    mqtt: Literal["connected", "away"]
    core_incarnation: str | None
    sales_mark: int | None
    software: str


def software() -> str:
    try:
        return version("backroom")
    except PackageNotFoundError:
        return "unknown"


def router(office: Office) -> APIRouter:
    routes = APIRouter()
    _operations(routes, office)
    _login(routes, office)
    return routes


def _operations(routes: APIRouter, office: Office) -> None:
    release = software()

    @routes.get("/v1/health", tags=["operations"])
    def health(response: Response) -> Health:
        """503 while the database cannot be read or the broker is away."""
        incarnation, mark = None, None
        try:
            incarnation = office.database.incarnation()
            with office.database.read() as connection:
                mark = journal.high_mark(connection)
        except SQLAlchemyError:
            pass
        connected = office.broker_connected()
        ok = connected and incarnation is not None
        response.status_code = 200 if ok else 503
        return Health(
            ok=ok,
            database="ok" if incarnation is not None else "unreadable",
            mqtt="connected" if connected else "away",
            core_incarnation=incarnation,
            sales_mark=mark,
            software=release,
        )

    @routes.get("/events/{topic}", include_in_schema=False)
    async def events(topic: str) -> Response:
        if topic not in office.pulse.topics:
            raise HTTPException(404, "no such stream")
        return event_stream(office.pulse, topic)


def _login(routes: APIRouter, office: Office) -> None:
    @routes.get("/login", include_in_schema=False)
    def login_page(request: Request) -> Response:
        if office.door.token is None:
            return RedirectResponse("/", 303)
        target = local_path(request.query_params.get("next", "/"))
        return office.pages.show(request, "login.html", target=target, wrong=False)

    @routes.post("/login", include_in_schema=False)
    def login(request: Request, token: Annotated[str, Form()], target: Annotated[str, Form()] = "/") -> Response:
        if not office.door.opens_with(token.strip()):
            return office.pages.show(request, "login.html", 401, target=local_path(target), wrong=True)
        answer = RedirectResponse(local_path(target), 303)
        answer.set_cookie(
            COOKIE, office.door.session, max_age=SESSION_S, httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    @routes.post("/logout", include_in_schema=False)
    def logout() -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer
