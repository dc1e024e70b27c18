"""The payment journal: what stands in it survives, what is wrong does not get in, and no card number is whole."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import QueueError
from gateway.peripherals import Pay, PaymentKind, PaymentOutcome, PaymentReceipt, PaymentResult
from gateway.till import ledger
from gateway.till.basket import Basket
from gateway.till.payments import journal as payment_journal
from gateway.till.payments.journal import TerminalJournal
from gateway.till.payments.rows import Origin
from gateway.till.tenders.rows import OpenPayment
from tests.shop import Shop

PAY = Pay("p-1", PaymentKind.SALE, 318, "EUR", asked_at="2026-11-22T09:30:00Z")
RESULT = PaymentResult("p-1", PaymentOutcome.APPROVED, 318, "EUR", reference="000042/0007", card="************1111")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.close()


async def taken(shop: Shop, payment_id: str = "p-1", **result: object) -> TerminalJournal:
    journal = shop.book.journal("terminal-1")
    shop.book.begins(payment_id, Origin("1", f"basket-of-{payment_id}"))
    await journal.intent(replace(PAY, payment_id=payment_id), await journal.last_reference())
    await journal.result(replace(RESULT, payment_id=payment_id, **result))  # type: ignore[arg-type]
    return journal


async def booked(shop: Shop, payment_id: str) -> None:
    """As the SQL transaction of its sale does it."""
    await shop.money.write(lambda connection: shop.book.mark_booked(connection, [payment_id]))


async def test_an_open_payment_is_found_again_with_what_it_is_compared_with(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    journal = await taken(shop)
    await journal.intent(replace(PAY, payment_id="p-2"), await journal.last_reference())
    await journal.accepted("p-2")
    await journal.result(replace(RESULT, payment_id="p-2", reference="000043/0008", held=True))
    await journal.unknown("p-2", "the line broke")
    shop.close()

    again = Shop(tmp_path)
    journal = again.book.journal("terminal-1")
    assert await journal.open_payments() == [(replace(PAY, payment_id="p-2"), "000042/0007")]
    assert await journal.last_reference() == "000042/0007", "a result that was only held is not the last one"
    assert await again.book.journal("terminal-2").last_reference() == ""
    assert await journal.known("p-1")
    assert not await journal.known("p-3")
    assert [one.entry for one in again.book.history("p-2")] == ["intent", "accepted", "held", "unknown"]
    again.close()


async def test_the_first_word_on_a_payment_stands(shop: Shop) -> None:
    journal = await taken(shop)
    await journal.resolved(RESULT)
    with pytest.raises(QueueError, match="known to be approved"):
        await journal.resolved(replace(RESULT, outcome=PaymentOutcome.NOT_DONE))
    await journal.unknown("p-1", "a late echo")
    known = shop.book.find("p-1")
    assert known is not None
    assert known.state == "approved"


async def test_a_payment_pays_one_sale_once(shop: Shop) -> None:
    await taken(shop)
    await taken(shop, "p-2", outcome=PaymentOutcome.DECLINED)
    await booked(shop, "p-1")
    for unfit in ("p-1", "p-2", "p-3"):
        with pytest.raises(QueueError, match="cannot pay this sale"):
            await booked(shop, unfit)
    assert shop.book.unsettled("terminal-1") == []


async def test_a_drivers_mistake_does_not_bring_a_card_number_to_disk(shop: Shop) -> None:
    slip = PaymentReceipt("customer", ("Karte: 4111111111111111", "Danke"))
    await taken(shop, card="4111111111111111", receipts=(slip,), reason="PAN 4111111111111111")
    known = shop.book.find("p-1")
    assert known is not None
    assert known.result is not None
    assert known.result.card == "411111******1111"
    assert shop.book.slip("p-1")[1] == "Danke"
    kept = b"".join(path.read_bytes() for path in shop.folder.glob("money.sqlite*"))
    assert b"4111111111111111" not in kept


async def test_pruned_sales_take_their_payments_along_but_not_the_last_reference(shop: Shop) -> None:
    for payment_id in ("p-1", "p-2"):
        await taken(shop, payment_id)
        await booked(shop, payment_id)
    shop.book.begins("p-3", Origin("1", "basket-of-p-3"))
    await shop.book.journal("terminal-1").intent(replace(PAY, payment_id="p-3"), "000042/0007")
    keys = [f"basket-of-p-{number}" for number in (1, 2, 3)]
    await shop.money.write(lambda connection: shop.book.prune(connection, keys))
    assert [known.payment_id for known in shop.book.newest(9)] == ["p-3", "p-2"]
    assert shop.book.history("p-1") == []


def salvaged(old: Shop, new: Shop) -> None:
    connections = [sqlite3.connect(shop.folder / "money.sqlite") for shop in (old, new)]
    for connection in connections:
        connection.row_factory = sqlite3.Row
    ledger.salvage(*connections)
    payment_journal.salvage(*connections)
    connections[1].commit()
    for connection in connections:
        connection.close()


async def test_a_damaged_money_file_gives_its_payments_to_the_new_one(shop: Shop, tmp_path: Path) -> None:
    await taken(shop)
    journal = shop.book.journal("terminal-1")
    await journal.intent(replace(PAY, payment_id="p-2"), "000042/0007")
    lost = OpenPayment(payment_id="p-3", terminal="terminal-1", kind=PaymentKind.SALE, amount_minor=5, currency="EUR")
    await shop.ledger.keep_basket("1", Basket(currency="EUR", state="paying", payment=lost))
    (tmp_path / "new").mkdir()
    fresh = Shop(tmp_path / "new")
    salvaged(shop, fresh)
    assert [known.payment_id for known in fresh.book.unsettled("terminal-1")] == ["p-1"]
    opened = await fresh.book.journal("terminal-1").open_payments()
    assert [(pay.payment_id, last) for pay, last in opened] == [("p-2", "000042/0007"), ("p-3", "")]
    assert [one.entry for one in fresh.book.history("p-1")] == ["intent", "result"]
    fresh.close()


async def test_a_basket_of_an_earlier_version_keeps_its_cash() -> None:
    stored = '{"currency": "EUR", "state": "tendering", "tendered_minor": 100}'
    basket = Basket.model_validate_json(stored)
    assert [(one.tender_type, one.amount_minor) for one in basket.tenders] == [("Cash", 100)]
    assert Basket.model_validate_json('{"currency": "EUR", "tendered_minor": 0}').tenders == []
