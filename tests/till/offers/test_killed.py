"""A real gateway with rules, killed as by a power cut in the middle of a sale: the same prices, a coupon once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from retail.wire.rows import member_code
from tests.till.day.daemon import Daemon
from tests.till.offers.promoted import RED_GREEN_59, SECOND_20_OFF, item, rule

LANE = "/v1/baskets/1"
TEN = rule("TEN", "coupon", trigger={"coupon": "TEN"}, reward={"percent": 10})
MANY = [rule(f"R{n}", "nth_unit", match={"items": [f"I{n}"]}, nth=[{"n": 2, "percent": 50}]) for n in range(1_000)]
ARTICLES = [
    item(code, price, "EUR", **more)
    for code, price, more in (
        ("A", 100, {}),
        ("R1", 35, {"tags": ["red"]}),
        ("G1", 30, {"tags": ["green"]}),
    )
]


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(tmp_path)
    await daemon.prepare(ARTICLES)
    rules = [SECOND_20_OFF, RED_GREEN_59, TEN, *MANY]
    await daemon.feed("promotions", {one["id"]: {"rule_id": one["id"], "rule": one} for one in rules})
    await daemon.feed("members", {"M1": {"member_id": "M1", "name": "Wang", "codes": [member_code("77")]}})
    await daemon.feed("coupons", {"ONCE": {"coupon_id": "ONCE", "name": "10 %", "trigger": "TEN", "uses": 1}})
    await daemon.start()
    await daemon.post(f"{LANE}/sign-on", operator_id="anna", pin="1111")
    yield daemon
    await daemon.close()


async def priced(daemon: Daemon) -> Any:
    """The basket, once the rules have been read."""
    async with asyncio.timeout(60):
        while (basket := await daemon.get(LANE))["offers_pending"]:
            await asyncio.sleep(0.05)
    return basket


async def test_a_sale_goes_on_at_the_same_prices_after_a_power_cut(daemon: Daemon) -> None:
    for code in ("A", "R1", "A", "77", "ONCE", "G1"):
        await daemon.post(f"{LANE}/scan", code=code, method="keyed")
    before = await priced(daemon)
    assert before["total_minor"] == 239 - 24
    assert (before["member"]["name"], before["coupons"][0]["effective"]) == ("Wang", True)
    daemon.kill()
    await daemon.start()
    after = await daemon.get(LANE)
    assert {**after, "prompts": []} == {**before, "prompts": []}
    scanned = await daemon.post(f"{LANE}/scan", code="A", method="keyed")
    assert scanned["lines"][-1]["discount_minor"] in (0, 10)  # plain until the rules are read again
    assert (await priced(daemon))["total_minor"] == 339 - 34
    await daemon.post(f"{LANE}/tender", tender_type="Cash")
    daemon.kill()
    await daemon.start()
    await daemon.post(f"{LANE}/scan", code="A", method="keyed")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{daemon.port}", timeout=20) as client:
        refused = await client.post(f"{LANE}/coupons", json={"code": "ONCE"})
    assert refused.json()["reason"] == "coupon_used"


async def test_a_sale_is_paid_by_the_rules_although_they_were_just_being_read(daemon: Daemon) -> None:
    daemon.kill()
    await daemon.start()
    for code in ("A", "A"):
        await daemon.post(f"{LANE}/scan", code=code, method="keyed")
    paid = await daemon.post(f"{LANE}/tender", tender_type="Cash", amount_minor=200)
    assert (paid["finished"]["total_minor"], paid["finished"]["change_minor"]) == (180, 20)
