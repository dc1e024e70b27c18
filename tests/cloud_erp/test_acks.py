"""Acknowledgements: the chain at the mark, and every rejected record told, however many acks are lost."""

from __future__ import annotations

from random import Random

import pytest

from cloud_erp.db import Database
from cloud_erp.intake import acks
from cloud_erp.intake.model import inbox
from retail.units import Quantity
from retail.wire.ack import Ack
from retail.wire.log import BATCH_RECORDS
from tests.cloud_erp.batches import Outbox, outbox, sale
from tests.cloud_erp.test_intake import acknowledged, changed, raw, rows

UNKNOWN = ("0815", Quantity(1), 1)


def test_an_ack_carries_the_chain_of_its_mark(database: Database) -> None:
    box = outbox([sale(1), sale(2), sale(3)])
    assert acknowledged(database, box.payload(2, 3)).chain is None
    assert acknowledged(database, box.payload(1, 1)).chain == box.records[2]["chain"]
    assert acknowledged(database, box.payload(1, 1)).chain == box.records[2]["chain"]


def test_the_chain_of_a_record_that_cannot_be_read_is_not_told(database: Database) -> None:
    box = outbox([sale(1), sale(2), sale(3)])
    batch = box.batch(1, 2)
    batch["items"][1] = "what?"
    ack = acknowledged(database, raw(batch))
    assert (ack.contiguous_seq, ack.chain) == (2, None)
    assert acknowledged(database, box.payload(3, 3)).chain == box.records[2]["chain"]


def test_a_poison_record_with_a_chain_tells_it(database: Database) -> None:
    box = outbox([sale(1), sale(2)])
    ack = acknowledged(database, changed(box, 2, idempotency_key="a\x00b"))
    assert (ack.chain, [one.seq for one in ack.rejected]) == (box.records[1]["chain"], [2])


class Store:
    """What gateway/queue/outbox.py does with acks, and what gateway/mqtt/uplink.py has in flight."""

    def __init__(self, box: Outbox) -> None:
        self.box = box
        self.mark = 0
        self.rejected: set[int] = set()

    def take(self, ack: Ack) -> None:
        if ack.contiguous_seq > self.mark and ack.chain is not None:
            assert ack.chain == self.box.records[ack.contiguous_seq - 1]["chain"]
        self.mark = max(self.mark, ack.contiguous_seq)
        self.rejected |= {one.seq for one in ack.rejected if one.seq <= ack.contiguous_seq}

    def window(self) -> list[tuple[int, int]]:
        """The batches it sends at once: from the first record not acknowledged, as many as it has credit for."""
        last = len(self.box.records)
        starts = range(self.mark + 1, last + 1, BATCH_RECORDS)
        return [(start, min(last, start + BATCH_RECORDS - 1)) for start in starts[: acks.CREDIT]]


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_store_hears_of_every_rejected_record_though_most_acks_are_lost(
    database: Database, every: int, seed: int
) -> None:
    random = Random(seed)
    box = outbox([sale(number, UNKNOWN) if number % every == 0 else sale(number) for number in range(1, 1_151)])
    store, rounds = Store(box), 0
    while store.mark < 1_150:
        rounds += 1
        answers = [acknowledged(database, box.payload(*batch)) for batch in store.window()]
        assert all(len(ack.rejected) <= acks.MOST_REJECTED for ack in answers)
        for ack in answers:
            if random.random() < 0.3:
                store.take(ack)
        assert rounds < 100
    assert store.rejected == {number for number in range(1, 1_151) if number % every == 0}


def test_a_store_that_missed_all_acks_is_brought_up_step_by_step(database: Database) -> None:
    box = outbox([sale(number, UNKNOWN) for number in range(1, 901)])
    for start in range(1, 901, 100):
        acknowledged(database, box.payload(start, start + 99))
    store, marks = Store(box), []
    while store.mark < 900:
        store.take(acknowledged(database, box.payload(*store.window()[0])))
        marks.append(store.mark)
    assert marks[0] == acks.MOST_REJECTED
    assert marks == sorted(set(marks))
    assert store.rejected == set(range(1, 901))
    assert len(rows(database, inbox, inbox.c.seq)) == 900


def test_a_mark_is_not_held_back_where_two_cards_parted(database: Database) -> None:
    acknowledged(database, outbox([sale(1)]).payload())
    other = outbox([sale(number, UNKNOWN) for number in range(1, 901)])
    for start in range(2, 901, 100):
        acknowledged(database, other.payload(start, min(900, start + 99)))
    ack = acknowledged(database, other.payload(2, 101))
    assert (ack.contiguous_seq, len(ack.rejected)) == (900, acks.MOST_REJECTED)
    assert ack.chain not in (None, other.records[899]["chain"])
