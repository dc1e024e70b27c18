"""The till: what a cashier rings is what is sold, and a sale is on disk before anything else happens."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import DeviceRefused, DeviceSilent, QueueError, SaleRefused
from gateway.peripherals import ScaleStatus, Text, Weight
from gateway.till.workstation import Lane
from retail.sale import RetailTransaction, faults
from retail.shop_codes import Codes
from tests.shop import Shop, a_shop, until


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_shop(tmp_path)
    yield shop
    shop.close()


def booked(shop: Shop) -> list[RetailTransaction]:
    rows = shop.money.read("SELECT body FROM outbox ORDER BY seq")
    return [RetailTransaction.model_validate_json(row["body"]) for row in rows]


async def test_a_cash_sale_of_pieces_and_weight_adds_up(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("4006381333931", "]E0")
    await till.set_quantity(3)
    await till.enter("4006381333948")
    await till.enter("12345", method="keyed")
    finished = await till.tender_cash(2000)
    assert finished is not None
    assert finished.total.minor == 119 + 750 + 112  # 0.450 kg at 2.49 is 1.1205
    assert finished.change.minor == 2000 - 981
    [sale] = booked(shop)
    assert faults(sale) == []
    assert sale.sequence_number == 1
    assert [line.quantity for line in sale.sales()] == [1, 3, None]
    assert [line.entry_method for line in sale.sales()] == ["scanned", "scanned", "weighed"]
    assert sum(tax.tax_amount_minor for tax in sale.taxes()) == 120 + 15
    assert till.basket.state == "idle"


async def test_the_drawer_opens_and_the_receipt_prints_only_after_the_commit(shop: Shop) -> None:
    printing = asyncio.create_task(shop.printer.run())
    await shop.workstation.enter("4006381333931")
    assert (shop.drawer_openings, shop.printed) == (0, [])
    await shop.workstation.tender_cash()
    await until(lambda: shop.printed and shop.drawer_openings)
    assert shop.unacked_when_printed == [1]
    await until(lambda: shop.jobs.waiting("printer-1") == 0)
    printing.cancel()


async def test_a_sale_that_cannot_be_kept_is_not_sold(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.workstation.enter("4006381333931")

    async def no_room(*_arguments: object) -> None:
        raise QueueError("money.sqlite: not written: disk full")

    with monkeypatch.context() as broken:
        broken.setattr(shop.ledger._outbox, "put", no_room)
        with pytest.raises(QueueError):
            await shop.workstation.tender_cash(500)
    assert shop.drawer_openings == 0
    assert shop.workstation.basket.state == "selling"
    assert shop.workstation.notice is not None
    finished = await shop.workstation.tender_cash(500)
    assert finished is not None
    assert finished.change.minor == 381


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        ("4006381333962", "unknown_item", "unknown item"),
        ("4006381333932", "unknown_item", "check digit"),
        ("4006381333955", "no_price", "headquarters must set one"),
        ("777", "ambiguous", "Twin one, Twin two"),
        ("\x1b@evil", "unknown_item", "·@evil"),
        ("9" * 500, "unknown_item", "…"),
    ],
)
async def test_what_is_no_item_is_refused_in_words_and_sells_nothing(
    shop: Shop, code: str, reason: str, words: str
) -> None:
    with pytest.raises(SaleRefused, match=words.replace("…", ".")) as refusal:
        await shop.workstation.enter(code)
    assert refusal.value.reason == reason
    assert shop.workstation.notice is not None
    assert shop.workstation.notice.kind == "error"
    assert shop.workstation.basket.lines == []
    await shop.workstation.enter("4006381333931")
    assert shop.workstation.notice is None


async def test_without_a_price_book_nothing_is_guessed(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    with pytest.raises(SaleRefused, match="no price book yet"):
        await shop.workstation.enter("4006381333931")
    shop.close()


async def test_a_moving_or_silent_scale_sells_nothing(shop: Shop) -> None:
    for trouble in (
        DeviceRefused("scale-1: the weight moves; wait until it is still", reason="unstable", code=114),
        DeviceSilent("scale-1: no answer; check its power and cable", reason="silent", code=112),
        Weight(450, False, False, ScaleStatus.WEIGHT_UNSTABLE, 0.0),
        Weight(0, True, False, ScaleStatus.WEIGHT_ZERO, 0.0),
        Weight(None, True, False, ScaleStatus.NOT_READY, 0.0),
    ):
        shop.on_scale = trouble
        with pytest.raises((SaleRefused, DeviceRefused, DeviceSilent)):
            await shop.workstation.enter("12345")
        assert shop.workstation.basket.lines == []
        assert not shop.workstation.weighing


async def test_labels_with_weight_and_with_price_need_no_scale(shop: Shop) -> None:
    shop.on_scale = DeviceSilent("scale-1: no answer", reason="silent", code=112)
    weighed = await shop.workstation.enter("2812345004500", "]E0")
    assert (weighed.weight_grams, weighed.entry_method) == (450, "scanned")
    priced = await shop.workstation.enter("2254321012343", "]E0")
    assert (priced.quantity, priced.unit_price_minor) == (1, 1234)
    await shop.workstation.tender_cash()
    assert faults(booked(shop)[0]) == []


async def test_a_price_label_in_another_currency_is_refused(shop: Shop) -> None:
    with pytest.raises(SaleRefused, match="another currency"):
        await shop.workstation.enter("010400638133393139328401234", "]C1")
    line = await shop.workstation.enter("010400638133393139329781234", "]C1")
    assert line.unit_price_minor == 1234


async def test_an_item_past_its_expiry_is_refused(shop: Shop) -> None:
    with pytest.raises(SaleRefused, match="expired on 2020-01-31"):
        await shop.workstation.enter("010400638133393117200131", "]C1")
    line = await shop.workstation.enter("01040063813339311730013110L7", "]C1")
    assert line.lot == "L7"


async def test_a_void_line_stays_in_the_log_and_counts_nothing(shop: Shop) -> None:
    till = shop.workstation
    await till.enter("4006381333931")
    await till.enter("4006381333948")
    await till.void_line(1)
    with pytest.raises(SaleRefused, match="already void"):
        await till.void_line(1)
    finished = await till.tender_cash()
    assert finished is not None
    assert finished.total.minor == 250
    [sale] = booked(shop)
    assert [line.void_flag for line in sale.line_items if line.type == "Sale"] == [True, False]


async def test_quantities_are_guarded(shop: Shop) -> None:
    with pytest.raises(SaleRefused, match="confirm"):
        await shop.workstation.set_quantity(1000)
    await shop.workstation.set_quantity(1000, confirmed=True)
    for nonsense in (0, -1, 4006381333931):
        with pytest.raises(SaleRefused, match=r"no quantity|looks like a bar code"):
            await shop.workstation.set_quantity(nonsense)
    with pytest.raises(SaleRefused, match="sold by weight"):
        await shop.workstation.enter("12345")


async def test_cash_is_guarded_and_may_come_in_parts(shop: Shop) -> None:
    till = shop.workstation
    with pytest.raises(SaleRefused, match="scan an item first"):
        await till.tender_cash(100)
    await till.enter("4006381333948")
    with pytest.raises(SaleRefused, match="key the cash received"):
        await till.tender_cash(-5)
    with pytest.raises(SaleRefused, match="was a bar code keyed"):
        await till.tender_cash(4006381333931)
    assert await till.tender_cash(100) is None
    with pytest.raises(SaleRefused, match="being paid"):
        await till.enter("4006381333931")
    finished = await till.tender_cash(200)
    assert finished is not None
    assert (finished.tendered.minor, finished.change.minor) == (300, 50)


async def test_an_open_basket_survives_a_restart_under_its_key(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path)
    await shop.workstation.enter("4006381333931")
    await shop.workstation.enter("12345")
    await shop.workstation.void_line(1)
    key = shop.workstation.basket.idempotency_key
    shop.close()

    again = Shop(tmp_path)
    assert again.workstation.basket.idempotency_key == key
    assert again.workstation.basket.total().minor == 112
    await again.workstation.tender_cash()
    assert len(booked(again)) == 1
    again.close()

    last = Shop(tmp_path)
    assert last.workstation.basket.state == "idle"
    last.close()


async def test_numbers_go_on_after_a_restart_and_lanes_count_for_themselves(tmp_path: Path) -> None:
    shop = await a_shop(tmp_path)
    for _ in range(2):
        await shop.workstation.enter("4006381333931")
        await shop.workstation.tender_cash()
    shop.close()
    shop = Shop(tmp_path)
    other = shop.make_workstation(Lane("2"))
    for till in (shop.workstation, other):
        await till.enter("4006381333931")
        await till.tender_cash()
    assert [(sale.workstation_id, sale.sequence_number) for sale in booked(shop)] == [
        ("1", 1),
        ("1", 2),
        ("1", 3),
        ("2", 1),
    ]
    shop.close()


async def test_eight_lanes_at_once_lose_and_double_nothing(shop: Shop) -> None:
    async def sell(lane: str) -> None:
        till = shop.make_workstation(Lane(lane))
        for _ in range(10):
            await till.enter("4006381333931")
            await till.enter("4006381333948")
            await till.tender_cash(1000)

    await asyncio.gather(*(sell(str(number)) for number in range(2, 10)))
    sales = booked(shop)
    assert len(sales) == 80
    for number in range(2, 10):
        mine = [sale.sequence_number for sale in sales if sale.workstation_id == str(number)]
        assert mine == list(range(1, 11))


async def test_a_receipt_waits_for_paper_and_prints_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.till.paper.printing.AGAIN_AFTER_S", 0.01)
    shop.trouble = DeviceRefused("printer-1: no paper; put in a new roll", reason="paper_out", code=114)
    printing = asyncio.create_task(shop.printer.run())
    await shop.workstation.enter("4006381333931")
    await shop.workstation.tender_cash()
    await until(lambda: shop.printer.trouble)
    assert "new roll" in (shop.printer.trouble or "")
    shop.trouble = None
    await until(lambda: shop.printed and shop.printer.trouble is None)
    assert not any(isinstance(line, Text) and "COPY" in line.text for line in shop.printed[0])
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(shop.printed) == 1
    printing.cancel()


async def test_a_receipt_that_may_be_half_printed_comes_again_as_a_copy(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.till.paper.printing.AGAIN_AFTER_S", 0.01)
    shop.trouble = DeviceSilent("printer-1: no answer in time", reason="unknown", code=112, begun=True)
    printing = asyncio.create_task(shop.printer.run())
    await shop.workstation.enter("4006381333931")
    await shop.workstation.tender_cash()
    await until(lambda: shop.printer.trouble)
    shop.trouble = None
    await until(lambda: shop.printed)
    assert any(isinstance(line, Text) and "COPY" in line.text for line in shop.printed[0])
    printing.cancel()


async def test_the_receipt_has_what_the_sale_has(shop: Shop) -> None:
    printing = asyncio.create_task(shop.printer.run())
    await shop.workstation.set_quantity(2)
    await shop.workstation.enter("4006381333948")
    await shop.workstation.enter("12345")
    await shop.workstation.tender_cash(1000)
    await until(lambda: shop.printed)
    text = json.dumps([getattr(line, "text", None) or getattr(line, "left", "") for line in shop.printed[0]])
    for words in ("Test shop", "S0421/1/1", "Pen", "2 x 2.50", "0.450 kg x 2.49/kg", "TOTAL EUR", "Cash", "Change"):
        assert words in text
    printing.cancel()


@pytest.mark.parametrize(
    ("code", "symbology", "says"),
    [
        ("9912345678904", "]E0", "a coupon, not an article"),
        ("/ABC+1.-", "]A0", "the customer's invoice carrier"),
        ("134567890123456789", "", "finish the sale first"),
        ("25885", "", "a donation code"),  # a short code that no article has
    ],
)
async def test_a_code_that_is_no_article_is_named_and_rings_nothing(
    shop: Shop, code: str, symbology: str, says: str
) -> None:
    shop.store = dataclasses.replace(shop.store, codes=Codes.of(["gs1", "taiwan", "wallets"]))
    till = shop.make_workstation(shop.lane)
    with pytest.raises(SaleRefused, match=says):
        await till.enter(code, symbology)
    assert till.basket.lines == []
    assert (await till.enter("12345", method="keyed")).item_id == "3"  # a short code that an article has


async def test_a_scale_that_shows_another_total_than_the_till_sells_nothing(shop: Shop) -> None:
    till = shop.workstation
    shop.on_scale = Weight(450, True, False, ScaleStatus.STABLE_WEIGHT, 0.0, price_minor=112)
    await till.enter("12345", method="keyed")  # 0.450 kg at 2.49 is 1.12
    shop.on_scale = Weight(450, True, False, ScaleStatus.STABLE_WEIGHT, 0.0, price_minor=113)
    with pytest.raises(SaleRefused, match=r"scale shows .*1\.13.* till counts .*1\.12"):
        await till.enter("12345", method="keyed")
    assert len(till.basket.lines) == 1
