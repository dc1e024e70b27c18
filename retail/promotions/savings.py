"""What one application saves: worked out once, in minor units, half up; never below zero, never through the floor."""

from __future__ import annotations

from dataclasses import dataclass

from retail.promotions.compiled import Compiled, Pattern
from retail.promotions.rules import FULL
from retail.promotions.units import Kind
from retail.units import divide_half_up


@dataclass(slots=True, eq=False)
class Ready:
    """A rule for one occasion: what is left of its limits, and its value for this member."""

    rule: Compiled
    uses: int | None = None  # applications left; None: no limit
    amount: int | None = None  # discount left; None: no limit
    value: int | None = None  # instead of the pattern's, by the member's tier
    need: int = 0  # "from n on, each": n, in pieces or grams
    by_grams: bool = False

    @property
    def place(self) -> int:
        return self.rule.place


def saving(
    ready: Ready, pattern: Pattern, choice: tuple[tuple[int, ...], ...], kinds: list[Kind], floors: bool
) -> tuple[int, tuple[bool, ...]]:
    """(saving, whether each unit is rewarded) of one application; 0: no deal.

    choice: per slot the numbers of kinds. floors: whether one of the kinds has a floor under this rule.
    """
    picked = [kinds[number] for numbers in choice for number in numbers]
    rewarded = _rewarded(ready, pattern, choice, picked)
    if rewarded is None:
        return 0, ()
    given = picked if pattern.choose == "all" else [kind for kind, gets in zip(picked, rewarded, strict=True) if gets]
    net = most = sum([kind.net for kind in given])
    if floors:
        room = _room(ready, [kind for kind, gets in zip(picked, rewarded, strict=True) if gets or pattern.spread])
        if room is None:
            return 0, ()
        most = min(most, room)
    return max(0, min(reward_of(ready, pattern, given, net), most)), rewarded


def _room(ready: Ready, kinds: list[Kind]) -> int | None:
    """How much these units can bear above their floors; None: the cost of one is unknown."""
    room = 0
    for kind in kinds:
        floor = kind.article.floor(ready.rule)
        if floor is None:
            return None
        room += max(0, kind.net - floor)
    return room


def _rewarded(
    ready: Ready, pattern: Pattern, choice: tuple[tuple[int, ...], ...], picked: list[Kind]
) -> tuple[bool, ...] | None:
    if pattern.choose == "all":
        return (True,) * len(picked)
    if pattern.choose == "slots":
        sides = [side for side, numbers in enumerate(choice) for _ in numbers]
        picks = list(zip(picked, sides, strict=True))
        gets = tuple([side in pattern.rewarded for side in sides])
        return gets if _cheaper_one_is_rewarded(ready.place, pattern, picks) else None
    order = sorted(range(len(picked)), key=[kind.net for kind in picked].__getitem__)  # stable: ties by kind
    chosen = order[: pattern.count] if pattern.choose == "cheapest" else order[-pattern.count :]
    return tuple([number in chosen for number in range(len(picked))])


def _cheaper_one_is_rewarded(place: int, pattern: Pattern, picks: list[tuple[Kind, int]]) -> bool:
    """Where a bought and a rewarded unit could change places, the cheaper one has to be the rewarded."""
    slots = pattern.slots
    for kind, slot in picks:
        if slot not in pattern.rewarded:
            continue
        bits = kind.article.bits.get(place, 0)
        for other, side in picks:
            if side in pattern.rewarded or other.net >= kind.net:
                continue
            if bits & slots[side].bit and other.article.bits.get(place, 0) & slots[slot].bit:
                return False
    return True


def reward_of(ready: Ready, pattern: Pattern, kinds: list[Kind], net: int) -> int:
    """The reward for these rewarded units, before any limit; net: what they cost before it."""
    if pattern.reward == "nth":
        dearest_first = sorted([kind.gross if pattern.gross else kind.net for kind in kinds], reverse=True)
        return divide_half_up(sum(base * off for base, off in zip(dearest_first, pattern.nth, strict=True)), FULL)
    value = _value(ready, pattern, kinds)
    if pattern.reward == "percent_off":
        return divide_half_up((sum([kind.gross for kind in kinds]) if pattern.gross else net) * value, FULL)
    if pattern.reward == "amount_off":
        return value
    if pattern.reward == "amount_off_each":
        return sum(min(value, kind.net) for kind in kinds)
    if pattern.reward == "bundle_price":
        return net - value
    return sum(max(0, kind.net - kind.article.priced(value)) for kind in kinds)


def _value(ready: Ready, pattern: Pattern, kinds: list[Kind]) -> int:
    own = kinds[0].article.values.get(ready.place) if kinds else None
    if own is not None:
        return own
    return pattern.value if ready.value is None else ready.value


def saving_of_one(ready: Ready, kind: Kind) -> int:
    """What a rule "from n on, each" saves on one unit, if n come together."""
    reward, value = ready.rule.reward, ready.value or 0
    floor = kind.article.floor(ready.rule)
    if floor is None:
        return 0
    if reward.type == "percent_off":
        base = kind.gross if ready.rule.rule.basis == "gross" else kind.net
        raw = divide_half_up(base * value, FULL)
    elif reward.type in ("amount_off", "amount_off_each"):
        raw = value
    else:
        raw = kind.net - kind.article.priced(value)
    return max(0, min(raw, kind.net - floor))
