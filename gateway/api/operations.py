"""One operation of the local API: its route and its line in the OpenAPI document come from the same declaration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.api.problems import Problem, not_found, of_error, of_validation
from gateway.api.scopes import Grant, Scope
from gateway.api.security import not_allowed
from gateway.errors import BackroomError

T = TypeVar("T")
MOST_BODY_BYTES = 2 * 1024 * 1024


class NoSuchThing(BackroomError):
    """The path names a workstation, device or transaction that is not there: 404."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a handler wants it. body is the parsed model where the operation takes one."""

    request: Request
    body: Any = None

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])


@dataclass(frozen=True, slots=True)
class Operation:
    """answer: the model of a good answer; answers None: the handler returns a Response of its own (a stream).

    path: a part may be written `{name:path}`, which takes slashes too.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[Call], Awaitable[BaseModel | Response]]
    description: str = ""
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    scope: Scope = Scope.READ
    example: Any = None
    streams: bool = False
    needs_token: bool = True

    @property
    def shown_path(self) -> str:
        """As OpenAPI writes it."""
        return self.path.replace(":path}", "}")

    def route(self) -> Route:
        return Route(self.path, self._endpoint, methods=[self.method])

    async def _endpoint(self, request: Request) -> Response:
        grant: Grant = request.state.grant
        if self.needs_token and not grant.allows(self.scope):
            return not_allowed(grant, self.scope).response()
        try:
            parsed = self.body.model_validate_json(await _read(request)) if self.body else None
            answer = await self.handler(Call(request, parsed))
        except ValidationError as error:
            return of_validation(error).response()
        except NoSuchThing as error:
            return not_found(str(error)).response()
        except _TooLarge:
            text = f"the body is larger than {MOST_BODY_BYTES} bytes"
            return Problem(title="Too large", status=413, detail=text, reason="too_large").response()
        except BackroomError as error:
            return of_error(error).response()
        if isinstance(answer, Response):
            return answer
        return Response(answer.model_dump_json(), status_code=self.status, media_type="application/json")


def at_workstation(workstations: Mapping[str, T], call: Call) -> T:
    """The one that the path names; raises NoSuchThing."""
    name = call.path("workstation")
    if name not in workstations:
        known = ", ".join(workstations)
        raise NoSuchThing(f"there is no workstation {name}; the configuration has {known}")
    return workstations[name]


def within(scope: Scope, operations: Sequence[Operation]) -> list[Operation]:
    """The same operations; those that change something need this scope."""
    return [replace(one, scope=scope) if one.method != "GET" else one for one in operations]


class _TooLarge(Exception):
    pass


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise _TooLarge
    return bytes(body) or b"{}"
