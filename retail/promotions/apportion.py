"""A deal's saving over its units: by gross, largest remainder, never more than a unit can bear; exact."""

from __future__ import annotations


def apportion(saving: int, weights: list[int], room: list[int]) -> list[int]:
    """Shares that add up to saving, which sum(room) must allow. Ties go to the earlier unit."""
    shares = [0] * len(weights)
    open_ = [number for number in range(len(weights)) if room[number] > 0]
    rest = saving
    while rest > 0:
        total = sum([weights[number] for number in open_])
        if total == 0:
            return _in_turn(rest, shares, room, open_)
        full = [number for number in open_ if rest * weights[number] // total >= room[number]]
        if not full:
            break
        for number in full:
            shares[number] = room[number]
        open_ = [number for number in open_ if shares[number] == 0]
        rest = saving - sum(shares)
    if rest > 0:
        total = sum(weights[number] for number in open_)
        for number in open_:
            shares[number] = rest * weights[number] // total
        missing = rest - sum(shares[number] for number in open_)
        for number in sorted(open_, key=lambda number: (-(rest * weights[number] % total), number))[:missing]:
            shares[number] += 1
    return shares


def _in_turn(rest: int, shares: list[int], room: list[int], open_: list[int]) -> list[int]:
    """Units without a gross price have no weight: fill them from the first on."""
    for number in open_:
        shares[number] = min(rest, room[number])
        rest -= shares[number]
    return shares
