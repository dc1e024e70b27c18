"""The package on a machine that runs: installed, configured, upgraded in the middle of a sale, and taken off again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.broker import free_port
from gateway.demo.client import Client
from gateway.errors import BackroomError
from tests.appliance import tree
from tests.appliance.container import Container
from tests.deb.made import FIRST, SECOND, package
from tests.deb.test_install import CONFIGURED
from tests.shop import a_shop

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
MILK = "4006381333931"
WITHIN_S = 120


@pytest_asyncio.fixture
async def container(suite: str, tmp_path: Path) -> AsyncIterator[Container]:
    if reason := tree.why_not():
        pytest.skip(reason)
    shop = await a_shop(tmp_path / "shop")
    shop.close()
    debs = [f"{package('amd64', version)}:/mnt/{version or FIRST}.deb" for version in (None, SECOND)]
    prices = f"{tmp_path}/shop/feeds.sqlite:/mnt/feeds.sqlite"
    made = Container(tree.debian(print, suite), tmp_path, [*debs, prices], "[Service]\n", installed={})
    try:
        await asyncio.to_thread(made.boot)
        yield made
    except tree.Unavailable as problem:
        pytest.skip(str(problem))
    finally:
        await asyncio.to_thread(made.stop)


async def until(what: str, client: Client, path: str, holds: Any) -> Any:
    end = asyncio.get_running_loop().time() + WITHIN_S
    while True:
        try:
            found = await client.get(path)
        except BackroomError as problem:
            found = problem
        if not isinstance(found, BackroomError) and holds(found):
            return found
        assert asyncio.get_running_loop().time() < end, f"waited for {what}: {found}"
        await asyncio.sleep(0.1)  # the daemon is in another namespace: nothing else tells


async def test_a_sale_under_way_goes_on_after_an_upgrade_and_a_purge_keeps_a_sold_one(container: Container) -> None:
    async def run(*command: str) -> str:
        return await asyncio.to_thread(container.run, *command)

    async def state() -> str:
        return (await asyncio.to_thread(container.tried, "systemctl", "is-active", "backroom")).stdout.strip()

    # given a fresh installation: enabled, and not started under a made-up store
    told = await run("dpkg", "-i", f"/mnt/{FIRST}.deb")
    assert "say in /etc/backroom/gateway.toml which store this is" in told
    assert await run("systemctl", "is-enabled", "backroom") == "enabled"
    assert await state() == "inactive"
    assert "still the default of the package" in await run("journalctl", "-u", "backroom", "--no-pager")
    # when it is configured
    port = free_port()
    text = CONFIGURED.format(port=port)
    await run("sh", "-c", f"printf %s '{text}' > /etc/backroom/gateway.toml")
    await run("install", "-d", "-o", "backroom", "-g", "backroom", "-m", "700", "/var/lib/backroom")
    await run("install", "-o", "backroom", "-g", "backroom", "/mnt/feeds.sqlite", "/var/lib/backroom/feeds.sqlite")
    await run("systemctl", "restart", "backroom")
    assert await state() == "active"
    till = Client(f"http://127.0.0.1:{port}")
    assert (await until("the first version", till, "/v1/status", lambda _: True))["software"] == FIRST
    # and one sale is finished, another one under way
    await till.post("/v1/baskets/1/scan", {"code": MILK})
    basket = await till.get("/v1/baskets/1")
    await till.post("/v1/baskets/1/tender", {"tender_type": "cash", "amount_minor": basket["total_minor"]})
    await till.post("/v1/baskets/1/scan", {"code": MILK})
    # when the package is upgraded
    await run("dpkg", "-i", f"/mnt/{SECOND}.deb")
    # then the new one runs, and the sale is where it was
    status = await until("the second version", till, "/v1/status", lambda found: found["software"] == SECOND)
    assert status["software"] == SECOND
    assert [line["description"] for line in (await till.get("/v1/baskets/1"))["lines"]] == ["Milk"]
    assert await state() == "active"
    assert await run("ls", "/opt/backroom") == f"{SECOND}\ncurrent"
    # when it is purged, the daemon stops and the sale stays
    purged = await asyncio.to_thread(container.tried, "dpkg", "--purge", "backroom")
    assert purged.returncode != 0
    assert "records not acknowledged" in purged.stderr
    assert await state() in ("inactive", "unknown")
    kept = await run("python3", "-c", "import json, os; print(json.dumps(os.listdir('/var/lib/backroom')))")
    assert "money.sqlite" in json.loads(kept)
    # and an installation afterwards takes it up again
    await run("dpkg", "-i", f"/mnt/{SECOND}.deb")
    assert await state() == "active"
    assert [line["description"] for line in (await till.get("/v1/baskets/1"))["lines"]] == ["Milk"]
