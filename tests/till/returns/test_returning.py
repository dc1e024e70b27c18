"""Goods come back: by receipt, per unit, once, with a reason; exchanges, refunds, and without a receipt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import NeedsAuthority, SaleRefused
from gateway.till.authority import Approval
from gateway.till.returns.returning import Wanted
from gateway.till.workstation import Workstation
from retail.sale import RetailTransaction, faults
from tests.people import ANNA, SUSE
from tests.shop import ITEMS, Shop, a_shop, an_item, until

MILK, PEN, CHEESE = "4006381333931", "4006381333948", "54321"
THREE_FOR_TWO: dict[str, Any] = {
    "id": "P-1",
    "rev": 1,
    "name": {"en": "3 milk for 2.00"},
    "kind": "bundle_price",
    "lane": "unit",
    "match": {"milk": {"items": ["1"]}},
    "slots": [{"set": "milk", "qty": 3}],
    "reward": {"type": "bundle_price", "value": 200},
}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    yield shop
    shop.close()


def sales(shop: Shop) -> list[RetailTransaction]:
    found = [RetailTransaction.model_validate(body) for body in shop.log("RetailTransaction")]
    assert [faults(sale) for sale in found] == [[] for _ in found]
    return found


async def three_under_a_deal(shop: Shop) -> str:
    """Three milks for 2.00 in place of 3.57; the number of the receipt."""
    await shop.promote(THREE_FOR_TWO)
    for _ in range(3):
        await shop.workstation.enter(MILK)
    finished = await shop.workstation.tenders.cash()
    assert finished is not None
    assert finished.total.minor == 200
    return finished.number


def another_lane(shop: Shop, name: str = "2") -> Workstation:
    return shop.make_workstation(replace(shop.lane, workstation_id=name))


async def test_one_of_three_under_a_deal_pays_back_what_was_paid_for_it(shop: Shop) -> None:
    number = await three_under_a_deal(shop)
    till = shop.workstation
    with pytest.raises(SaleRefused) as refused:
        await till.returns.add(Wanted("", receipt=number, line_number=1))
    assert (refused.value.reason, refused.value.field) == ("no_reason", "reason_code")
    back = await till.returns.add(Wanted("damaged", receipt=number, line_number=1))
    assert (back.amount("EUR").minor, back.line.restock) == (66, False)
    assert till.basket.due().minor == -66
    with pytest.raises(SaleRefused, match=r"owed 0\.66 in cash"):
        await till.tenders.cash(100)
    finished = await till.tenders.cash()
    assert finished is not None
    assert (finished.total.minor, finished.change.minor) == (-66, 0)
    sale, returned = sales(shop)
    assert [(one.amount_minor, one.tender_type) for one in returned.tenders()] == [(-66, "Cash")]
    [line] = returned.returns()
    assert line.original is not None
    assert (line.original.sequence_number, line.original.line_number, line.reason_code) == (1, 1, "damaged")
    assert line.tax_amount_minor == 13 - 9  # 2.00 contains 0.13, the 1.34 that stay contain 0.09
    assert returned.taxes()[0].tax_amount_minor == -4
    await until(lambda: shop.drawer_openings == 2)
    assert sale.sales()[0].price_modifiers


async def test_all_units_come_back_once_and_the_parts_add_up(shop: Shop) -> None:
    number = await three_under_a_deal(shop)
    till = shop.workstation
    for line in (1, 2, 3):
        await till.returns.add(Wanted("not_wanted", receipt=number, line_number=line))
        with pytest.raises(SaleRefused, match="came back already"):
            await till.returns.add(Wanted("not_wanted", receipt=number, line_number=line))
    await till.tenders.cash()
    sale, returned = sales(shop)
    assert returned.total_minor == -sale.total_minor
    assert sum(line.tax_amount_minor for line in returned.returns()) == sale.taxes()[0].tax_amount_minor
    with pytest.raises(SaleRefused) as refused:
        await till.returns.add(Wanted("not_wanted", receipt=number, line_number=1))
    assert refused.value.reason == "already_returned"


async def test_a_unit_is_held_by_an_open_return_over_lanes_and_restarts_and_free_when_it_is_void(shop: Shop) -> None:
    number = await three_under_a_deal(shop)
    one, two = shop.workstation, another_lane(shop)
    await one.returns.add(Wanted("other", receipt=number, line_number=1))
    with pytest.raises(SaleRefused, match="came back already"):
        await two.returns.add(Wanted("other", receipt=number, line_number=1))
    restarted = shop.make_workstation(shop.lane)
    assert restarted.basket.due().minor == -66
    with pytest.raises(SaleRefused, match="came back already"):
        await two.returns.add(Wanted("other", receipt=number, line_number=1))
    await restarted.enter(PEN)
    await restarted.void_line(1)
    await two.returns.add(Wanted("other", receipt=number, line_number=1))
    await two.void_all()
    await restarted.returns.add(Wanted("other", receipt=number, line_number=1))
    await restarted.tenders.cash()
    assert sales(shop)[-1].total_minor == 250 - 66


async def test_lanes_that_take_the_same_unit_back_at_once(shop: Shop) -> None:
    number = await three_under_a_deal(shop)
    lanes = [another_lane(shop, str(name)) for name in range(2, 6)]
    wanted = Wanted("other", receipt=number, line_number=1)
    tries = await asyncio.gather(*(lane.returns.add(wanted) for lane in lanes), return_exceptions=True)
    assert len([one for one in tries if isinstance(one, SaleRefused)]) == 3


async def test_several_pieces_of_a_line_and_no_more_than_were_sold(shop: Shop) -> None:
    till = shop.workstation
    await till.set_quantity(5)
    await till.enter(PEN)
    finished = await till.tenders.cash()
    assert finished is not None
    wanted = Wanted("not_wanted", receipt=finished.number, code=PEN, quantity=3)
    back = await till.returns.add(wanted)
    assert (back.line.quantity, back.line.extended_amount_minor) == (3, 750)
    await till.tenders.cash()
    with pytest.raises(SaleRefused, match="5 sold, 3 came back already, 2 can still"):
        await till.returns.add(wanted)
    with pytest.raises(SaleRefused, match="not on that receipt"):
        await till.returns.add(Wanted("not_wanted", receipt=finished.number, code=MILK))
    with pytest.raises(SaleRefused, match="nothing on line 9"):
        await till.returns.add(Wanted("not_wanted", receipt=finished.number, line_number=9))
    found = shop.originals.having("2")
    assert [(one.sale.sequence_number, one.reckoning.left(one.line(1))) for one in found] == [(1, {250: 2})]


async def test_what_was_weighed_comes_back_whole(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(CHEESE)
    finished = await till.tenders.cash()
    assert finished is not None
    back = await till.returns.add(Wanted("expired", receipt=finished.number, line_number=1))
    assert (back.line.weight_grams, back.line.quantity, back.line.extended_amount_minor) == (450, None, 536)


async def test_an_exchange_is_one_transaction_and_only_the_difference_is_paid(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    finished = await till.tenders.cash()
    assert finished is not None
    await till.returns.add(Wanted("wrong_item", receipt=finished.number, line_number=1))
    await till.enter(MILK)
    assert till.basket.due().minor == 119 - 250
    await till.enter(MILK)
    await till.enter(MILK)
    assert till.basket.due().minor == 107
    await till.tenders.cash(200)
    exchange = sales(shop)[-1]
    assert [line.line_number for line in exchange.line_items] == list(range(1, len(exchange.line_items) + 1))
    assert (exchange.total_minor, exchange.tenders()[0].change_minor) == (107, 93)
    taxes = {tax.tax_code: (tax.taxable_amount_minor, tax.tax_amount_minor) for tax in exchange.taxes()}
    assert taxes == {"B": (357, 23), "A": (-250, -40)}


async def test_an_even_exchange_needs_no_tender(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    finished = await till.tenders.cash()
    assert finished is not None
    await till.returns.add(Wanted("damaged", receipt=finished.number, line_number=1))
    await till.enter(PEN)
    await till.tenders.cash()
    exchange = sales(shop)[-1]
    assert (exchange.total_minor, exchange.tenders()) == (0, [])


async def test_a_refund_by_voucher_pays_later_at_this_box_at_once(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    finished = await till.tenders.cash()
    assert finished is not None
    await till.returns.add(Wanted("damaged", receipt=finished.number, line_number=1))
    await till.tenders.stored.voucher()
    [tender] = sales(shop)[-1].tenders()
    assert (tender.tender_type, tender.amount_minor) == ("Voucher", -250)
    number = tender.voucher_id or ""
    assert len(number) == 16
    assert tender.valid_until is not None
    await till.enter(MILK)
    await till.tenders.stored.voucher(number)
    left = shop.vouchers.left(number)
    assert left is not None
    assert (left.left_minor, left.valid_until) == (250 - 119, tender.valid_until)


async def test_points_go_back_with_the_goods_that_had_earned_them(shop: Shop) -> None:
    await shop.feed("members", {"M-1": {"member_id": "M-1", "name": "Lin", "points": 10}})
    earn: dict[str, Any] = {
        "id": "P-9", "rev": 1, "name": {"en": "points"}, "kind": "points_earn",
        "who": {"member": "required"}, "reward": {"type": "points", "value": 1, "per": 100},
    }  # fmt: skip
    await shop.promote(earn)
    till = shop.workstation
    await till.enter(PEN)
    await till.enter(PEN)
    await till.offers.identify(member_id="M-1")
    finished = await till.tenders.cash()
    assert finished is not None
    earned = sales(shop)[0].points_earned()
    assert earned == 5
    taken = 0
    for line in (1, 2):
        await till.returns.add(Wanted("damaged", receipt=finished.number, line_number=line))
        await till.tenders.cash()
        [reward] = sales(shop)[-1].loyalty()
        assert reward.member_id == "M-1"
        taken -= reward.points
    assert taken == earned


async def test_what_is_not_taken_back_and_receipts_that_nobody_knows(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    finished = await till.tenders.cash()
    assert finished is not None
    strict = [item.model_copy(update={"not_returnable": item.item_id == "2"}) for item in ITEMS]
    await shop.stock(2, strict)
    for wanted, reason in [
        (Wanted("damaged", receipt=finished.number, line_number=1), "not_returnable"),
        (Wanted("damaged", receipt="S0421/1/99", line_number=1), "unknown_receipt"),
        (Wanted("damaged", receipt="S0007/1/1", line_number=1), "other_store"),
        (Wanted("damaged", receipt="no number", line_number=1), "bad_receipt"),
        (Wanted("damaged", receipt=finished.number), "no_line"),
        (Wanted("damaged"), "no_line"),
        (Wanted("damaged", code=PEN), "not_returnable"),
    ]:
        with pytest.raises(SaleRefused) as refused:
            await till.returns.add(wanted)
        assert refused.value.reason == reason
    assert till.basket.state == "idle"


async def test_without_a_receipt_the_lowest_price_of_the_last_days_is_paid_back_and_told(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path, ANNA, SUSE)
    now = shop.clock.local()
    yesterday = now.replace(hour=0, minute=0, second=0, microsecond=0)
    dear = an_item("1", "Milk", MILK, 119)
    offer = {"valid_from": "2020-01-01T00:00:00", "valid_until": yesterday.isoformat(), "price_minor": 99}
    await shop.stock(2, [type(dear).model_validate(dear.model_dump(mode="json") | {"prices": [offer]})])
    till = shop.workstation
    await till.people.sign_on("anna", "1111")
    wanted = Wanted("not_wanted", receipt="S0007/3/12", code=MILK, quantity=2)
    with pytest.raises(NeedsAuthority):
        await till.returns.add(wanted)
    back = await till.returns.add(replace(wanted, approval=Approval("suse", "5555")))
    assert (back.line.extended_amount_minor, back.line.original) == (198, None)
    assert back.line.authorised_by == "suse"
    await till.tenders.cash()
    [told] = shop.audits("return_unverified")
    assert (told["receipt"], told["amount_minor"], told["item_id"]) == ("S0007/3/12", 198, "1")
    assert sales(shop)[-1].returns()[0].tax_amount_minor == 13
    shop.close()


async def test_the_receipt_of_a_return_prints_and_can_be_scanned(shop: Shop) -> None:
    printing = asyncio.create_task(shop.printer.run())
    till = shop.workstation
    await till.enter(PEN)
    finished = await till.tenders.cash()
    assert finished is not None
    opened = await till.returns.open(finished.number)
    assert opened.sale.sequence_number == 1
    await till.returns.add(Wanted("damaged", receipt=finished.number, line_number=1))
    await till.tenders.cash()
    await until(lambda: len(shop.printed) == 2)
    printing.cancel()
    text = [getattr(line, "text", "") or getattr(line, "left", "") for line in shop.printed[1]]
    for words in ("RETURN", "Returned: Pen", "  of receipt S0421/1/1", "Paid back: Cash"):
        assert words in text
