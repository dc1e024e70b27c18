"""The till's day over HTTP: the count comes before the figure, and what is suspended is taken up by its number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api.store import MILK, client_of, open_shop
from tests.people import STAFF

LANE, DAY = "/v1/baskets/1", "/v1/sessions/1"
SUSE = {"operator_id": "suse", "pin": "5555"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_shop(tmp_path, operators=STAFF) as shop, shop.served(), client_of(shop) as client:
        await client.post(f"{LANE}/sign-on", json={"operator_id": "anna", "pin": "1111"})
        yield client


async def test_a_day_ends_with_a_blind_count(http: httpx.AsyncClient) -> None:
    assert (await http.get(DAY)).json()["open"] is False
    assert (await http.get(f"{DAY}/x-report")).json()["reason"] == "no_session"
    opened = (await http.post(f"{DAY}/open", json={"float_minor": 5000})).json()
    assert (opened["open"], opened["float_minor"], opened["opened_by"]) == (True, 5000, "anna")
    await http.post(f"{LANE}/scan", json={"code": MILK})
    await http.post(f"{LANE}/tender", json={"amount_minor": 500})
    blind = (await http.get(f"{DAY}/x-report")).json()
    assert (blind["sales_count"], blind["tenders"]) == (1, [])
    assert [blind[key] for key in ("sales_minor", "rounding_minor", "expected_cash_minor")] == [None, None, None]
    refused = await http.post(f"{DAY}/x-report", json={})
    assert (refused.status_code, refused.json()["role"]) == (403, "supervisor")
    seen = await http.post(f"{DAY}/x-report", json={"authorisation": SUSE})
    assert seen.json()["expected_cash_minor"] == 5119
    uncounted = await http.post(f"{DAY}/close", json={})
    assert (uncounted.status_code, uncounted.json()["reason"]) == (422, "not_counted")
    assert "5119" not in uncounted.text
    closed = (await http.post(f"{DAY}/close", json={"denominations": {"5000": 1, "100": 1}})).json()
    assert (closed["totals"]["expected_cash_minor"], closed["totals"]["over_short_minor"]) == (5119, -19)
    assert (await http.get(f"{DAY}/z-reports/1")).json() == closed
    assert (await http.get(f"{DAY}/z-reports/last")).json() == closed
    assert (await http.get(f"{DAY}/z-reports/2")).status_code == 404
    assert (await http.get(DAY)).json()["last_z_number"] == 1


async def test_cash_is_moved_with_a_reason_and_a_word_from_above(http: httpx.AsyncClient) -> None:
    await http.post(f"{DAY}/open", json={"float_minor": 0})
    assert (await http.post(f"{DAY}/paid-in", json={"amount_minor": 500})).status_code == 422, "no reason"
    assert (await http.post(f"{DAY}/paid-in", json={"amount_minor": 500, "reason": "change"})).status_code == 200
    assert (await http.post(f"{DAY}/pick-up", json={"amount_minor": 100})).json()["reason"] == "needs_authority"
    done = await http.post(f"{DAY}/pick-up", json={"amount_minor": 100, "authorisation": SUSE})
    assert done.status_code == 200
    assert (await http.post(f"{DAY}/no-sale", json={"reason": "change"})).json()["reason"] == "no_drawer"
    assert (await http.get(f"{DAY}/x-report")).json()["picked_up_minor"] == 100


async def test_a_sale_is_suspended_listed_and_resumed(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/suspended")).json() == {"suspended": []}
    await http.post(f"{LANE}/scan", json={"code": MILK})
    answer = (await http.post(f"{LANE}/suspend", json={"label": "blue coat"})).json()
    assert answer["basket"]["state"] == "idle"
    [listed] = (await http.get("/v1/suspended")).json()["suspended"]
    assert (listed["number"], listed["label"], listed["total_minor"], listed["lines"]) == (
        answer["number"],
        "blue coat",
        119,
        1,
    )
    resumed = await http.post(f"{LANE}/resume", json={"number": answer["number"]})
    assert resumed.json()["lines"][0]["description"] == "Whole milk 1 l"
    again = await http.post(f"{LANE}/resume", json={"number": answer["number"]})
    assert again.json()["reason"] == "sale_open"


async def test_training_shows_in_the_basket_and_takes_authority(http: httpx.AsyncClient) -> None:
    assert (await http.post(f"{LANE}/training", json={"on": True})).status_code == 403
    on = await http.post(f"{LANE}/training", json={"on": True, "authorisation": SUSE})
    assert on.json()["training"] is True
    await http.post(f"{LANE}/scan", json={"code": MILK})
    finished = (await http.post(f"{LANE}/tender", json={})).json()["finished"]
    assert (finished["number"], finished["seq"]) == ("TRAINING", 0)
    assert (await http.get("/v1/status")).json()["next_seq"] == 3, "only that it was switched, and who allowed it"
