"""Two boxes with one identity, and a card restored to yesterday: nothing that a store accepted is lost or doubled.

A card here does what gateway/queue/outbox.py and epoch.py do: an ack whose chain is not its own, or which lies beyond
its end, makes it begin a new epoch, into which goes what was not acknowledged, under its idempotency keys.
"""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random

import pytest
from ulid import ULID

from cloud_erp.db import Database
from cloud_erp.intake import repost
from cloud_erp.journal.model import journal
from retail.units import Quantity
from retail.wire.ack import Ack
from tests.cloud_erp.batches import Outbox, sale
from tests.cloud_erp.test_intake import acknowledged, alarm_codes, held, on_hand, rows


class Card:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.box = Outbox(str(ULID()))
        self.acked = 0

    def sell(self, number: int, accepted: dict[str, str]) -> None:
        """The till's 2xx: from here on it must not be lost."""
        key = f"till-{number}"
        seq = self.box.add(sale(number, ("1001", Quantity(1), 100 + number)), key=key)
        accepted[key] = self.box.records[seq - 1]["body_sha256"]

    def send(self, database: Database) -> Ack | None:
        """One batch of what is not acknowledged, perhaps not from its beginning; the ack goes to whoever listens."""
        last = len(self.box.records)
        if self.acked >= last:
            return None
        first = self.random.randint(self.acked + 1, last)
        return acknowledged(database, self.box.payload(first if self.random.random() < 0.3 else self.acked + 1))

    def take(self, ack: Ack) -> None:
        if ack.epoch != self.box.epoch:
            return
        beyond = ack.contiguous_seq > len(self.box.records)
        if beyond or (ack.chain and ack.chain != self.box.records[ack.contiguous_seq - 1]["chain"]):
            self._rotate()
        else:
            self.acked = max(self.acked, ack.contiguous_seq)

    def _rotate(self) -> None:
        waiting, self.box = self.box.records[self.acked :], Outbox(str(ULID()))
        self.acked = 0
        for record in waiting:
            self.box.add(record["body"], key=record["idempotency_key"], kind=record["type"])


def booked(database: Database) -> dict[str, str]:
    found = rows(database, journal, journal.c.idempotency_key, journal.c.body_sha256)
    assert len(found) == len({key for key, _ in found})
    return {str(key): str(digest) for key, digest in found}


def sent_until_all_is_acknowledged(database: Database, cards: list[Card], random: Random) -> None:
    for _ in range(200):
        waiting = [card for card in cards if card.acked < len(card.box.records)]
        if not waiting:
            return
        ack = random.choice(waiting).send(database)
        for card in cards:
            # One topic for both; either may be away just then.
            if ack is not None and random.random() < 0.8:
                card.take(ack)
    raise AssertionError("the cards never came to rest")


@pytest.mark.parametrize("seed", range(6))
def test_two_boxes_with_one_identity_lose_and_double_nothing(database: Database, seed: int) -> None:
    random, accepted, number = Random(seed), dict[str, str](), 0
    one = Card(random)
    for number in range(1, random.randint(2, 8)):
        one.sell(number, accepted)
    if (ack := one.send(database)) is not None:
        one.take(ack)
    two = deepcopy(one)
    two.random = random
    for step in range(1, 25):
        random.choice((one, two)).sell(number + step, accepted)
        if random.random() < 0.4:
            ack = random.choice((one, two)).send(database)
            for card in (one, two):
                if ack is not None and random.random() < 0.8:
                    card.take(ack)
    sent_until_all_is_acknowledged(database, [one, two], random)
    assert booked(database) == accepted
    assert on_hand(database) == {"1001": -len(accepted)}
    # What contradicted is in quarantine with an alarm, and was booked under an epoch of its own since.
    assert set(alarm_codes(database)) <= {"equivocation", "chain_mismatch"}
    for row in held(database):
        assert row.code == "equivocation"
        assert json.loads(row.raw)["idempotency_key"] in accepted
        with database.write() as connection:
            assert repost.repost(connection, row.id, "anna") == "repeated"
    assert booked(database) == accepted


@pytest.mark.parametrize("seed", range(4))
def test_a_card_restored_to_yesterday_books_what_it_sold_before_and_since(database: Database, seed: int) -> None:
    random, accepted = Random(seed), dict[str, str]()
    card = Card(random)
    for number in range(1, 11):
        card.sell(number, accepted)
        if number == 5:
            yesterday = deepcopy(card)
    sent_until_all_is_acknowledged(database, [card], random)
    restored = yesterday
    restored.random = random
    for number in range(11, 11 + random.randint(1, 8)):
        restored.sell(number, accepted)
    sent_until_all_is_acknowledged(database, [restored], random)
    assert booked(database) == accepted
    assert on_hand(database) == {"1001": -len(accepted)}
