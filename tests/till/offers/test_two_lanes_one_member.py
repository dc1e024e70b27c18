"""A deal that a member gets once a day, with two lanes of one box selling to him at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.till.workstation import Workstation
from tests.shop import Shop, until
from tests.till.offers.promoted import SetClock, a_promoting_shop, rule
from tests.till.offers.test_members import member

DAILY = rule(
    "DAILY",
    "item_price",
    match={"items": ["A"]},
    reward={"percent": 50},
    who={"member": "required"},
    limits={"per_member_day": 1},
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_promoting_shop(tmp_path, DAILY, clock=SetClock("2026-11-23T10:00"))
    await shop.feed("members", {"M1": member("M1", "111"), "M2": member("M2", "222")})
    yield shop
    shop.close()


async def sells(lane: Workstation, card: str) -> int:
    await lane.offers.identify(code=card)
    await lane.enter("A")
    return lane.basket.total().minor


async def test_two_open_sales_of_one_member_do_not_both_get_it(shop: Shop) -> None:
    first, second = shop.workstation, shop.another_lane("2")
    assert await sells(first, "111") == 50
    assert await sells(second, "111") == 100
    await first.enter("B")
    assert first.basket.total().minor == 100  # keeps what it has
    for lane, total in ((second, 100), (first, 100)):
        finished = await lane.tender_cash()
        assert finished is not None
        assert finished.total.minor == total


async def test_another_member_is_not_touched(shop: Shop) -> None:
    assert await sells(shop.workstation, "111") == 50
    assert await sells(shop.another_lane("2"), "222") == 50


async def test_an_open_sale_sees_what_was_finished_meanwhile(shop: Shop) -> None:
    first, second = shop.workstation, shop.another_lane("2")
    await second.offers.identify(code="111")
    await second.enter("B")
    assert await sells(first, "111") == 50
    await first.tender_cash()
    await second.enter("A")
    assert second.basket.total().minor == 150


@pytest.mark.parametrize("how", ["void", "suspend", "drop the member", "void the line"])
async def test_what_one_sale_lets_go_the_other_gets(shop: Shop, how: str) -> None:
    first, second = shop.workstation, shop.another_lane("2")
    await sells(first, "111")
    assert await sells(second, "111") == 100
    if how == "void":
        await first.void_all()
    elif how == "suspend":
        await first.suspending.suspend()
    elif how == "drop the member":
        await first.offers.forget_member()
    else:
        await first.void_line(1)
    await until(lambda: second.basket.total().minor == 50)


async def test_a_sale_taken_up_again_is_priced_by_what_is_left(shop: Shop) -> None:
    first, second = shop.workstation, shop.another_lane("2")
    await sells(first, "111")
    number = await first.suspending.suspend()
    assert await sells(second, "111") == 50
    await first.suspending.resume(number)
    assert first.basket.total().minor == 100


async def test_what_is_held_outlasts_a_restart(shop: Shop, tmp_path: Path) -> None:
    await sells(shop.workstation, "111")
    shop.close()
    again = Shop(tmp_path, clock=shop.clock, currency="TWD")
    await again.rules_ready()
    second = again.another_lane("2")
    assert await sells(second, "111") == 100
    assert again.workstation.basket.total().minor == 50
    again.close()


async def test_both_scans_at_the_same_moment_give_it_once(shop: Shop) -> None:
    first, second = shop.workstation, shop.another_lane("2")
    for lane in (first, second):
        await lane.offers.identify(code="111")
    await asyncio.gather(first.enter("A"), second.enter("A"))
    assert sorted([first.basket.total().minor, second.basket.total().minor]) == [50, 100]
