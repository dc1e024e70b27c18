"""A money file of an earlier release opens and goes on; out of a damaged one the day is carried over."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from gateway.queue import rescue
from gateway.till import ledger
from tests.shop import Shop, a_shop

MILK, PEN = "4006381333931", "4006381333948"
#: the tables and a basket of a money file before there were sessions, suspended sales and offers
EARLIER = """
CREATE TABLE retail_transaction (
    idempotency_key TEXT PRIMARY KEY, workstation_id TEXT NOT NULL, sequence_number INTEGER NOT NULL,
    business_date TEXT NOT NULL, total_minor INTEGER NOT NULL, origin TEXT NOT NULL CHECK (origin IN ('till', 'api'))
) STRICT;
CREATE TABLE basket (workstation_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE receipt_job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, idempotency_key TEXT NOT NULL UNIQUE, printer TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'printing', 'printed')),
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO retail_transaction VALUES ('k', '1', 41, '2026-11-21', 119, 'till');
"""
BASKET = {
    "currency": "EUR",
    "state": "selling",
    "idempotency_key": "0193551c-0000-7000-8000-000000000001",
    "begin": "2026-11-22T09:29:41.000Z",
    "operator_id": "cashier",
    "pending_quantity": None,
    "lines": [
        {
            "line_number": 1,
            "item_id": "1",
            "description": "Milk",
            "scanned_code": MILK,
            "entry_method": "scanned",
            "quantity": 2,
            "weight_grams": None,
            "unit_price_minor": 119,
            "tax_code": "B",
            "tax_rate_basis_points": 700,
            "lot": None,
            "expiry": None,
            "void": False,
        }
    ],
    "tenders": [],
    "payment": None,
}


async def test_a_file_of_an_earlier_release_goes_on_with_its_sale_and_its_numbers(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "money.sqlite") as earlier:
        earlier.executescript(EARLIER)
        earlier.execute("INSERT INTO basket VALUES ('1', ?)", (json.dumps(BASKET),))
    earlier.close()
    shop = await a_shop(tmp_path)
    try:
        till = shop.workstation
        number = await till.suspending.suspend()
        session = await till.day.sessions.open(0)
        await till.suspending.resume(number)
        await till.tender_cash()
        [sale] = shop.log("RetailTransaction")
        assert (sale["sequence_number"], sale["total_minor"], sale["session_id"]) == (42, 238, session.session_id)
        closed = await till.day.sessions.close(238)
        assert closed.totals is not None
        assert closed.totals.over_short_minor == 0
    finally:
        shop.close()


async def test_out_of_a_damaged_file_the_open_session_and_what_is_suspended_are_carried_over(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    shop, fresh = await a_shop(tmp_path), await a_shop(tmp_path / "new")
    till = shop.workstation
    session = await till.day.sessions.open(1_000)
    await till.enter(MILK)
    await till.tender_cash()
    await till.enter(PEN)
    number = await till.suspending.suspend("blue coat")
    old = rescue.reading(tmp_path / "money.sqlite")
    await fresh.money.write(lambda connection: ledger.salvage(old, connection))
    old.close()
    shop.close()
    fresh.close()
    again = Shop(tmp_path / "new")
    try:
        till = again.workstation
        assert till.day.sessions.open_now == session
        assert till.day.sessions.totals().expected_cash_minor == 1_119
        await till.suspending.resume(number)
        await till.tender_cash()
        closed = await till.day.sessions.close(1_369)
        assert closed.totals is not None
        assert (closed.totals.sales_count, closed.totals.over_short_minor) == (2, 0)
    finally:
        again.close()
