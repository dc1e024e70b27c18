"""The daemon is killed in the middle of a sale, in each of its states, and goes on where it was."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.shop import ITEMS, until
from tests.till.day.daemon import Daemon

pytestmark = pytest.mark.timeout(400)
MILK, PEN, APPLES = "4006381333931", "4006381333948", "12345"
#: what a restart may forget: the last word to the cashier, the last sale shown, what was keyed for the next item
FLEETING = ("notice", "finished", "weighing", "pending_quantity")


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(tmp_path)
    await daemon.prepare(ITEMS)
    await daemon.start()
    yield daemon
    await daemon.close()


async def lane(daemon: Daemon, name: str = "1") -> dict[str, Any]:
    basket: dict[str, Any] = await daemon.get(f"/v1/baskets/{name}")
    return {key: value for key, value in basket.items() if key not in FLEETING}


async def killed(daemon: Daemon) -> dict[str, Any]:
    """Kill it, start it again: lane 1 is as it was; the basket."""
    before = await lane(daemon)
    daemon.kill()
    await daemon.start()
    assert await lane(daemon) == before
    return before


async def test_each_state_of_a_sale_goes_on_after_a_kill(daemon: Daemon) -> None:
    here = "/v1/baskets/1"
    await daemon.post(f"{here}/sign-on", operator_id="anna", pin="1111")
    await daemon.post("/v1/sessions/1/open", float_minor=10_000)
    await daemon.post(f"{here}/scan", code=MILK)
    selling = await killed(daemon)
    assert (selling["state"], selling["operator"]["operator_id"]) == ("selling", "anna")

    weighing = asyncio.create_task(daemon.post(f"{here}/scan", code=APPLES))
    await until(lambda: daemon.weighings, within_s=60)
    daemon.kill()
    with contextlib.suppress(httpx.HTTPError, AssertionError):
        await weighing
    await daemon.start()
    assert await lane(daemon) == selling, "what was not weighed is not in the sale"

    await daemon.post(f"{here}/tender", amount_minor=100)
    assert (await killed(daemon))["state"] == "tendering"
    await daemon.post(f"{here}/tender", amount_minor=100)

    await daemon.post(f"{here}/scan", code=PEN)
    number = (await daemon.post(f"{here}/suspend"))["number"]
    await killed(daemon)
    resumed = await daemon.post("/v1/baskets/2/sign-on", operator_id="anna", pin="1111")
    resumed = await daemon.post("/v1/baskets/2/resume", number=number)
    assert [line["description"] for line in resumed["lines"]] == ["Pen"]
    await daemon.post("/v1/baskets/2/tender")

    await daemon.post(f"{here}/training", on=True)
    await daemon.post(f"{here}/scan", code=MILK)
    assert (await killed(daemon))["training"] is True
    assert (await daemon.post(f"{here}/tender"))["finished"]["number"] == "TRAINING"
    await daemon.post(f"{here}/training", on=False)
    assert (await killed(daemon))["training"] is False

    closed = await daemon.post("/v1/sessions/1/close", counted_minor=10_119)
    totals = closed["totals"]
    assert (totals["sales_count"], totals["sales_minor"], totals["over_short_minor"]) == (1, 119, 0)


async def test_a_sale_that_is_handed_from_lane_to_lane_is_in_one_place_whenever_it_is_killed(daemon: Daemon) -> None:
    for name in ("1", "2"):
        await daemon.post(f"/v1/baskets/{name}/sign-on", operator_id="anna", pin="1111")
    await daemon.post("/v1/baskets/1/scan", code=MILK)
    chance = random.Random(83)
    for _ in range(4):
        handing = asyncio.create_task(hand_over_for_ever(daemon))
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        daemon.kill()
        with contextlib.suppress(httpx.HTTPError):
            await handing
        await daemon.start()
        baskets = [await lane(daemon, name) for name in ("1", "2")]
        lines = [line["description"] for basket in baskets for line in basket["lines"]]
        waiting = (await daemon.get("/v1/suspended"))["suspended"]
        assert lines + ["Milk"] * len(waiting) == ["Milk"]


async def hand_over_for_ever(daemon: Daemon) -> None:
    """Suspend it where it is, resume it on the other lane, again and again."""
    while True:
        waiting = (await daemon.get("/v1/suspended"))["suspended"]
        holder = "1" if (await daemon.get("/v1/baskets/1"))["lines"] else "2"
        if not waiting:
            await daemon.post(f"/v1/baskets/{holder}/suspend")
            waiting = (await daemon.get("/v1/suspended"))["suspended"]
        await daemon.post(f"/v1/baskets/{'2' if holder == '1' else '1'}/resume", number=waiting[0]["number"])
