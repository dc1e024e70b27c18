"""From JSON to rules and baskets: the defaults of each kind, what belongs together, and errors that say what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from retail.promotions.basket import Basket
from retail.promotions.keys import advice
from retail.promotions.rules import FULL, LANES, Lane, Matcher, Reward, Rule, Slot, Who

#: the lane of a kind, unless the rule names another
LANE_OF: dict[str, Lane] = {
    "item_price": "price",
    "member_price": "price",
    "clearance_by_lot": "price",
    "qty_tier": "unit",
    "nth_unit": "unit",
    "bundle_price": "unit",
    "combo": "unit",
    "buy_get": "unit",
    "addon_price": "unit",
    "coupon": "basket",
    "basket_threshold": "basket",
    "gift_threshold": "basket",
    "manual_discount": "basket",
    "points_earn": "tender",
    "tender_offer": "tender",
}
STACKED = frozenset({"manual_discount", "points_earn", "gift_threshold", "tender_offer"})
ONE_UNIT = frozenset({"item_price", "member_price", "clearance_by_lot"})
BY_SLOTS = ONE_UNIT | {"nth_unit", "bundle_price", "combo", "buy_get", "addon_price"}
#: buys in order to get
GETTING = frozenset({"buy_get", "addon_price"})


class PromotionError(ValueError):
    """A rule or a basket that cannot be read; `where` names the rule or line and the field."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}" if where else text)
        self.where = where


def read_rules(data: Any) -> list[Rule]:
    """A list of rules, or {"rules": [...]}; every id once.

    Raises:
        PromotionError: names the rule, the field, and what to do.
    """
    if isinstance(data, Mapping):
        unknown = sorted(set(data) - {"rules"})
        if unknown:
            raise PromotionError("rules", f"unknown key {unknown[0]!r}; the file is a list, or an object with 'rules'")
        data = data.get("rules")
    if not isinstance(data, list):
        raise PromotionError("rules", "give a list of rules, or an object with the list under 'rules'")
    rules = [read_rule(entry, number) for number, entry in enumerate(data, 1)]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise PromotionError(f"rule {rule.id}", "there are two rules of this id; give one of them another")
        seen.add(rule.id)
    return rules


def read_rule(data: Any, number: int = 1) -> Rule:
    name = data.get("id") if isinstance(data, Mapping) else None
    where = f"rule {name}" if name else f"rule number {number}"
    try:
        return checked(Rule.model_validate(data))
    except ValidationError as error:
        raise _plain(where, Rule, error) from None


def read_basket(data: Any) -> Basket:
    """Raises PromotionError: names the line or the field, and what to do."""
    try:
        return Basket.model_validate(data)
    except ValidationError as error:
        raise _plain("basket", Basket, error) from None


def _plain(where: str, root: type[BaseModel], error: ValidationError) -> PromotionError:
    first = _first(error)
    path = [part for part in first["loc"] if not str(part).startswith("function-")]
    field = ".".join(str(part + 1 if isinstance(part, int) else part) for part in path)
    if first["type"] == "extra_forbidden":
        text = f"unknown key {path[-1]!r}; {advice(root, path)}"
    elif first["type"] == "missing":
        text = f"needs {path[-1]!r}; add it"
    else:
        text = first["msg"].removeprefix("Value error, ")
        if first["type"] != "value_error":
            text += f"; found {first['input']!r}"
    return PromotionError(f"{where}, {field}" if field else where, text)


def _first(error: ValidationError) -> ErrorDetails:
    """The first fault; but a key that is wrong before the one that is missing for it."""
    every = error.errors(include_url=False)
    for one in every:
        if one["type"] == "extra_forbidden" and one["loc"][:-1] == every[0]["loc"][:-1]:
            return one
    return every[0]


def checked(rule: Rule) -> Rule:
    """The rule with the defaults of its kind filled in.

    Raises:
        PromotionError: parts of the rule do not belong together.
    """
    changes: dict[str, Any] = {"lane": rule.lane or _lane(rule)}
    changes["concurrency"] = rule.concurrency or ("stack" if rule.kind in STACKED else "best")
    changes["slots"] = rule.slots or _slots(rule)
    changes["reward"] = _rewarding_the_last(rule, changes["slots"])
    if rule.kind == "member_price" and rule.who.member == "any":
        changes["who"] = Who(member="required", tiers=rule.who.tiers)
    if rule.kind == "qty_tier" and rule.tier_mode is None:
        bundle = changes["reward"].type in ("bundle_price", "amount_off")
        changes["tier_mode"] = "bundle" if bundle and all(tier.qty for tier in rule.tiers) else "each"
    if not rule.match and rule.kind not in BY_SLOTS and rule.kind != "qty_tier":
        changes["match"] = {"set": Matcher(all=True)}
    full = rule.model_copy(update=changes)
    for text in _faults(full):
        raise PromotionError(f"rule {rule.id}", text)
    return full


def _lane(rule: Rule) -> Lane:
    if rule.kind == "coupon" and rule.slots:
        return "unit"
    if rule.kind == "coupon" and rule.match and rule.threshold is None:
        return "line"
    if rule.kind == "addon_price" and rule.threshold is not None:
        return "basket"
    return LANE_OF[rule.kind]


def _slots(rule: Rule) -> tuple[Slot, ...]:
    sets = list(rule.match)
    if rule.kind in ONE_UNIT and sets:
        return tuple(Slot(set=name) for name in sets[:1])
    if rule.kind == "nth_unit" and sets:
        return (Slot(set=sets[0], qty=max((nth.n for nth in rule.nth), default=1)),)
    if rule.threshold is not None:
        return ()
    if rule.kind in ("combo", "buy_get", "addon_price") and len(sets) > 1:
        return tuple(Slot(set=name) for name in sets)
    return ()


