"""Scale: a weight as one frame gave it, and what a scale can be asked. Source: UnifiedPOS 1.16, chapter Scale."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScaleStatus(StrEnum):
    """UnifiedPOS ScaleLiveWeight notifications, without their prefix SCAL_SUE_."""

    STABLE_WEIGHT = "stable_weight"
    WEIGHT_UNSTABLE = "weight_unstable"
    WEIGHT_ZERO = "weight_zero"
    WEIGHT_OVERWEIGHT = "weight_overweight"
    WEIGHT_UNDER_ZERO = "weight_under_zero"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True)
class ReadWeight:
    """One fresh, legal weight: asked after the goods were placed, never a stored one.

    unit_price_minor, text: for scales that show the price themselves and count the total (Checkout-Dialog); other
    scales take no notice. The price is for one kilogram, in the currency's minor unit.
    """

    unit_price_minor: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ZeroScale:
    pass


@dataclass(frozen=True, slots=True)
class TareScale:
    """Take a container off every weight that follows: its known grams, or None to weigh what stands on the pan now."""

    grams: int | None = None


@dataclass(frozen=True, slots=True)
class ClearTare:
    pass


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Have the device test itself (UnifiedPOS CheckHealth, internal); its refusal names the part that failed."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight as one frame of the scale gave it, at monotonic second `at`.

    grams is None wherever the scale did not give a legal weight (moving, under zero, over its capacity).
    price_minor: the total that the scale itself showed the customer, where it counts one.
    """

    grams: int | None
    stable: bool
    net: bool
    status: ScaleStatus
    at: float
    price_minor: int | None = None
