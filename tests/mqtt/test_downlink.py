"""The downlink against a core that is played by the test: one switch per version, and nothing on a broken promise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.mqtt.downlink import Downlink
from gateway.mqtt.link import Publication
from gateway.queue.inbox import Inbox
from retail.wire.canonical import canonical
from retail.wire.feed import FeedHead, FeedPage, FeedPull, FeedRow, feed_sha256
from retail.wire.payload import pack, unpack
from retail.wire.topics import GatewayTopics
from tests.money import feeds_file
from tests.shop import until

TOPICS = GatewayTopics("S0421-1")


class Core:
    """Holds a feed, tells its head, answers pulls; a test may keep pages back or spoil them."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.rows: dict[str, dict[str, Any]] = {}
        self.version = 0
        self.pulls: list[FeedPull] = []
        self.keep_back: set[int] = set()
        self.spoil = False
        self.changed: list[str] = []
        self.downlink = Downlink(inbox, TOPICS, ("items",), self.publish, lambda: "now", Random(3), self.changed.append)

    def stock(self, **prices: int) -> None:
        self.rows |= {key: {"item_id": key, "price_minor": price} for key, price in prices.items()}
        self.version += 1

    def head(self) -> FeedHead:
        pairs = ((key, canonical(self.rows[key])) for key in sorted(self.rows))
        return FeedHead(version=self.version, rows=len(self.rows), sha256=feed_sha256(pairs))

    def tell(self) -> None:
        self.downlink.on_head(TOPICS.feed_head("items"), pack(self.head()))

    async def publish(self, publication: Publication) -> int:
        pull = FeedPull.model_validate_json(unpack(publication.payload))
        self.pulls.append(pull)
        rows = [FeedRow(key=key, row=row) for key, row in self.rows.items()]
        if self.spoil:
            rows = rows[:-1]
        pages = [rows[start : start + 2] for start in range(0, len(rows), 2)] or [[]]
        for number, page_rows in enumerate(pages, 1):
            if number not in self.keep_back:
                page = FeedPage(
                    request_id=pull.request_id,
                    from_version=pull.from_version,
                    version=self.version,
                    page=number,
                    pages=len(pages),
                    rows=page_rows,
                )
                self.downlink.on_page(TOPICS.feed_page("items"), pack(page))
        return 0


@pytest.fixture
async def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Core]:
    monkeypatch.setattr("gateway.mqtt.downlink.PAGES_WITHIN_S", 0.2)
    monkeypatch.setattr("gateway.mqtt.downlink.AGAIN_AFTER_S", 0.01)
    database = feeds_file(tmp_path)
    core = Core(Inbox(database, {}))
    running = asyncio.create_task(core.downlink.run())
    yield core
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    database.close()


def in_force(core: Core) -> int:
    return core.inbox.versions().get("items", 0)


async def test_a_new_head_is_pulled_from_the_version_that_is_in_force(core: Core) -> None:
    core.stock(a=1, b=2, c=3)
    core.tell()
    await until(lambda: in_force(core) == 1)
    core.stock(b=5)
    core.tell()
    await until(lambda: in_force(core) == 2)
    assert [pull.from_version for pull in core.pulls] == [0, 1]
    assert core.inbox.row("items", "b") == {"item_id": "b", "price_minor": 5}
    assert core.changed == ["items", "items"]


async def test_a_head_that_is_in_force_already_asks_for_nothing(core: Core) -> None:
    core.stock(a=1)
    core.tell()
    await until(lambda: in_force(core) == 1)
    core.tell()
    core.downlink.link_up()
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(core.pulls) == 1


async def test_a_page_that_never_comes_is_asked_for_again(core: Core) -> None:
    core.stock(a=1, b=2, c=3)
    core.keep_back = {2}
    core.tell()
    await until(lambda: len(core.pulls) >= 2)
    assert in_force(core) == 0
    core.keep_back = set()
    await until(lambda: in_force(core) == 1)


async def test_what_does_not_add_up_stays_out_and_is_asked_for_from_zero(core: Core) -> None:
    core.stock(a=1, b=2)
    core.tell()
    await until(lambda: in_force(core) == 1)
    core.stock(b=9, c=3)
    core.spoil = True
    core.tell()
    await until(lambda: len(core.pulls) >= 3)
    assert in_force(core) == 1
    assert core.inbox.row("items", "b") == {"item_id": "b", "price_minor": 2}
    assert core.pulls[-1].from_version == 0
    core.spoil = False
    await until(lambda: in_force(core) == 2)


async def test_a_core_restored_from_a_backup_brings_its_older_version_down(core: Core) -> None:
    core.stock(a=1)
    core.version = 7
    core.tell()
    await until(lambda: in_force(core) == 7)
    core.rows, core.version = {"z": {"item_id": "z", "price_minor": 4}}, 3
    core.tell()
    await until(lambda: in_force(core) == 3)
    assert core.inbox.row("items", "a") is None


@pytest.mark.parametrize("payload", [b"", b"{", b"\x28\xb5\x2f\xfdx", b'{"version": -1}'])
async def test_heads_and_pages_that_cannot_be_read_change_nothing(core: Core, payload: bytes) -> None:
    core.downlink.on_head(TOPICS.feed_head("items"), payload)
    core.downlink.on_page(TOPICS.feed_page("items"), payload)
    core.stock(a=1)
    core.tell()
    await until(lambda: in_force(core) == 1)


async def test_pages_of_somebody_elses_request_are_left_out(core: Core) -> None:
    core.stock(a=1, b=2, c=3)
    core.keep_back = {2}
    core.tell()
    await until(lambda: bool(core.pulls))
    foreign = FeedPage(
        request_id="other", from_version=0, version=1, page=2, pages=2, rows=[FeedRow(key="evil", row={"x": 1})]
    )
    core.downlink.on_page(TOPICS.feed_page("items"), pack(foreign))
    core.keep_back = set()
    await until(lambda: in_force(core) == 1)
    assert core.inbox.row("items", "evil") is None
