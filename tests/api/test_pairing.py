"""Programs of the shop: paired by a code, let in by a token of their own, ended at once. Over the real application."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from gateway.api import baskets, devices, pairing
from gateway.api.applications import ALPHABET, CODE_LIVES_S, FILE, WRONG_CODES_MOST, Applications
from gateway.api.events import Stopping
from gateway.api.scopes import tokens_of
from gateway.api.server import application
from gateway.errors import ConfigError
from tests.shop import Shop, a_shop

KEEPER = [("token_file", "keeper", ["admin"])]
MILK = {"code": "4006381333931"}


class Box:
    """The application over a shop's real till; `built` as often as the box is switched on."""

    def __init__(self, folder: Path, shop: Shop) -> None:
        self.now, self._folder, self._shop = 0.0, folder, shop

    def built(self, tokens: list[tuple[str, str, list[str]]] = KEEPER) -> httpx.AsyncClient:
        programs = Applications(self._folder, lambda: datetime(2026, 11, 22, tzinfo=UTC), lambda: self.now)
        operations = [
            *baskets.operations({"1": self._shop.workstation}, Stopping()),
            *devices.operations({}, Stopping()),
            *pairing.operations(programs),
        ]
        app = application(operations, [], frozenset({"127.0.0.1"}), tokens_of(tokens, programs.find), "0.1.0")
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    shop = await a_shop(tmp_path)
    yield Box(tmp_path, shop)
    shop.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def a_code(
    http: httpx.AsyncClient, name: str = "Kassa", scopes: tuple[str, ...] = ("sell",), guarded: bool = True
) -> str:
    wanted = {"name": name, "scopes": list(scopes)}
    answer = await http.post("/v1/applications/codes", json=wanted, headers=bearer("keeper") if guarded else {})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


async def paired(http: httpx.AsyncClient, name: str = "Kassa", scopes: tuple[str, ...] = ("sell",)) -> str:
    answer = await http.post("/v1/pair", json={"code": await a_code(http, name, scopes)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


async def test_a_program_trades_its_code_for_a_token_that_does_what_it_was_paired_for(box: Box) -> None:
    async with box.built() as http:
        token = await paired(http)
        assert (await http.post("/v1/baskets/1/scan", json=MILK, headers=bearer(token))).status_code == 200
        refused = await http.post("/v1/devices/drawer-1/open-drawer", headers=bearer(token))
        assert refused.status_code == 403
        assert "pair it again with that scope" in refused.json()["detail"]
        # It may not pair others, nor end them.
        assert (
            await http.post("/v1/applications/codes", json={"name": "B", "scopes": ["read"]}, headers=bearer(token))
        ).status_code == 403


async def test_a_code_is_good_once_and_for_minutes(box: Box) -> None:
    async with box.built() as http:
        code = await a_code(http)
        assert len(code) == 8
        assert set(code) <= set(ALPHABET)
        typed = f" {code[:4].lower()}-{code[4:].lower()} "
        assert (await http.post("/v1/pair", json={"code": typed})).status_code == 200
        again = await http.post("/v1/pair", json={"code": code})
        assert (again.status_code, again.json()["reason"]) == (409, "no_such_code")
        late = await a_code(http, "Late")
        box.now += CODE_LIVES_S
        assert (await http.post("/v1/pair", json={"code": late})).status_code == 409


async def test_guessing_ends_every_code_that_waits(box: Box) -> None:
    async with box.built() as http:
        code = await a_code(http)
        for _ in range(WRONG_CODES_MOST):
            assert (await http.post("/v1/pair", json={"code": "AAAAAAAA"})).status_code == 409
        assert (await http.post("/v1/pair", json={"code": code})).status_code == 409
        assert (await http.post("/v1/pair", json={"code": await a_code(http)})).status_code == 200


async def test_a_revoked_program_is_out_at_once_and_stays_out(box: Box) -> None:
    async with box.built() as http:
        token, other = await paired(http), await paired(http, "Lights", ("read",))
        known = (await http.get("/v1/applications", headers=bearer("keeper"))).json()["applications"]
        kassa = next(one["id"] for one in known if one["name"] == "Kassa")
        assert (await http.post(f"/v1/applications/{kassa}/revoke", headers=bearer("keeper"))).status_code == 200
        assert (await http.get("/v1/baskets/1", headers=bearer(token))).status_code == 401
        assert (await http.get("/v1/baskets/1", headers=bearer(other))).status_code == 200
        assert (await http.post(f"/v1/applications/{kassa}/revoke", headers=bearer("keeper"))).status_code == 404
    async with box.built() as http:
        assert (await http.get("/v1/baskets/1", headers=bearer(token))).status_code == 401


async def test_a_token_outlives_a_restart_and_stands_nowhere_in_clear(box: Box, tmp_path: Path) -> None:
    async with box.built() as http:
        token = await paired(http)
        listed = await http.get("/v1/applications", headers=bearer("keeper"))
        assert token not in listed.text
    file = tmp_path / FILE
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with box.built() as http:
        assert (await http.get("/v1/baskets/1", headers=bearer(token))).status_code == 200


async def test_on_loopback_without_a_configured_token_a_paired_one_still_counts_for_what_it_is(box: Box) -> None:
    async with box.built([]) as http:
        code = await a_code(http, scopes=("read",), guarded=False)
        token = (await http.post("/v1/pair", json={"code": code})).json()["token"]
        assert (await http.post("/v1/baskets/1/scan", json=MILK, headers=bearer(token))).status_code == 403
        assert (await http.post("/v1/baskets/1/scan", json=MILK, headers=bearer("wrong"))).status_code == 401
        assert (await http.post("/v1/baskets/1/scan", json=MILK)).status_code == 200


async def test_what_cannot_be_paired_is_refused_by_field(box: Box) -> None:
    async with box.built() as http:
        await paired(http)
        for wanted, field in (
            ({"name": "kassa", "scopes": ["sell"]}, "name"),
            ({"name": " ", "scopes": ["sell"]}, "name"),
            ({"name": "New", "scopes": []}, "scopes"),
            ({"name": "New", "scopes": ["fly"]}, "scopes[0]"),
        ):
            answer = await http.post("/v1/applications/codes", json=wanted, headers=bearer("keeper"))
            assert answer.status_code == 422, answer.text
            assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_a_file_that_nobody_can_read_stops_the_start_with_a_word(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ConfigError, match=r"applications\.json.*move it away and pair them again"):
        Applications(tmp_path, lambda: datetime(2026, 11, 22, tzinfo=UTC), lambda: 0.0)


async def test_a_page_of_another_site_can_neither_offer_nor_trade_a_code(box: Box) -> None:
    async with box.built([]) as http:
        for path, body in (("codes", {"name": "Evil", "scopes": ["admin"]}),):
            answer = await http.post(f"/v1/applications/{path}", json=body, headers={"Origin": "http://evil.example"})
            assert answer.json()["reason"] == "other_origin"
        answer = await http.post("/v1/pair", json={"code": "A"}, headers={"Origin": "http://evil.example"})
        assert answer.json()["reason"] == "other_origin"
