"""A money file of an earlier release: opened, brought up to date, and not a sale lost, doubled or sent twice for it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.errors import KeyReused, QueueError
from gateway.queue import layout, mark, rescue
from gateway.queue.records import Draft
from retail.wire.log import Batch
from tests.money import an_outbox, draft, money_file
from tests.queue import layout_1

EPOCH = "01JD0000000000000000000002"
EARLIER = "01JD0000000000000000000001"


def a_file(folder: Path, **log: int | tuple[int, ...]) -> layout_1.File:
    facts = {"last": 20, "acked": 12, "rejected": (3, 7), **log}
    file = layout_1.File(layout_1.Log(EPOCH, **facts), [layout_1.Log(EARLIER, 5, 4, (2,))])  # type: ignore[arg-type]
    file.write(folder / "money.sqlite")
    return file


async def test_every_record_keeps_its_place_its_chain_and_its_state(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    with sqlite3.connect(tmp_path / "money.sqlite") as connection:
        before = connection.execute("SELECT seq, idempotency_key, body, chain FROM outbox ORDER BY seq").fetchall()
    connection.close()
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    rows = database.read("SELECT * FROM outbox ORDER BY seq")
    assert [(row["seq"], row["idempotency_key"], row["body"], row["chain"]) for row in rows] == before
    assert [row["state"] for row in rows] == [file.log.state(seq) for seq in range(1, 21)]
    assert (rows[2]["rejected_code"], rows[2]["quarantine_id"]) == ("unknown_item", "Q-3")
    assert (rows[3]["rejected_code"], rows[3]["quarantine_id"]) == (None, None)
    assert outbox.epoch == EPOCH
    position = outbox.position()
    assert (position.next_seq, position.oldest_unacked_seq, position.unacked) == (21, 13, 8)
    assert outbox.recall("schema") == layout.LAYOUT
    states = [row["state"] for row in database.read(f"{mark.stated_of('outbox_' + EARLIER)} ORDER BY seq")]
    assert states == ["acked", "rejected", "acked", "acked", "unacked"]
    database.close()


async def test_selling_sending_and_acknowledging_go_on_in_the_same_epoch(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    for _ in range(2):
        database = money_file(tmp_path)
        outbox = an_outbox(database)
        batch = await outbox.batch_from(0)
        assert batch is not None
        assert (batch.first_seq, Batch.model_validate_json(batch.json).epoch) == (13, EPOCH)
        database.close()
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    assert (await outbox.put(Draft("Audit", file.log.key(5), "2026-01-01", file.log.body(5)))).seq == 5
    assert (await outbox.put(Draft("Audit", file.former[0].key(5), "2026-01-01", file.former[0].body(5)))).repeated
    with pytest.raises(KeyReused):
        await outbox.put(draft(1, key=file.log.key(6)))
    assert (await outbox.put(draft(21))).seq == 21
    assert await outbox.acknowledge(EPOCH, 21, {}, outbox.position().head_chain) == 9
    await outbox.new_epoch("identity_clash", "a test")
    assert (await outbox.put(draft(22))).seq == 2
    columns = [row["name"] for row in database.read("PRAGMA table_info(record)")]
    assert "state" not in columns, "a new epoch is of the new layout"
    database.close()


@pytest.mark.parametrize(("log", "oldest"), [({"acked": 0, "rejected": ()}, 1), ({"acked": 20}, None)])
async def test_all_or_nothing_may_have_been_acknowledged(
    tmp_path: Path, log: dict[str, int | tuple[int, ...]], oldest: int | None
) -> None:
    a_file(tmp_path, **log)
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    assert outbox.position().oldest_unacked_seq == oldest
    assert (await outbox.put(draft(1))).seq == 21
    database.close()


async def test_a_file_that_was_pruned_down_to_what_waits_names_the_chain_as_before(tmp_path: Path) -> None:
    a_file(tmp_path, first=12, rejected=())
    database = money_file(tmp_path)
    outbox = an_outbox(database)
    batch = await outbox.batch_from(0)
    assert batch is not None
    before = database.read("SELECT chain FROM outbox WHERE seq = 12")[0]["chain"]
    assert Batch.model_validate_json(batch.json).prev_chain == before
    database.close()


async def test_an_update_that_fails_half_way_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = a_file(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(mark, "VIEW", "CREATE VIEW outbox AS SELECT FROM WHERE")
        database = money_file(tmp_path)
        with pytest.raises(QueueError, match="not written"):
            an_outbox(database)
        database.close()
    with sqlite3.connect(tmp_path / "money.sqlite") as connection:
        states = [row[0] for row in connection.execute("SELECT state FROM outbox ORDER BY seq")]
    connection.close()
    assert states == [file.log.state(seq) for seq in range(1, 21)]
    database = money_file(tmp_path)
    assert an_outbox(database).position().oldest_unacked_seq == 13
    database.close()


def test_another_gateways_file_is_left_as_it_was(tmp_path: Path) -> None:
    a_file(tmp_path)
    database = money_file(tmp_path)
    with pytest.raises(QueueError, match="belongs to gateway S0421-1"):
        an_outbox(database, "S0999-1")
    assert database.look(layout.is_former)
    database.close()


def test_a_former_file_that_was_put_aside_is_read_by_its_own_states(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    found = rescue.read(tmp_path / "money.sqlite")
    assert (found.epoch, len(found.rows), found.damaged) == (EPOCH, 20, [])
    assert [row["idempotency_key"] for row in found.waiting] == [file.log.key(seq) for seq in range(13, 21)]
    (tmp_path / "new").mkdir()
    database = money_file(tmp_path / "new")
    an_outbox(database)
    aside = tmp_path / "money.sqlite"
    assert rescue.carry_over(database, Clock(), "S0421", found, aside) == 8
    audit = json.loads(database.read("SELECT body FROM outbox WHERE seq = 1")[0]["body"])
    assert audit["facts"]["former_epoch"] == EPOCH
    database.close()
