"""What is on its way, from a file at headquarters to the till of the store that it comes to, on real processes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.world import STORE_ID, World

pytestmark = [pytest.mark.story, pytest.mark.xdist_group("story")]
CSV = f"""item_id,reference,quantity,due,supplier,store_id,lead_time_days,cost
1001,PO 123,40,2026-11-24,Dairy Ltd,{STORE_ID},3,0.71
1001,PO 999,7,2026-11-23,Dairy Ltd,S9999,3,0.71
"""


@pytest.fixture
async def world(tmp_path: Path, core_data: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world", core_data=core_data)
    await world.start()
    yield world
    await world.stop()


async def told(world: World, name: str, content: str, wanted: list[str]) -> dict[str, Any]:
    """Import it, and wait until the till tells of these; the article as it tells it."""
    file = world.folder / name
    file.write_text(content, encoding="utf-8")
    await world.run_core("import", "supplies", str(file))
    article: dict[str, Any] = {}

    async def there() -> bool:
        nonlocal article
        article = await world.gateway.get("/v1/items/1001?workstation=1")
        return [one["text"] for one in (article["supplies"] or {"expected": []})["expected"]] == wanted

    await world.until(f"the till tells of {wanted}", world.gateway_process, there, 20)
    return article


async def test_supplies_of_this_store_reach_its_till_from_csv_and_from_json(world: World) -> None:
    article = await told(world, "supplies.csv", CSV, ["PO 123, 40 pcs, ETA 24 Nov"])
    [expected] = article["supplies"]["expected"]
    assert (expected["supplier"], expected["lead_time_days"]) == ("Dairy Ltd", 3)
    assert 0 <= article["supplies"]["age_s"] < 60
    # Nobody in particular stands at this till: no cost.
    assert (article["cost_minor"], expected["cost_minor"]) == (None, None)
    row = {"item_id": "1001", "reference": "PO 124", "quantity": 12, "due": "2026-12-01", "store_id": STORE_ID}
    article = await told(world, "supplies.json", json.dumps([row]), ["PO 124, 12 pcs, ETA 1 Dec"])
    assert "PO 999" not in json.dumps(article)
