"""Each of the fifteen kinds doing what it is for, and rules that cannot be read saying why."""

from __future__ import annotations

from typing import Any

import pytest

from retail.promotions import PromotionError, read_basket, read_rules
from tests.retail.promotions.shop import ALL, line, priced, prices, savings, shares, weighed


def test_item_price_and_member_price_by_tier() -> None:
    price = {"kind": "item_price", "match": {"items": ["A"]}, "reward": {"type": "unit_price", "value": 80}}
    member = {"kind": "member_price", "match": {"items": ["A"]},
              "reward": {"type": "unit_price", "value": 75, "by_tier": {"gold": 60}}}  # fmt: skip
    assert priced([price, member], [line("A", 100, 2)]).net == 160
    assert priced([price, member], [line("A", 100, 2)], member="m").net == 150
    assert priced([price, member], [line("A", 100, 2)], member={"id": "m", "tier": "gold"}).net == 120


def test_item_price_of_a_weighed_item_is_per_kilogram() -> None:
    price = {"kind": "item_price", "match": ALL, "reward": {"type": "unit_price", "value": 1000}}
    assert priced([price], [weighed("A", 1200, 450)]).net == 450


def test_qty_tier_as_bundles_and_from_a_quantity_on() -> None:
    tiers = [{"qty": 3, "value": 500}, {"qty": 10, "value": 1500}]
    assert priced([{"kind": "qty_tier", "match": ALL, "tiers": tiers}], [line("A", 200, 14)]).net == 1500 + 500 + 200
    each = {"kind": "qty_tier", "match": ALL, "tiers": [{"qty": 3, "value": 180}, {"qty": 6, "value": 150}],
            "reward": {"type": "unit_price"}}  # fmt: skip
    assert [priced([each], [line("A", 200, n)]).net for n in (2, 3, 5, 6, 7)] == [400, 540, 900, 900, 1050]


def test_nth_unit_second_half_price_third_free() -> None:
    rule = {"kind": "nth_unit", "match": ALL, "nth": [{"n": 2, "percent": 50}, {"n": 3, "percent": 100}]}
    assert [priced([rule], [line("A", 100, n)]).discount for n in (1, 2, 3, 4, 5, 6)] == [0, 50, 150, 150, 200, 300]


def test_pairs_at_different_percentages() -> None:
    rule = {"kind": "nth_unit", "match": ALL, "nth": [{"n": 1, "percent": 10}, {"n": 2, "percent": 40}]}
    assert savings(priced([rule], prices(1000, 500))) == [300]
    a = {"kind": "bundle_price", "match": {"s": {"tags": ["a"]}}, "slots": [{"set": "s", "qty": 2}]}
    b = {**a, "match": {"s": {"tags": ["b"]}}}
    both = [line("X", 1000, tags=["a", "b"]), line("Y", 1000, tags=["a"]), line("Z", 600, tags=["b"])]
    assert savings(priced([{**a, "reward": {"percent": 20}}, {**b, "reward": {"percent": 30}}], both)) == [480]


def test_bundle_of_different_items_or_of_the_same() -> None:
    slot = {"set": "s", "qty": 3}
    rule = {"kind": "bundle_price", "match": {"s": ALL}, "reward": {"type": "bundle_price", "value": 250}}
    lines = [line("A", 100, 3), line("B", 100)]
    assert priced([{**rule, "slots": [{**slot, "items": "different"}]}], lines).deals == []
    assert len(priced([{**rule, "slots": [{**slot, "items": "different"}]}], [*lines, line("C", 100)]).deals) == 1
    (deal,) = priced([{**rule, "slots": [{**slot, "items": "same"}]}], lines).deals
    assert {unit["line"] for unit in deal["units"]} == {1}


def test_combo_of_distinct_sets_with_a_unit_that_is_in_both() -> None:
    rule = {"kind": "combo", "match": {"x": {"tags": ["x"]}, "y": {"tags": ["y"]}},
            "reward": {"type": "bundle_price", "value": 100}}  # fmt: skip
    assert priced([rule], [line("A", 100, tags=["x", "y"])]).deals == []
    assert priced([rule], [line("A", 100, 2, tags=["x", "y"])]).discount == 100


def test_addon_price_per_main_item_and_over_an_amount() -> None:
    by_item = {"kind": "addon_price", "match": {"main": {"items": ["M"]}, "extra": {"items": ["E"]}},
               "slots": [{"set": "main"}, {"set": "extra", "min": 1, "qty": 2}],
               "reward": {"type": "unit_price", "value": 100, "apply_to": "extra"}}  # fmt: skip
    assert priced([by_item], [line("M", 1000), line("E", 300, 3)]).discount == 400
    over = {"kind": "addon_price", "match": {"extra": {"items": ["E"]}}, "threshold": {"amount": 1000},
            "reward": {"type": "unit_price", "value": 100, "count": 1}}  # fmt: skip
    assert priced([over], [line("M", 1000), line("E", 300, 3)]).discount == 200


