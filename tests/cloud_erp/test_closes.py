"""A close is reckoned again from the journal; what differs is an alarm, until what was missing is booked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cloud_erp.db import Database, now_utc
from cloud_erp.intake import repost
from cloud_erp.tills import closes, service
from retail.control import TenderTotal
from tests.cloud_erp.test_intake import acknowledged, alarm_codes
from tests.cloud_erp.test_till_intake import with_controls
from tests.cloud_erp.till_sales import closed, returned, rounding, sold, tender, till_sale
from tests.cloud_erp.till_sales import control as a_control

SALES = (
    till_sale(1, sold("1001", 119, 3, off=57), rounding(-1), tender("Cash", 500, change_minor=201), session_id="SE-1"),
    till_sale(2, sold("1101", 1000, code="A"), tender("Card", 600), tender("Cash", 400), session_id="SE-1"),
    till_sale(3, returned("1001", 100), session_id="SE-1"),
    till_sale(4, sold("1001", 119), session_id="SE-1", training_flag=True),
)
FIGURES: dict[str, Any] = {
    "sales_count": 3,
    "sales_minor": 300 + 1000 - 100,
    "returned_minor": 100,
    "discounts_minor": 57,
    "rounding_minor": -1,
    "voids_count": 1,
    "float_minor": 10_000,
    "paid_in_minor": 50,
    "picked_up_minor": 5_000,
    "tenders": [
        TenderTotal(tender_type="Card", count=1, amount_minor=600),
        TenderTotal(tender_type="Cash", count=3, amount_minor=299 + 400 - 100),
    ],
}


def a_day(**figures: Any) -> Any:
    return with_controls(
        a_control("SessionOpen", amount_minor=10_000),
        *SALES,
        a_control("PaidIn", amount_minor=50),
        a_control("PickUp", amount_minor=5_000),
        a_control("SaleVoid", amount_minor=70),
        closed(**(FIGURES | figures)),
    )


def checked(database: Database, later_s: float = 0) -> int:
    with database.write() as connection:
        return closes.check(connection, now_utc() + timedelta(seconds=later_s))


def session(database: Database) -> service.SessionView:
    with database.read() as connection:
        (row,) = service.sessions(connection)
    return row


def test_a_close_that_the_journal_comes_to_agrees_and_is_not_looked_at_again(database: Database) -> None:
    acknowledged(database, a_day(counted=5_600).payload())
    assert checked(database) == 1
    assert (session(database).agrees, session(database).differences) == (True, [])
    assert alarm_codes(database) == []
    assert checked(database, later_s=3600) == 0


def test_each_figure_that_differs_is_named_and_raises_one_alarm(database: Database) -> None:
    wrong = {
        "sales_minor": 1201,
        "tenders": [TenderTotal(tender_type="Cash", count=4, amount_minor=599)],
    }
    acknowledged(database, a_day(**wrong).payload())
    checked(database)
    found = session(database).differences
    assert found == [
        ("sales_minor", 1201, 1200),
        ("Card count", 0, 1),
        ("Card amount", 0, 600),
        ("Cash count", 4, 3),
    ]
    assert alarm_codes(database) == ["session_differs"]
    checked(database, later_s=3600)
    assert alarm_codes(database) == ["session_differs"]


def test_a_close_is_not_judged_before_all_that_precedes_it_is_there(database: Database) -> None:
    box = a_day()
    acknowledged(database, box.payload(1, 3))
    acknowledged(database, box.payload(5))
    assert checked(database) == 0
    assert session(database).agrees is None
    acknowledged(database, box.payload(4, 4))
    assert checked(database) == 1
    assert session(database).agrees is True


def test_a_sale_in_quarantine_makes_it_differ_until_it_is_mended_and_booked(database: Database) -> None:
    box = a_day()
    sound = box.records[1]["body"]
    spoilt = with_controls(a_control("SessionOpen", amount_minor=10_000))
    spoilt.add({**sound, "total_minor": 1})
    for record in box.records[2:]:
        spoilt.add(record["body"], kind=record["type"])
    ack = acknowledged(database, spoilt.payload())
    checked(database)
    assert session(database).agrees is False
    assert alarm_codes(database) == ["session_differs"]
    with database.write() as connection:
        quarantine_id = ack.rejected[0].quarantine_id
        repost.mend(connection, quarantine_id, sound, "anna")
        repost.repost(connection, quarantine_id, "anna")
    assert checked(database, later_s=closes.AGAIN_S + 1) == 1
    assert session(database).agrees is True
    assert alarm_codes(database) == []


def test_cash_that_nobody_counted_is_no_difference(database: Database) -> None:
    acknowledged(database, a_day(counted_cash_minor=None, over_short_minor=None).payload())
    checked(database)
    assert session(database).agrees is True
