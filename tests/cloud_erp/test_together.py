"""Batches that wait are booked in one transaction, and come to what they come to one by one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from random import Random

import pytest

from cloud_erp.db import Database, open_database
from cloud_erp.intake import service
from cloud_erp.intake.batch import read_batch
from cloud_erp.intake.link import Message
from cloud_erp.intake.together import book_together, runs
from cloud_erp.intake.worker import LogIntake, Worker
from cloud_erp.journal.model import journal
from retail.wire.topics import GatewayTopics
from tests.cloud_erp.batches import EPOCH, GATEWAY, NEXT_EPOCH, outbox, sale
from tests.cloud_erp.conftest import Urls
from tests.cloud_erp.test_intake import alarm_codes, held, rows
from tests.cloud_erp.test_workers import BOXES, campaign, outcome, register

BOX = outbox([sale(number) for number in range(1, 11)])


@pytest.mark.parametrize("seed", range(3))
def test_batches_together_come_to_the_same_result_as_one_by_one(urls: Urls, seed: int) -> None:
    sent = campaign(Random(seed))
    one, many = open_database(urls()), open_database(urls())
    for database in (one, many):
        register(database)
    for message in sent:
        book_together(one, [message])
    for start in range(0, len(sent), 7):
        book_together(many, sent[start : start + 7])
    assert outcome(many) == outcome(one)
    assert len(outcome(one)[0]) == 40 * len(BOXES)
    one.close()
    many.close()


def test_neighbours_of_one_log_are_one_run() -> None:
    other = outbox([sale(1)], NEXT_EPOCH)
    pieces = [BOX.payload(1, 3), BOX.payload(4, 5), BOX.payload(8, 9), BOX.payload(8, 9), other.payload()]
    found = runs([read_batch(piece) for piece in pieces])
    assert [[(one.epoch, one.first_seq, one.last_seq) for one in run] for run in found] == [
        [(EPOCH, 1, 3), (EPOCH, 4, 5), (EPOCH, 8, 9)],
        [(EPOCH, 8, 9)],
        [(NEXT_EPOCH, 1, 1)],
    ]


def test_one_ack_answers_a_run_and_a_second_tells_of_a_hole(database: Database) -> None:
    acks = book_together(database, [(GATEWAY, BOX.payload(1, 2)), (GATEWAY, BOX.payload(3, 4))])
    assert [(gateway, ack.contiguous_seq) for gateway, ack in acks] == [(GATEWAY, 4)]
    acks = book_together(database, [(GATEWAY, BOX.payload(5, 6)), (GATEWAY, BOX.payload(9, 10))])
    assert [ack.contiguous_seq for _, ack in acks] == [6, 6]
    acks = book_together(database, [(GATEWAY, BOX.payload(7, 8))])
    assert [ack.contiguous_seq for _, ack in acks] == [10]


def test_what_cannot_be_read_or_booked_stops_nothing_else(database: Database) -> None:
    sent = [("S0666-1", BOX.payload()), (GATEWAY, b"hello"), (GATEWAY, BOX.payload(1, 4)), ("S0667-1", b"hello")]
    acks = book_together(database, sent)
    assert [(gateway, ack.contiguous_seq) for gateway, ack in acks] == [(GATEWAY, 4)]
    assert alarm_codes(database) == ["unreadable_batch", "unregistered_gateway", "unregistered_gateway"]


def test_a_record_that_went_the_quick_way_is_quarantined_as_it_came(database: Database) -> None:
    box = outbox([sale(1, store="S9999")])
    book_together(database, [(GATEWAY, box.payload())])
    (one,) = held(database)
    assert one.code == "wrong_store"
    assert one.raw == read_batch(box.payload()).items[0].raw()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_batch_whose_booking_fails_stops_no_other(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    register(database)
    published: list[str] = []
    done = threading.Event()
    book_run = service.book_run

    def fails_for_one(connection: object, gateway: object, run: object) -> object:
        if getattr(gateway, "id", "") == "S0421-2":
            raise RuntimeError("a fault of ours")
        return book_run(connection, gateway, run)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "book_run", fails_for_one)

    def publish(topic: str, _payload: bytes, _retain: bool) -> bool:
        published.append(topic)
        return True

    handled: list[int] = []
    intake = LogIntake(database, publish)

    def handle(messages: Sequence[Message]) -> None:
        handled.append(len(messages))
        intake.handle(messages)

    worker = Worker("intake-1", handle, database, most=8)
    for gateway in ("S0421-2", GATEWAY):
        worker.take(Message(GatewayTopics(gateway).log, BOX.payload(), retained=False, done=done.set))
    worker.take(Message(GatewayTopics("S0099-1").log, b"hello", retained=False, done=done.set))
    worker.start()
    assert done.wait(20)
    worker.stop()
    worker.join(5)
    assert handled == [3, 1, 1, 1]
    assert published == [GatewayTopics(GATEWAY).ack]
    assert len(rows(database, journal, journal.c.seq)) == 10
    assert alarm_codes(database) == ["unreadable_batch"]
