"""What the right answer is, found the slow way: every deal of every rule by hand, then every set of deals, or an ILP.

It shares no code with the engine: rules and baskets are read as plain JSON.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retail.promotions import Priced

Json = dict[str, Any]


@dataclass(frozen=True)
class One:
    """A unit: where it is, what it costs now, what it is."""

    line: int
    number: int
    net: int
    tags: frozenset[str]
    cost: int | None


@dataclass(frozen=True)
class Way:
    """One way to apply a rule: which units, what it saves. each: it may be made of any number from `need` on."""

    rule: str
    units: tuple[int, ...]
    saving: int


def half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def ways(rule: Json, units: list[One]) -> list[Way]:
    """Every deal that the rule could make of these units."""
    found: dict[tuple[int, ...], int] = {}
    if rule.get("tier_mode") == "each" or (rule["kind"] == "qty_tier" and rule["reward"]["type"] == "percent_off"):
        return list(_each_ways(rule, units))
    for slots, reward in _shapes(rule):
        pools = [[number for number, unit in enumerate(units) if _in(rule, name, unit)] for name, _ in slots]
        combinations = [itertools.combinations(pool, qty) for pool, (_, qty) in zip(pools, slots, strict=True)]
        for chosen in itertools.product(*combinations):
            flat = [number for part in chosen for number in part]
            if len(set(flat)) != len(flat):
                continue
            saving = _saving(rule, reward, slots, chosen, units)
            key = tuple(sorted(flat))
            if saving > 0 and saving > found.get(key, 0):
                found[key] = saving
    return [Way(rule["id"], key, saving) for key, saving in found.items()]


def _in(rule: Json, name: str, unit: One) -> bool:
    return bool(unit.tags & set(rule["match"][name]["tags"]))


def _each_ways(rule: Json, units: list[One]) -> Iterator[Way]:
    name = next(iter(rule["match"]))
    pool = [number for number, unit in enumerate(units) if _in(rule, name, unit)]
    for tier in rule["tiers"]:
        for size in range(tier["qty"], len(pool) + 1):
            for chosen in itertools.combinations(pool, size):
                parts = [half_up(units[number].net * tier["value"], 10_000) for number in chosen]
                if all(parts):
                    yield Way(rule["id"], chosen, sum(parts))


def _shapes(rule: Json) -> Iterator[tuple[list[tuple[str, int]], Json]]:
    name = next(iter(rule["match"]))
    if rule["kind"] == "qty_tier":
        for tier in rule["tiers"]:
            yield [(name, tier["qty"])], {"type": "bundle_price", "value": tier["value"], "apply_to": "all"}
    elif rule["kind"] == "nth_unit":
        for end in sorted(nth["n"] for nth in rule["nth"]):
            yield [(name, end)], {"type": "nth", "nth": {nth["n"]: nth["value"] for nth in rule["nth"]}}
    else:
        yield [(slot["set"], slot["qty"]) for slot in rule["slots"]], rule["reward"]


def _saving(
    rule: Json, reward: Json, slots: list[tuple[str, int]], chosen: tuple[tuple[int, ...], ...], units: list[One]
) -> int:
    flat = [units[number] for part in chosen for number in part]
    nets = sorted((unit.net for unit in flat), reverse=True)
    if reward["type"] == "nth":
        raw = half_up(sum(net * reward["nth"].get(place, 0) for place, net in enumerate(nets, 1)), 10_000)
        return min(raw, _room(rule, flat))
    apply_to = reward.get("apply_to", "last" if rule["kind"] == "buy_get" else "all")
    if apply_to == "cheapest":
        rewarded = nets[-1:]
    elif apply_to == "last":
        bought = [(units[number], side) for side, part in enumerate(chosen[:-1]) for number in part]
        given = [units[number] for number in chosen[-1]]
        for unit in given:
            for other, side in bought:
                swap = _in(rule, slots[side][0], unit) and _in(rule, slots[-1][0], other)
                if swap and unit.net > other.net:
                    return 0
        rewarded = [unit.net for unit in given]
    else:
        rewarded = nets
    kind, value = reward["type"], reward.get("value", 0)
    amounts: dict[str, int] = {
        "percent_off": half_up(sum(rewarded) * value, 10_000),
        "free": sum(rewarded),
        "amount_off": value,
        "bundle_price": sum(rewarded) - value,
        "unit_price": sum(max(0, net - value) for net in rewarded),
    }
    return max(0, min(amounts[kind], sum(rewarded), _room(rule, flat)))


def _room(rule: Json, flat: list[One]) -> int:
    """How far these units can be reduced; none at all where the floor is the cost and the cost is unknown."""
    floor = rule.get("limits", {}).get("floor", "none")
    if floor == "cost":
        if any(unit.cost is None for unit in flat):
            return 0
        return sum(max(0, unit.net - (unit.cost or 0)) for unit in flat)
    return sum(max(0, unit.net - (0 if floor == "none" else floor)) for unit in flat)


def best_by_hand(rules: list[Json], units: list[One]) -> tuple[int, int]:
    """(largest saving, fewest deals for it) over every set of deals."""
    options = [way for rule in rules for way in ways(rule, units)]
    limits = {rule["id"]: rule.get("limits", {}).get("per_basket") for rule in rules}
    rivals = {rule["id"]: set(rule.get("excludes", ())) for rule in rules}
    for name, others in list(rivals.items()):
        for other in others & rivals.keys():
            rivals[other].add(name)
    containing: list[list[Way]] = [[way for way in options if way.units[0] == number] for number in range(len(units))]
    best = (0, 0)

    def look(number: int, taken: frozenset[int], used: Counter[str], saving: int) -> None:
        nonlocal best
        if number == len(units):
            best = min(best, (-saving, sum(used.values())))
            return
        look(number + 1, taken, used, saving)
        if number in taken:
            return
        for way in containing[number]:
            if taken.intersection(way.units) or any(used[rival] for rival in rivals[way.rule]):
                continue
            limit = limits[way.rule]
            if limit is not None and used[way.rule] >= limit:
                continue
            look(number + 1, taken | set(way.units), used + Counter([way.rule]), saving + way.saving)

    look(0, frozenset(), Counter(), 0)
    return -best[0], best[1]


def best_by_ilp(rules: list[Json], units: list[One]) -> int:
    """The largest saving as an integer linear programme: one column a deal, one row a unit."""
    import highspy

    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    options = [way for rule in rules for way in ways(rule, units)]
    if not options:
        return 0
    columns = [solver.addBinary(obj=way.saving) for way in options]
    for number in range(len(units)):
        over = [column for column, way in zip(columns, options, strict=True) if number in way.units]
        if over:
            solver.addConstr(sum(over) <= 1)
    for rule in rules:
        limit = rule.get("limits", {}).get("per_basket")
        mine = [column for column, way in zip(columns, options, strict=True) if way.rule == rule["id"]]
        if limit is not None and mine:
            solver.addConstr(sum(mine) <= limit)
    solver.setMaximize()  # type: ignore[no-untyped-call]
    solver.solve()
    return round(solver.getObjectiveValue())


def units_of(basket: Json, priced: Priced, lane: str, used: set[tuple[int, int]]) -> list[One]:
    """The units that no deal of this lane has taken yet, at the price they have when the lane begins."""
    by_item = {line["item"]: line for line in basket["lines"]}
    before = {"price": (), "unit": ("price",), "line": ("price", "unit")}[lane]
    found = []
    for line in priced.lines:
        source = by_item[line["item"]]
        for unit in line["units"]:
            off = sum(given["amount"] for given in unit["discounts"] if given["lane"] in before)
            if (line["line"], unit["unit"]) not in used:
                tags = frozenset(source.get("tags", ()))
                found.append(One(line["line"], unit["unit"], unit["gross"] - off, tags, source.get("cost")))
    return found


def fault(rules: list[Json], basket: Json, priced: Priced, by_ilp: bool = False) -> str:
    """Level by level, whether the engine's deals of lane unit are the best that were possible; empty: they are."""
    used: set[tuple[int, int]] = set()
    for priority in sorted({rule.get("priority", 0) for rule in rules}, reverse=True):
        level = [rule for rule in rules if rule.get("priority", 0) == priority]
        names = {rule["id"] for rule in level}
        deals = [deal for deal in priced.deals if deal["rule"] in names]
        units = units_of(basket, priced, "unit", used)
        if by_ilp:
            want: tuple[int, int] | int = best_by_ilp(level, units)
            got: tuple[int, int] | int = sum(deal["saving"] for deal in deals)
        else:
            want, got = best_by_hand(level, units), (sum(deal["saving"] for deal in deals), len(deals))
        if want != got:
            return f"priority {priority}: best is {want}, the engine has {got}"
        used |= {(unit["line"], unit["unit"]) for deal in deals for unit in deal["units"]}
    return ""
