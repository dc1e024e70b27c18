"""One thing more, and what it saves: real, at most two, never what the store lacks, and gone when it was refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SaleRefused
from gateway.words import Words
from tests.shop import Shop
from tests.till.offers.promoted import RED_GREEN_59, SECOND_20_OFF, SPEND_5000, a_promoting_shop, item, rule

AS_OF = "2026-11-23T03:00:00.000Z"

ENGLISH = Words()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = await a_promoting_shop(tmp_path, SECOND_20_OFF, RED_GREEN_59, SPEND_5000)
    yield shop
    shop.close()


def shown(shop: Shop) -> list[tuple[str, int, list[tuple[str, int]]]]:
    return [
        (one.rule_id, one.saving_minor, [(thing.item_id, thing.quantity) for thing in one.missing])
        for one in shop.workstation.offers.prompts.now()
    ]


async def stocked(shop: Shop, **on_hand: int) -> None:
    rows = {name: {"item_id": name, "on_hand": {"S0421": count}, "as_of": AS_OF} for name, count in on_hand.items()}
    await shop.feed("stock", rows)


async def test_the_second_unit_is_prompted_with_its_saving_until_it_is_there(shop: Shop) -> None:
    await shop.workstation.enter("A")
    assert shown(shop) == [("SECOND", 20, [("A", 1)])]
    assert shop.workstation.offers.prompts.now()[0].text(ENGLISH) == "one more: 20 off"
    await shop.workstation.enter("A")
    assert shown(shop) == []


async def test_a_combo_names_the_other_article_although_it_is_not_in_the_sale(shop: Shop) -> None:
    await shop.workstation.enter("R1")
    assert shown(shop) == [("COMBO", 6, [("G1", 1)])]


async def test_what_the_store_has_none_of_is_not_prompted_for_and_unknown_counts_as_there(shop: Shop) -> None:
    await stocked(shop, A=0, G1=-2)
    await shop.workstation.enter("A")
    await shop.workstation.enter("R1")
    assert shown(shop) == []
    await shop.workstation.void_all()
    await stocked(shop, A=0)
    await shop.workstation.enter("A")
    await shop.workstation.enter("R1")
    assert shown(shop) == [("COMBO", 6, [("G1", 1)])]


async def test_of_a_set_the_cheapest_that_is_there_is_prompted_for(tmp_path: Path) -> None:
    stock = [item(f"C{price}", price, tags=["c"]) for price in (70, 50, 90)]
    half = rule(
        "HALF", "nth_unit", match={"tags": ["c"]}, nth=[{"n": 2, "percent": 50}], prompt={"near": 1, "text": {}}
    )
    shop = await a_promoting_shop(tmp_path, half, items=stock)
    await stocked(shop, C50=0)
    await shop.workstation.enter("C90")
    assert shown(shop) == [("HALF", 35, [("C70", 1)])]
    assert "Item C70" in shop.workstation.offers.prompts.now()[0].text(ENGLISH)
    shop.close()


async def test_spend_one_more_is_prompted_for_with_the_amount(shop: Shop) -> None:
    await shop.workstation.enter("BIG")
    [prompt] = shop.workstation.offers.prompts.now()
    assert (prompt.rule_id, prompt.saving_minor, prompt.missing_minor) == ("SPEND", 100, 1)
    assert prompt.text(ENGLISH) == "spend 1 more: 100 off"
    with pytest.raises(SaleRefused, match="any article") as refused:
        await shop.workstation.offers.prompts.accept("SPEND")
    assert refused.value.reason == "no_article"


async def test_one_key_rings_what_is_missing(shop: Shop) -> None:
    await shop.workstation.enter("R1")
    await shop.workstation.offers.prompts.accept("COMBO")
    assert [line.item_id for line in shop.workstation.basket.lines] == ["R1", "G1"]
    assert shop.workstation.basket.total().minor == 59
    with pytest.raises(SaleRefused, match="not open any more"):
        await shop.workstation.offers.prompts.accept("COMBO")


async def test_two_missing_units_are_rung_as_one_line_of_two(tmp_path: Path) -> None:
    third: dict[str, Any] = {"slots": [{"set": "s", "qty": 2}, {"set": "s", "qty": 1}], "prompt": {"near": 2}}
    shop = await a_promoting_shop(tmp_path, rule("B2G1", "buy_get", match={"s": {"items": ["A"]}}, **third))
    await shop.workstation.enter("A")
    assert shown(shop) == [("B2G1", 100, [("A", 2)])]
    await shop.workstation.offers.prompts.accept("B2G1")
    assert [(line.item_id, line.quantity) for line in shop.workstation.basket.lines] == [("A", 1), ("A", 2)]
    assert shop.workstation.basket.total().minor == 200
    shop.close()


async def test_a_prompt_that_was_refused_twice_stays_away_for_this_sale_only(shop: Shop, tmp_path: Path) -> None:
    await shop.workstation.enter("A")
    await shop.workstation.offers.prompts.refuse("SECOND")
    assert [one[0] for one in shown(shop)] == ["SECOND"]
    await shop.workstation.offers.prompts.refuse("SECOND")
    assert shown(shop) == []
    shop.close()
    again = Shop(tmp_path, clock=shop.clock, currency="TWD")
    await again.rules_ready()
    assert shown(again) == []
    await again.workstation.void_all()
    await again.workstation.enter("A")
    assert [one[0] for one in shown(again)] == ["SECOND"]
    again.close()


async def test_at_most_two_are_shown_the_largest_saving_first(tmp_path: Path) -> None:
    rules = [
        rule(f"P{percent}", "nth_unit", match={"items": [name]}, nth=[{"n": 2, "percent": percent}], prompt={"near": 1})
        for name, percent in (("A", 20), ("BIG", 10), ("B", 50))
    ]
    shop = await a_promoting_shop(tmp_path, *rules)
    for code in ("A", "B", "BIG"):
        await shop.workstation.enter(code)
    assert [(one[0], one[1]) for one in shown(shop)] == [("P10", 500), ("P50", 25)]
    shop.close()


async def test_nothing_is_prompted_for_while_the_sale_is_paid(shop: Shop) -> None:
    await shop.workstation.enter("A")
    await shop.workstation.tender_cash(10)
    assert shown(shop) == []


async def test_the_words_are_in_the_stores_language(tmp_path: Path) -> None:
    shop = await a_promoting_shop(tmp_path, SECOND_20_OFF, locale="zh_TW")
    await shop.workstation.enter("A")
    assert [one.text(Words("zh-TW")) for one in shop.workstation.offers.prompts.now()] == ["再買一件省 20"]
    await shop.workstation.enter("A")
    assert shop.workstation.basket.lines[0].price_modifiers[0].name == "規則 SECOND"
    shop.close()
