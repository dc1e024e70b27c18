"""From unit price to extended amount to the tax it contains. Pure functions; prices include tax.

Rounding: half up to the currency's minor unit, once per line; the tax is worked out once per tax code from the sum of
its lines, so that a receipt of many small lines does not gather rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from retail.units import Money, Quantity, Weight, divide_half_up, exponent

GRAMS_PER_KILOGRAM = 1000
BASIS_POINTS = 10_000


def extended_amount(unit_price: Money, amount: Quantity | Weight) -> Money:
    """The price of so many pieces, or of that weight at a price per kilogram (0.450 kg at 120 is 54)."""
    if isinstance(amount, Weight):
        return Money(weighed_minor(unit_price.minor, amount.grams), unit_price.currency)
    return unit_price * amount.pieces


def weighed_minor(per_kilogram_minor: int, grams: int) -> int:
    """extended_amount() of a weight, for those who check many sales and have plain minor units."""
    return divide_half_up(per_kilogram_minor * grams, GRAMS_PER_KILOGRAM)


def included_tax(gross: Money, rate_basis_points: int) -> Money:
    """The tax inside a tax-inclusive amount: gross x rate / (1 + rate), half up. 11.90 at 19 % contains 1.90."""
    return Money(included_tax_minor(gross.minor, rate_basis_points), gross.currency)


def included_tax_minor(gross_minor: int, rate_basis_points: int) -> int:
    """included_tax() in plain minor units."""
    return divide_half_up(gross_minor * rate_basis_points, BASIS_POINTS + rate_basis_points)


def tax_per_code(
    lines: Iterable[tuple[str, Money]], rates_basis_points: Mapping[str, int]
) -> list[tuple[str, int, Money, Money]]:
    """Per tax code in order of first appearance: (code, rate in basis points, gross, tax it contains).

    Raises:
        KeyError: a line's tax code has no rate.
    """
    gross: dict[str, Money] = {}
    for code, amount in lines:
        gross[code] = gross[code] + amount if code in gross else amount
    return [
        (code, rates_basis_points[code], amount, included_tax(amount, rates_basis_points[code]))
        for code, amount in gross.items()
    ]


def rounded_to_step(minor: int, step_minor: int) -> int:
    """The amount in coins of step_minor, half away from zero: 10.02 CHF at step 5 is 10.00, in or out."""
    return minor if step_minor <= 1 else divide_half_up(minor, step_minor) * step_minor


def cash_step_minor(currency: str) -> int:
    """The smallest amount that changes hands in cash, in minor units: CHF 5, SEK 100, EUR 1.

    Source: CLDR's cash digits and cash rounding (babel), read only where it is asked for.
    """
    from babel.core import get_global  # noqa: PLC0415

    fractions = get_global("currency_fractions")
    _, _, digits, rounding = fractions.get(currency, fractions["DEFAULT"])
    smallest: int = max(rounding, 1) * 10 ** max(0, exponent(currency) - digits)
    return smallest
