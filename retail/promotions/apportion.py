"""A deal's saving over its units: by gross, largest remainder, never more than a unit can bear; exact."""

from __future__ import annotations


def apportion(saving: int, weights: list[int], room: list[int]) -> list[int]:
    """Shares that add up to saving, which sum(room) must allow. Ties go to the earlier unit."""
    total = sum(weights)
    if total and min(room) > 0:
        parts = [divmod(saving * weight, total) for weight in weights]
        if not [whole for (whole, _), most in zip(parts, room, strict=True) if whole >= most]:
            return _largest_remainders(saving, parts)
    return _filled(saving, weights, room)


def _filled(saving: int, weights: list[int], room: list[int]) -> list[int]:
    """Where some can bear less than their share: they are filled, and the rest goes over the others."""
    shares = [0] * len(weights)
    open_ = [number for number, most in enumerate(room) if most > 0]
    rest = saving
    while rest > 0:
        total = sum([weights[number] for number in open_])
        if total == 0:
            return _in_turn(rest, shares, room, open_)
        parts = [divmod(rest * weights[number], total) for number in open_]
        full = [number for number, (whole, _) in zip(open_, parts, strict=True) if whole >= room[number]]
        if not full:
            for number, share in zip(open_, _largest_remainders(rest, parts), strict=True):
                shares[number] = share
            return shares
        for number in full:
            shares[number] = room[number]
        open_ = [number for number in open_ if shares[number] == 0]
        rest = saving - sum(shares)
    return shares


def _largest_remainders(rest: int, parts: list[tuple[int, int]]) -> list[int]:
    """Whole parts, and one more to those that lost most by rounding down."""
    shares = [whole for whole, _ in parts]
    missing = rest - sum(shares)
    if missing:
        remainders = [-remainder for _, remainder in parts]
        for place in sorted(range(len(parts)), key=remainders.__getitem__)[:missing]:
            shares[place] += 1
    return shares


def _in_turn(rest: int, shares: list[int], room: list[int], open_: list[int]) -> list[int]:
    """Units without a gross price have no weight: fill them from the first on."""
    for number in open_:
        shares[number] = min(rest, room[number])
        rest -= shares[number]
    return shares
