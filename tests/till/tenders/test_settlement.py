"""What is due, the change and the cash rounding, whatever was given in whichever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.till.tenders.rows import Tendered
from gateway.till.tenders.settlement import Settlement
from retail.lines import RoundingLine, TenderLine

OTHERS = ("Card", "Wallet", "Points", "Voucher", "Coupon")


def cash(minor: int) -> Tendered:
    return Tendered(tender_type="Cash", amount_minor=minor)


def card(minor: int) -> Tendered:
    return Tendered(tender_type="Card", amount_minor=minor)


@pytest.mark.parametrize(
    ("total", "step", "tenders", "due", "cash_due", "covered", "rounding", "change"),
    [
        (1302, 5, [], 1302, 1300, False, 0, 0),
        (1303, 5, [cash(1305)], -2, 0, True, 2, 0),
        (1302, 5, [cash(2000)], -698, -700, True, -2, 700),
        (1302, 5, [card(1302)], 0, 0, True, 0, 0),
        (1302, 5, [card(300)], 1002, 1000, False, 0, 0),
        (1302, 5, [card(300), cash(1000)], 2, 0, True, -2, 0),
        (1302, 5, [cash(1000), card(302)], 0, 0, True, 0, 0),
        (2, 5, [], 2, 0, False, 0, 0),
        (2, 5, [cash(0)], 2, 0, True, -2, 0),
        (-1303, 5, [], -1303, -1305, False, 0, 0),
        (-1303, 5, [cash(-1305)], 2, 0, True, -2, 0),
        (-1303, 5, [card(-1303)], 0, 0, True, 0, 0),
        (-1303, 5, [cash(-500)], -803, -805, False, -2, 0),
        (0, 5, [], 0, 0, True, 0, 0),
        (1050, 100, [cash(1100)], -50, 0, True, 50, 0),
    ],
)
def test_the_part_in_cash_is_rounded_and_no_other(
    total: int, step: int, tenders: list[Tendered], due: int, cash_due: int, covered: bool, rounding: int, change: int
) -> None:
    got = Settlement(total, tenders, step)
    assert (got.due, got.cash_due, got.covered, got.rounding, got.change) == (
        due,
        cash_due,
        covered,
        rounding,
        change,
    )


@given(data=st.data(), total=st.integers(-500_000, 500_000), step=st.sampled_from([1, 5, 10, 50, 100]))
def test_any_mix_in_any_order_sums_to_the_total_and_the_rounding(data: Any, total: int, step: int) -> None:
    tenders: list[Tendered] = []
    for _ in range(data.draw(st.integers(0, 4))):
        due = Settlement(total, tenders, step).due
        if due and (total > 0) == (due > 0):
            part = data.draw(st.integers(min(due, 0), max(due, 0)))
            tenders.append(Tendered(tender_type=data.draw(st.sampled_from(OTHERS)), amount_minor=part))
    rest = Settlement(total, tenders, step)
    if not rest.covered:
        extra = data.draw(st.integers(0, 50)) * step if rest.cash_due >= 0 and total >= 0 else 0
        tenders.insert(data.draw(st.integers(0, len(tenders))), cash(rest.cash_due + extra))
    whole = Settlement(total, tenders, step)
    assert whole.covered
    rows = whole.rows(1)
    paid = sum(row.amount_minor - row.change_minor for row in rows if isinstance(row, TenderLine))
    rounding = sum(row.amount_minor for row in rows if isinstance(row, RoundingLine))
    assert paid == total + rounding
    assert 2 * abs(rounding) <= step
    assert all(row.change_minor >= 0 for row in rows if isinstance(row, TenderLine))
    assert [row.line_number for row in rows] == list(range(1, len(rows) + 1))
    if all(tender.tender_type != "Cash" for tender in tenders):
        assert rounding == 0
