"""The mark: one small row says what is acknowledged, and where the numbers go on when every record is gone."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.errors import UnknownRecord
from gateway.queue import mark, rescue
from gateway.queue.outbox import Outbox
from retail.wire.log import Batch
from tests.money import an_outbox, draft, money_file


async def filled(outbox: Outbox, count: int, acked: int, rejected: dict[int, tuple[str, str]] | None = None) -> None:
    for number in range(1, count + 1):
        await outbox.put(draft(number))
    await outbox.acknowledge(outbox.epoch, acked, rejected or {}, None)


async def test_numbers_and_chain_go_on_after_every_record_was_pruned(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await filled(outbox, 30, acked=30)
    head = outbox.position()
    await database.write(lambda connection: connection.execute("DELETE FROM record").rowcount)
    assert outbox.position() == head
    # the power goes: what is on disk now is opened elsewhere, and the files are opened again here
    shutil.copytree(tmp_path, tmp_path / "copy")
    database.close()
    for folder in (tmp_path / "copy", tmp_path):
        database = money_file(folder)
        outbox = an_outbox(database)
        assert outbox.position() == head
        assert (await outbox.put(draft(31))).seq == 31
        batch = await outbox.batch_from(0)
        assert batch is not None
        assert Batch.model_validate_json(batch.json).prev_chain == head.head_chain
        assert await outbox.acknowledge(outbox.epoch, 31, {}, outbox.position().head_chain) == 1
        database.close()


async def test_numbers_go_on_where_only_a_record_in_quarantine_is_left(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await filled(outbox, 10, acked=10, rejected={4: ("unknown_item", "Q-4")})
    await database.write(lambda connection: connection.execute("DELETE FROM record WHERE seq != 4").rowcount)
    assert (await outbox.put(draft(11))).seq == 11
    state = outbox.state_of("key-4")
    assert state is not None
    assert (state["state"], state["rejected_code"], state["quarantine_id"]) == ("rejected", "unknown_item", "Q-4")
    database.close()


async def test_an_acknowledgement_writes_no_record_again(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    for number in range(500):
        await outbox.put(draft(number))
    pages_written(tmp_path)
    assert await outbox.acknowledge(outbox.epoch, 500, {}) == 500
    assert pages_written(tmp_path) == 1
    assert await outbox.acknowledge(outbox.epoch, 500, {}) == 0
    assert pages_written(tmp_path) == 1, "what is known already is not written again"
    database.close()


def pages_written(folder: Path) -> int:
    """Since all was checkpointed; then it begins again from nothing with the next write."""
    with sqlite3.connect(folder / "money.sqlite") as connection:
        busy, pages, done = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    connection.close()
    assert (busy, done) == (0, pages)
    return int(pages)


@pytest.mark.parametrize("spoilt", ["seq = 9", "seq = 3", "seq = 5000", "chain = 'ff'", "chain = NULL"])
async def test_a_spoilt_mark_is_not_believed_and_all_is_sent_again(
    tmp_path: Path, spoilt: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = money_file(tmp_path)
    await filled(an_outbox(database), 10, acked=5)
    database.close()
    path = tmp_path / "money.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE acked SET {spoilt}")
    connection.close()
    assert len(rescue.read(path).waiting) == 10
    database = money_file(tmp_path)
    with caplog.at_level(logging.ERROR):
        outbox = an_outbox(database)
    assert "not believed" in caplog.text
    position = outbox.position()
    assert (position.oldest_unacked_seq, position.next_seq) == (1, 11)
    assert await outbox.acknowledge(outbox.epoch, 5, {}) == 5
    database.close()


@pytest.mark.parametrize("lost", [0, 6])
async def test_a_mark_whose_own_record_was_pruned_is_believed_by_what_is_chained_to_it(
    tmp_path: Path, lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Record 20 is gone, 21 is not acknowledged yet; or the core lost 6, and its mark is before all that stay."""
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await filled(outbox, 21, acked=20)
    at = 20 - lost
    chain = database.read("SELECT chain FROM record WHERE seq = ?", at)[0]["chain"]
    await database.write(lambda connection: connection.execute("DELETE FROM record WHERE seq <= ?", (at,)).rowcount)
    assert await outbox.refill(at, chain) == lost
    database.close()
    assert len(rescue.read(tmp_path / "money.sqlite").waiting) == 1 + lost
    database = money_file(tmp_path)
    with caplog.at_level(logging.ERROR):
        outbox = an_outbox(database)
    assert not caplog.records
    assert outbox.position().oldest_unacked_seq == at + 1
    assert database.read("SELECT seq FROM acked")[0]["seq"] == at
    with pytest.raises(UnknownRecord, match="other content"):
        await outbox.acknowledge(outbox.epoch, at, {}, "0" * 64)
    database.close()
    with sqlite3.connect(tmp_path / "money.sqlite") as connection:
        connection.execute("UPDATE acked SET chain = ?", ("ab" * 32,))
    connection.close()
    database = money_file(tmp_path)
    with caplog.at_level(logging.ERROR):
        an_outbox(database)
    assert "not believed" in caplog.text
    database.close()


async def test_a_core_that_lost_everything_leaves_no_mark_to_doubt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await filled(outbox, 3, acked=3)
    assert await outbox.refill(0) == 3
    database.close()
    database = money_file(tmp_path)
    with caplog.at_level(logging.ERROR):
        outbox = an_outbox(database)
    assert not caplog.records
    assert outbox.position().oldest_unacked_seq == 1
    database.close()


async def test_a_core_that_lost_more_than_a_gap_among_quarantined_ones_gets_a_new_epoch(tmp_path: Path) -> None:
    """Record 3 is in quarantine and was never pruned; 4 to 7 were: its presence must not hide that hole."""
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await filled(outbox, 10, acked=10, rejected={3: ("unknown_item", "Q-3")})
    await database.write(
        lambda connection: connection.execute("DELETE FROM record WHERE seq < 8 AND seq != 3").rowcount
    )
    former = outbox.epoch
    await outbox.refill(2)
    assert outbox.epoch != former
    # an audit record, then 3 and 8 to 10
    assert outbox.position().next_seq == 6
    database.close()


async def test_states_of_the_former_epoch_stay_what_they_were(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    await filled(outbox, 6, acked=4, rejected={2: ("unknown_item", "Q-2")})
    former = outbox.epoch
    await outbox.new_epoch("identity_clash", "a test")
    rows = database.read(f"{mark.stated_of('outbox_' + former)} ORDER BY seq")
    assert [row["state"] for row in rows] == ["acked", "rejected", "acked", "acked", "unacked", "unacked"]
    state = outbox.state_of("key-2")
    assert state is not None
    assert (state["epoch"], state["state"], state["rejected_code"]) == (former, "rejected", "unknown_item")
    assert [row["state"] for row in database.read("SELECT state FROM outbox")] == ["unacked"] * 3
    database.close()


async def test_a_salvaged_file_carries_over_what_is_behind_its_mark(tmp_path: Path) -> None:
    database = money_file(tmp_path)
    await filled(an_outbox(database), 10, acked=5, rejected={2: ("unknown_item", "Q-2")})
    database.close()
    found = rescue.read(tmp_path / "money.sqlite")
    assert [row["state"] for row in found.rows] == ["acked", "rejected", *["acked"] * 3, *["unacked"] * 5]
    assert found.rows[1]["rejected_code"] == "unknown_item"
    (tmp_path / "new").mkdir()
    database = money_file(tmp_path / "new")
    an_outbox(database)
    assert rescue.carry_over(database, Clock(), "S0421", found, tmp_path / "money.sqlite") == 5
    database.close()
