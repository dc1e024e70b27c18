"""A self-checkout as headquarters sees it, on real processes: it sells, calls for help, closes by itself."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.demo.world import World, sample_file, sample_items

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story")]
KIOSK = "/v1/baskets/2"
MILK = next(item for item in sample_items() if item.item_id == "1001")


class Attentive(World):
    """The demo's store, in which nothing is sold before a session is open. till: more of the table [till]."""

    till = 'sessions = "required"'

    def _write_configuration(self) -> None:
        super()._write_configuration()
        text = self.gateway_toml.read_text()
        assert "[till]" in text
        self.gateway_toml.write_text(text.replace("[till]", f"[till]\n{self.till}"))


class Unattended(Attentive):
    till = 'sessions = "required"\nclose_at = "00:00"'


@pytest.fixture(params=[Attentive])
async def world(tmp_path: Path, core_data: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    world: World = request.param(tmp_path / "world", core_data=core_data)
    await world.start()
    yield world
    await world.stop()


async def lane(world: World, name: str = "2") -> dict[str, Any]:
    [gateway] = (await world.core.get("/v1/fleet"))["gateways"]
    return next((one for one in gateway["lanes"] if one["workstation_id"] == name), {})


async def becomes(world: World, within_s: float, **wanted: Any) -> float:
    """Wait until headquarters knows the self-checkout so; how long that took."""
    began = time.monotonic()

    async def so() -> bool:
        known = await lane(world)
        return all(known.get(name, "") == value for name, value in wanted.items())

    await world.until(f"headquarters knows {wanted}", world.core_process, so, within_s)
    return time.monotonic() - began


async def alarms_of(world: World) -> list[str]:
    return [one["code"] for one in (await world.core.get("/v1/fleet"))["alarms"]]


async def page(world: World) -> str:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{world.core_port}") as client:
        return (await client.get("/stores")).raise_for_status().text


async def test_headquarters_sees_it_sell_call_for_help_and_close(world: World) -> None:
    await becomes(world, 30, state="closed", kind="self-checkout")
    await world.furnish()
    with sample_file("samples", "operators.csv").open(encoding="utf-8", newline="") as file:
        cashier = next(csv.DictReader(file))
    attendant = {"authorisation": {"operator_id": cashier["operator_id"], "pin": cashier["pin"]}}
    await world.gateway.post("/v1/sessions/2/open", {"float_minor": 0, **attendant})
    await becomes(world, 10, state="idle")
    await world.gateway.post(f"{KIOSK}/scan", {"code": MILK.barcode})
    assert await becomes(world, 10, state="selling") < 5
    await world.gateway.post(f"{KIOSK}/help", {})
    assert await becomes(world, 10, call="help", state="selling") < 5
    assert "help_called" in await alarms_of(world)
    assert "help asked" in await page(world)
    await world.gateway.post(f"{KIOSK}/attend", attendant)
    await becomes(world, 10, call=None)
    assert "help_called" not in await alarms_of(world)
    await world.gateway.post(f"{KIOSK}/void", attendant)
    await becomes(world, 10, state="idle")


@pytest.mark.parametrize("world", [Unattended], indirect=True)
async def test_its_day_closes_by_itself_and_headquarters_has_the_close(world: World) -> None:
    await becomes(world, 20, state="idle")  # it opened its session itself
    opened = await world.gateway.get("/v1/sessions/2")
    await world.gateway_process.stop()
    # The session is one of the day before.
    with contextlib.closing(sqlite3.connect(world.folder / "data" / "money.sqlite")) as money, money:
        money.execute(
            "UPDATE till_session SET business_date = date(business_date, '-1 day'),"
            " opened_utc = strftime('%Y-%m-%dT%H:%M:%S.000Z', opened_utc, '-1 day')"
        )
    world.gateway_process.start()

    async def closed() -> bool:
        sessions = (await world.core.get("/v1/sessions"))["sessions"]
        return any(one["session_id"] == opened["session_id"] and one["closed_at"] for one in sessions)

    await world.until("headquarters has the close", world.core_process, closed, 40)
    controls = (await world.core.get(f"/v1/controls?session_id={opened['session_id']}"))["controls"]
    close = next(one for one in controls if one["control"] == "SessionClose")
    assert (close["body"]["authorised_by"], close["body"]["reason"]) == ("close_at", "closed by itself, not counted")
    # The next day of a self-checkout begins at once.
    await becomes(world, 20, state="idle")
