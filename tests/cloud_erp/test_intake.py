"""Booking: at most once, whatever comes how often and in which order; nothing is dropped silently."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cloud_erp.db import Database, open_database
from cloud_erp.errors import UnreadableBatch
from cloud_erp.fleet import alarms, registry
from cloud_erp.intake import service
from cloud_erp.intake.model import inbox, stream
from cloud_erp.journal import service as journal_service
from cloud_erp.journal.model import journal, quarantine
from cloud_erp.stock import service as stock
from cloud_erp.stock.model import position
from retail.units import Quantity, Weight
from retail.wire.ack import Ack
from retail.wire.canonical import canonical, sha256_hex
from tests.cloud_erp.batches import EPOCH, GATEWAY, NEXT_EPOCH, Outbox, outbox, sale
from tests.cloud_erp.conftest import Urls


def booked(database: Database, payload: bytes, gateway_id: str = GATEWAY) -> Ack | None:
    with database.write() as connection:
        return service.book(connection, gateway_id, payload)


def acknowledged(database: Database, payload: bytes) -> Ack:
    ack = booked(database, payload)
    assert ack is not None
    return ack


def raw(batch: dict[str, Any]) -> bytes:
    return json.dumps(batch).encode()


def rows(database: Database, table: Any, *columns: Any) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).select_from(table).order_by(*columns))]


def on_hand(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {view.item_id: view.on_hand for view in stock.positions(connection)}


def alarm_codes(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(alarm.code for alarm in alarms.open_alarms(connection))


def held(database: Database) -> list[journal_service.QuarantineView]:
    with database.read() as connection:
        return journal_service.quarantined(connection)


def test_a_batch_is_booked_moves_stock_and_is_acknowledged(database: Database) -> None:
    box = outbox([sale(1, ("1001", Quantity(2), 119), ("2001", Weight(450), 199)), sale(2, ("1001", Quantity(1), 119))])
    ack = acknowledged(database, box.payload())
    assert (ack.epoch, ack.contiguous_seq, ack.rejected) == (EPOCH, 2, [])
    assert ack.core_incarnation == database.incarnation()
    assert on_hand(database) == {"1001": -3, "2001": -450}
    with database.read() as connection:
        detail = journal_service.sale(connection, GATEWAY, EPOCH, 1)
    assert detail is not None
    assert detail.body == box.records[0]["body"]
    assert detail.body_sha256 == box.records[0]["body_sha256"]
    assert (detail.items, detail.total_minor) == (3, 2 * 119 + 90)


def test_the_journal_keeps_the_canonical_bytes_that_were_hashed(database: Database) -> None:
    box = outbox([sale(1)])
    acknowledged(database, box.payload())
    ((body, digest),) = rows(database, journal, journal.c.body, journal.c.body_sha256)
    assert sha256_hex(body.encode()) == digest == box.records[0]["body_sha256"]
    assert body.encode() == canonical(box.records[0]["body"])


def test_the_same_batch_again_books_nothing_and_is_acknowledged_again(database: Database) -> None:
    box = outbox([sale(1), sale(2)])
    first = acknowledged(database, box.payload())
    again = acknowledged(database, box.payload())
    assert first == again
    assert on_hand(database) == {"1001": -2}
    assert alarm_codes(database) == []


def test_records_above_a_hole_are_kept_and_the_mark_waits_before_it(database: Database) -> None:
    box = outbox([sale(number) for number in range(1, 8)])
    assert acknowledged(database, box.payload(1, 2)).contiguous_seq == 2
    # The second ack with the same mark tells the store of the hole.
    assert acknowledged(database, box.payload(5, 7)).contiguous_seq == 2
    assert len(rows(database, journal, journal.c.seq)) == 5
    assert acknowledged(database, box.payload(3, 4)).contiguous_seq == 7
    assert alarm_codes(database) == []


def test_a_mark_moves_over_more_records_than_one_look_reads(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK", 3)
    box = outbox([sale(number) for number in range(1, 14)])
    assert acknowledged(database, box.payload(2, 13)).contiguous_seq == 0
    assert acknowledged(database, box.payload(1, 1)).contiguous_seq == 13


TEN = outbox([sale(number, ("1001", Quantity(number), 119)) for number in range(1, 11)])
PIECES = st.lists(
    st.tuples(st.integers(1, 10), st.integers(0, 4)).map(lambda pair: (pair[0], min(10, pair[0] + pair[1]))), max_size=8
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(pieces=PIECES, order=st.randoms(use_true_random=False))
def test_any_order_with_repeats_and_overlaps_gives_the_journal_in_order(
    urls: Urls, pieces: list[Any], order: Any
) -> None:
    # P3: each (gateway, epoch, seq) at most once
    batches = [*pieces, (1, 3), (4, 6), (7, 10)]
    order.shuffle(batches)
    database = open_database(urls())
    marks = [acknowledged(database, TEN.payload(first, last)).contiguous_seq for first, last in batches]
    found = rows(database, journal, journal.c.seq, journal.c.body_sha256)
    assert found == [(record["seq"], record["body_sha256"]) for record in TEN.records]
    assert on_hand(database) == {"1001": -55}
    assert marks == sorted(marks)
    assert marks[-1] == 10
    assert alarm_codes(database) == []
    assert rows(database, stream, stream.c.head_chain) == [(TEN.records[-1]["chain"],)]
    database.close()


def test_several_workers_at_once_book_each_record_once(database: Database) -> None:
    batches = [TEN.payload(first, min(10, first + 2)) for first in (1, 2, 4, 6, 7, 8, 10)] * 2
    with ThreadPoolExecutor(4) as workers:
        acks = list(workers.map(lambda payload: acknowledged(database, payload), batches))
    assert max(ack.contiguous_seq for ack in acks) == 10
    assert rows(database, journal, journal.c.seq) == [(seq,) for seq in range(1, 11)]
    assert on_hand(database) == {"1001": -55}
    assert alarm_codes(database) == []


def changed(box: Outbox, place: int, **fields: Any) -> bytes:
    """The whole batch, one record of it altered."""
    batch = box.batch()
    batch["items"][place - 1] = {**batch["items"][place - 1], **fields}
    return raw(batch)


def poisons() -> dict[str, tuple[str, bytes]]:
    """name -> (code, a batch of three whose second record is poison)"""

    def with_second(second: Any, kind: str = "RetailTransaction") -> bytes:
        box = outbox([sale(1)])
        box.add(second, kind=kind)
        box.add(sale(3))
        return raw(box.batch())

    def mended(**fields: Any) -> dict[str, Any]:
        return {**sale(2).model_dump(mode="json"), **fields}

    plain = outbox([sale(1), sale(2), sale(3)])
    nothing = plain.batch()
    nothing["items"][1] = "what?"
    nan = plain.batch()
    nan["items"][1] = {**nan["items"][1], "body": {"amount": float("nan")}}
    surrogate = plain.batch()
    surrogate["items"][1] = {**surrogate["items"][1], "body": {"text": "\ud800"}}
    huge = sale(2, ("1001", Quantity(1), 10**20))
    return {
        "no object": ("unreadable", raw(nothing)),
        "not a number": ("unreadable", raw(nan)),
        "half a character": ("unreadable", raw(surrogate)),
        "body of nothing": ("unreadable", with_second({"what": 1})),
        "hash": ("hash_mismatch", changed(plain, 2, body={**plain.records[1]["body"], "operator_id": "eve"})),
        "seq": ("wrong_seq", changed(plain, 2, seq=7)),
        "NUL in the key": ("unreadable", changed(plain, 2, idempotency_key="a\x00b")),
        "type": ("unknown_type", with_second(sale(2), kind="Horoscope")),
        "sum": ("does_not_add_up", with_second(mended(total_minor=5))),
        "huge": ("out_of_range", with_second(huge)),
        "item": ("unknown_item", with_second(sale(2, ("0815", Quantity(1), 1)))),
        "pieces of kg goods": ("unit_mismatch", with_second(sale(2, ("2001", Quantity(1), 1)))),
        "grams of pieces": ("unit_mismatch", with_second(sale(2, ("1001", Weight(100), 100)))),
        "currency": ("wrong_currency", with_second(sale(2, currency="TWD"))),
        "store": ("wrong_store", with_second(sale(2, store="S9999"))),
    }


@pytest.mark.parametrize(("code", "payload"), poisons().values(), ids=poisons().keys())
def test_a_poison_record_is_quarantined_and_the_rest_is_booked(database: Database, code: str, payload: bytes) -> None:
    ack = acknowledged(database, payload)
    assert ack.contiguous_seq == 3
    assert [(one.seq, one.code) for one in ack.rejected] == [(2, code)]
    assert rows(database, journal, journal.c.seq) == [(1,), (3,)]
    assert on_hand(database) == {"1001": -2}
    (one,) = held(database)
    assert (one.id, one.code) == (ack.rejected[0].quarantine_id, code)
    assert one.reason
    assert json.dumps(json.loads(one.raw))
    # Again: the same ack, and not a second row.
    assert acknowledged(database, payload) == ack
    assert len(rows(database, quarantine, quarantine.c.id)) == 1


def test_the_same_seq_with_other_content_is_quarantined_and_raises_an_alarm(database: Database) -> None:
    # P3: a copied or restored card
    acknowledged(database, outbox([sale(1), sale(2)]).payload())
    other = outbox([sale(1), sale(2, ("1101", Quantity(1), 395))])
    ack = acknowledged(database, other.payload())
    assert ack.contiguous_seq == 2
    # What was received first stands; the chain tells the other box that these numbers are not its own.
    assert ack.rejected == []
    assert ack.chain != other.records[-1]["chain"]
    assert [one.code for one in held(database)] == ["equivocation"]
    assert alarm_codes(database) == ["equivocation"]
    assert on_hand(database) == {"1001": -2}


def test_an_idempotency_key_with_other_content_is_quarantined_and_raises_an_alarm(database: Database) -> None:
    box = Outbox()
    box.add(sale(1), key="till-key")
    box.add(sale(2), key="till-key")
    ack = acknowledged(database, box.payload())
    assert ack.contiguous_seq == 2
    assert [(one.seq, one.code) for one in ack.rejected] == [(2, "equivocation")]
    assert alarm_codes(database) == ["equivocation"]
    assert rows(database, journal, journal.c.seq) == [(1,)]


def test_a_sale_that_a_new_epoch_sends_again_is_booked_once(database: Database) -> None:
    first, salvaged = Outbox(), Outbox(NEXT_EPOCH)
    first.add(sale(1), key="till-key")
    salvaged.add(sale(1), key="till-key")
    acknowledged(database, first.payload())
    ack = acknowledged(database, salvaged.payload())
    assert (ack.epoch, ack.contiguous_seq, ack.rejected) == (NEXT_EPOCH, 1, [])
    assert on_hand(database) == {"1001": -1}
    assert alarm_codes(database) == []
    assert rows(database, inbox, inbox.c.epoch, inbox.c.fate) == [(EPOCH, "booked"), (NEXT_EPOCH, "repeated")]


def test_a_chain_that_does_not_follow_raises_an_alarm_and_still_books(database: Database) -> None:
    box = outbox([sale(1), sale(2), sale(3)])
    ack = acknowledged(database, changed(box, 2, chain="ab" * 32))
    assert ack.contiguous_seq == 3
    assert len(rows(database, journal, journal.c.seq)) == 3
    assert alarm_codes(database) == ["chain_mismatch"]
    # Reckoned here over the hashes that were received, which the altered value does not touch.
    assert ack.chain == box.records[2]["chain"]


def test_a_training_sale_is_journaled_and_counts_nowhere(database: Database) -> None:
    acknowledged(database, outbox([sale(1), sale(2, training_flag=True)]).payload())
    assert on_hand(database) == {"1001": -1}
    with database.read() as connection:
        (day,) = journal_service.store_days(connection)
        assert (day.sales, day.total_minor) == (1, 119)
        assert [one.training for one in journal_service.since(connection, 0, 10)] == [False, True]


def test_a_batch_of_an_unregistered_gateway_is_neither_booked_nor_acknowledged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    payload = outbox([sale(1)]).payload()
    assert booked(database, payload, "S0666-1") is None
    assert booked(database, payload, "S0666-1") is None
    assert rows(database, inbox, inbox.c.seq) == []
    with database.read() as connection:
        (alarm,) = alarms.open_alarms(connection)
    assert (alarm.gateway, alarm.code, alarm.times) == ("S0666-1", "unregistered_gateway", 2)
    assert len([record for record in caplog.records if "unregistered" in record.getMessage()]) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b"[]",
        b"\x28\xb5\x2f\xfdno",
        b'{"schema":"backroom.log/9"}',
        b"[" * 100_000,
        raw(outbox([sale(1)]).batch() | {"first_seq": 2**63}),
        raw(outbox([sale(1)]).batch() | {"items": []}),
    ],
    ids=["empty", "text", "a list", "zstd", "schema", "deep", "seq", "no items"],
)
def test_a_batch_that_cannot_be_read_is_refused_as_a_whole(database: Database, payload: bytes) -> None:
    with pytest.raises(UnreadableBatch):
        booked(database, payload)
    assert rows(database, stream, stream.c.gateway) == []


def test_a_wrong_count_raises_an_alarm_and_what_is_there_is_booked(database: Database) -> None:
    ack = acknowledged(database, raw(outbox([sale(1)]).batch() | {"count": 3}))
    assert ack.contiguous_seq == 1
    assert alarm_codes(database) == ["batch_count"]


def test_a_failure_in_the_middle_leaves_nothing_behind(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(stock, "move", broken)
        with pytest.raises(OSError, match="disk full"):
            booked(database, outbox([sale(1)]).payload())
    assert rows(database, inbox, inbox.c.seq) == []
    assert rows(database, journal, journal.c.seq) == []
    assert acknowledged(database, outbox([sale(1)]).payload()).contiguous_seq == 1


def test_every_store_has_its_own_keys_and_stock(database: Database) -> None:
    with database.write() as connection:
        registry.add(connection, registry.Gateway("S0099-1", "S0099", "Hamburg Altona", "EUR"))
    acknowledged(database, outbox([sale(1)]).payload())
    assert booked(database, outbox([sale(1, store="S0099")]).payload(), "S0099-1") is not None
    assert rows(database, position, position.c.store_id, position.c.on_hand) == [("S0099", -1), ("S0421", -1)]
