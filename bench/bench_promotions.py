"""How long one scan takes with 5,000 rules and 20,000 items, for baskets of 5, 24, 59 and 120 lines.

A scan is Session.add(): the touched region solved again, the lanes over the whole basket, the new total; the peer is
our own full evaluation of the same basket, engine compiled, in the same run and interleaved. Each basket is scanned to
its size five times over; the last scan counts, as the median of the five; p50, p95 and p99 are over the baskets. On a
busy machine scan_cpu, the thread's own time, says more. What a screen may ask for besides (prompts, JSON) is measured
on its own. Assortment and rules are drawn with a seed: popular items come more often, a tenth of the rules reach over
whole categories, six over the whole store.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from statistics import median
from typing import Any

from bench.result import Result
from retail.promotions import Basket, Engine, Line, Member, read_rules

RULES, ITEMS, TAGS, CATEGORIES = 5_000, 20_000, 1_500, 120
SIZES = (5, 24, 59, 120)
BASKETS = {5: 200, 24: 300, 59: 60, 120: 25}
ROUNDS = 5
AT = datetime(2026, 11, 23, 18, 30)  # noqa: DTZ001  store-local time, as the engine takes it


def items(chance: random.Random) -> list[Line]:
    found = []
    for number in range(ITEMS):
        price = chance.choice((89, 99, 129, 149, 199, 249, 299, 349, 499, 799, 1299, 2499)) + chance.randint(-9, 9)
        tags = [f"t{chance.randrange(TAGS)}" for _ in range(chance.choice((0, 1, 1, 2)))]
        category = f"c{number % CATEGORIES // 10}/c{number % CATEGORIES}"
        tax = "A" if number % 3 else "B"
        found.append(
            Line(
                item=f"I{number:05}", unit_price=price, tags=tags, category=category, tax_code=tax, cost=price * 6 // 10
            )
        )
    return found


def rules(chance: random.Random) -> list[dict[str, Any]]:
    makers = (_price, _price, _member, _tier, _nth, _bundle, _combo, _buy_get, _buy_get, _coupon)
    found = [{"id": f"R{number:04}", **chance.choice(makers)(chance)} for number in range(RULES - 6)]
    for rule in found:
        if chance.random() < 0.3:
            rule["when"] = {"from": "2026-12-01T00:00", "to": "2026-12-24"}
        if chance.random() < 0.2 and "slots" in rule:
            rule["prompt"] = {"near": 1, "text": {"en": "one more: {saving} off"}}
    thresholds = [{"amount": amount, "value": value} for amount, value in ((2_000, 100), (5_000, 400), (10_000, 1_000))]
    store_wide: list[dict[str, Any]] = [
        {"id": "S1", "kind": "basket_threshold", "tiers": thresholds, "reward": {"type": "amount_off"}},
        {"id": "S2", "kind": "points_earn", "reward": {"type": "points", "value": 1, "per": 100}},
        {
            "id": "S3",
            "kind": "gift_threshold",
            "threshold": {"amount": 8_000},
            "reward": {"type": "gift", "items": [{"item": "BAG"}]},
        },
        {"id": "S4", "kind": "tender_offer", "trigger": {"tender": "card"}, "reward": {"percent": 1}},
        {"id": "S5", "kind": "coupon", "trigger": {"coupon": "TEN"}, "reward": {"percent": 10}},
        {
            "id": "S6",
            "kind": "basket_threshold",
            "threshold": {"amount": 15_000},
            "reward": {"percent": 5},
            "who": {"tiers": ["gold"]},
        },
    ]
    return found + store_wide


def _set(chance: random.Random) -> dict[str, Any]:
    draw = chance.random()
    if draw < 0.1:
        return {"categories": [f"c{(number := chance.randrange(CATEGORIES)) // 10}/c{number}"]}
    if draw < 0.6:
        return {"tags": [f"t{chance.randrange(TAGS)}"]}
    return {"items": [f"I{chance.randrange(ITEMS):05}" for _ in range(chance.randint(1, 12))]}


def _price(chance: random.Random) -> dict[str, Any]:
    return {"kind": "item_price", "match": {"s": _set(chance)}, "reward": {"percent": chance.choice((10, 20, 30))}}


def _member(chance: random.Random) -> dict[str, Any]:
    return {**_price(chance), "kind": "member_price"}


def _tier(chance: random.Random) -> dict[str, Any]:
    tiers = [{"qty": 3, "percent": 10}, {"qty": 6, "percent": 20}]
    return {"kind": "qty_tier", "match": {"s": _set(chance)}, "tiers": tiers, "reward": {"type": "percent_off"}}


def _nth(chance: random.Random) -> dict[str, Any]:
    return {"kind": "nth_unit", "match": {"s": _set(chance)}, "nth": [{"n": 2, "percent": 50}]}


def _bundle(chance: random.Random) -> dict[str, Any]:
    reward = {"type": "bundle_price", "value": chance.choice((300, 500, 900))}
    return {"kind": "bundle_price", "match": {"s": _set(chance)}, "slots": [{"set": "s", "qty": 3}], "reward": reward}


def _combo(chance: random.Random) -> dict[str, Any]:
    match = {"x": _set(chance), "y": _set(chance)}
    return {"kind": "combo", "match": match, "reward": {"percent": chance.choice((15, 25))}}


def _buy_get(chance: random.Random) -> dict[str, Any]:
    slots = [{"set": "s", "qty": 2}, {"set": "s", "qty": 1}]
    return {"kind": "buy_get", "match": {"s": _set(chance)}, "slots": slots}


def _coupon(chance: random.Random) -> dict[str, Any]:
    code = {"coupon": f"C{chance.randrange(200)}"}
    return {"kind": "coupon", "trigger": code, "match": {"s": _set(chance)}, "reward": {"percent": 20}}


def baskets(chance: random.Random, stock: list[Line], size: int) -> list[list[Line]]:
    """Popular items first: the place of an item in the stock is its rank, drawn with a heavy head."""
    found = []
    for _ in range(BASKETS[size]):
        picked = [stock[int(ITEMS * chance.random() ** 3)] for _ in range(size)]
        found.append([line.model_copy(update={"quantity": chance.choice((1, 1, 1, 2, 3))}) for line in picked])
    return found


def quantile(sample: list[float], part: float) -> float:
    return sorted(sample)[min(len(sample) - 1, int(len(sample) * part))]


def timed(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> tuple[float, Any]:
    start = clock()
    answer = work()
    return (clock() - start) * 1000, answer


def measure(engine: Engine, occasion: Basket, carts: list[list[Line]]) -> dict[str, list[float]]:
    """For every basket the median of its rounds; each round scans it anew and prices it anew, in turns."""
    taken: dict[str, list[list[float]]] = {"scan": [], "cpu": [], "full": [], "prompts": [], "json": [], "bounded": []}
    for cart in carts:
        rounds: dict[str, list[float]] = {name: [] for name in taken}
        for _ in range(ROUNDS):
            session = engine.session(occasion)
            for line in cart[:-1]:
                before = session.add(line)
            _ = before.prompts
            took, (cpu, priced) = timed(partial(timed, partial(session.add, cart[-1]), time.thread_time))
            rounds["scan"].append(took)
            rounds["cpu"].append(cpu)
            full, whole = timed(partial(engine.session(occasion).add_all, cart))
            rounds["full"].append(full)
            rounds["prompts"].append(timed(partial(getattr, priced, "prompts"))[0])
            took, text = timed(priced.to_json)
            rounds["json"].append(took)
            rounds["bounded"].append(float(priced.bounded))
            if text != whole.to_json():
                raise RuntimeError("scanning line by line and pricing at once disagree")
        for name, sample in rounds.items():
            taken[name].append(sample)
    return {name: [median(sample) for sample in samples] for name, samples in taken.items()}


def run() -> Iterator[Result]:
    chance = random.Random(20_261_122)
    stock, given = items(chance), rules(chance)
    took, engine = timed(lambda: Engine.compile(read_rules(given)))
    yield Result("promotions", "compile_5000_rules", round(took, 1), "ms", "none", 0.0, 0.0)
    gc.collect()
    gc.freeze()  # as a daemon does with what it loads for good: the collector need not look at 5,000 rules again
    occasion = Basket(at=AT, member=Member(id="m1", tier="gold"), coupons=("TEN", "C7"), tenders=("card",))
    for size in SIZES:
        sample = measure(engine, occasion, baskets(chance, stock, size))
        for part, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
            ours, theirs = quantile(sample["scan"], part), quantile(sample["full"], part)
            metric, ratio = f"scan_{name}_{size}_lines", round(theirs / ours, 2)
            yield Result("promotions", metric, round(ours, 3), "ms", "full re-evaluation", round(theirs, 3), ratio)
        for what, name in (("cpu", "scan_cpu"), ("prompts", "prompts"), ("json", "json")):
            value = quantile(sample[what], 0.99)
            yield Result("promotions", f"{name}_p99_{size}_lines", round(value, 3), "ms", "none", 0.0, 0.0)
        bounded = sum(sample["bounded"]) / len(sample["bounded"])
        yield Result("promotions", f"bounded_{size}_lines", round(bounded, 4), "of 1", "none", 0.0, 0.0)
