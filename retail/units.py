"""Money, Weight and Quantity: integers in a type, exact arithmetic; babel for what people read.

Money counts in the currency's minor unit: cents, or whole dollars for TWD, whose invoices know no cents. Nothing here
rounds in silence: the one division is `share`, and it says how.
Source: ISO 4217 exponents by way of CLDR (babel), with the exceptions of EXPONENTS.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

#: Taiwan's e-invoices carry whole dollars. For the others CLDR says 0, as their small coins are gone, and ISO 4217 and
#: the trade's software go on counting them.
EXPONENTS = {
    "TWD": 0,
    **dict.fromkeys(("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER"), 2),
    "IQD": 3,
}

#: ISO 4217 numbers, as GS1 AI 393n gives them, of the currencies that this product is sold for
NUMBERS = {"156": "CNY", "344": "HKD", "756": "CHF", "826": "GBP", "840": "USD", "901": "TWD", "978": "EUR"}


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit has: EUR 2, JPY 0, TWD 0.

    Raises:
        ValueError: not an ISO 4217 code.
    """
    if currency in EXPONENTS:
        return EXPONENTS[currency]
    from babel.core import get_global  # noqa: PLC0415  babel's data is 1 MiB that a box reads only once it needs it

    if currency not in get_global("all_currencies"):
        raise ValueError(f"unknown currency {currency!r}: give its ISO 4217 code, such as EUR or TWD")
    fractions = get_global("currency_fractions")
    digits: int = fractions.get(currency, fractions["DEFAULT"])[0]
    return digits


def divide_half_up(numerator: int, denominator: int) -> int:
    """The quotient, rounded half away from zero: how tills round."""
    quotient, rest = divmod(abs(numerator), denominator)
    if 2 * rest >= denominator:
        quotient += 1
    return quotient if numerator >= 0 else -quotient


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units: Money(1299, "EUR") is 12.99 euro."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise TypeError(f"Money counts in whole minor units, not in {type(self.minor).__name__}")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: int) -> Money:
        return Money(self.minor * factor, self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up: convert one first")
        return other.minor

    def share(self, numerator: int, denominator: int) -> Money:
        """This amount x numerator / denominator, rounded half up to the minor unit."""
        return Money(divide_half_up(self.minor * numerator, denominator), self.currency)

    def plain(self) -> str:
        """12.99: digits and a point, for receipts and machine-readable text."""
        places = exponent(self.currency)
        return f"{Decimal(self.minor).scaleb(-places):.{places}f}"

    def shown(self, locale: str = "en") -> str:
        """€12.99, NT$35: as people of that locale write it."""
        places = exponent(self.currency)
        pattern, written = _money_pattern(locale, places)
        shown: str = pattern.apply(
            Decimal(self.minor).scaleb(-places), written, currency=self.currency, currency_digits=False
        )
        return shown


@lru_cache(maxsize=32)  # a screen of a long sale has a hundred amounts of one kind
def _money_pattern(locale: str, places: int) -> tuple[Any, Any]:
    """How that locale writes an amount with so many decimals: babel's pattern and its locale."""
    from babel import Locale  # noqa: PLC0415  see exponent()

    written = Locale.parse(locale.replace("-", "_"))
    pattern = copy(written.currency_formats["standard"])
    pattern.frac_prec = (places, places)
    return pattern, written


@dataclass(frozen=True, slots=True, order=True)
class Weight:
    """A mass in whole grams."""

    grams: int

    def __post_init__(self) -> None:
        if not isinstance(self.grams, int) or isinstance(self.grams, bool):
            raise TypeError(f"Weight counts in whole grams, not in {type(self.grams).__name__}")

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.grams + other.grams)

    def plain(self) -> str:
        """0.450: kilograms with three decimals."""
        return f"{Decimal(self.grams).scaleb(-3):.3f}"


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """A number of pieces."""

    pieces: int

    def __post_init__(self) -> None:
        if not isinstance(self.pieces, int) or isinstance(self.pieces, bool):
            raise TypeError(f"Quantity counts in whole pieces, not in {type(self.pieces).__name__}")

    def plain(self) -> str:
        return str(self.pieces)
