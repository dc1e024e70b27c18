"""Random rules and baskets: small enough for the slow way, mixed enough to overlap in every manner."""

from __future__ import annotations

import random
from typing import Any

Json = dict[str, Any]
TAGS = ("a", "b", "c")
PRICES = (99, 100, 149, 150, 199, 200, 249, 250, 333, 500)


def rules(chance: random.Random, most: int = 4) -> list[Json]:
    found = [_rule(chance, f"R{number}") for number in range(chance.randint(1, most))]
    if len(found) > 1 and chance.random() < 0.2:
        found[0]["excludes"] = [found[1]["id"]]
        found[1]["priority"] = found[0]["priority"]
    return found


def _rule(chance: random.Random, name: str) -> Json:
    maker = chance.choice((_bundle, _buy_get, _combo, _nth, _tiers, _from_on, _addon))
    rule: Json = {"id": name, "priority": chance.choice((0, 0, 0, 5)), "lane": "unit", **maker(chance)}
    if rule["kind"] != "qty_tier" and chance.random() < 0.25:
        rule["limits"] = {"per_basket": chance.randint(1, 2)}
    if rule["kind"] in ("bundle_price", "combo") and chance.random() < 0.2:
        rule.setdefault("limits", {})["floor"] = chance.choice(("cost", 90))
    return rule


def _set(chance: random.Random) -> Json:
    return {"tags": chance.sample(TAGS, chance.choice((1, 1, 2)))}


def _bundle(chance: random.Random) -> Json:
    qty = chance.randint(1, 3)
    reward: Json = {"type": "bundle_price", "value": chance.choice((90, 120, 150)) * qty, "apply_to": "all"}
    if chance.random() < 0.4:
        reward = {"type": "percent_off", "value": chance.choice((1000, 1500)), "apply_to": "all"}
    return {
        "kind": "bundle_price",
        "match": {"s": _set(chance)},
        "slots": [{"set": "s", "qty": qty}],
        "reward": reward,
    }


def _buy_get(chance: random.Random) -> Json:
    same = chance.random() < 0.5
    reward: Json = {"type": "free", "apply_to": "last"}
    if chance.random() < 0.5:
        reward = {"type": "percent_off", "value": chance.choice((2500, 5000)), "apply_to": "last"}
    buy = _set(chance)
    return {
        "kind": "buy_get",
        "match": {"buy": buy, "get": buy if same else _set(chance)},
        "slots": [{"set": "buy", "qty": chance.randint(1, 2)}, {"set": "get", "qty": 1}],
        "reward": reward,
    }


def _combo(chance: random.Random) -> Json:
    reward: Json = chance.choice(
        (
            {"type": "percent_off", "value": chance.choice((1000, 1500, 3000)), "apply_to": "all"},
            {"type": "amount_off", "value": chance.choice((50, 120)), "apply_to": "all"},
            {"type": "bundle_price", "value": chance.choice((250, 300)), "apply_to": "all"},
            {"type": "percent_off", "value": 5000, "apply_to": "cheapest"},
        )
    )
    return {
        "kind": "combo",
        "match": {"x": _set(chance), "y": _set(chance)},
        "slots": [{"set": "x", "qty": 1}, {"set": "y", "qty": chance.randint(1, 2)}],
        "reward": reward,
    }


def _nth(chance: random.Random) -> Json:
    nth = [{"n": 2, "value": 5000}]
    if chance.random() < 0.5:
        nth.append({"n": 3, "value": 10_000})
    return {"kind": "nth_unit", "match": {"s": _set(chance)}, "nth": nth}


def _tiers(chance: random.Random) -> Json:
    tiers = [{"qty": 2, "value": 260}, {"qty": 3, "value": 360}]
    return {"kind": "qty_tier", "match": {"s": _set(chance)}, "tiers": tiers, "reward": {"type": "bundle_price"}}


def _from_on(chance: random.Random) -> Json:
    tiers = [{"qty": 2, "value": 1000}, {"qty": 4, "value": 2500}]
    return {"kind": "qty_tier", "match": {"s": _set(chance)}, "tiers": tiers, "reward": {"type": "percent_off"}}


def _addon(chance: random.Random) -> Json:
    return {
        "kind": "addon_price",
        "match": {"main": {"tags": ["a"]}, "extra": {"tags": ["b"]}},
        "slots": [{"set": "main", "qty": 1}, {"set": "extra", "qty": 1}],
        "reward": {"type": "unit_price", "value": 80, "apply_to": "last"},
    }


def basket(chance: random.Random, units: int) -> Json:
    """Lines of an item each; an item has one price and one set of tags."""
    lines: list[Json] = []
    left = units
    while left > 0:
        quantity = min(left, chance.choice((1, 1, 1, 2, 3)))
        price = chance.choice(PRICES)
        lines.append(
            {
                "item": f"I{len(lines):02}",
                "quantity": quantity,
                "unit_price": price,
                "tags": chance.sample(TAGS, chance.choice((1, 1, 2, 3))),
                "tax_code": chance.choice(("A", "B")),
                **({} if chance.random() < 0.2 else {"cost": price * 6 // 10}),
            }
        )
        left -= quantity
    chance.shuffle(lines)
    return {"lines": lines}
