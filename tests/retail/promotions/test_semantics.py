"""The twelve semantics of the design, each in tests that carry its number."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from retail.promotions import Engine, Line, read_basket, read_rules
from retail.promotions.returns import ReturnRefused, refund
from tests.retail.promotions.shop import ALL, line, priced, prices, savings, shares, weighed

PAIR = {"kind": "bundle_price", "match": {"s": ALL}, "slots": [{"set": "s", "qty": 2}]}
HALF_SECOND = {"kind": "nth_unit", "match": {"s": ALL}, "nth": [{"n": 2, "percent": 50}]}
TEN_OFF = {"kind": "basket_threshold", "threshold": {"amount": 1000}, "reward": {"type": "amount_off", "value": 100}}


def test_1_buying_and_getting_side_both_consume() -> None:
    buy = {"kind": "buy_get", "match": {"a": {"items": ["A"]}, "b": {"items": ["B"]}}}
    pair = {**PAIR, "match": {"s": {"items": ["A"]}}, "reward": {"percent": 10}}
    answer = priced([buy, pair], [line("A", 500, 2), line("B", 300)])
    assert savings(answer) == [300]  # one A bought it; a pair of A is no longer there


def test_1_a_rule_of_which_a_set_is_missing_is_not_searched_and_keeps_no_unit_from_others() -> None:
    both = {"kind": "combo", "match": {"x": {"items": ["A"]}, "y": {"items": ["B"]}}, "reward": {"percent": 50}}
    pair = {**PAIR, "match": {"s": {"items": ["A"]}}, "reward": {"percent": 10}}
    answer = priced([both, pair], [line("A", 500, 2)])
    assert savings(answer) == [100]
    assert [search["rules"] for search in answer.explain["searches"]] == [["R2"]]
    answer = priced([both, pair], [line("A", 500, 2), line("B", 300)])
    assert savings(answer) == [400]
    assert [search["rules"] for search in answer.explain["searches"]] == [["R1", "R2"]]


def test_1_a_rule_that_stacks_is_refused_in_lane_unit() -> None:
    with pytest.raises(ValueError, match=r"rule R1: concurrency: in lane unit a unit feeds one deal"):
        priced([{**PAIR, "reward": {"percent": 10}, "concurrency": "stack"}], prices(1))


def test_2_a_threshold_counts_the_net_after_earlier_lanes_unless_the_rule_says_gross() -> None:
    cheaper = {"kind": "item_price", "match": ALL, "reward": {"type": "unit_price", "value": 900}}
    assert priced([cheaper, TEN_OFF], prices(1000)).net == 900
    assert priced([cheaper, {**TEN_OFF, "basis": "gross"}], prices(1000)).net == 800


def test_2_lanes_run_price_unit_line_basket_tender() -> None:
    rules: list[dict[str, Any]] = [
        {"kind": "tender_offer", "trigger": {"tender": "card"}, "reward": {"percent": 10}},
        TEN_OFF,
        {"kind": "coupon", "trigger": {"coupon": "C"}, "match": {"s": ALL}, "reward": {"percent": 10}},
        {**PAIR, "reward": {"type": "amount_off", "value": 200}},
        {"kind": "item_price", "match": ALL, "reward": {"percent": 10}},
    ]
    answer = priced(rules, prices(1000, 1000), coupons=["C"], tenders=["card"])
    assert [deal["lane"] for deal in answer.deals] == ["price", "price", "unit", "line", "basket", "tender"]
    assert savings(answer) == [100, 100, 200, 160, 100, 134]


def test_3_the_higher_priority_is_solved_to_completion_first() -> None:
    small = {**PAIR, "priority": 5, "reward": {"percent": 5}}
    large = {**PAIR, "priority": 1, "reward": {"percent": 50}}
    assert savings(priced([small, large], prices(100, 100, 100, 100))) == [10, 10]
    assert savings(priced([{**small, "priority": 1}, large], prices(100, 100, 100, 100))) == [100, 100]


def test_4_ties_larger_saving_then_fewer_deals_then_the_first_rule() -> None:
    one = {**PAIR, "id": "B", "reward": {"type": "amount_off", "value": 50}}
    two = {**one, "id": "A"}
    assert [deal["rule"] for deal in priced([one, two], prices(100, 100)).deals] == ["A"]
    four = {**one, "id": "Z", "slots": [{"set": "s", "qty": 4}], "reward": {"type": "amount_off", "value": 100}}
    assert [deal["rule"] for deal in priced([one, four], prices(100, 100, 100, 100)).deals] == ["Z"]


def test_5_multiples_floor_and_repeat_unless_limited() -> None:
    buy = {"kind": "buy_get", "match": {"s": ALL}, "slots": [{"set": "s", "qty": 2}, {"set": "s", "qty": 1}]}
    assert priced([buy], [line("A", 100, 11)]).discount == 300
    assert priced([{**buy, "limits": {"per_basket": 2}}], [line("A", 100, 11)]).discount == 200
    every = {**TEN_OFF, "threshold": {"amount": 1000, "repeat": True}}
    assert priced([every], prices(3999)).discount == 300
    assert priced([{**every, "limits": {"per_basket": 2}}], prices(3999)).discount == 200


def test_6_a_reward_is_never_below_zero_never_more_than_its_units_never_through_the_floor() -> None:
    dear_bundle = {**PAIR, "reward": {"type": "bundle_price", "value": 5000}}
    assert priced([dear_bundle], prices(100, 100)).deals == []
    much = {**PAIR, "reward": {"type": "amount_off", "value": 5000}}
    assert priced([much], prices(100, 150)).net == 0
    lines = prices(100, 150, cost=80)
    assert priced([{**much, "limits": {"floor": "cost"}}], lines).net == 160
    assert [entry["net"] for entry in priced([{**much, "limits": {"floor": 90}}], lines).lines] == [90, 90]
    assert priced([{**much, "limits": {"floor": "cost"}}], prices(100, 150)).net == 250  # the cost is unknown


def test_6_max_discount_holds_over_the_whole_basket() -> None:
    rule = {**PAIR, "reward": {"percent": 50}, "limits": {"max_discount": 120}}
    assert savings(priced([rule], prices(100, 100, 100, 100))) == [100, 20]


def test_7_a_weighed_line_is_one_unit_for_slots_and_its_weight_for_tiers() -> None:
    lines = [weighed("APPLE", 400, 700, tags=["f"]), weighed("PEAR", 500, 1500, tags=["f"])]
    assert savings(priced([{**HALF_SECOND, "match": {"s": {"tags": ["f"]}}}], lines)) == [140]
    tiers = {"kind": "qty_tier", "match": {"tags": ["f"]}, "tiers": [{"grams": 2000, "price": 300}],
             "reward": {"type": "unit_price"}}  # fmt: skip
    assert shares(priced([tiers], lines)) == {"APPLE": 70, "PEAR": 300}
    assert priced([tiers], lines[:1]).discount == 0


def test_8_the_saving_is_rounded_once_and_apportioned_by_largest_remainder() -> None:
    answer = priced([{**PAIR, "slots": [{"set": "s", "qty": 3}], "reward": {"type": "amount_off", "value": 100}}],
                    prices(100, 100, 100))  # fmt: skip
    assert shares(answer) == {"I0": 34, "I1": 33, "I2": 33}
    once = priced([{**PAIR, "reward": {"percent": 15}}], prices(3, 7))
    assert savings(once) == [2]  # 1.5 half up, not 0.45 and 1.05 by themselves


def test_8_tax_follows_from_the_net_per_code() -> None:
    lines = [line("A", 1190, tax_code="A"), line("B", 1070, tax_code="B")]
    answer = priced([TEN_OFF], lines, tax_rates={"A": 1900, "B": 700})
    assert [(code["code"], code["net"], code["tax"]) for code in answer.tax] == [("A", 1137, 182), ("B", 1023, 67)]


def test_9_a_return_pays_the_stored_net_of_each_unit() -> None:
    buy = {"kind": "buy_get", "match": {"s": ALL}, "slots": [{"set": "s", "qty": 2}, {"set": "s", "qty": 1}]}
    answer = priced([buy], [line("A", 1000, 3, tax_code="A"), line("B", 500, tax_code="A")], tax_rates={"A": 1900})
    sale = json.loads(answer.to_json())
    first = refund(sale, [(1, 1)])
    assert (first.net, first.discounts) == (666, {"R1": 334})
    rest = refund(sale, [(1, 2), (1, 3), (2, 1)], returned=[(1, 1)])
    assert first.net + rest.net == answer.net
    assert first.tax["A"] + rest.tax["A"] == answer.tax[0]["tax"]
    with pytest.raises(ReturnRefused, match="came back already"):
        refund(sale, [(1, 1)], returned=[(1, 1)])
    with pytest.raises(ReturnRefused, match="not in this sale"):
        refund(sale, [(3, 1)])


def test_10_the_shop_takes_the_cheapest_units_after_the_customers_best_deals() -> None:
    shop = {**HALF_SECOND, "favour": "shop"}
    assert savings(priced([shop], prices(100, 200, 300, 400))) == [50, 100]
    assert savings(priced([HALF_SECOND], prices(100, 200, 300, 400))) == [50, 150]
    customer = {**PAIR, "match": {"s": {"items": ["I0", "I1"]}}, "reward": {"percent": 1}}
    assert savings(priced([customer, shop], prices(100, 200, 300, 400))) == [3, 150]


def test_11_each_coupon_counts_once() -> None:
    rule = {"kind": "coupon", "trigger": {"coupon": "C"}, "reward": {"type": "amount_off", "value": 100}}
    assert priced([rule], prices(1000), coupons=["C", "C"]).discount == 100
    assert priced([rule], prices(1000)).discount == 0
    by_slots = {**PAIR, "kind": "coupon", "trigger": {"coupon": "C"}, "reward": {"percent": 50}}
    assert savings(priced([by_slots], prices(100, 100, 100, 100), coupons=["C"])) == [100]


def test_12_a_prompt_says_what_one_more_really_saves() -> None:
    rule = {**HALF_SECOND, "prompt": {"near": 1, "text": {"en": "one more: {saving} off"}}}
    (prompt,) = priced([rule], prices(300)).prompts
    assert (prompt["saving"], prompt["text"]) == (150, {"en": "one more: 1.50 off"})
    assert priced([rule], prices(300, 300)).prompts == []  # a third unit saves nothing


def test_12_spend_one_more() -> None:
    rule = {**TEN_OFF, "prompt": {"near": 50, "text": {"en": "spend {missing} more: {saving} off"}}}
    (prompt,) = priced([rule], prices(999)).prompts
    assert prompt == {"rule": "R1", "missing": {"amount": 1}, "saving": 100,
                      "text": {"en": "spend 0.01 more: 1.00 off"}}  # fmt: skip
    assert priced([rule], prices(900)).prompts == []


def test_12_none_for_what_the_store_does_not_have_and_the_cheapest_of_what_it_has() -> None:
    rule = {"kind": "combo", "match": {"red": {"tags": ["r"]}, "green": {"tags": ["g"]}}, "reward": {"percent": 50},
            "prompt": {"near": 1}}  # fmt: skip
    red = [line("RED", 300, tags=["r"])]
    assert priced([rule], red).prompts == []
    stock = [line("G1", 500, tags=["g"]), line("G2", 200, tags=["g"])]
    (prompt,) = priced([rule], red, assortment=stock).prompts
    assert prompt["missing"]["units"] == [{"set": "green", "item": "G2"}]
    assert prompt["saving"] == 250


def test_12_at_most_two_largest_first_and_muted_after_two_refusals() -> None:
    rules = [{**HALF_SECOND, "id": f"P{number}", "match": {"s": {"items": [f"I{number}"]}}, "prompt": {"near": 1}}
             for number in range(3)]  # fmt: skip
    lines = prices(100, 300, 200)
    assert [prompt["rule"] for prompt in priced(rules, lines).prompts] == ["P1", "P2"]
    assert [prompt["rule"] for prompt in priced(rules, lines, refused={"P1": 2, "P2": 1}).prompts] == ["P2", "P0"]
    session = Engine.compile(read_rules(rules)).session()
    for _ in range(2):
        session.add(Line(item="I1", unit_price=300))
        session.refuse("P1")
    assert session.priced().prompts == []


AT = datetime(2026, 11, 23, 18, 30)  # noqa: DTZ001  a Monday, store-local


@pytest.mark.parametrize(
    ("rule", "basket", "holds"),
    [
        ({"when": {"days": [1], "hours": [["18:00", "20:00"]]}}, {}, True),
        ({"when": {"days": [2]}}, {}, False),
        ({"when": {"hours": [["18:31", "20:00"]]}}, {}, False),
        ({"when": {"hours": [["17:00", "18:30"]]}}, {}, False),
        ({"when": {"hours": [["22:00", "18:31"]]}}, {}, True),
        ({"when": {"from": "2026-11-01", "to": "2026-11-23"}}, {}, True),
        ({"when": {"from": "2026-11-23T18:31"}}, {}, False),
        ({"where": {"stores": ["grp:north"]}}, {"store": "S1"}, False),
        ({"where": {"stores": ["grp:north"]}}, {"store": "S1", "groups": ["north"]}, True),
        ({"where": {"channels": ["online"]}}, {}, False),
        ({"who": {"member": "required"}}, {}, False),
        ({"who": {"tiers": ["gold"]}}, {"member": {"id": "m", "tier": "gold"}}, True),
        ({"who": {"tiers": ["gold"]}}, {"member": {"id": "m", "tier": "silver"}}, False),
        ({"who": {"member": "none"}}, {"member": "m"}, False),
        ({"limits": {"per_member_day": 1}}, {"member": "m"}, True),
        ({"limits": {"per_member_day": 1}}, {"member": "m", "used": {"R1": 1}}, False),
        ({"limits": {"per_member_day": 1}}, {}, False),
    ],
)
def test_a_rule_holds_when_where_and_for_whom_it_says(
    rule: dict[str, Any], basket: dict[str, Any], holds: bool
) -> None:
    base = {"id": "R1", "kind": "item_price", "match": ALL, "reward": {"percent": 10}}
    engine = Engine.compile(read_rules([{**base, **rule}]))
    answer = engine.price(read_basket({"lines": prices(100), **basket}), at=AT)
    assert (answer.discount == 10) is holds
    assert bool(answer.explain["not_applicable"]) is not holds


def test_3_an_exclusive_threshold_leaves_touched_units_to_its_rivals() -> None:
    cheaper = {"kind": "item_price", "match": {"items": ["I0"]}, "reward": {"percent": 10}}
    exclusive = {**TEN_OFF, "concurrency": "exclusive", "threshold": {"amount": 100}}
    other = {**TEN_OFF, "threshold": {"amount": 100}, "reward": {"percent": 5}}
    assert savings(priced([cheaper, exclusive, other], prices(1000, 1000))) == [100, 100, 45]
