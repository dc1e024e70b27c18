"""Ages, recalled lots, slips of the keyboard, and the weight of the pot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gateway.errors import NeedsAuthority, SaleRefused
from gateway.peripherals import ScaleStatus, Weight
from gateway.till.authority import Approval
from retail.sale import RetailTransaction, faults
from tests.people import STAFF
from tests.shop import Shop, a_shop, an_item

BEER, RUM, MILK, MEAT, OLIVES = "4006381333931", "4006381333948", "4006381333955", "4006381333962", "12345"
ITEMS = [
    an_item("1", "Beer", BEER, 150).model_copy(update={"age_limit": 16}),
    an_item("2", "Rum", RUM, 1_500).model_copy(update={"age_limit": 18}),
    an_item("3", "Milk", MILK, 119),
    an_item("4", "Minced meat", MEAT, 499).model_copy(update={"recalled_lots": ["L17"]}),
    an_item("5", "Olives", OLIVES, 1_000, unit="kg").model_copy(update={"tare_grams": 12}),
]
SUSE = Approval("suse", "5555")


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    await shop.stock(2, ITEMS)
    monkeypatch.setattr(shop.clock, "wall", lambda: datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
    yield shop
    shop.close()


async def reason_of(command: object) -> str:
    with pytest.raises(SaleRefused) as refused:
        await command  # type: ignore[misc]  # a command of the till
    return refused.value.reason


# --- ages -----------------------------------------------------------------------------------------------------------


async def test_an_age_limited_line_waits_and_with_it_the_payment(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(BEER)
    await till.enter(MILK)
    assert await reason_of(till.tender_cash()) == "confirm_age"
    assert await reason_of(till.tender_card()) == "confirm_age"
    await till.ages.confirm(confirmed=True)
    await till.tender_cash()
    lines = RetailTransaction.model_validate(shop.log("RetailTransaction")[0]).sales()
    assert [line.age_confirmed for line in lines] == [16, None]


async def test_seen_once_it_holds_for_what_is_limited_as_low(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(RUM)
    await till.ages.confirm(confirmed=True)
    await till.enter(BEER)
    assert till.ages.waiting() == []


async def test_for_a_higher_limit_it_asks_again(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(BEER)
    await till.ages.confirm(confirmed=True)
    await till.enter(RUM)
    assert [line.description for line in till.ages.waiting()] == ["Rum"]


@pytest.mark.parametrize(
    ("born", "gone"),
    [
        (date(2008, 11, 22), []),  # eighteen today
        (date(2008, 11, 23), ["Rum"]),  # tomorrow
        (date(2010, 11, 23), ["Beer", "Rum"]),
        (date(1960, 2, 29), []),
    ],
)
async def test_a_birth_date_is_reckoned_line_by_line(shop: Shop, born: date, gone: list[str]) -> None:
    till = shop.workstation
    await till.enter(BEER)
    await till.enter(RUM)
    assert [line.description for line in await till.ages.confirm(birth_date=born)] == gone
    assert [line.description for line in till.basket.lines if line.void] == gone
    assert till.ages.waiting() == []
    assert str(born) not in till.basket.model_dump_json()


async def test_a_refusal_takes_the_line_out_and_the_rest_is_sold(shop: Shop) -> None:
    till = shop.workstation
    await till.enter(MILK)
    await till.enter(RUM)
    await till.ages.confirm(confirmed=False)
    await till.tender_cash()
    sale = RetailTransaction.model_validate(shop.log("RetailTransaction")[0])
    assert (sale.total_minor, faults(sale)) == (119, [])


async def test_what_makes_no_sense_is_refused(shop: Shop) -> None:
    till = shop.workstation
    assert await reason_of(till.ages.confirm(confirmed=True)) == "nothing_to_confirm"
    await till.enter(BEER)
    assert await reason_of(till.ages.confirm()) == "invalid"
    assert await reason_of(till.ages.confirm(birth_date=date(2027, 1, 1))) == "bad_birth_date"
    assert await reason_of(till.ages.confirm(birth_date=date(1850, 1, 1))) == "bad_birth_date"


async def test_at_a_self_checkout_the_attendant_looks(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path / "other", *STAFF)
    try:
        await shop.stock(2, ITEMS)
        till = shop.another_lane("9", self_checkout=True)
        await till.enter(BEER)
        with pytest.raises(NeedsAuthority):
            await till.ages.confirm(confirmed=True)
        await till.ages.confirm(confirmed=True, approval=SUSE)
        assert till.ages.waiting() == []
    finally:
        shop.close()


async def test_a_waiting_line_outlasts_a_restart_and_a_suspension(shop: Shop) -> None:
    await shop.workstation.enter(BEER)
    number = await shop.workstation.suspending.suspend()
    shop.close()
    again = Shop(shop.folder)
    try:
        await again.workstation.suspending.resume(number)
        assert await reason_of(again.workstation.tender_cash()) == "confirm_age"
    finally:
        again.close()


# --- lots and dates -------------------------------------------------------------------------------------------------

GS1_MEAT = "0104006381333962"


async def test_a_recalled_lot_is_refused_and_another_sells(shop: Shop) -> None:
    till = shop.workstation
    assert await reason_of(till.enter(f"{GS1_MEAT}10L17", "]d2")) == "recalled"
    await till.enter(f"{GS1_MEAT}10L18", "]d2")
    assert await reason_of(till.enter(f"{GS1_MEAT}17261121", "]d2")) == "expired"


async def test_a_code_that_tells_no_lot_asks_somebody_to_look(shop: Shop) -> None:
    till = shop.workstation
    assert await reason_of(till.enter(MEAT)) == "confirm_lot"
    await till.enter(MEAT, lot_checked=True)
    assert await reason_of(till.enter(f"{GS1_MEAT}10L17", "]d2", lot_checked=True)) == "recalled"
    customer = shop.another_lane("9", self_checkout=True)
    assert await reason_of(customer.enter(MEAT, lot_checked=True)) == "confirm_lot"


async def test_where_all_lots_are_called_back_nothing_helps(shop: Shop) -> None:
    await shop.stock(3, [ITEMS[3].model_copy(update={"recalled_lots": ["*"]})])
    assert await reason_of(shop.workstation.enter(MEAT, lot_checked=True)) == "recalled"


# --- slips ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "confirmed", "reason"),
    [
        (4006381333931, True, "looks_like_barcode"),
        (40063813, True, "looks_like_barcode"),
        (1_000, False, "confirm_quantity"),
        (100, False, "confirm_quantity"),
        (10_000, True, "bad_quantity"),
        (0, True, "bad_quantity"),
    ],
)
async def test_a_quantity_that_is_a_slip_is_not_taken(shop: Shop, pieces: int, confirmed: bool, reason: str) -> None:
    assert await reason_of(shop.workstation.set_quantity(pieces, confirmed)) == reason
    await shop.workstation.enter(MILK)
    assert shop.workstation.basket.lines[0].quantity == 1


# --- tare -----------------------------------------------------------------------------------------------------------


async def test_the_articles_tare_is_taken_off_and_stands_on_the_line(shop: Shop) -> None:
    till = shop.workstation
    shop.on_scale = Weight(512, True, False, ScaleStatus.STABLE_WEIGHT, 0.0)
    line = await till.enter(OLIVES)
    assert (line.weight_grams, line.tare_grams, line.amount("EUR").minor) == (500, 12, 500)
    await till.tender_cash()
    sale = RetailTransaction.model_validate(shop.log("RetailTransaction")[0])
    assert (faults(sale), sale.sales()[0].tare_grams) == ([], 12)


async def test_a_keyed_tare_goes_before_it_and_holds_for_one_article(shop: Shop) -> None:
    till = shop.workstation
    shop.on_scale = Weight(512, True, False, ScaleStatus.STABLE_WEIGHT, 0.0)
    await till.set_tare(100)
    assert (await till.enter(OLIVES)).weight_grams == 412
    assert (await till.enter(OLIVES)).weight_grams == 500
    await till.set_tare(0)
    assert (await till.enter(OLIVES)).weight_grams == 512


async def test_a_scale_that_was_tared_itself_says_net(shop: Shop) -> None:
    shop.on_scale = Weight(500, True, True, ScaleStatus.STABLE_WEIGHT, 0.0)
    line = await shop.workstation.enter(OLIVES)
    assert (line.weight_grams, line.tare_grams) == (500, None)


async def test_an_empty_pot_sells_nothing(shop: Shop) -> None:
    shop.on_scale = Weight(12, True, False, ScaleStatus.STABLE_WEIGHT, 0.0)
    assert await reason_of(shop.workstation.enter(OLIVES)) == "weight_zero"
    assert shop.workstation.basket.lines == []
