"""`/v1/applications` and `/v1/pair`: a shop's own program gets a token of its own, by a code."""

from __future__ import annotations

import asyncio
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.applications import CODE_LIVES_S, Application, Applications, Name
from gateway.api.operations import Call, NoSuchThing, Operation
from gateway.api.scopes import Scope


class CodeWanted(BaseModel):
    """A code for one program. It may read whatever its scopes are."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(examples=["Kassa"])
    scopes: list[Scope] = Field(min_length=1, examples=[["sell", "pay"]])


class CodeOffered(BaseModel):
    """Type it into the program: it trades the code for its token at POST /v1/pair."""

    code: str = Field(examples=["7KQM4XWP"])
    name: str
    scopes: list[Scope]
    lives_s: int = Field(description="seconds from now on; one use")


class CodeGiven(BaseModel):
    """Small letters, spaces and hyphens do not matter."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=40, examples=["7KQM4XWP"])


class ApplicationView(BaseModel):
    id: str
    name: str
    scopes: list[Scope]
    paired_at: datetime


class Paired(ApplicationView):
    """token: send it as `Authorization: Bearer ...`. It is told this once and never again."""

    token: str


class ApplicationList(BaseModel):
    applications: list[ApplicationView]


def _view(program: Application) -> ApplicationView:
    return ApplicationView(**program.model_dump(exclude={"sha256"}))


class _Pairing:
    def __init__(self, applications: Applications) -> None:
        self._applications = applications
        self._one_at_a_time = asyncio.Lock()

    async def listed(self, _call: Call) -> ApplicationList:
        return ApplicationList(applications=[_view(one) for one in self._applications.listed()])

    async def offer(self, call: Call) -> CodeOffered:
        offered = self._applications.offer(call.body.name, call.body.scopes)
        return CodeOffered(
            code=offered.code, name=offered.name, scopes=sorted(offered.scopes), lives_s=round(CODE_LIVES_S)
        )

    async def pair(self, call: Call) -> Paired:
        async with self._one_at_a_time:
            program, token = await asyncio.to_thread(self._applications.pair, call.body.code)
        return Paired(**_view(program).model_dump(), token=token)

    async def revoke(self, call: Call) -> ApplicationView:
        wanted = call.path("application")
        async with self._one_at_a_time:
            gone = await asyncio.to_thread(self._applications.revoke, wanted)
        if gone is None:
            raise NoSuchThing(f"no program is paired under {wanted}; GET /v1/applications lists them")
        return _view(gone)


def operations(applications: Applications) -> list[Operation]:
    pairing = _Pairing(applications)
    return [
        Operation(
            "GET",
            "/v1/applications",
            "Programs that are paired with this box",
            pairing.listed,
            answer=ApplicationList,
        ),
        Operation(
            "POST",
            "/v1/applications/codes",
            "A code to pair one program with",
            pairing.offer,
            description="What the technician's page shows. The code holds for ten minutes and for one program; a"
            " restart of the box ends it.",
            body=CodeWanted,
            answer=CodeOffered,
            problems=(409, 422),
            scope=Scope.ADMIN,
            example={"name": "Kassa", "scopes": ["sell", "pay"]},
        ),
        Operation(
            "POST",
            "/v1/pair",
            "Trade a code for a token",
            pairing.pair,
            description="The one call that needs no token where the box has one. After ten wrong codes every code that"
            " waits ends, and the technician asks for a new one.",
            body=CodeGiven,
            answer=Paired,
            problems=(409, 422),
            needs_token=False,
            example={"code": "7KQM4XWP"},
        ),
        Operation(
            "POST",
            "/v1/applications/{application}/revoke",
            "End a program's token",
            pairing.revoke,
            description="From the next request on the token is refused.",
            answer=ApplicationView,
            problems=(404, 409),
            scope=Scope.ADMIN,
        ),
    ]