def test_a_percent_in_the_tiers_is_never_a_price() -> None:
    by_weight = {
        "kind": "qty_tier",
        "match": ALL,
        "tiers": [{"grams": 1000, "percent": 10}, {"grams": 2000, "percent": 20}],
    }
    assert priced([by_weight], [weighed("A", 1200, 1500), weighed("A", 1200, 700)]).discount == 360 + 168
    for reward in (None, {"type": "percent_off"}, {"distribute": "rewarded"}):
        by_count = {"kind": "qty_tier", "match": ALL, "tiers": [{"qty": 3, "percent": 10}], "reward": reward}
        assert priced([by_count], [line("A", 100, 5)]).discount == 50
    with pytest.raises(PromotionError, match=r"tiers give a percent, and reward\.type is bundle_price; keep one"):
        priced([{**by_count, "reward": {"type": "bundle_price"}}], [])
    with pytest.raises(PromotionError, match="some give a percent and some do not"):
        priced([{**by_count, "tiers": [{"qty": 3, "percent": 10}, {"qty": 5, "price": 300}]}], [])
    with pytest.raises(PromotionError, match="reward: basket_threshold needs one"):
        priced([{"kind": "basket_threshold", "tiers": [{"amount": 1000, "value": 100}]}], [])


@pytest.mark.parametrize("reward", [{"type": "free"}, {"type": "free", "apply_to": None}, {"percent": 100}, None])
def test_what_is_bought_in_order_to_get_keeps_its_price_unless_the_rule_says_so(reward: dict[str, Any] | None) -> None:
    own = {"kind": "buy_get", "match": {"items": ["A"]}, "slots": [{"qty": 2}, {"qty": 1}], "reward": reward}
    assert savings(priced([own], [line("B", 100), line("A", 100, 7)])) == [100, 100]
    other = {"kind": "buy_get", "match": {"a": {"items": ["A"]}, "b": {"items": ["B"]}}, "reward": reward}
    assert shares(priced([other], [line("A", 500), line("B", 300)])) == {"A": 0, "B": 300}  # B at 0, A at its price
    spread = {**other, "reward": {**(reward or {"type": "free"}), "distribute": "all"}}
    assert shares(priced([spread], [line("A", 500), line("B", 300)])) == {"A": 188, "B": 112}


def test_an_add_on_at_its_price_leaves_the_main_item_alone() -> None:
    rule = {"kind": "addon_price", "match": {"main": {"items": ["M"]}, "extra": {"items": ["E"]}},
            "reward": {"type": "unit_price", "value": 100, "distribute": "rewarded"}}  # fmt: skip
    assert shares(priced([rule], [line("M", 1000), line("E", 300)])) == {"M": 0, "E": 200}
    both = {**rule, "reward": {"type": "unit_price", "value": 100, "apply_to": "all"}}
    assert priced([both], [line("M", 1000), line("E", 300)]).discount == 1100


def test_buy_and_get_in_one_slot_says_which_of_them_is_got() -> None:
    rule: dict[str, Any] = {"kind": "buy_get", "match": {"tags": ["t"]}, "slots": [{"qty": 3}]}
    with pytest.raises(ValueError, match="rule R1: slots: buy_get takes what is bought and then what is got"):
        priced([rule], prices(1))
    lines = prices(500, 300, 100, tags=["t"])
    assert priced([{**rule, "reward": {"type": "free", "apply_to": "cheapest"}}], lines).discount == 100


def test_basket_threshold_in_steps() -> None:
    tiers = [{"amount": 1000, "value": 100}, {"amount": 2000, "value": 300}]
    rule = {"kind": "basket_threshold", "tiers": tiers, "reward": {"type": "amount_off"}}
    assert [priced([rule], prices(n)).discount for n in (999, 1000, 1999, 2000)] == [0, 100, 100, 300]


def test_gift_threshold_counts_without_the_gift() -> None:
    rule = {"kind": "gift_threshold", "threshold": {"amount": 1000},
            "reward": {"type": "gift", "items": [{"item": "MUG"}]}}  # fmt: skip
    assert priced([rule], prices(1000)).gifts == [{"rule": "R1", "item": "MUG", "quantity": 1, "in_basket": 0}]
    assert priced([rule], [*prices(1000), line("MUG", 300)]).discount == 300
    assert priced([rule], [*prices(900), line("MUG", 300)]).discount == 0


def test_points_and_tender() -> None:
    points = {"kind": "points_earn", "reward": {"type": "points", "value": 1, "per": 100, "by_tier": {"gold": 3}}}
    tender = {"kind": "tender_offer", "trigger": {"tender": "card"}, "reward": {"percent": 10},
              "limits": {"max_discount": 50}}  # fmt: skip
    assert priced([points, tender], prices(1010), tenders=["card"]).totals == {
        "gross": 1010, "discount": 50, "net": 960, "points": 9}  # fmt: skip
    assert priced([points], prices(999), member={"id": "m", "tier": "gold"}).totals["points"] == 27


