"""Tokens and what each may do, over the real application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.api import baskets, devices
from gateway.api.events import Stopping
from gateway.api.scopes import tokens_of
from gateway.api.server import application
from tests.shop import Shop, a_shop

TOKENS = [
    ("token_file", "keeper", ["admin"]),
    ("pos", "seller", ["sell"]),
    ("lights", "reader", ["read"]),
    ("kiosk", "both", ["sell", "devices"]),
]


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    shop: Shop = await a_shop(tmp_path)
    operations = [
        *baskets.operations({"1": shop.workstation}, Stopping()),
        *devices.operations({}, Stopping()),
    ]
    app = application(operations, [], frozenset({"127.0.0.1"}), tokens_of(TOKENS), "0.1.0")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client
    shop.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("token", ["keeper", "seller", "reader", "both"])
async def test_every_token_may_look(http: httpx.AsyncClient, token: str) -> None:
    assert (await http.get("/v1/baskets/1", headers=bearer(token))).status_code == 200


@pytest.mark.parametrize(
    ("token", "sells", "moves_devices"),
    [("keeper", True, True), ("seller", True, False), ("reader", False, False), ("both", True, True)],
)
async def test_a_token_does_what_its_scopes_say(
    http: httpx.AsyncClient, token: str, sells: bool, moves_devices: bool
) -> None:
    rung = await http.post("/v1/baskets/1/scan", json={"code": "4006381333931"}, headers=bearer(token))
    assert rung.status_code == (200 if sells else 403)
    # There is no such device: who may ask is told so, who may not does not even learn that.
    opened = await http.post("/v1/devices/drawer-1/open-drawer", headers=bearer(token))
    assert opened.status_code == (404 if moves_devices else 403)


async def test_a_refusal_names_the_token_the_scope_and_the_place_but_never_the_secret(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/baskets/1/scan", json={"code": "1"}, headers=bearer("reader"))
    problem = answer.json()
    assert problem["reason"] == "scope"
    assert "'lights' may read; this needs sell" in problem["detail"]
    assert "[api.tokens.lights]" in problem["detail"]
    assert "reader" not in answer.text


@pytest.mark.parametrize("token", ["", "Keeper", "keeper2", "kee"])
async def test_anything_else_is_no_token(http: httpx.AsyncClient, token: str) -> None:
    assert (await http.get("/v1/baskets/1", headers=bearer(token))).status_code == 401


@pytest.mark.parametrize(
    ("page", "token", "status"),
    [
        ("/technician", "keeper", 404),  # no pages are served here: 404 is past the guard
        ("/technician", "both", 403),
        ("/technician/events", "seller", 403),
        ("/till/1", "seller", 404),
        ("/till/1", "reader", 403),
    ],
)
async def test_pages_ask_for_scopes_too(http: httpx.AsyncClient, page: str, token: str, status: int) -> None:
    assert (await http.get(page, headers=bearer(token))).status_code == status


async def test_the_document_says_which_scope_an_operation_needs(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json", headers=bearer("reader"))).json()["paths"]
    assert paths["/v1/baskets/{workstation}/scan"]["post"]["security"] == [{}, {"token": ["sell"]}]
    assert paths["/v1/devices/{device}/open-drawer"]["post"]["security"] == [{}, {"token": ["devices"]}]
    assert "security" not in paths["/v1/devices"]["get"]
