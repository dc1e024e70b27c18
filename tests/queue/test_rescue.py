"""A damaged money file: kept, read as far as it goes, and carried over without losing or doubling a sale."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.errors import QueueDamaged
from gateway.queue import rescue
from gateway.till import ledger
from tests.money import an_outbox, draft, money_file

PAGE = 4096


async def filled(folder: Path, count: int = 300, acked: int = 40) -> str:
    """A closed money file with that many records; its epoch."""
    database = money_file(folder)
    outbox = an_outbox(database)
    for number in range(count):
        await outbox.put(draft(number))
    await outbox.acknowledge(outbox.epoch, acked, {})
    await database.write(lambda connection: connection.execute("INSERT INTO basket VALUES ('1', '{}')").rowcount)
    await database.write(
        lambda connection: (
            connection.execute(
                "INSERT INTO retail_transaction VALUES ('k', '1', 17, '2026-11-22', 100, 'till')"
            ).rowcount
        )
    )
    database.close()
    return outbox.epoch


def pages_of_the_log(path: Path) -> list[int]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT pageno FROM dbstat WHERE name = 'record' AND pagetype = 'leaf'").fetchall()
    connection.close()
    return [row[0] for row in rows]


def spoil(path: Path, page: int, seed: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(random.Random(seed).randbytes(PAGE))


async def test_one_spoilt_page_costs_its_records_and_no_others(tmp_path: Path) -> None:
    former = await filled(tmp_path)
    path = tmp_path / "money.sqlite"
    try:
        pages = pages_of_the_log(path)
    except sqlite3.OperationalError:
        pages = list(range(6, 10))
    spoil(path, pages[len(pages) // 2], seed=1)
    with pytest.raises(QueueDamaged, match="keep the file"):
        money_file(tmp_path)
    before = path.read_bytes()

    aside = rescue.put_aside(path)
    assert aside.read_bytes() == before
    found = rescue.read(aside)
    assert found.epoch == former
    assert 0 < len(found.damaged) < 60
    assert len(found.rows) + len(found.damaged) == 300

    database = money_file(tmp_path)
    outbox = an_outbox(database)
    went = rescue.carry_over(database, Clock(), "S0421", found, aside, ledger.salvage)
    assert went == len(found.waiting) > 150
    rows = database.read("SELECT seq, type, idempotency_key, body FROM outbox ORDER BY seq")
    assert [row["seq"] for row in rows] == list(range(1, went + 2))
    assert outbox.epoch != former
    audit = json.loads(rows[0]["body"])
    assert (audit["code"], audit["facts"]["former_epoch"]) == ("salvaged", former)
    assert audit["facts"]["unreadable"] == len(found.damaged)
    assert [row["idempotency_key"] for row in rows[1:]] == [row["idempotency_key"] for row in found.waiting]
    assert database.read("SELECT body FROM basket")[0]["body"] == "{}"
    assert ledger.Ledger(database, outbox).last_sequence_number("1") == 17
    database.close()


async def test_a_changed_body_is_not_salvaged_as_if_it_were_right(tmp_path: Path) -> None:
    await filled(tmp_path, count=20, acked=0)
    path = tmp_path / "money.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE record SET body = ? WHERE seq = 5", (b'{"number":999}',))
    connection.close()
    found = rescue.read(path)
    assert found.damaged == [5]
    assert len(found.rows) == 19


async def test_a_file_that_is_no_database_is_put_aside_and_a_new_one_begins(tmp_path: Path) -> None:
    path = tmp_path / "money.sqlite"
    path.write_bytes(b"x" * 10_000)
    with pytest.raises(QueueDamaged):
        money_file(tmp_path)
    aside = rescue.put_aside(path)
    found = rescue.read(aside)
    assert (found.rows, found.epoch) == ([], None)
    database = money_file(tmp_path)
    an_outbox(database)
    assert rescue.carry_over(database, Clock(), "S0421", found, aside, ledger.salvage) == 0
    assert database.read("SELECT type FROM outbox")[0]["type"] == "AuditRecord"
    assert aside.read_bytes() == b"x" * 10_000
    database.close()
