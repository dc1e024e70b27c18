"""The bar chart of a day's hours, as numbers for an inline SVG: the template only draws what stands here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_erp.journal.service import Hour
from retail.units import Money

HEIGHT = 120
STEP = 28
BAR = 20
#: hours shown even if nothing was sold in them
OPEN_FROM, OPEN_TO = 8, 20


@dataclass(frozen=True, slots=True)
class Bar:
    hour: int
    x: int
    y: int
    height: int
    sales: int
    total: str
    best: bool


@dataclass(frozen=True, slots=True)
class Chart:
    currency: str
    bars: list[Bar]
    width: int
    height: int
    most: str


def chart(hours: Sequence[Hour]) -> Chart:
    """Bars for the opening hours and every other hour that sold something, on one scale."""
    sold = [hour.hour for hour in hours if hour.sales]
    first, last = min([OPEN_FROM, *sold]), max([OPEN_TO, *sold])
    shown = hours[first : last + 1]
    most = max((hour.total for hour in shown), default=Money(0, "EUR"))
    bars = [_bar(place, hour, most) for place, hour in enumerate(shown)]
    return Chart(most.currency, bars, STEP * len(bars), HEIGHT, most.shown())


def _bar(place: int, hour: Hour, most: Money) -> Bar:
    # An hour that sold anything shows at least a thin line.
    # An hour that paid out more than it took in shows no less.
    height = (
        max(2, hour.total.minor * HEIGHT // most.minor) if hour.sales and most.minor > 0 else 2 if hour.sales else 0
    )
    best = hour.sales > 0 and hour.total == most
    x = place * STEP + (STEP - BAR) // 2
    return Bar(hour.hour, x, HEIGHT - height, height, hour.sales, hour.total.shown(), best)
