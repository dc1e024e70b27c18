"""The pages of what tills do: a sale with deals, returns and every tender; sessions; cases; what was imported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cloud_erp.app import Core
from cloud_erp.db import now_utc
from cloud_erp.feeds.keeper import settle_all
from cloud_erp.imports.run import import_file
from cloud_erp.intake import service as intake
from cloud_erp.members.member_file import Members
from cloud_erp.promotions.coupon_file import Coupons
from cloud_erp.tills import closes
from tests.cloud_erp.batches import EPOCH, GATEWAY, NEXT_EPOCH, SAMPLE
from tests.cloud_erp.test_till_intake import with_controls
from tests.cloud_erp.test_web import DAY, client_of, core_in
from tests.cloud_erp.till_sales import (
    closed,
    coupon,
    override,
    points,
    returned,
    rounding,
    sold,
    tender,
    till_sale,
)
from tests.cloud_erp.till_sales import control as a_control

SAMPLES = SAMPLE.parent.parent / "samples"


def filled(core: Core) -> None:
    for kind in (Members(), Coupons()):
        import_file(core.database, kind, SAMPLES / f"{kind.name}.csv")
    twice = (sold("1001", 300), coupon("WELCOME-7F3K"), points(3, member="M-1001"))
    box = with_controls(
        a_control("SessionOpen", amount_minor=10_000),
        till_sale(
            11,
            sold("1001", 119, 3, off=58),
            sold("1003", 229, price_override=override(249)),
            rounding(-2),
            tender("Card", 300, card="557344******4444"),
            tender("Points", 100, points=10),
            tender("Cash", 500, change_minor=374),
            member_id="M-1001",
            session_id="SE-1",
        ),
        till_sale(12, returned("1001", 99, restock=False), tender("Voucher", -99, voucher_id="V-7"), session_id="SE-1"),
        till_sale(13, *twice),
        till_sale(14, *twice),
        closed(sales_count=7, float_minor=10_000, counted=9_900),
        epoch=NEXT_EPOCH,
    )
    with core.database.write() as connection:
        ack = intake.book(connection, GATEWAY, box.payload())
        assert ack is not None
        assert ack.rejected == []
        settle_all(connection)
        closes.check(connection, now_utc())


@pytest.fixture
async def client(tmp_path: Path, sqlite_file: Path) -> AsyncIterator[httpx.AsyncClient]:
    core = core_in(tmp_path, sqlite_file)
    filled(core)
    async with client_of(core) as made:
        yield made
    core.database.close()


async def page(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


async def test_a_sale_shows_its_deals_overrides_and_every_tender(client: httpx.AsyncClient) -> None:
    text = await page(client, f"/sales/{GATEWAY}/{NEXT_EPOCH}/2")
    for said in ("Deal", "-€0.58", "price by hand: price on the shelf", "€2.49", "Cash rounding", "-€0.02"):
        assert said in text, said
    for said in ("557344******4444", "10 points", "Points", "Member", "M-1001", "SE-1"):
        assert said in text, said


async def test_a_return_shows_as_money_paid_out(client: httpx.AsyncClient) -> None:
    text = await page(client, f"/sales/{GATEWAY}/{NEXT_EPOCH}/3")
    for said in ("returned: damaged", "not back into stock", "from receipt 1", "-€0.99", "Voucher, paid out", "V-7"):
        assert said in text, said


async def test_the_day_counts_discounts_returns_and_rounding(client: httpx.AsyncClient) -> None:
    text = await page(client, f"/?day={DAY}")
    for said in ("Discounts", "€0.58", "Returned", "€0.99", "Rounding", "-€0.02", ">return</span>"):
        assert said in text, said
    (day,) = (await client.get(f"/v1/store-days?day={DAY}")).json()["store_days"]
    assert (day["returned_minor"], day["discount_minor"], day["rounding_minor"]) == (99, 58, -2)


async def test_sessions_show_over_and_short_and_whether_the_journal_agrees(client: httpx.AsyncClient) -> None:
    listed = await page(client, "/stores/sessions")
    assert "differs" in listed
    assert "-€1.00" in listed
    text = await page(client, f"/stores/sessions/{GATEWAY}/SE-1")
    assert "sales count" in text
    assert "SessionOpen" in text
    (row,) = (await client.get("/v1/sessions")).json()["sessions"]
    assert (row["agrees"], row["totals"]["over_short_minor"]) == (False, -100)
    assert ["sales_count", 7, 2] in row["differences"]
    assert "session_differs" in await page(client, "/stores")
    assert [one["control"] for one in (await client.get("/v1/controls")).json()["controls"]] == [
        "SessionClose",
        "SessionOpen",
    ]
    assert (await client.get(f"/stores/sessions/{GATEWAY}/none")).status_code == 404


async def test_a_coupon_conflict_is_a_case_that_a_person_settles(client: httpx.AsyncClient) -> None:
    text = await page(client, "/cases")
    assert "coupon_conflict" in text
    assert f"/sales/{GATEWAY}/{NEXT_EPOCH}/5" in text
    cases = (await client.get("/v1/cases")).json()["cases"]
    (conflict,) = [case for case in cases if case["code"] == "coupon_conflict"]
    done = await client.post(f"/cases/{conflict['id']}", data={"by": "anna", "note": "a goodwill"})
    assert done.status_code == 303
    assert "coupon_conflict" not in await page(client, "/cases")
    assert "a goodwill" in await page(client, "/cases?settled=true")
    again = await client.post(f"/v1/cases/{conflict['id']}/settle", json={"note": "again"})
    assert again.status_code == 409
    assert (await client.post("/v1/cases/999/settle", json={"note": "x"})).status_code == 404


async def test_programs_ask_for_points_coupons_vouchers_and_feeds(client: httpx.AsyncClient) -> None:
    member = (await client.get("/v1/members/M-1001")).json()
    assert (member["points"], [one["points"] for one in member["movements"]]) == (320 - 10 + 6, [3, 3, -10])
    assert "codes" not in member
    assert (await client.get("/v1/coupons/WELCOME-7F3K")).json()["used"] == 2
    assert (await client.get("/v1/vouchers/V-7")).json()["balance_minor"] == 99
    assert {one["name"] for one in (await client.get("/v1/feeds")).json()["feeds"]} >= {"items", "members", "coupons"}
    for path in ("members/M-9", "coupons/C-9", "vouchers/V-9"):
        assert (await client.get(f"/v1/{path}")).status_code == 404


async def test_imports_are_on_record(client: httpx.AsyncClient) -> None:
    assert "import members" in await page(client, "/stores/audit")
    deeds = (await client.get("/v1/deeds")).json()["deeds"]
    assert [deed["action"] for deed in deeds] == ["import coupons", "import members", "import items"]


async def test_a_sale_without_what_is_seldom_shows_too(client: httpx.AsyncClient) -> None:
    assert "Receipt 1" in await page(client, f"/sales/{GATEWAY}/{EPOCH}/1")
