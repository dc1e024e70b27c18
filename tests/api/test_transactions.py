"""`/v1/transactions` and who may ask: a shop's own POS over HTTP, with the errors it would get."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.api import baskets, transactions
from gateway.api.events import Stopping
from gateway.api.scopes import EVERY, Grant, Tokens
from gateway.api.server import application
from gateway.errors import QueueError
from tests.shop import Shop, a_shop

HOSTS = frozenset({"127.0.0.1", "localhost"})
BASE = "http://127.0.0.1:8380"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    yield shop
    shop.close()


def client(shop: Shop, token: str | None = None, base: str = BASE) -> httpx.AsyncClient:
    operations = [
        *transactions.operations(shop.posting, shop.outbox),
        *baskets.operations({"1": shop.workstation}, Stopping()),
    ]
    tokens = Tokens({token: Grant("token_file", EVERY)} if token else {})
    app = application(operations, [], HOSTS, tokens, "0.1.0")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base)


def sale(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(transactions.EXAMPLE) | changes


async def post(shop: Shop, body: Any, key: str | None = "k-1", **headers: str) -> httpx.Response:
    sent = {**({"Idempotency-Key": key} if key else {}), **headers}
    async with client(shop) as http:
        return await http.post("/v1/transactions", json=body, headers=sent)


async def test_a_posted_sale_is_on_disk_when_it_answers(shop: Shop) -> None:
    answer = await post(shop, sale())
    assert answer.status_code == 201
    kept = answer.json()
    assert (kept["seq"], kept["state"], kept["repeated"]) == (1, "unacked", False)
    async with client(shop) as http:
        shown = (await http.get(answer.headers["location"])).json()
    assert shown["transaction"]["total_minor"] == 238
    assert shop.ledger.day(shop.ledger.last_business_date() or shop.clock.local_date()) == (1, 238)


async def test_the_same_post_again_gives_the_first_answer_and_writes_nothing(shop: Shop) -> None:
    first = await post(shop, sale())
    again = await post(shop, sale())
    assert (again.status_code, again.json()["seq"], again.json()["repeated"]) == (200, first.json()["seq"], True)
    assert shop.outbox.position().next_seq == 2


async def test_a_key_used_for_another_sale_is_a_conflict(shop: Shop) -> None:
    await post(shop, sale())
    answer = await post(shop, sale(operator_id="bert"))
    assert answer.status_code == 409
    assert answer.json()["reason"] == "key_reused"
    assert shop.outbox.position().next_seq == 2


@pytest.mark.parametrize("key", [None, "", "x" * 129, "with space", "tab\t"])
async def test_without_a_usable_key_nothing_is_kept(shop: Shop, key: str | None) -> None:
    answer = await post(shop, sale(), key=key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert shop.outbox.position().next_seq == 1


def changed(path: str, value: Any) -> dict[str, Any]:
    body = sale()
    target: Any = body
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        target = target[part]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("total_minor", 239, "total_minor"),
        ("line_items.0.extended_amount_minor", 237, "line_items[0].extended_amount_minor"),
        ("line_items.0.quantity", 0, "line_items[0].quantity"),
        ("line_items.0.quantity", None, "line_items[0].quantity"),
        ("line_items.0.quantity", 1.5, "line_items[0].quantity"),
        ("line_items.0.unit_price_minor", -119, "line_items[0].unit_price_minor"),
        ("line_items.0.weight_grams", 450, "line_items[0].quantity"),
        ("line_items.1.tax_amount_minor", 17, "line_items[1].tax_amount_minor"),
        ("line_items.1.taxable_amount_minor", 1, "line_items[1].taxable_amount_minor"),
        ("line_items.2.amount_minor", 499, "line_items"),
        ("line_items.2.tender_type", "Gold", "line_items[2].tender_type"),
        ("line_items.0.line_number", 3, "line_items"),
        ("store_id", "S9999", "store_id"),
        ("currency", "USD", "currency"),
        ("currency", "euro", "currency"),
        ("business_day_date", "22.11.2026", "business_day_date"),
        ("begin_date_time", "2026-11-22T09:29:41", "begin_date_time"),
        ("end_date_time", "2026-11-22T09:00:00Z", "end_date_time"),
        ("operator_id", None, "operator_id"),
        ("colour", "red", "colour"),
    ],
)
async def test_what_does_not_add_up_is_refused_by_field_and_not_kept(
    shop: Shop, path: str, value: Any, field: str
) -> None:
    answer = await post(shop, changed(path, value))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert field in [error["field"] for error in problem["errors"]], problem
    assert all(error["message"] for error in problem["errors"])
    assert shop.outbox.position().next_seq == 1


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\xff\xfe", b'"sale"', b'{"line_items": ' + b"[" * 9000])
async def test_a_body_that_is_no_sale_is_refused(shop: Shop, body: bytes) -> None:
    async with client(shop) as http:
        answer = await http.post("/v1/transactions", content=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 422
    assert shop.outbox.position().next_seq == 1


async def test_an_endless_body_is_cut_off(shop: Shop) -> None:
    async with client(shop) as http:
        answer = await http.post("/v1/transactions", content=b" " * 3_000_000, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 413


async def test_a_disk_that_refuses_is_told_as_try_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_arguments: object) -> None:
        raise QueueError("money.sqlite: not written: disk full")

    with monkeypatch.context() as broken:
        broken.setattr(shop.outbox, "put", full)
        answer = await post(shop, sale())
        assert answer.status_code == 503
        assert "same key" in answer.json()["detail"]
    assert (await post(shop, sale())).status_code == 201


async def test_a_receipt_is_printed_only_where_it_is_asked_for(shop: Shop) -> None:
    await post(shop, sale(workstation_id="1"), key="a")
    assert shop.jobs.waiting("printer-1") == 0
    async with client(shop) as http:
        await http.post("/v1/transactions?print=true", json=sale(workstation_id="1"), headers={"Idempotency-Key": "b"})
    assert shop.jobs.waiting("printer-1") == 1


async def test_the_open_sale_over_http(shop: Shop) -> None:
    async with client(shop) as http:
        assert (await http.post("/v1/baskets/1/scan", json={"code": "4006381333931"})).status_code == 200
        unknown = await http.post("/v1/baskets/1/scan", json={"code": "4006381333962"})
        assert (unknown.status_code, unknown.json()["reason"]) == (422, "unknown_item")
        paid = await http.post("/v1/baskets/1/tender", json={"amount_minor": 200})
        assert paid.json()["finished"]["change_minor"] == 81
        assert (await http.post("/v1/baskets/1/tender", json={})).status_code == 409
        assert (await http.get("/v1/baskets/9")).status_code == 404
        assert (await http.get("/v1/baskets/1/scan")).status_code == 405


# --- who may ask ------------------------------------------------------------------------------------------------------


async def test_a_page_of_another_site_changes_nothing(shop: Shop) -> None:
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999"):
        answer = await post(shop, sale(), Origin=origin)
        assert answer.status_code == 403
    assert (await post(shop, sale(), **{"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await post(shop, sale(), Origin=BASE)).status_code == 201


async def test_a_name_that_is_not_ours_is_refused(shop: Shop) -> None:
    async with client(shop, base="http://rebound.example") as http:
        answer = await http.get("/v1/baskets/1")
    assert answer.status_code == 421


async def test_with_a_token_every_request_needs_it(shop: Shop) -> None:
    async with client(shop, token="s3cret-token") as http:
        assert (await http.get("/v1/baskets/1")).status_code == 401
        assert (await http.get("/openapi.json")).status_code == 401
        wrong = await http.get("/v1/baskets/1", headers={"Authorization": "Bearer guess"})
        assert wrong.status_code == 401
        right = await http.get("/v1/baskets/1", headers={"Authorization": "Bearer s3cret-token"})
        assert right.status_code == 200
        page = await http.get("/till/1", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login")
        assert (await http.post("/login", data={"token": "guess"})).status_code == 401
        opened = await http.post("/login", data={"token": "s3cret-token"})
        assert opened.status_code == 303
        assert "HttpOnly" in opened.headers["set-cookie"]
        assert (await http.get("/v1/baskets/1")).status_code == 200


async def test_answers_carry_a_strict_content_security_policy(shop: Shop) -> None:
    async with client(shop) as http:
        for path in ("/v1/baskets/1", "/nothing"):
            assert "default-src 'self'" in (await http.get(path)).headers["content-security-policy"]


async def test_the_openapi_example_is_taken_and_every_operation_is_described(shop: Shop) -> None:
    async with client(shop) as http:
        document = (await http.get("/openapi.json")).json()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                assert operation["summary"], (path, method)
                assert operation["responses"], (path, method)
        posting = document["paths"]["/v1/transactions"]["post"]
        example = posting["requestBody"]["content"]["application/json"]["example"]
        answer = await http.post("/v1/transactions", json=example, headers={"Idempotency-Key": "from-the-document"})
    assert answer.status_code == 201
    assert "Idempotency-Key" in [parameter["name"] for parameter in posting["parameters"]]
