"""What one application saves: worked out once, in minor units, half up; never below zero, never through the floor."""

from __future__ import annotations

from dataclasses import dataclass

from retail.promotions.compiled import Compiled, Pattern
from retail.promotions.rules import FULL
from retail.promotions.units import Kind, floored
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


def saving(ready: Ready, pattern: Pattern, picks: list[tuple[Kind, int]]) -> tuple[int, tuple[bool, ...]]:
    """(saving, whether each pick is rewarded) of one application; picks: (kind, number of its slot). 0: no deal."""
    rewarded = _rewarded(ready, pattern, picks)
    if rewarded is None:
        return 0, ()
    if not floored(ready.rule, [kind.article for kind, _ in picks]):
        given = [pick[0] for pick, gets in zip(picks, rewarded, strict=True) if gets]
        return max(0, min(reward_of(ready, pattern, given), sum([kind.net for kind in given]))), rewarded
    floors = [kind.article.floor(ready.rule) for kind, _ in picks]
    if any(floor is None for floor, gets in zip(floors, rewarded, strict=True) if gets or pattern.spread):
        return 0, ()
    kinds = [kind for (kind, _), gets in zip(picks, rewarded, strict=True) if gets]
    room = sum(
        max(0, kind.net - (floor or 0))
        for (kind, _), floor, gets in zip(picks, floors, rewarded, strict=True)
        if gets or pattern.spread
    )
    raw = reward_of(ready, pattern, kinds)
    return max(0, min(raw, room, sum(kind.net for kind in kinds))), rewarded


def _rewarded(ready: Ready, pattern: Pattern, picks: list[tuple[Kind, int]]) -> tuple[bool, ...] | None:
    if pattern.choose == "all":
        return (True,) * len(picks)
    if pattern.choose == "slots":
        gets = tuple(slot in pattern.rewarded for _, slot in picks)
        return gets if _cheaper_one_is_rewarded(ready.place, pattern, picks) else None
    order = sorted(range(len(picks)), key=lambda number: picks[number][0].net)  # stable: ties by kind
    chosen = order[: pattern.count] if pattern.choose == "cheapest" else order[-pattern.count :]
    return tuple(number in chosen for number in range(len(picks)))


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


def reward_of(ready: Ready, pattern: Pattern, kinds: list[Kind]) -> int:
    """The reward for these rewarded units, before any limit."""
    nets = [kind.net for kind in kinds]
    bases = [kind.gross for kind in kinds] if pattern.gross else nets
    if pattern.reward == "nth":
        dearest_first = sorted(bases, reverse=True)
        return divide_half_up(sum(base * off for base, off in zip(dearest_first, pattern.nth, strict=True)), FULL)
    value = _value(ready, pattern, kinds)
    if pattern.reward == "percent_off":
        return divide_half_up(sum(bases) * value, FULL)
    if pattern.reward == "amount_off":
        return value
    if pattern.reward == "amount_off_each":
        return sum(min(value, net) for net in nets)
    if pattern.reward == "bundle_price":
        return sum(nets) - value
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
