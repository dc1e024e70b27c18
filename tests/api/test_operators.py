"""Signing on over HTTP, and a refusal that says whose word it takes and takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from retail.authority import Limits
from tests.api.store import MILK, client_of, open_shop
from tests.people import STAFF

LANE = "/v1/baskets/1"


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    limits = Limits(void_line="supervisor")
    async with open_shop(tmp_path, operators=STAFF, limits=limits) as shop, shop.served(), client_of(shop) as client:
        yield client


async def test_a_cashier_signs_on_sells_and_signs_off(http: httpx.AsyncClient) -> None:
    before = (await http.get(LANE)).json()
    assert (before["operator"], before["sign_on_needed"], before["kind"]) == (None, True, "attended")
    refused = await http.post(f"{LANE}/scan", json={"code": MILK})
    assert (refused.status_code, refused.json()["reason"]) == (409, "not_signed_on")
    on = await http.post(f"{LANE}/sign-on", json={"operator_id": "anna", "pin": "1111"})
    assert on.json()["operator"] == {"operator_id": "anna", "name": "Anna", "role": "cashier"}
    assert not on.json()["sign_on_needed"]
    assert (await http.post(f"{LANE}/scan", json={"code": MILK})).status_code == 200
    assert (await http.post(f"{LANE}/sign-off")).json()["reason"] == "sale_open"
    await http.post(f"{LANE}/tender", json={})
    assert (await http.post(f"{LANE}/sign-off")).json()["operator"] is None


async def test_the_list_of_operators_holds_no_hash(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/operators")
    assert [one["operator_id"] for one in answer.json()["operators"]] == ["anna", "ben", "suse", "mia"]
    assert "scrypt" not in answer.text
    assert "pin" not in answer.text


async def test_wrong_pins_are_refused_then_locked_and_never_told_back(http: httpx.AsyncClient) -> None:
    reasons = []
    for _ in range(4):
        refused = await http.post(f"{LANE}/sign-on", json={"operator_id": "anna", "pin": "864209"})
        assert refused.status_code == 422
        assert "864209" not in refused.text
        reasons.append(refused.json()["reason"])
    assert reasons == ["wrong_pin", "wrong_pin", "wrong_pin", "pin_locked"]
    malformed = await http.post(f"{LANE}/sign-on", json={"operator_id": "anna", "pin": 864209})
    assert (malformed.status_code, "864209" in malformed.text) == (422, False)


async def test_what_needs_authority_says_the_role_and_is_done_with_anothers_pin(http: httpx.AsyncClient) -> None:
    await http.post(f"{LANE}/sign-on", json={"operator_id": "anna", "pin": "1111"})
    await http.post(f"{LANE}/scan", json={"code": MILK})
    refused = await http.post(f"{LANE}/void-line", json={})
    assert refused.status_code == 403
    problem = refused.json()
    assert (problem["reason"], problem["role"], problem["errors"][0]["field"]) == (
        "needs_authority",
        "supervisor",
        "authorisation",
    )
    done = await http.post(f"{LANE}/void-line", json={"authorisation": {"operator_id": "suse", "pin": "5555"}})
    assert done.status_code == 200
    assert done.json()["lines"][0]["void"]
    assert done.json()["operator"]["operator_id"] == "anna"
