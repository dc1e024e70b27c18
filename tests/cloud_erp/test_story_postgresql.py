"""Headquarters as a process on PostgreSQL with several workers, and a database that is killed under it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.demo.broker import CORE_USER, Mosquitto
from tests.cloud_erp.batches import GATEWAY, outbox, sale
from tests.cloud_erp.postgres import ABSENT, BINARIES, PostgreSQL
from tests.cloud_erp.running import PASSWORD, Box, Headquarters, until

pytestmark = pytest.mark.story


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A server of its own, with fsync on: it is going to be killed."""
    if not BINARIES:
        pytest.skip(ABSENT)
    made = PostgreSQL(durable=True)
    made.start()
    yield made
    made.remove()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(tmp_path / "mosquitto", {CORE_USER: PASSWORD, GATEWAY: PASSWORD})
    await made.start()
    yield made
    made.stop()


def test_a_database_that_is_killed_loses_nothing_that_was_acknowledged_and_intake_goes_on(
    tmp_path: Path, broker: Mosquitto, server: PostgreSQL
) -> None:
    # P2: the ack comes after the commit, so what was acknowledged is there after any kill
    url = server.create("core")
    headquarters = Headquarters(tmp_path, broker, database_url=url, more="[intake]\nworkers = 4\n")
    headquarters.start()
    box = Box(broker)
    log = outbox([sale(number) for number in range(1, 61)])
    try:
        for first in range(1, 31, 3):
            box.send(box.topics.log, log.payload(first, first + 2))
        box.acked(9)
        server.kill()
        acked = box.sent_down(box.topics.ack)[-1]["contiguous_seq"]
        # It waits with these in hand, and books them when the database is back, before any store asks again.
        box.send(box.topics.log, log.payload(1, 60))
        until(lambda: headquarters.get("/v1/health", any_status=True)["database"] == "unreadable")
        server.start()
        assert box.acked(60)["contiguous_seq"] == 60 >= acked
        found = headquarters.get("/v1/sales?limit=1000")["sales"]
        assert [one["seq"] for one in found] == list(range(1, 61))
        assert [one["on_hand"] for one in headquarters.get("/v1/stock")["stock"]] == [-60]
        until(lambda: headquarters.get("/v1/health", any_status=True)["ok"])
        code, took_s = headquarters.stop()
        assert (code, took_s < 5) == (0, True)
    finally:
        box.close()
        headquarters.kill()
