"""Several workers: the same journal, stock and marks as one; and a reader that skips nothing meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from cloud_erp.db import Database, open_database
from cloud_erp.fleet import registry
from cloud_erp.intake import service
from cloud_erp.intake.model import inbox, stream
from cloud_erp.journal import partitions
from cloud_erp.journal import service as journal_service
from cloud_erp.journal.model import journal
from cloud_erp.stock.model import position
from retail.units import Quantity
from tests.cloud_erp.batches import EPOCH, GATEWAY, NEXT_EPOCH, Outbox, outbox, sale
from tests.cloud_erp.conftest import Urls
from tests.cloud_erp.postgres import PostgreSQL
from tests.cloud_erp.test_intake import acknowledged, alarm_codes, rows

#: two boxes of one store, and one of another
BOXES = {GATEWAY: "S0421", "S0421-2": "S0421", "S0099-1": "S0099"}


@pytest.fixture
def on_postgresql(postgresql: PostgreSQL) -> Iterator[Database]:
    url = postgresql.create("workers", "prepared")
    made = open_database(url)
    yield made
    made.close()
    postgresql.drop("workers")


def register(database: Database) -> None:
    with database.write() as connection:
        for gateway, store in BOXES.items():
            if gateway != GATEWAY:
                registry.add(connection, registry.Gateway(gateway, store, "another", "EUR"))


def campaign(random: Random) -> list[tuple[str, bytes]]:
    """Batches of three boxes and a former epoch of one: cut anywhere, overlapping, repeated, shuffled."""
    sent: list[tuple[str, bytes]] = []
    for gateway, store in BOXES.items():
        sales = [sale(number, ("1001", Quantity(number), 119), store=store) for number in range(1, 41)]
        former, present = Outbox(), Outbox(NEXT_EPOCH)
        for number, one in enumerate(sales, start=1):
            # The last ten of the former epoch went over into the present one, under their keys.
            if number <= 25:
                former.add(one, key=f"{gateway}-{number}")
            if number > 15:
                present.add(one, key=f"{gateway}-{number}")
        for box in (former, present):
            last = len(box.records)
            cuts = sorted({1, *random.sample(range(2, last), 5)})
            pieces = [(cut, min(last, after + 1)) for cut, after in zip(cuts, [*cuts[1:], last], strict=True)]
            pieces += random.choices(pieces, k=4)
            sent += [(gateway, box.payload(*piece)) for piece in pieces]
    random.shuffle(sent)
    return sent


def outcome(database: Database) -> list[Any]:
    """What must be the same; which epoch a sale that came in two was booked under depends on which came first."""
    return [
        rows(database, journal, journal.c.gateway, journal.c.idempotency_key, journal.c.body_sha256),
        rows(database, inbox, inbox.c.gateway, inbox.c.epoch, inbox.c.seq, inbox.c.body_sha256),
        rows(database, stream, stream.c.gateway, stream.c.epoch, stream.c.contiguous_seq, stream.c.head_chain),
        rows(database, position, position.c.store_id, position.c.item_id, position.c.on_hand),
        alarm_codes(database),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_four_workers_come_to_the_same_result_as_one(urls: Urls, seed: int) -> None:
    sent = campaign(Random(seed))
    one, four = open_database(urls()), open_database(urls())
    for database in (one, four):
        register(database)

    def book(database: Database, message: tuple[str, bytes]) -> None:
        with database.write() as connection:
            assert service.book(connection, *message) is not None

    for message in sent:
        book(one, message)
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda message: book(four, message), sent))
    assert outcome(four) == outcome(one)
    assert len(outcome(one)[0]) == 40 * len(BOXES)
    one.close()
    four.close()


def test_a_sale_that_commits_late_is_not_skipped_by_a_reader_that_pages(on_postgresql: Database) -> None:
    database = on_postgresql
    register(database)
    acknowledged(database, outbox([sale(1)]).payload())
    with ExitStack() as late:
        slow = late.enter_context(database.write())
        assert service.book(slow, "S0099-1", outbox([sale(1, store="S0099")]).payload()) is not None
        # A later id is there to see before an earlier one is.
        acknowledged(database, outbox([sale(1), sale(2)]).payload())
        with database.read() as connection:
            before = journal_service.since(connection, 0, 100)
            mark = journal_service.change_mark(connection)
        assert [one.id for one in before] == [1]
    with database.read() as connection:
        after = journal_service.since(connection, before[-1].id, 100)
        assert [one.gateway for one in after] == ["S0099-1", GATEWAY]
        assert journal_service.change_mark(connection) != mark


def test_a_reader_that_pages_while_four_workers_book_sees_every_sale_once(on_postgresql: Database) -> None:
    database = on_postgresql
    register(database)
    sent = [
        (gateway, outbox([sale(number, store=store) for number in range(1, 61)], epoch).payload(at, at + 2))
        for (gateway, store), epoch in zip(BOXES.items(), (EPOCH, NEXT_EPOCH, EPOCH), strict=True)
        for at in range(1, 61, 3)
    ]
    Random(7).shuffle(sent)
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while True:
            last_round = done.is_set()
            with database.read() as connection:
                found = journal_service.since(connection, seen[-1] if seen else 0, 20)
            seen.extend(one.id for one in found)
            if last_round and not found:
                return

    def book(message: tuple[str, bytes]) -> None:
        with database.write() as connection:
            service.book(connection, *message)

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(book, sent))
    done.set()
    reader.join(30)
    assert seen == sorted(set(seen))
    assert seen == [row[0] for row in rows(database, journal, journal.c.id)]
    assert len(seen) == 180


def test_the_journal_has_a_table_a_month_and_the_next_ones_are_made_ahead(on_postgresql: Database) -> None:
    def months(connection: Any) -> list[str]:
        query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'journal'::regclass ORDER BY 1"
        found = connection.execute(text(query))
        return list(found.scalars())

    later = datetime(2031, 11, 30, 23, 59, tzinfo=UTC)
    with on_postgresql.write() as connection:
        before = months(connection)
        assert len(before) == partitions.AHEAD + 1
        assert partitions.ensure(connection, later) == datetime(2032, 3, 1, tzinfo=UTC)
        partitions.ensure(connection, later)
        assert months(connection) == [
            *before, "journal_2031_11", "journal_2031_12", "journal_2032_01", "journal_2032_02",
        ]  # fmt: skip
    acknowledged(on_postgresql, outbox([sale(1)]).payload())
    with on_postgresql.read() as connection:
        held = connection.execute(text("SELECT tableoid::regclass::text FROM journal")).scalar_one()
    assert held in before
