"""Shadow prices: what each unit is worth at most to the search. Their sum over what is left bounds what can be saved.

Any prices will do for which no move saves more than the prices of what it takes; the lower their sum, the less there
is to search. They start at the best share of a move and are lowered one by one for as long as that stays true.
"""

from __future__ import annotations

from retail.promotions.candidates import Candidate

SWEEPS = 3


def shadow_prices(values: list[int], candidates: list[Candidate], counts: list[int]) -> list[int]:
    """One price per unit of each kind, for moves of these values."""
    touching: list[list[tuple[int, int]]] = [[] for _ in counts]
    prices = [0] * len(counts)
    for number, (move, value) in enumerate(zip(candidates, values, strict=True)):
        share = -(-value // move.size)
        for kind, count in move.takes:
            touching[kind].append((number, count))
            prices[kind] = max(prices[kind], share)
    slack = [
        sum([prices[kind] * count for kind, count in move.takes]) - value
        for move, value in zip(candidates, values, strict=True)
    ]
    order = sorted(range(len(counts)), key=lambda kind: (-counts[kind] * prices[kind], kind))
    for sweep in range(SWEEPS):
        for kind in order if sweep % 2 == 0 else reversed(order):
            prices[kind] -= _lower(prices[kind], slack, touching[kind])
    return prices


def _lower(price: int, slack: list[int], moves: list[tuple[int, int]]) -> int:
    """How far one price can come down for every move that takes this kind, so often; the slack loses as much."""
    room = price
    for number, count in moves:
        room = min(room, slack[number] // count)
        if room == 0:
            return 0
    for number, count in moves:
        slack[number] -= room * count
    return room
