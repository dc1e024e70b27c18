"""The money file's writer: group commit, in the event loop where the disk is quick and in the writer's thread else."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.errors import KeyReused, QueueError
from gateway.queue import database as database_room
from gateway.queue.database import Database
from gateway.queue.outbox import Kept
from gateway.queue.records import Draft
from retail.wire.canonical import canonical
from tests.money import an_outbox, draft, money_file

QUICK, SLOW = 10.0, 0.0


@pytest.fixture(params=[QUICK, SLOW], ids=["in the event loop", "in the writer"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_room, "QUICK_S", request.param)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_room, "QUICK_S", QUICK)


def seqs(database: Database) -> list[int]:
    return [row[0] for row in database.read("SELECT seq FROM outbox ORDER BY seq")]


async def test_producers_of_one_turn_share_one_commit(tmp_path: Path, quick: None) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    commits = database._commits
    await asyncio.gather(*(outbox.put(draft(number)) for number in range(8)))
    assert (database._commits - commits, seqs(database)) == (1, list(range(1, 9)))
    database.close()


@pytest.mark.usefixtures("either_way")
async def test_one_that_is_refused_takes_no_other_with_it(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await outbox.put(draft(0, key="used"))
    puts = (outbox.put(draft(number, key="used" if number in (1, 3) else None)) for number in range(1, 6))
    answers = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(answer) for answer in answers] == [KeyReused, Kept, KeyReused, Kept, Kept]
    assert seqs(database) == [1, 2, 3, 4]
    database.close()


@pytest.mark.usefixtures("either_way")
async def test_what_a_cancelled_producer_queued_is_kept_and_the_others_hear_of_theirs(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    first, second = (asyncio.create_task(outbox.put(draft(number))) for number in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).seq == 2
    assert first.cancelled()
    assert seqs(database) == [1, 2]
    database.close()


async def test_while_the_writer_is_at_work_the_event_loop_goes_on(tmp_path: Path, quick: None) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    begun, go_on = threading.Event(), threading.Event()

    def long_work(_connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(10)

    long = asyncio.create_task(database.write(long_work))
    await asyncio.to_thread(begun.wait, 10)
    brief = asyncio.create_task(outbox.put(draft(1)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not brief.done()
    go_on.set()
    assert (await brief).seq == 1
    await long
    database.close()


@pytest.mark.usefixtures("either_way")
async def test_a_closed_file_takes_nothing_more(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await asyncio.to_thread(database.close)
    with pytest.raises(QueueError, match="is closed"):
        await outbox.put(draft(1))


@pytest.mark.usefixtures("either_way")
async def test_a_put_does_not_make_the_wal_longer(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    wal = database.path.with_name(database.path.name + "-wal")
    length = wal.stat().st_size
    for number in range(20):
        await outbox.put(draft(number))
    assert length == wal.stat().st_size == database_room.WAL_PAGES_MOST * database_room.PAGE
    database.close()


@pytest.mark.usefixtures("either_way")
async def test_what_was_confirmed_is_in_a_copy_of_the_files_at_that_moment(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await asyncio.gather(*(outbox.put(draft(number)) for number in range(5)))
    copied = tmp_path / "copy"
    copied.mkdir()
    for ending in ("", "-wal"):
        name = database.path.name + ending
        (copied / name).write_bytes((tmp_path / name).read_bytes())
    with sqlite3.connect(copied / database.path.name) as copy:
        assert copy.execute("SELECT count(*) FROM outbox").fetchone() == (5,)
    database.close()


async def test_an_item_of_a_batch_is_json_whatever_its_texts_hold(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    key, what = 'a"b\\c%s\x01', 'Öl \u2028 \U0001f600 "%d" \0 100 %'
    await outbox.put(Draft("RetailTransaction", key, "2026-11-22", canonical({"what": what})))
    batch = await outbox.batch_from(1)
    assert batch is not None
    item = json.loads(batch.json)["items"][0]
    assert (item["idempotency_key"], item["body"], item["seq"]) == (key, {"what": what}, 1)
    assert canonical({"what": what}) in batch.json
    database.close()


async def test_on_a_disk_that_became_read_only_nothing_is_answered_as_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernel's sync says yes on such a disk: so what statvfs says decides, before a commit and after it.
    database = Database(tmp_path / "money.sqlite", ["CREATE TABLE IF NOT EXISTS sale (number INTEGER)"])
    truth, turned = os.statvfs, [0]

    def statvfs(path: Any) -> Any:
        seen = truth(path)
        turned[0] -= 1
        flags = seen.f_flag | (os.ST_RDONLY if turned[0] <= 0 else 0)
        return SimpleNamespace(f_flag=flags)

    monkeypatch.setattr(os, "statvfs", statvfs)
    for looks in (0, 2):  # read-only before the commit; read-only by the time of its sync
        turned[0] = looks
        with pytest.raises(QueueError, match="read-only"):
            await database.write(lambda connection: connection.execute("INSERT INTO sale VALUES (1)"))
    turned[0] = 1_000_000
    await database.write(lambda connection: connection.execute("INSERT INTO sale VALUES (2)"))
    assert 2 in [row["number"] for row in database.read("SELECT number FROM sale")]
    database.close()
