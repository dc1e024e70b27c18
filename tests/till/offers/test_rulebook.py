"""The rules of the feed: compiled once a version beside the selling, and one bad rule takes no other down."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.till.offers.rulebook import TOLD
from retail.promotions.lanes import priced_region
from tests.shop import Shop, until
from tests.till.offers.promoted import SECOND_20_OFF, SetClock, a_promoting_shop, booked, item, rule

BROKEN = rule("BROKEN", "combo", match={"x": {"tags": ["x"]}}, slots=[{"set": "y", "qty": 1}], reward={"percent": 10})


async def test_a_rule_that_cannot_be_read_is_left_out_and_headquarters_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop = await a_promoting_shop(tmp_path, SECOND_20_OFF, BROKEN)
    await shop.workstation.enter("A")
    await shop.workstation.enter("A")
    assert shop.workstation.basket.total().minor == 180
    await until(lambda: shop.outbox.recall(TOLD))
    await shop.promote(SECOND_20_OFF, BROKEN, rule("MORE", "item_price", match={"items": ["B"]}, reward={"percent": 5}))
    shop.close()
    again = Shop(tmp_path, clock=shop.clock, currency="TWD")
    await again.rules_ready()
    [told] = again.audits("rules_left_out")
    assert told["rules"] == "BROKEN"
    assert told["count"] == 1
    assert [record.getMessage() for record in caplog.records if "left out" in record.getMessage()] == [
        "promotions version 1: 1 rules left out, the others hold: rule BROKEN: slots: there is no set 'y' under match"
    ]
    again.close()


@pytest.mark.parametrize(
    "row",
    [
        {"rule_id": "BAD", "rule": {"id": "OTHER", "kind": "item_price"}},
        {
            "rule_id": "BAD",
            "rule": {"id": "BAD", "kind": "item_price", "match": {"items": ["A"]}, "reward": {"percent": 5}, "x": 1},
        },
        {"rule_id": "BAD", "rule": "nonsense"},
        {"rule_id": "A/B", "rule": SECOND_20_OFF | {"id": "A/B"}},
        {"rule_id": "BAD"},
    ],
)
async def test_a_row_that_is_no_rule_takes_no_other_down(tmp_path: Path, row: dict[str, Any]) -> None:
    shop = await a_promoting_shop(tmp_path)
    await shop.feed("promotions", {"SECOND": {"rule_id": "SECOND", "rule": SECOND_20_OFF}, str(row["rule_id"]): row})
    await shop.rules_ready()
    assert shop.offers.rules.rules is not None
    assert [one.rule_id for one in shop.offers.rules.rules.left_out] == [row["rule_id"]]
    await shop.workstation.enter("A")
    await shop.workstation.enter("A")
    assert shop.workstation.basket.total().minor == 180
    shop.close()


async def test_new_rules_hold_from_the_next_scan_of_an_open_sale_on(tmp_path: Path) -> None:
    shop = await a_promoting_shop(tmp_path, SECOND_20_OFF)
    await shop.workstation.enter("A")
    await shop.workstation.enter("A")
    await shop.promote(rule("HALF", "item_price", match={"items": ["A"]}, reward={"percent": 50}))
    assert shop.workstation.basket.total().minor == 180
    await shop.workstation.enter("B")
    assert shop.workstation.basket.total().minor == 150
    await shop.feed("promotions", {})
    await shop.rules_ready()
    await shop.workstation.enter("B")
    assert shop.workstation.basket.total().minor == 300
    shop.close()


async def test_a_scan_is_rung_while_a_big_set_of_rules_is_being_read(tmp_path: Path) -> None:
    shop = await a_promoting_shop(tmp_path, SECOND_20_OFF)
    many = [rule(f"R{n}", "nth_unit", match={"items": [f"I{n}"]}, nth=[{"n": 2, "percent": 50}]) for n in range(3_000)]
    await shop.feed("promotions", {one["id"]: {"rule_id": one["id"], "rule": one} for one in many})
    book = shop.offers.rules
    book.wake()
    reading = asyncio.create_task(book.run())
    await asyncio.sleep(0)
    scans = 0
    while book.rules is None or book.rules.version == 1:
        await shop.workstation.enter("A")
        scans += 1
        if scans == 2:
            assert shop.workstation.basket.total().minor == 180  # by the rules before
    assert scans > 5
    reading.cancel()
    shop.close()


async def test_one_scan_of_many_prices_only_what_it_touches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 5,000 rules in force, and the clock going on."""
    clock = SetClock("2026-11-23T12:00")
    rules = [rule(f"R{n}", "nth_unit", match={"items": [f"I{n}"]}, nth=[{"n": 2, "percent": 50}]) for n in range(4_999)]
    rules.append(
        rule(
            "WHEN", "item_price", match={"items": ["I3"]}, reward={"percent": 10}, when={"hours": [["14:00", "15:00"]]}
        )
    )
    shop = await a_promoting_shop(tmp_path, *rules, items=[item(f"I{n}", 100 + n) for n in range(30)], clock=clock)
    priced: list[int] = []

    def counted(sale: Any, entries: Any, budget: int) -> Any:
        members = list(entries)
        priced.append(len(members))
        return priced_region(sale, members, budget)

    monkeypatch.setattr("retail.promotions.session.priced_region", counted)
    till = shop.workstation
    for number in range(24):
        clock.set(f"2026-11-23T12:00:{number:02}")
        await till.enter(f"I{number}")
    assert priced == [1] * 24
    priced.clear()
    await till.enter("I5")
    assert priced == [2]  # with the other one of its own
    priced.clear()
    await till.void_line(7)
    assert priced == []  # nobody shared a rule with it
    clock.set("2026-11-23T14:00")
    await till.enter("I24")
    assert sum(priced) == 25  # another hour, another rule: all of it once more
    assert [line.discount_minor for line in till.basket.lines if line.item_id == "I3"] == [10]
    shop.close()


