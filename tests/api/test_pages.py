"""The pages as served: what is in them before any script runs, and what their streams carry."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.api.pages.frame import duration
from tests.api.store import EVIL, Shop, client_of, events, open_shop

API = Path(__file__).parents[2] / "gateway" / "api"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop, shop.served():
        yield shop


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shop) as client:
        yield client


async def test_the_root_leads_to_the_first_workstation(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/till/1")


async def test_an_unknown_workstation_names_those_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.get("/till/<b>9")
    assert answer.status_code == 404
    assert "There is no workstation &lt;b&gt;9" in answer.text
    assert 'href="/till/1"' in answer.text


@pytest.mark.parametrize("path", ["/till/1", "/technician"])
async def test_a_page_runs_nothing_inline_and_loads_nothing_from_elsewhere(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = (await client.get(path)).raise_for_status()
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)
    for address in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert address.startswith("/"), address
        if address.startswith("/static/"):
            static = (await client.get(address)).raise_for_status()
            assert static.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("file", sorted((API / "static").glob("*.js")), ids=lambda file: file.name)
def test_a_script_makes_no_html_from_what_it_was_told(file: Path) -> None:
    """Only live.js and the log take HTML, and only from our own templates."""
    lines = [line for line in file.read_text().splitlines() if re.search(r"innerHTML|insertAdjacent|eval\(", line)]
    assert all("html" in line or "part.innerHTML" in line or '"first"' in line for line in lines), lines


async def test_an_items_name_is_text(shop: Shop, client: httpx.AsyncClient) -> None:
    await shop.lane.enter("31", method="keyed")
    page = (await client.get("/till/1")).text
    assert EVIL not in page
    assert "&lt;script&gt;alert(&#34;milk&#34;)&lt;/script&gt;" in page


async def next_of(stream: AsyncIterator[tuple[str, str]], wanted: str) -> str:
    async with asyncio.timeout(10):
        async for name, data in stream:
            if name == wanted:
                return data
    raise AssertionError(f"the stream ended without {wanted}")


async def test_the_stream_brings_the_basket_and_how_the_store_stands(shop: Shop, client: httpx.AsyncClient) -> None:
    stream = events(client, "/till/1/events")
    assert "Ready" in await next_of(stream, "basket")
    assert "Corner shop" in await next_of(stream, "status")
    await shop.lane.enter("21", method="keyed")
    basket = await next_of(stream, "basket")
    assert "0.450 kg x 2.49/kg" in basket
    await shop.goes(online=False)
    status = await next_of(stream, "status")
    assert "Offline: 0 sales wait for headquarters; selling goes on" in status
    assert "scanning, prices, cash, weighing, receipts" in status


async def test_a_beat_names_the_software_so_that_a_page_knows_when_it_is_old(client: httpx.AsyncClient) -> None:
    beat = await next_of(events(client, "/till/1/events"), "beat")
    page = (await client.get("/till/1")).text
    assert f'data-software="{beat.split(" ", maxsplit=1)[0]}"' in page


async def test_printer_trouble_says_how_many_receipts_wait_and_why(shop: Shop, client: httpx.AsyncClient) -> None:
    await shop.lane.enter("11", method="keyed")
    await shop.lane.tender_cash()
    shop.trouble.append("printer-1: no paper; put in a new roll")
    page = (await client.get("/till/1")).text
    assert re.search(r"1 receipt waits</b>: printer-1: no paper; put in a new roll", page)


async def test_without_a_price_book_the_page_says_what_it_waits_for(shop: Shop, client: httpx.AsyncClient) -> None:
    shop.catalogue.version = lambda: 0  # type: ignore[method-assign]
    assert "waits for its first price book" in (await client.get("/till/1")).text


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0 s"), (59.9, "59 s"), (192, "3 min 12 s"), (7260, "2 h 1 min"), (190_000, "2 d 4 h")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
