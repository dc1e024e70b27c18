"""Whatever the order of scanning, adding and removing: the same bytes. And what always holds for amounts."""

from __future__ import annotations

import random
from typing import Any

from retail.promotions import Engine, Line, Priced, read_basket, read_rules
from tests.retail.promotions import random_cases

Json = dict[str, Any]


def store_rules(chance: random.Random) -> list[Json]:
    """Rules of every lane and concurrency around the random ones."""
    extra: list[Json] = [
        {"id": "M1", "kind": "item_price", "match": {"tags": ["a"]}, "reward": {"percent": 7}},
        {"id": "M2", "kind": "member_price", "match": {"tags": ["b"]}, "reward": {"percent": 9}},
        {"id": "M3", "kind": "item_price", "match": {"tags": ["c"]}, "reward": {"percent": 33},
         "limits": {"per_basket": 2}},
        {"id": "L1", "kind": "coupon", "trigger": {"coupon": "C"}, "match": {"tags": ["c"]}, "reward": {"percent": 13}},
        {"id": "L2", "kind": "item_price", "lane": "line", "concurrency": "stack", "match": {"tags": ["a"]},
         "reward": {"percent": 3}},
        {"id": "B1", "kind": "basket_threshold", "threshold": {"amount": 500, "repeat": True},
         "reward": {"type": "amount_off", "value": 31}, "prompt": {"near": 200}},
        {"id": "B2", "kind": "basket_threshold", "threshold": {"amount": 700}, "reward": {"percent": 6}},
        {"id": "B3", "kind": "gift_threshold", "threshold": {"amount": 900},
         "reward": {"type": "gift", "items": [{"item": "I00"}]}},
        {"id": "B4", "kind": "coupon", "trigger": {"coupon": "D"}, "concurrency": "stack",
         "reward": {"type": "amount_off", "value": 77}, "limits": {"floor": "cost"}},
        {"id": "T1", "kind": "tender_offer", "trigger": {"tender": "card"}, "reward": {"percent": 2},
         "limits": {"max_discount": 40}},
        {"id": "T2", "kind": "points_earn", "reward": {"type": "points", "value": 3, "per": 100}},
    ]  # fmt: skip
    return random_cases.rules(chance) + [rule for rule in extra if chance.random() < 0.5]


def case(seed: int) -> tuple[Engine, Json]:
    chance = random.Random(seed)
    rules = store_rules(chance)
    for rule in rules:
        if rule["kind"] in ("combo", "buy_get", "nth_unit") and chance.random() < 0.4:
            rule["prompt"] = {"near": chance.randint(1, 2), "text": {"en": "{set}: {saving} off"}}
        if "slots" in rule and chance.random() < 0.2:
            rule["favour"] = "shop"
        if rule["kind"] in ("combo", "bundle_price") and chance.random() < 0.15:
            rule["concurrency"] = "exclusive"
    basket = random_cases.basket(chance, chance.randint(1, 9))
    basket["lines"].append(
        {"item": "W", "grams": chance.randint(50, 2500), "unit_price": 333, "tags": ["a"], "cost": 100}
    )
    basket["lines"].append(dict(basket["lines"][0]))  # scanned twice
    if chance.random() < 0.3:
        basket["lines"][0]["manual"] = {"percent": 10, "reason": "dented"}
    basket |= {"member": {"id": "m"}, "coupons": ["C", "D"], "tenders": ["card"], "tax_rates": {"A": 1900, "B": 700}}
    return Engine.compile(read_rules(rules)), basket


def test_4_any_scan_order_gives_identical_bytes() -> None:
    for seed in range(120):
        engine, basket = case(seed)
        want = engine.price(read_basket(basket)).to_json()
        chance = random.Random(seed + 1)
        for _ in range(3):
            chance.shuffle(basket["lines"])
            assert engine.price(read_basket(basket)).to_json() == want, seed


def test_4_the_order_of_the_rules_gives_identical_bytes() -> None:
    for seed in range(40):
        chance = random.Random(seed)
        rules = store_rules(chance)
        basket = read_basket(random_cases.basket(chance, 7))
        want = Engine.compile(read_rules(rules)).price(basket).to_json()
        chance.shuffle(rules)
        assert Engine.compile(read_rules(rules)).price(basket).to_json() == want, seed


def test_scanning_line_by_line_and_back_gives_the_bytes_of_pricing_at_once() -> None:
    for seed in range(70):
        engine, basket = case(seed)
        whole = read_basket(basket)
        session = engine.session(whole)
        done: list[Line] = []
        for line in whole.lines:
            done.append(line)
            assert session.add(line).to_json() == engine.session(whole).add_all(done).to_json(), seed
        random.Random(seed).shuffle(done)
        while done:
            priced = session.remove(done.pop())
            assert priced.to_json() == engine.session(whole).add_all(done).to_json(), seed


def test_6_and_8_sums_are_exact_and_nothing_is_negative_or_below_its_floor() -> None:
    for seed in range(250):
        engine, basket = case(seed)
        priced = engine.price(read_basket(basket))
        _adds_up(priced)
        _keeps_floors(engine, basket, priced)


def _adds_up(priced: Priced) -> None:
    units = [unit for line in priced.lines for unit in line["units"]]
    for unit in units:
        assert 0 <= unit["net"] <= unit["gross"]
        assert unit["gross"] - unit["net"] == sum(given["amount"] for given in unit["discounts"])
    for deal in priced.deals:
        assert deal["saving"] == sum(unit["amount"] for unit in deal["units"])
        assert all(unit["amount"] >= 0 for unit in deal["units"])
        got = [
            given["amount"]
            for line in priced.lines
            for unit in line["units"]
            for given in unit["discounts"]
            if given["deal"] == deal["deal"]
        ]
        assert sum(got) == deal["saving"]
    totals = priced.totals
    assert totals["net"] == sum(line["net"] for line in priced.lines) == sum(code["net"] for code in priced.tax)
    assert totals["gross"] - totals["discount"] == totals["net"]
    assert totals["discount"] == sum(deal["saving"] for deal in priced.deals)


def _keeps_floors(engine: Engine, basket: Json, priced: Priced) -> None:
    costs = {line["item"]: line.get("cost") for line in basket["lines"] if "grams" not in line}
    for line in priced.lines:
        for unit in line["units"]:
            rules = [engine.index.by_id[given["rule"]].rule for given in unit["discounts"] if given["rule"] != "manual"]
            if not rules or "grams" in line:
                continue
            last = rules[-1]
            if last.limits.floor == "cost":
                cost = costs[line["item"]]
                assert cost is not None
                assert unit["net"] >= cost or unit["discounts"][-1]["amount"] == 0
            elif last.limits.floor != "none":
                assert unit["net"] >= last.limits.floor or unit["discounts"][-1]["amount"] == 0


def test_1_in_lane_unit_a_unit_feeds_at_most_one_deal() -> None:
    for seed in range(100):
        engine, basket = case(seed)
        priced = engine.price(read_basket(basket))
        taken = [
            (unit["line"], unit["unit"]) for deal in priced.deals if deal["lane"] == "unit" for unit in deal["units"]
        ]
        assert len(taken) == len(set(taken)), seed
