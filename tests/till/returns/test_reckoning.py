"""What goes back for units of a sale: however it comes back in pieces, net, tax and points add up to the whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SaleRefused
from gateway.till.returns.reckoning import Reckoning
from gateway.till.uses import UnitUse
from retail.lines import LoyaltyLine, NetUnits, PriceModifier, SaleLine, TaxLine, TenderLine
from retail.pricing import included_tax_minor
from retail.sale import RetailTransaction, faults
from tests.till.paper.samples import NOON, TODAY


def sold(number: int, nets: list[tuple[int, int]], price: int, tax_code: str = "B") -> SaleLine:
    """A line of units at these nets: (how many, what was paid for each)."""
    pieces = sum(count for count, _ in nets)
    off = pieces * price - sum(count * net for count, net in nets)
    return SaleLine(
        line_number=number,
        item_id=f"item-{number}",
        description=f"Article {number}",
        quantity=pieces,
        unit_price_minor=price,
        extended_amount_minor=pieces * price,
        tax_code=tax_code,
        price_modifiers=[PriceModifier(name="deal", deal=1, amount_minor=off)] if off else [],
        net_units=[NetUnits(count=count, net_minor=net) for count, net in nets] if off else [],
    )


def a_sale(lines: list[SaleLine], rates: dict[str, int], points: int = 0) -> RetailTransaction:
    nets = {code: sum(line.net_minor for line in lines if line.tax_code == code) for code in rates}
    total, number = sum(nets.values()), len(lines)
    taxes = [
        TaxLine(
            line_number=number + at,
            tax_code=code,
            rate_basis_points=rate,
            taxable_amount_minor=nets[code],
            tax_amount_minor=included_tax_minor(nets[code], rate),
        )
        for at, (code, rate) in enumerate(rates.items(), 1)
    ]
    more: list[Any] = [TenderLine(line_number=number + 90, amount_minor=total)]
    if points:
        more.append(LoyaltyLine(line_number=number + 91, member_id="M-1", points=points))
    sale = RetailTransaction(
        store_id="S0421",
        workstation_id="1",
        sequence_number=1,
        business_day_date=TODAY,
        operator_id="anna",
        begin_date_time=NOON,
        end_date_time=NOON,
        currency="EUR",
        line_items=[*lines, *taxes, *more],
        total_minor=total,
    )
    assert faults(sale) == []
    return sale


def test_one_of_three_under_a_deal_pays_what_was_paid_for_it() -> None:
    line = sold(1, [(1, 66), (2, 67)], price=100)
    reckoning = Reckoning(a_sale([line], {"B": 700}, points=2), [])
    back = reckoning.back(line, 1)
    assert back.net_units == [NetUnits(count=1, net_minor=66)]  # the cheapest first
    assert (back.net_minor, back.points) == (66, 1)
    with pytest.raises(SaleRefused, match="3 sold, 0 came back already, 3 can still"):
        reckoning.back(line, 4)


@given(data=st.data(), rate=st.sampled_from([0, 500, 700, 1900]), points=st.integers(0, 50))
def test_however_it_comes_back_the_parts_add_up_to_the_sale(data: Any, rate: int, points: int) -> None:
    lines = []
    for number in range(1, data.draw(st.integers(1, 3)) + 1):
        price = data.draw(st.integers(1, 500))
        nets = data.draw(st.lists(st.tuples(st.integers(1, 3), st.integers(0, price)), min_size=1, max_size=3))
        lines.append(sold(number, nets, price))
    sale = a_sale(lines, {"B": rate}, points)
    gone: list[UnitUse] = []
    paid = tax = taken = 0
    while open_lines := [line for line in lines if Reckoning(sale, gone).left(line)]:
        line = data.draw(st.sampled_from(open_lines))
        most = sum(Reckoning(sale, gone).left(line).values())
        back = Reckoning(sale, gone).back(line, data.draw(st.integers(1, most)))
        assert 0 <= back.tax_minor <= back.net_minor
        paid, tax, taken = paid + back.net_minor, tax + back.tax_minor, taken + back.points
        for at, units in enumerate(back.net_units):
            first = at == 0
            gone.append(
                UnitUse(
                    line.line_number,
                    units.net_minor,
                    units.count,
                    back.tax_minor if first else 0,
                    back.points if first else 0,
                )
            )
    assert paid == sale.total_minor
    assert tax == sum(line.tax_amount_minor for line in sale.taxes())
    assert taken == (points if sale.total_minor else 0)
