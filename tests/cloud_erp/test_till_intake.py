"""Intake of what a till writes: returns, points, coupons, vouchers and control transactions, each booked once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from cloud_erp.db import Database, open_database
from cloud_erp.intake import repost
from cloud_erp.journal import service as journal_service
from cloud_erp.journal.model import journal
from cloud_erp.members.model import points_movement
from cloud_erp.promotions.model import coupon_use
from cloud_erp.tills.model import control, till_session
from cloud_erp.vouchers.model import voucher_movement
from retail.control import CONTROL_TRANSACTION, ControlTransaction
from tests.cloud_erp.batches import BEGAN, EPOCH, GATEWAY, NEXT_EPOCH, Outbox, outbox
from tests.cloud_erp.conftest import Urls
from tests.cloud_erp.test_intake import acknowledged, booked, held, on_hand, rows
from tests.cloud_erp.till_sales import closed, coupon, points, returned, rounding, sold, tender, till_sale
from tests.cloud_erp.till_sales import control as a_control

MOVED = (points_movement.c.epoch, points_movement.c.seq, points_movement.c.member_id, points_movement.c.points)
USED = (coupon_use.c.epoch, coupon_use.c.seq, coupon_use.c.coupon_id)
VOUCHERS = (voucher_movement.c.epoch, voucher_movement.c.seq, voucher_movement.c.voucher_id)


def with_controls(*what: Any, epoch: str = EPOCH) -> Outbox:
    box = Outbox(epoch)
    for one in what:
        if isinstance(one, ControlTransaction):
            box.add(one.model_dump(mode="json"), kind=CONTROL_TRANSACTION)
        else:
            box.add(one)
    return box


def test_returned_goods_go_back_into_stock_unless_they_are_not_fit_for_sale(database: Database) -> None:
    box = outbox(
        [
            till_sale(1, sold("1001", 119, 3)),
            till_sale(2, returned("1001", 119)),
            till_sale(3, returned("1001", 119, restock=False), returned("1003", 229)),
        ]
    )
    assert acknowledged(database, box.payload()).rejected == []
    assert on_hand(database) == {"1001": -2, "1003": 1}


def test_a_store_day_counts_returns_and_rounding_and_leaves_training_out(database: Database) -> None:
    box = outbox(
        [
            till_sale(1, sold("1001", 119, 3, off=57), rounding(-1), tender("Cash", 299)),
            till_sale(2, returned("1001", 100)),
            till_sale(3, sold("1001", 119), training_flag=True),
        ]
    )
    assert acknowledged(database, box.payload()).rejected == []
    with database.read() as connection:
        (day,) = journal_service.store_days(connection, BEGAN.date())
    assert (day.sales, day.items, day.total_minor) == (2, 2, 200)
    assert (day.returned_minor, day.discount_minor, day.rounding_minor) == (100, 57, -1)


def everything() -> Outbox:
    return with_controls(
        a_control("SessionOpen", amount_minor=10_000),
        till_sale(1, sold("1001", 119), points(3), coupon("C-1"), member_id="M-1", session_id="SE-1"),
        till_sale(2, sold("1001", 119), tender("Voucher", 119, voucher_id="V-1"), session_id="SE-1"),
        a_control("NoSale"),
        till_sale(3, returned("1001", 119), tender("Voucher", -119, voucher_id="V-2"), session_id="SE-1"),
        closed(),
    )


BOOKED_ONCE = [
    [(EPOCH, 2, "M-1", 3)],
    [(EPOCH, 2, "C-1")],
    [(EPOCH, 3, "V-1"), (EPOCH, 5, "V-2")],
    [(1, "SessionOpen"), (4, "NoSale"), (6, "SessionClose")],
]


def found(database: Database) -> list[list[tuple[Any, ...]]]:
    return [
        rows(database, points_movement, *MOVED),
        rows(database, coupon_use, *USED),
        rows(database, voucher_movement, *VOUCHERS),
        rows(database, control, control.c.seq, control.c.control),
    ]


def test_points_coupons_vouchers_and_controls_are_booked_once_though_sent_five_times(database: Database) -> None:
    box = everything()
    for _ in range(5):
        assert acknowledged(database, box.payload()).rejected == []
    assert found(database) == BOOKED_ONCE
    assert on_hand(database) == {"1001": -1}


def test_in_any_order_and_by_several_workers_the_result_is_the_same(urls: Urls) -> None:
    box = everything()
    url = urls()
    databases = [open_database(url) for _ in range(3)]
    payloads = [box.payload(seq, seq) for seq in (6, 3, 5, 1, 4, 2)] * 2
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda pair: booked(databases[pair[0] % 3], pair[1]), enumerate(payloads)))
    assert found(databases[0]) == BOOKED_ONCE
    assert acknowledged(databases[0], box.payload()).contiguous_seq == 6
    for database in databases:
        database.close()


def test_the_same_under_another_epoch_is_a_repetition(database: Database) -> None:
    first, later = everything(), everything()
    acknowledged(database, first.payload())
    again = Outbox(NEXT_EPOCH)
    for record in later.records:
        again.add(record["body"], key=record["idempotency_key"], kind=record["type"])
    assert acknowledged(database, again.payload()).rejected == []
    assert found(database) == BOOKED_ONCE


def test_a_training_sale_moves_nothing(database: Database) -> None:
    lines = (sold("1001", 119), points(3), coupon("C-1"), tender("Voucher", 119, voucher_id="V-1"))
    acknowledged(database, outbox([till_sale(1, *lines, member_id="M-1", training_flag=True)]).payload())
    assert found(database) == [[], [], [], []]
    assert on_hand(database) == {}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({**a_control("NoSale").model_dump(mode="json"), "store_id": "S9"}, "wrong_store", "store_id"),
        ({**a_control("NoSale").model_dump(mode="json"), "currency": "TWD"}, "wrong_currency", "currency"),
        ({**a_control("NoSale").model_dump(mode="json"), "control": "Party"}, "unreadable", "control"),
        (a_control("SessionOpen", session_id=None).model_dump(mode="json"), "no_session", "session_id"),
        (a_control("SessionClose").model_dump(mode="json"), "no_totals", "totals"),
        (a_control("PickUp").model_dump(mode="json"), "no_amount", "amount_minor"),
        (a_control("PaidIn", amount_minor=10**14).model_dump(mode="json"), "out_of_range", "amount_minor"),
    ],
)
def test_a_control_transaction_that_cannot_be_booked_is_held_with_its_code_and_field(
    database: Database, body: dict[str, Any], code: str, field: str
) -> None:
    box = Outbox()
    box.add(body, kind=CONTROL_TRANSACTION)
    ack = acknowledged(database, box.payload())
    assert (ack.contiguous_seq, [one.code for one in ack.rejected]) == (1, [code])
    assert rows(database, control, control.c.seq) == []
    poison = held(database)[0]
    assert poison.code == code
    assert poison.reason
    assert field in poison.reason or field in json.dumps(body)


def test_a_mended_control_transaction_and_a_mended_sale_are_booked_once(database: Database) -> None:
    box = with_controls(till_sale(1, sold("1001", 119)))
    box.add(a_control("PickUp").model_dump(mode="json"), kind=CONTROL_TRANSACTION)
    wrong = till_sale(2, sold("1001", 119), points(3), member_id="M-1").model_dump(mode="json")
    box.add({**wrong, "total_minor": 1})
    ack = acknowledged(database, box.payload())
    pick_up, unsound = (one.quarantine_id for one in ack.rejected)
    with database.write() as connection:
        repost.mend(connection, pick_up, a_control("PickUp", amount_minor=50).model_dump(mode="json"), "anna")
        assert repost.repost(connection, pick_up, "anna") == "booked"
        repost.mend(connection, unsound, wrong, "anna")
        assert repost.repost(connection, unsound, "anna") == "booked"
    for _ in range(2):
        assert acknowledged(database, box.payload()).rejected == []
    assert rows(database, control, control.c.seq, control.c.control, control.c.amount_minor) == [(2, "PickUp", 50)]
    assert rows(database, points_movement, *MOVED) == [(EPOCH, 3, "M-1", 3)]
    assert rows(database, journal, journal.c.seq) == [(1,), (3,)]


def test_a_session_is_known_from_its_open_and_its_close_in_whichever_order(database: Database) -> None:
    box = with_controls(a_control("SessionOpen", amount_minor=10_000), closed())
    acknowledged(database, box.payload(2, 2))
    acknowledged(database, box.payload(1, 1))
    with database.read() as connection:
        (row,) = connection.execute(select(till_session)).all()
    assert (row.gateway, row.session_id, row.opened_by, row.closed_by) == (GATEWAY, "SE-1", "anna", "anna")
    assert (row.closed_epoch, row.closed_seq, json.loads(row.totals)["z_number"]) == (EPOCH, 2, 1)
