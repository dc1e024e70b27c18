"""From unit price to extended amount to the tax inside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.pricing import cash_step_minor, extended_amount, included_tax, rounded_to_step, tax_per_code
from retail.units import Money, Quantity, Weight

amounts = st.integers(0, 10**9)
rates = st.integers(0, 10_000)


def test_450_grams_at_120_dollars_a_kilogram_is_54() -> None:
    assert extended_amount(Money(120, "TWD"), Weight(450)) == Money(54, "TWD")


@pytest.mark.parametrize(("grams", "minor"), [(4, 0), (5, 1), (1_000, 100), (1_004, 100), (1_005, 101), (333, 33)])
def test_weight_times_price_rounds_half_up_once(grams: int, minor: int) -> None:
    assert extended_amount(Money(100, "EUR"), Weight(grams)) == Money(minor, "EUR")


@given(amounts, st.integers(1, 100_000))
def test_pieces_multiply_exactly(price: int, pieces: int) -> None:
    assert extended_amount(Money(price, "EUR"), Quantity(pieces)).minor == price * pieces


@given(amounts, st.integers(1, 1_000_000))
def test_a_weighed_amount_is_never_off_by_more_than_half_a_minor_unit(price: int, grams: int) -> None:
    due = extended_amount(Money(price, "EUR"), Weight(grams)).minor
    assert abs(2 * (due * 1000 - price * grams)) <= 1000


@pytest.mark.parametrize(
    ("gross", "rate", "tax"), [(1190, 1900, 190), (105, 500, 5), (100, 0, 0), (1, 1900, 0), (-1190, 1900, -190)]
)
def test_the_tax_inside_a_gross_amount(gross: int, rate: int, tax: int) -> None:
    assert included_tax(Money(gross, "EUR"), rate) == Money(tax, "EUR")


@given(amounts, rates)
def test_tax_and_net_make_the_gross_and_the_tax_is_right_to_half_a_unit(gross: int, rate: int) -> None:
    tax = included_tax(Money(gross, "EUR"), rate).minor
    assert 0 <= tax <= gross
    assert abs(2 * (tax * (10_000 + rate) - gross * rate)) <= 10_000 + rate


@given(st.lists(st.tuples(st.sampled_from("ABC"), amounts), max_size=50))
def test_the_gross_amounts_per_tax_code_sum_to_the_lines(lines: list[tuple[str, int]]) -> None:
    codes = {"A": 1900, "B": 700, "C": 0}
    taxed = tax_per_code([(code, Money(minor, "EUR")) for code, minor in lines], codes)
    assert sum(gross.minor for _, _, gross, _ in taxed) == sum(minor for _, minor in lines)
    assert [code for code, *_ in taxed] == list(dict.fromkeys(code for code, _ in lines))
    for code, rate, gross, tax in taxed:
        assert rate == codes[code]
        assert tax == included_tax(gross, rate)


def test_tax_is_worked_out_once_per_code_and_gathers_no_rounding() -> None:
    [(_, _, gross, tax)] = tax_per_code([("A", Money(2, "EUR"))] * 100, {"A": 1900})
    assert (gross, tax) == (Money(200, "EUR"), Money(32, "EUR"))


def test_a_tax_code_without_a_rate_is_an_error() -> None:
    with pytest.raises(KeyError):
        tax_per_code([("X", Money(1, "EUR"))], {})


@pytest.mark.parametrize(
    ("total", "step", "due"),
    [(1002, 5, 1000), (1003, 5, 1005), (1007, 1, 1007), (1007, 0, 1007), (-1003, 5, -1005), (-1002, 5, -1000)],
)
def test_cash_is_rounded_to_the_smallest_coin(total: int, step: int, due: int) -> None:
    assert rounded_to_step(total, step) == due


@pytest.mark.parametrize(
    ("currency", "step"),
    [("CHF", 5), ("CAD", 5), ("SEK", 100), ("DKK", 50), ("CZK", 100), ("EUR", 1), ("USD", 1), ("TWD", 1), ("JPY", 1)],
)
def test_the_smallest_coin_of_a_currency_is_the_one_of_cldr(currency: str, step: int) -> None:
    assert cash_step_minor(currency) == step
