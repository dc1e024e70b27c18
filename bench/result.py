"""One line of a benchmark: what was measured, against what, and the ratio (above 1: ours is better)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Result:
    bench: str
    metric: str
    value: float
    unit: str
    peer: str
    peer_value: float
    ratio: float

    def line(self) -> str:
        return json.dumps(asdict(self))


def rate(bench: str, metric: str, unit: str, ours: list[float], peer: str, theirs: list[float]) -> Result:
    """Medians of interleaved runs of something that is better when it is more."""
    value, peer_value = median(ours), median(theirs)
    return Result(bench, metric, round(value, 1), unit, peer, round(peer_value, 1), round(value / peer_value, 2))


def cost(bench: str, metric: str, unit: str, value: float, peer: str, limit: float) -> Result:
    """Something that is better when it is less, against a limit."""
    return Result(bench, metric, round(value, 2), unit, peer, limit, round(limit / value, 2) if value else 0.0)