async def test_a_sale_without_rules_never_loads_the_engine(tmp_path: Path) -> None:
    """The memory of a box whose feed is empty."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from tests.shop import a_shop\n"
        "async def main():\n"
        "    shop = await a_shop(Path(sys.argv[1]))\n"
        "    reading = [asyncio.create_task(one) for one in shop.offers.runnables()]\n"
        "    await shop.workstation.enter('4006381333931')\n"
        "    await shop.workstation.tender_cash()\n"
        "    await asyncio.sleep(0.05)\n"
        "    print([name for name in sys.modules if name.startswith('retail.promotions')])\n"
        "    [task.cancel() for task in reading]\n"
        "    shop.close()\n"
        "asyncio.run(main())\n"
    )
    answer = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]"


async def test_a_rule_for_a_group_of_stores_holds_where_the_store_is_of_it(tmp_path: Path) -> None:
    north = rule("NORTH", "item_price", match={"items": ["A"]}, reward={"percent": 10}, where={"stores": ["grp:north"]})
    shop = await a_promoting_shop(tmp_path, north)
    await shop.workstation.enter("A")
    assert shop.workstation.basket.total().minor == 100
    object.__setattr__(shop.store, "groups", ("north",))
    await shop.workstation.void_all()
    await shop.workstation.enter("A")
    assert shop.workstation.basket.total().minor == 90
    assert booked(shop) == []
    shop.close()


async def test_rules_that_together_break_the_engine_leave_the_store_selling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await a_promoting_shop(tmp_path)

    def broken(_rules: object) -> None:
        raise RuntimeError("the index is broken")

    monkeypatch.setattr("retail.promotions.engine.Index", broken)
    await shop.promote(SECOND_20_OFF)
    await shop.workstation.enter("A")
    finished = await shop.workstation.tender_cash()
    assert finished is not None
    assert finished.total.minor == 100
    assert shop.audits("rules_left_out")[0]["rules"] == "*"
    shop.close()