def _rewarding_the_last(rule: Rule, slots: tuple[Slot, ...]) -> Reward | None:
    """The reward as it was given; what is bought in order to get something keeps its price unless it says otherwise.

    What is got free of another set than what is bought stands at 0, as "B free with A" promises on the shelf.
    """
    reward = rule.reward or _reward(rule)
    if reward is None or rule.kind not in GETTING or len(slots) < 2:
        return reward
    changes: dict[str, Any] = {}
    if rule.reward is not None and "apply_to" not in reward.model_fields_set:
        changes["apply_to"] = ("last",)
    free = reward.type == "free" or (reward.type == "percent_off" and reward.value == FULL)
    apart = slots[-1].set not in {slot.set for slot in slots[:-1]}
    if rule.kind == "buy_get" and free and apart and "distribute" not in reward.model_fields_set:
        changes["distribute"] = "rewarded"
    return reward.model_copy(update=changes)


def _reward(rule: Rule) -> Reward | None:
    if rule.kind == "buy_get":
        return Reward(type="free", apply_to=("last",))
    if rule.kind == "nth_unit":
        return Reward(type="percent_off", value=0)
    if rule.kind == "qty_tier":
        return Reward(type="bundle_price")
    return Reward(type="percent_off", value=0) if rule.kind == "manual_discount" else None


def _faults(rule: Rule) -> Iterable[str]:
    yield from _faults_of_sets(rule)
    yield from _faults_of_slots(rule)
    yield from _faults_of_kind(rule)
    if rule.concurrency == "stack" and rule.lane in ("price", "unit"):
        yield f"concurrency: in lane {rule.lane} a unit feeds one deal; stack in line or basket"
    if rule.lane in ("basket", "tender") and rule.slots:
        yield f"slots: lane {rule.lane} knows amounts, not slots; use lane unit or line"
    if rule.slots and rule.threshold is not None:
        yield "threshold: a rule with slots has none; give the slots, or the threshold"
    if rule.limits.per_member_day and rule.who.member == "none":
        yield "limits.per_member_day: nobody of who.member none can be counted; leave one of them away"


def _faults_of_sets(rule: Rule) -> Iterable[str]:
    if rule.kind in BY_SLOTS | {"qty_tier"} and not rule.match:
        yield f"match: {rule.kind} needs a set of items, tags or categories"
    named = [("slots", slot.set) for slot in rule.slots]
    if rule.threshold and rule.threshold.set:
        named.append(("threshold.set", rule.threshold.set))
    words = {"all", "cheapest", "dearest", "last"}
    if rule.reward:
        named += [("reward.apply_to", name) for name in rule.reward.apply_to if name not in words]
    for field, name in named:
        if name not in rule.match:
            near = difflib.get_close_matches(name, list(rule.match), 1)
            yield f"{field}: there is no set {name!r} under match" + (f"; did you mean {near[0]!r}?" if near else "")


def _faults_of_slots(rule: Rule) -> Iterable[str]:
    kind = rule.kind
    if kind in BY_SLOTS and not rule.slots and not rule.threshold:
        yield f"slots: {kind} needs what one application takes, such as [{{'set': 'a', 'qty': 2}}]"
    if kind in GETTING and len(rule.slots) == 1 and rule.reward and rule.reward.apply_to in (("last",), ("all",)):
        yield (
            f"slots: {kind} takes what is bought and then what is got: give two, such as "
            "[{'set': 'a', 'qty': 2}, {'set': 'a', 'qty': 1}]; or reward.apply_to 'cheapest'"
        )


def _faults_of_kind(rule: Rule) -> Iterable[str]:
    kind, reward = rule.kind, rule.reward
    if reward is None:
        yield f"reward: {kind} needs one, such as {{'type': 'percent_off', 'percent': 20}}"
        return
    if kind == "nth_unit" and not rule.nth:
        yield "nth: say which unit gets what, such as [{'n': 2, 'percent': 50}]"
    if kind == "qty_tier" and not (rule.tiers and all(tier.qty or tier.grams for tier in rule.tiers)):
        yield "tiers: qty_tier needs some, each from a qty or grams on, such as [{'qty': 3, 'value': 500}]"
    if kind in ("basket_threshold", "gift_threshold") and not (rule.threshold or rule.tiers):
        yield f"threshold: {kind} needs one, such as {{'amount': 10000}}"
    if kind == "coupon" and not (rule.trigger and rule.trigger.coupon):
        yield "trigger: a coupon rule needs its code: {'coupon': 'TEN-OFF'}"
    if kind == "tender_offer" and not (rule.trigger and rule.trigger.tender):
        yield "trigger: a tender offer names its tender: {'tender': 'card'}"
    if kind == "points_earn" and reward.type != "points":
        yield "reward.type: points_earn gives points"
    if kind == "gift_threshold" and reward.type != "gift":
        yield "reward.type: gift_threshold gives a gift"
    if reward.type in ("points", "gift") and kind not in ("points_earn", "gift_threshold"):
        yield f"reward.type: {reward.type} belongs to kind " + (
            "points_earn" if reward.type == "points" else "gift_threshold"
        )
    valued = reward.type in ("free", "gift") or rule.tiers or rule.nth or reward.by_tier
    if not valued and reward.value is None:
        yield f"reward.value: {reward.type} needs a value, in minor units (basis points for percent_off)"
    if LANES.index(rule.lane or "unit") < LANES.index("line") and not rule.slots and kind != "qty_tier":
        yield f"lane: {kind} without slots belongs to lane line, basket or tender"
