"""No sale lost, none doubled, under every fault: the short campaigns of `make torture`, on real processes."""

from __future__ import annotations

import importlib
import os
import secrets
from pathlib import Path

import pytest

from torture import clock, postgres
from torture.campaign import Result, Setting

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story-torture")]


async def holds(name: str, folder: Path, core_data: Path | None = None, database: str = "sqlite") -> Result:
    """Run one short campaign with fresh dice; its line is shown where it fails, with the seed to run it again."""
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**31))
    setting = Setting(name, folder, seed, short=True, database=database, core_data=core_data)
    found: Result = await importlib.import_module(f"torture.{name}").run(setting)
    assert found.holds, found.line()
    assert found.accepted > 0
    return found


async def test_every_sale_outlives_kill_9_of_gateway_broker_and_core(tmp_path: Path, core_data: Path) -> None:
    await holds("kills", tmp_path, core_data)


@pytest.mark.skipif(not postgres.available(), reason="PostgreSQL is not installed")
async def test_every_sale_outlives_kill_9_of_postgresql_too(tmp_path: Path) -> None:
    await holds("kills", tmp_path, database="postgresql")


async def test_a_bad_line_loses_doubles_and_delays_no_sale(tmp_path: Path, core_data: Path) -> None:
    await holds("proxy", tmp_path, core_data)


async def test_a_broker_that_forgets_what_it_said_it_had_loses_nothing(tmp_path: Path, core_data: Path) -> None:
    assert (await holds("wiped", tmp_path, core_data)).more["forgotten"] > 0


async def test_an_older_dump_at_headquarters_and_an_older_card_in_the_store_lose_nothing(
    tmp_path: Path, core_data: Path
) -> None:
    await holds("restored", tmp_path, core_data)


async def test_two_boxes_with_one_identity_part_and_are_noticed(tmp_path: Path, core_data: Path) -> None:
    await holds("twins", tmp_path, core_data)


async def test_a_failing_disk_refuses_clearly_loses_nothing_and_recovers(tmp_path: Path, core_data: Path) -> None:
    await holds("disk", tmp_path, core_data)


async def test_a_storm_of_gateways_with_backlogs_is_drained(tmp_path: Path, core_data: Path) -> None:
    await holds("storm", tmp_path, core_data)


@pytest.mark.skipif(not clock.available(), reason="libfaketime is not installed")
async def test_a_wrong_clock_changes_no_order_and_expires_nothing(tmp_path: Path, core_data: Path) -> None:
    await holds("clock", tmp_path, core_data)
