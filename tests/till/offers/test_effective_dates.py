"""Prices and rules begin and end at their minute of the store's own clock, with the line to headquarters or without."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shop import Shop
from tests.till.offers.promoted import SetClock, a_promoting_shop, item, rule

EVENING = {"from": "2026-11-23T18:00", "to": "2026-11-23T20:00"}
HAPPY_HOUR = rule("HAPPY", "item_price", match={"items": ["A"]}, reward={"percent": 30}, when=EVENING)


async def total_at(shop: Shop, clock: SetClock, moment: str, code: str = "A") -> int:
    """What a sale of one article comes to that is rung at this moment."""
    clock.set(moment)
    await shop.workstation.enter(code)
    total = shop.workstation.basket.total().minor
    await shop.workstation.void_all()
    return total


@pytest.mark.parametrize(
    "when", [EVENING, {"hours": [["18:00", "20:00"]]}, {"hours": [["18:00", "20:00"]], "days": [1]}]
)
async def test_a_rule_is_on_at_six_and_off_at_eight(tmp_path: Path, when: dict[str, object]) -> None:
    clock = SetClock("2026-11-23T17:00")
    shop = await a_promoting_shop(tmp_path, HAPPY_HOUR | {"when": when}, clock=clock)
    assert await total_at(shop, clock, "2026-11-23T17:59:59.999") == 100
    assert await total_at(shop, clock, "2026-11-23T18:00:00") == 70
    assert await total_at(shop, clock, "2026-11-23T19:59:59.999") == 70
    assert await total_at(shop, clock, "2026-11-23T20:00:00") == 100
    shop.close()


@pytest.mark.parametrize("timezone", ["Asia/Taipei", "Europe/Berlin", "America/New_York"])
async def test_the_price_book_switches_at_the_minute_of_the_stores_own_time_zone(tmp_path: Path, timezone: str) -> None:
    clock = SetClock("2026-11-23T17:00", timezone)
    evening = {"valid_from": "2026-11-23T18:00", "valid_until": "2026-11-23T20:00", "price_minor": 80}
    shop = await a_promoting_shop(tmp_path, items=[item("A", 100, prices=[evening])], clock=clock)
    assert await total_at(shop, clock, "2026-11-23T17:59:59.999") == 100
    assert await total_at(shop, clock, "2026-11-23T18:00:00") == 80
    assert await total_at(shop, clock, "2026-11-23T19:59:59.999") == 80
    assert await total_at(shop, clock, "2026-11-23T20:00:00") == 100
    shop.close()


async def test_a_line_keeps_the_price_it_was_rung_at_and_the_rules_of_the_last_scan_hold(tmp_path: Path) -> None:
    clock = SetClock("2026-11-23T17:59")
    evening = {"valid_from": "2026-11-23T18:00", "price_minor": 20}
    shop = await a_promoting_shop(
        tmp_path, HAPPY_HOUR, items=[item("A", 100), item("B", 50, prices=[evening])], clock=clock
    )
    till = shop.workstation
    await till.enter("B")
    await till.enter("A")
    assert till.basket.total().minor == 150
    clock.set("2026-11-23T18:00")
    await till.enter("B")
    assert [line.net("TWD").minor for line in till.basket.lines] == [50, 70, 20]
    clock.set("2026-11-23T20:00")
    await till.void_line(3)  # no scan: what the customer was told stands
    assert till.basket.total().minor == 120
    await till.enter("A")
    assert [line.net("TWD").minor for line in till.basket.lines if not line.void] == [50, 100, 100]
    shop.close()


async def test_a_sale_that_is_being_paid_keeps_its_price(tmp_path: Path) -> None:
    clock = SetClock("2026-11-23T19:59")
    shop = await a_promoting_shop(tmp_path, HAPPY_HOUR, clock=clock)
    await shop.workstation.enter("A")
    await shop.workstation.tender_cash(30)
    clock.set("2026-11-23T20:00")
    finished = await shop.workstation.tender_cash(50)
    assert finished is not None
    assert (finished.total.minor, finished.change.minor) == (70, 10)
    shop.close()


async def test_a_price_that_begins_later_is_no_price_before(tmp_path: Path) -> None:
    clock = SetClock("2026-11-23T17:00")
    soon = {"valid_from": "2026-11-24T00:00", "price_minor": 80}
    shop = await a_promoting_shop(tmp_path, items=[item("NEW", None, prices=[soon])], clock=clock)
    with pytest.raises(Exception, match="no price"):
        await shop.workstation.enter("NEW")
    assert await total_at(shop, clock, "2026-11-24T00:00", "NEW") == 80
    shop.close()
