"""The search for items, as a screen or a shop's own program asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from retail.wire.rows import Item
from tests.api.store import EVIL, MILK, client_of, open_shop


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_shop(tmp_path) as shop, shop.served(), client_of(shop) as client:
        yield client


async def found(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = (await client.get(f"/v1/items?{query}")).raise_for_status().json()
    return [item["item_id"] for item in answer["items"]]


async def test_part_of_a_name_finds_items_with_their_price(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/items", params={"q": "MILK"})).raise_for_status().json()
    assert answer["price_book_version"] == 1
    assert answer["items"][0] == {
        "item_id": "11",
        "description": "Whole milk 1 l",
        "barcodes": [MILK],
        "unit": "each",
        "price_minor": 119,
        "currency": "EUR",
        "price": "€1.19",
    }
    assert [(item["description"], item["price"]) for item in answer["items"][1:]] == [
        (EVIL, "€5.00"),
        ("Milk without a price", ""),
    ]


async def test_a_price_by_weight_says_so(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/items?q=banana")).raise_for_status().json()
    assert [item["price"] for item in answer["items"]] == ["€2.49/kg"]


async def test_no_more_are_given_than_a_screen_holds_unless_asked_for(client: httpx.AsyncClient) -> None:
    assert len(await found(client, "q=card")) == 8
    assert len(await found(client, "q=card&limit=20")) == 20
    assert len(await found(client, "q=card&limit=99999")) == 8
    assert len(await found(client, "q=card&limit=nonsense")) == 8


@pytest.mark.parametrize("query", ["", "q=", "q=%20", "q=%25", "q=_", "q=%5C", "q=nothing+like+it"])
async def test_no_words_and_wildcards_find_nothing(client: httpx.AsyncClient, query: str) -> None:
    assert await found(client, query) == []


async def test_a_bar_code_with_a_slash_is_looked_up_by_its_address(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, shop.served(), client_of(shop) as client:
        row = Item(
            item_id="PEN", description="Pen", barcodes=["X/7"], price_minor=1, currency="EUR", tax_code="B",
            tax_rate_basis_points=700,
        )  # fmt: skip
        await shop.feed("items", {"PEN": row.model_dump(mode="json")})
        for address in ("X%2F7", "X/7", "PEN"):
            assert (await client.get(f"/v1/items/{address}")).json()["item_id"] == "PEN"
        assert (await client.get("/v1/items/X%2F8")).status_code == 404
        described = (await client.get("/openapi.json")).json()["paths"]
        assert "/v1/items/{item_id}" in described