def test_clearance_by_lot_and_by_days_to_expiry() -> None:
    rule = {"kind": "clearance_by_lot", "match": ALL,
            "tiers": [{"days": 1, "percent": 50}, {"days": 3, "percent": 20}]}  # fmt: skip
    lines = [line(f"I{day}", 1000, expiry=f"2026-11-2{day}") for day in (2, 3, 5, 9)]
    found = shares(priced([rule], lines, at="2026-11-22T10:00"))
    assert found == {"I2": 500, "I3": 500, "I5": 200, "I9": 0}
    lot = {"kind": "clearance_by_lot", "match": {"lots": ["L7"]}, "reward": {"percent": 30}}
    assert shares(priced([lot], [line("A", 100, lot="L7"), line("B", 100)])) == {"A": 30, "B": 0}


def test_manual_discount_by_line_and_by_basket_within_its_rule() -> None:
    rule = {"id": "HAND", "kind": "manual_discount", "limits": {"max_discount": 120}}
    lines = [line("A", 1000, manual={"percent": 20, "reason": "dented", "rule": "HAND"}), line("B", 500)]
    answer = priced([rule], lines, manual=[{"amount": 50, "reason": "regular"}])
    assert savings(answer) == [120, 50]
    assert {deal["reason"] for deal in answer.deals} == {"dented", "regular"}


def test_exclusive_units_get_nothing_else_and_excluded_rules_do_not_meet() -> None:
    pair = {"kind": "bundle_price", "match": {"s": {"tags": ["p"]}}, "slots": [{"set": "s", "qty": 2}]}
    over = {"kind": "basket_threshold", "threshold": {"amount": 100}, "reward": {"percent": 10}}
    lines = [line("A", 500, 2, tags=["p"]), line("B", 1000)]
    assert savings(priced([{**pair, "reward": {"percent": 10}, "concurrency": "exclusive"}, over], lines)) == [100, 100]
    assert savings(priced([{**pair, "reward": {"percent": 10}, "excludes": ["R2"]}, over], lines)) == [100]
    other = {**pair, "match": {"s": {"items": ["B"]}}, "slots": [{"set": "s", "qty": 1}], "reward": {"percent": 50}}
    assert savings(priced([{**pair, "reward": {"percent": 10}, "excludes": ["R2"]}, other], lines)) == [500]


def test_goods_without_discount_stay_out() -> None:
    over = {"kind": "basket_threshold", "threshold": {"amount": 100}, "reward": {"percent": 10}}
    assert shares(priced([over], [line("A", 500), line("TOBACCO", 700, discountable=False)])) == {"A": 50, "TOBACCO": 0}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"kind": "item_price", "match": ALL, "rewrad": {}}, "rewrad: unknown key 'rewrad'; did you mean 'reward'"),
        ({"kind": "item_price", "reward": {"percent": 5}}, "rule R1: match: item_price needs a set"),
        ({"kind": "item_price", "match": ALL, "reward": {"type": "unit_price", "value": 9.5}}, "9.5: give whole"),
        ({"kind": "item_price", "match": ALL, "reward": {"percent": 120}}, "a whole number from 0 to 100"),
        ({"kind": "combo", "match": {"red": ALL}, "slots": [{"set": "rde"}], "reward": {"percent": 5}},
         "there is no set 'rde' under match; did you mean 'red'"),
        ({"kind": "coupon", "reward": {"percent": 5}}, "a coupon rule needs its code"),
        ({"kind": "basket_threshold", "reward": {"percent": 5}}, "threshold: basket_threshold needs one"),
        ({"kind": "bogof"}, "rule R1, kind: Input should be"),
        ({"kind": "qty_tier", "match": ALL}, "tiers: qty_tier needs some"),
        ({"kind": "item_price", "match": {}, "reward": {"percent": 5}, "when": {"hours": [["8", "9"]]}},
         "no time of day"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_says_which_field_and_what_to_do(rule: dict[str, Any], text: str) -> None:
    with pytest.raises(PromotionError) as error:
        read_rules([{"id": "R1", **rule}])
    assert text in str(error.value)


def test_a_basket_that_cannot_be_read_says_where() -> None:
    with pytest.raises(PromotionError, match=r"basket, lines.2.unit_prize: unknown key .*did you mean 'unit_price'"):
        read_basket({"lines": [line("A", 1), {"item": "B", "unit_price": 1, "unit_prize": 2}]})
    with pytest.raises(PromotionError, match="a weighed line is one unit"):
        read_basket({"lines": [{"item": "B", "unit_price": 1, "grams": 5, "quantity": 2}]})
