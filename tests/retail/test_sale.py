"""A sale says of itself what does not add up, and by which field."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from retail.pricing import tax_per_code
from retail.sale import RetailTransaction, SaleLine, TaxLine, TenderLine, faults
from retail.units import Money
from tests.retail.examples import NOON, sale


def changed(index: int, **changes: Any) -> RetailTransaction:
    """The example with one line changed."""
    lines = list(sale().line_items)
    lines[index] = lines[index].model_copy(update=changes)
    return sale(line_items=lines)


def test_a_sale_that_adds_up_has_no_faults() -> None:
    assert faults(sale()) == []
    assert [line.item_id for line in sale().sales()] == ["APPLE-1", "BREAD-1"]
    assert [len(sale().taxes()), len(sale().tenders())] == [1, 1]


@pytest.mark.parametrize(
    ("wrong", "fields", "word"),
    [
        (sale(total_minor=555), ["total_minor", "line_items"], "sum to 554"),
        (changed(0, extended_amount_minor=55), ["line_items[0].extended_amount_minor"], "gives 54"),
        (changed(0, quantity=1), ["line_items[0].quantity"], "not both"),
        (changed(1, quantity=None), ["line_items[1].quantity"], "not none"),
        (changed(2, extended_amount_minor=1), ["line_items[2].extended_amount_minor"], "gives 300"),
        (changed(3, taxable_amount_minor=553), ["line_items[3].taxable_amount_minor"], "sum to 554"),
        (changed(3, tax_amount_minor=37), ["line_items[3].tax_amount_minor"], "gives 36"),
        (changed(4, change_minor=445), ["line_items"], "come to 555"),
        (changed(4, line_number=1), ["line_items"], "line_number"),
        (sale(line_items=[*sale().line_items, sale().taxes()[0]]), ["line_items"], "two Tax lines"),
        (sale(end_date_time=NOON - timedelta(seconds=1)), ["end_date_time"], "before"),
    ],
)
def test_each_fault_names_its_field_and_what_it_should_be(
    wrong: RetailTransaction, fields: list[str], word: str
) -> None:
    found = faults(wrong)
    assert {fault.field for fault in found} >= set(fields)
    assert any(word in fault.message for fault in found)


def test_a_void_line_counts_nowhere_but_stays() -> None:
    assert "SOAP-1" in sale().model_dump_json()
    voided = changed(1, void_flag=True)
    assert "total_minor" in {fault.field for fault in faults(voided)}


def test_unknown_fields_are_refused_everywhere() -> None:
    body = sale().model_dump(mode="json")
    with pytest.raises(ValidationError, match="loyalty_card"):
        RetailTransaction.model_validate({**body, "loyalty_card": "1"})
    body["line_items"][0]["discount"] = 5
    with pytest.raises(ValidationError, match="discount"):
        RetailTransaction.model_validate(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("total_minor", 5.5),
        ("currency", "eur"),
        ("line_items", []),
        ("sequence_number", 0),
        ("store_id", "S 1"),
        ("begin_date_time", "2026-11-22T12:00:00"),
        ("begin_date_time", "0001-01-01T00:00:00+08:00"),
        ("transaction_type", "Other"),
    ],
)
def test_a_value_outside_its_bounds_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        RetailTransaction.model_validate({**sale().model_dump(mode="json"), field: value})


def test_a_line_of_a_type_that_nobody_knows_is_refused() -> None:
    body = sale().model_dump(mode="json")
    body["line_items"][0]["type"] = "Gift"
    with pytest.raises(ValidationError, match="Gift"):
        RetailTransaction.model_validate(body)


def test_a_round_trip_through_json_keeps_everything() -> None:
    assert RetailTransaction.model_validate_json(sale().model_dump_json()) == sale()


def test_times_are_written_in_utc_whatever_zone_they_came_in() -> None:
    taipei = NOON.astimezone(timezone(timedelta(hours=8)))
    body = sale(begin_date_time=taipei).model_dump(mode="json")
    assert body["begin_date_time"] == body["end_date_time"] == "2026-11-22T12:00:00.125Z"


def test_a_sale_does_not_change_once_made() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        sale().total_minor = 1  # type: ignore[misc]


def rung(lines: list[tuple[int, int, bool, str]]) -> RetailTransaction:
    """A sale that a till would build from (price, pieces, by weight, tax code)."""
    sold = [
        SaleLine(
            line_number=number,
            item_id=f"I-{number}",
            description="x",
            quantity=None if weighed else amount,
            weight_grams=amount if weighed else None,
            unit_price_minor=price,
            extended_amount_minor=Money(price, "EUR").share(amount, 1000 if weighed else 1).minor,
            tax_code=code,
        )
        for number, (price, amount, weighed, code) in enumerate(lines, start=1)
    ]
    taxed = tax_per_code(
        [(line.tax_code, Money(line.extended_amount_minor, "EUR")) for line in sold], {"A": 1900, "B": 700}
    )
    taxes = [
        TaxLine(
            line_number=100 + number,
            tax_code=code,
            rate_basis_points=rate,
            taxable_amount_minor=gross.minor,
            tax_amount_minor=tax.minor,
        )
        for number, (code, rate, gross, tax) in enumerate(taxed)
    ]
    total = sum(line.extended_amount_minor for line in sold)
    tender = TenderLine(line_number=200, amount_minor=total + 7, change_minor=7)
    return sale(line_items=[*sold, *taxes, tender], total_minor=total)


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(1, 10**5), st.booleans(), st.sampled_from("AB")),
        min_size=1,
        max_size=20,
    ),
)
def test_any_sale_rung_by_the_rules_adds_up_and_survives_json(lines: list[tuple[int, int, bool, str]]) -> None:
    built = rung(lines)
    assert faults(built) == []
    assert RetailTransaction.model_validate_json(built.model_dump_json()) == built
