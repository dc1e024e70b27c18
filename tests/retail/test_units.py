"""Money, Weight and Quantity: exact, and as people write them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.units import Money, Quantity, Weight, divide_half_up, exponent


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("EUR", 2), ("TWD", 0), ("JPY", 0), ("HUF", 2), ("KWD", 3), ("RSD", 2), ("IQD", 3), ("CHF", 2)],
)
def test_the_minor_unit_is_that_of_iso_4217_but_taiwan_counts_whole_dollars(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


@pytest.mark.parametrize("currency", ["", "eur", "ZZZ", "EURO"])
def test_an_unknown_currency_is_an_error_that_says_what_to_give(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        exponent(currency)


@pytest.mark.parametrize(("numerator", "denominator", "quotient"), [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1)])
def test_a_half_rounds_away_from_zero(numerator: int, denominator: int, quotient: int) -> None:
    assert divide_half_up(numerator, denominator) == quotient


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_division_agrees_with_decimal_arithmetic(numerator: int, denominator: int) -> None:
    exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_UP)
    assert divide_half_up(numerator, denominator) == int(exact)


def test_money_of_two_currencies_does_not_add_up() -> None:
    with pytest.raises(ValueError, match="convert"):
        Money(1, "EUR") + Money(1, "TWD")


@pytest.mark.parametrize("value", [1.0, True, "1", Decimal(1)])
def test_money_weight_and_quantity_take_nothing_but_integers(value: object) -> None:
    for make in (lambda: Money(value, "EUR"), lambda: Weight(value), lambda: Quantity(value)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="whole"):
            make()


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_adding_and_taking_away_again_changes_nothing(one: int, two: int) -> None:
    assert Money(one, "EUR") + Money(two, "EUR") - Money(two, "EUR") == Money(one, "EUR")
    assert -Money(one, "EUR") == Money(-one, "EUR")


@pytest.mark.parametrize(
    ("money", "plain"),
    [(Money(1299, "EUR"), "12.99"), (Money(-5, "EUR"), "-0.05"), (Money(35, "TWD"), "35"), (Money(1, "KWD"), "0.001")],
)
def test_plain_money_has_the_decimals_of_its_currency(money: Money, plain: str) -> None:
    assert money.plain() == plain


@pytest.mark.parametrize(
    ("money", "locale", "shown"),
    [
        (Money(1299, "EUR"), "en", "€12.99"),
        (Money(123456, "EUR"), "de", "1.234,56 €"),
        (Money(35, "TWD"), "en", "NT$35"),
        (Money(1234, "TWD"), "zh_TW", "$1,234"),
        (Money(1234, "TWD"), "zh-TW", "$1,234"),
        (Money(1234, "JPY"), "de", "1.234 ¥"),
    ],
)
def test_money_is_shown_as_people_of_that_place_write_it(money: Money, locale: str, shown: str) -> None:
    assert money.shown(locale).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_weights_are_shown_in_kilograms_with_three_decimals() -> None:
    assert (Weight(450) + Weight(5)).plain() == "0.455"
    assert Weight(12_000).plain() == "12.000"
    assert Quantity(3).plain() == "3"
