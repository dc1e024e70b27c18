"""The local HTTP server: one Starlette application, served by uvicorn inside the daemon's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.api.events import Stopping
from gateway.api.openapi import document
from gateway.api.operations import Operation
from gateway.api.problems import not_found
from gateway.api.scopes import Tokens
from gateway.api.security import Guard
from gateway.errors import ConfigError

#: open streams end by themselves; anything else gets this long
SHUTDOWN_S = 3


def application(
    operations: Sequence[Operation], pages: Sequence[BaseRoute], hosts: frozenset[str], tokens: Tokens, version: str
) -> Guard:
    """The guarded application: the API's operations, its OpenAPI document, and the pages."""

    async def openapi(_request: Request) -> Response:
        return JSONResponse(document(operations, version))

    async def missing(request: Request, _error: Exception) -> Response:
        return not_found(f"{request.url.path}: no such page; the API is described at /openapi.json").response()

    routes = [*(operation.route() for operation in operations), Route("/openapi.json", openapi), *pages]
    return Guard(Starlette(routes=routes, exception_handlers={404: missing}), hosts, tokens)


def bind(host: str, port: int) -> socket.socket:
    """Take the address now, so that a port in use stops the start with a clear word.

    Raises:
        ConfigError: the port is taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio turns Nagle's algorithm off; without, each answer on a kept connection took 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"[api] port {port} on {host} is in use by another program: stop it ('ss -ltnp' names it),"
                " or set another port in gateway.toml"
            ) from error
        raise ConfigError(f"[api] cannot listen on {host}:{port}: {error.strerror}; choose another") from error
    listener.setblocking(False)
    return listener


class _Embedded(uvicorn.Server):
    """uvicorn without its own signal handling: the daemon decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: Guard, listener: socket.socket, stopping: Stopping) -> None:
    """Serve until `stopping`, or until cancelled; open streams are ended, running requests are finished."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=SHUTDOWN_S,
        timeout_keep_alive=30,
        server_header=False,
        ws="none",
    )
    server = _Embedded(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await stopping.event.wait()
    finally:
        stopping.event.set()
        server.should_exit = True
        await serving
