"""Points, vouchers and coupons with an amount: each pays once, over lanes, restarts and a sale that is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from gateway.till import uses
from gateway.till.included import Included
from gateway.till.returns.returning import Wanted
from gateway.till.tenders.points import PointsRule
from gateway.till.workstation import Workstation
from retail.sale import RetailTransaction, faults
from tests.shop import Shop, a_shop, an_item, until

PEN = "4006381333948"  # 2.50
CARD = "2900000000017"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    await feeds(shop)
    yield shop
    shop.close()


async def feeds(shop: Shop, points: int = 150, balance: int = 400) -> None:
    await shop.feed("members", {"M-1": {"member_id": "M-1", "name": "Lin", "points": points}})
    vouchers: list[dict[str, Any]] = [
        {"voucher_id": "V-1", "balance_minor": balance, "currency": "EUR"},
        {"voucher_id": "V-OLD", "balance_minor": 400, "currency": "EUR", "valid_until": "2020-01-31"},
        {"voucher_id": "V-USD", "balance_minor": 400, "currency": "USD"},
        {"voucher_id": "V-0", "balance_minor": 0, "currency": "EUR"},
    ]
    await shop.feed("vouchers", {row["voucher_id"]: row for row in vouchers})
    await shop.feed(
        "coupons",
        {
            "C-100": {"coupon_id": "C-100", "name": "1.00 off", "amount_minor": 100, "uses": 1},
            "C-RULES": {"coupon_id": "C-RULES", "name": "Lower prices"},
        },
    )


def sales(shop: Shop) -> list[RetailTransaction]:
    found = [RetailTransaction.model_validate(body) for body in shop.log("RetailTransaction")]
    assert [faults(sale) for sale in found] == [[] for _ in found]
    return found


async def rung(till: Workstation, pens: int = 1, member: bool = True) -> None:
    for _ in range(pens):
        await till.enter(PEN)
    if member:
        await till.offers.identify(member_id="M-1")


def another_lane(shop: Shop, name: str = "2") -> Workstation:
    return shop.make_workstation(replace(shop.lane, workstation_id=name))


async def test_points_card_or_cash_in_three_rows_that_sum_to_the_total(shop: Shop) -> None:
    till = shop.workstation
    await rung(till, pens=2)
    await till.tenders.stored.points(amount_minor=100)
    await till.tenders.stored.voucher("V-1", 200)
    finished = await till.tenders.cash(500)
    assert finished is not None
    assert finished.change.minor == 300
    [sale] = sales(shop)
    rows = [(one.tender_type, one.amount_minor, one.change_minor, one.points) for one in sale.tenders()]
    assert rows == [("Points", 100, 0, 100), ("Voucher", 200, 0, None), ("Cash", 500, 300, None)]
    assert sum(one.amount_minor - one.change_minor for one in sale.tenders()) == sale.total_minor == 500
    assert sale.member_id == "M-1"


async def test_not_more_points_than_the_member_has_less_what_this_box_spent(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    with pytest.raises(SaleRefused, match="scan the member card"):
        await till.tenders.stored.points()
    await till.offers.identify(member_id="M-1")
    with pytest.raises(SaleRefused, match="has 150 points, 200 are needed"):
        await till.tenders.stored.points(amount_minor=200)
    await till.tenders.stored.points()
    assert (till.basket.tenders[-1].points, till.basket.due().minor) == (150, 100)
    assert till.tenders.stored.points_there() == 0
    await till.tenders.cash()
    await rung(till)
    with pytest.raises(SaleRefused, match="has 0 points"):
        await till.tenders.stored.points(points=1)
    await shop.outbox.acknowledge(shop.outbox.epoch, shop.outbox.position().next_seq - 1, {})
    assert till.tenders.stored.points_there() == 0, "what headquarters has booked is not in its last figure yet"
    await feeds(shop, points=20)
    included = Included(shop.uses, shop.outbox)
    watching = asyncio.create_task(included.run())
    included.wake("members")
    await until(lambda: till.tenders.stored.points_there() == 20)
    watching.cancel()


async def test_a_feed_that_came_before_the_sale_was_booked_counts_it_still(shop: Shop) -> None:
    till = shop.workstation
    await rung(till)
    await till.tenders.stored.points(points=100)
    await till.tenders.cash()
    await feeds(shop, points=150)
    assert await shop.uses.feed_came("points", lambda _key: False) == 0
    await rung(till)
    assert till.tenders.stored.points_there() == 50


async def test_points_at_the_rate_of_the_store(shop: Shop) -> None:
    rule = PointsRule(points=3, worth_minor=2)
    assert (rule.worth(150), rule.worth(2), rule.needed(100), rule.needed(1)) == (100, 1, 150, 2)
    assert all(rule.worth(rule.needed(amount)) >= amount for amount in range(500))


async def test_a_voucher_pays_what_is_on_it_and_keeps_the_rest(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    finished = await till.tenders.stored.voucher("V-1")
    assert finished is not None
    assert shop.vouchers.left("V-1").left_minor == 150  # type: ignore[union-attr]
    await till.enter(PEN)
    assert await till.tenders.stored.voucher("V-1") is None
    assert till.basket.due().minor == 100
    with pytest.raises(SaleRefused, match="nothing is left"):
        await till.tenders.stored.voucher("V-1")
    for voucher, reason in [("V-OLD", "voucher_expired"), ("V-USD", "wrong_currency"), ("V-0", "voucher_empty"),
                            ("V-NONE", "unknown_voucher"), ("", "no_voucher")]:  # fmt: skip
        with pytest.raises(SaleRefused) as refused:
            await till.tenders.stored.voucher(voucher)
        assert refused.value.reason == reason


async def test_a_voucher_is_spent_once_over_lanes_restarts_and_sales_that_are_given_up(shop: Shop) -> None:
    one, two = shop.workstation, another_lane(shop)
    await one.enter(PEN)
    await one.enter(PEN)
    await two.enter(PEN)
    await one.tenders.stored.voucher("V-1")  # 400 of 500
    with pytest.raises(SaleRefused, match="nothing is left"):
        await two.tenders.stored.voucher("V-1")
    restarted = shop.make_workstation(shop.lane)
    assert restarted.basket.due().minor == 100
    with pytest.raises(SaleRefused, match="nothing is left"):
        await two.tenders.stored.voucher("V-1")
    await restarted.tenders.take_back()
    await two.tenders.stored.voucher("V-1", 100)
    await restarted.tenders.stored.voucher("V-1")
    assert restarted.basket.due().minor == 200
    await restarted.void_all()
    await two.tenders.stored.voucher("V-1")
    assert [sale.tenders()[-1].amount_minor for sale in sales(shop)] == [150]
    assert shop.vouchers.left("V-1").left_minor == 150  # type: ignore[union-attr]


async def test_two_lanes_at_once_cannot_both_have_what_is_there_once(shop: Shop) -> None:
    lanes = [another_lane(shop, str(number)) for number in range(2, 6)]
    for lane in lanes:
        await lane.enter(PEN)
        await lane.enter(PEN)
    tries = await asyncio.gather(*(lane.tenders.stored.voucher("V-1", 400) for lane in lanes), return_exceptions=True)
    refused = [one for one in tries if isinstance(one, SaleRefused)]
    assert len(refused) == 3
    assert sorted(lane.basket.due().minor for lane in lanes) == [100, 500, 500, 500]


async def test_a_coupon_pays_up_to_what_is_due_and_once(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    with pytest.raises(SaleRefused, match="scan it before"):
        await till.tenders.stored.coupon("C-RULES")
    with pytest.raises(SaleRefused, match="no coupon"):
        await till.tenders.stored.coupon("C-9")
    await till.tenders.stored.coupon("C-100")
    with pytest.raises(SaleRefused, match="has paid in this sale"):
        await till.tenders.stored.coupon("C-100")
    other = another_lane(shop)
    await other.enter(PEN)
    with pytest.raises(SaleRefused, match="used already"):
        await other.tenders.stored.coupon("C-100")
    await till.tenders.take_back()
    await other.tenders.stored.coupon("C-100")
    await other.tenders.cash()
    await till.tenders.cash()
    rows = [[(one.tender_type, one.amount_minor, one.voucher_id) for one in sale.tenders()] for sale in sales(shop)]
    assert rows == [[("Coupon", 100, "C-100"), ("Cash", 150, None)], [("Cash", 250, None)]]


async def test_a_coupon_worth_more_than_is_due_gives_nothing_back(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    await till.tenders.cash(200)
    finished = await till.tenders.stored.coupon("C-100")
    assert finished is not None
    assert [(one.tender_type, one.amount_minor) for one in sales(shop)[0].tenders()] == [("Cash", 200), ("Coupon", 50)]


async def test_what_must_be_looked_at_before_paying_is_looked_at_whatever_pays(shop: Shop) -> None:
    wine = an_item("W", "Wine", "4006381333962", 250).model_copy(update={"age_limit": 18})
    await shop.stock(2, [wine])
    till = shop.workstation
    await till.enter("4006381333962")
    await till.offers.identify(member_id="M-1")
    for paying in (
        till.tenders.stored.voucher("V-1"),
        till.tenders.stored.points(100),
        till.tenders.stored.coupon("C-100"),
    ):
        with pytest.raises(SaleRefused) as refused:
            await paying
        assert refused.value.reason == "confirm_age"


async def test_a_suspended_return_holds_its_units_and_goes_on_at_another_lane(shop: Shop) -> None:
    one, two = shop.workstation, another_lane(shop)
    await one.enter(PEN)
    finished = await one.tenders.cash()
    assert finished is not None
    wanted = Wanted("damaged", receipt=finished.number, line_number=1)
    await one.returns.add(wanted)
    number = await one.suspending.suspend()
    with pytest.raises(SaleRefused, match="came back already"):
        await two.returns.add(wanted)
    await two.suspending.resume(number)
    await two.tenders.cash()
    assert [sale.total_minor for sale in sales(shop)] == [250, -250]


async def test_what_is_pruned_leaves_what_must_be_known(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(PEN)
    first = await till.tenders.stored.voucher("V-1")
    assert first is not None
    await till.returns.add(Wanted("damaged", receipt=first.number, line_number=1))
    await till.tenders.stored.voucher()
    own = sales(shop)[-1].tenders()[0].voucher_id or ""
    await till.enter(PEN)
    await till.tenders.stored.voucher(own)
    assert await shop.uses.feed_came("voucher", lambda _key: True) == 2
    keys = [row["idempotency_key"] for row in shop.money.read("SELECT idempotency_key FROM record ORDER BY seq")]
    await shop.money.write(lambda connection: uses.prune(connection, keys[1:]))
    assert shop.originals.find(first.number).reckoning.left(sales(shop)[0].sales()[0]) == {}
    left = shop.vouchers.left(own)
    assert left is not None
    assert left.left_minor == 0, "a voucher of this box's own is not good twice because its sale was pruned"
