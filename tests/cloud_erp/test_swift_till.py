"""The quick way takes all that a till writes, and reads it as the models do: deals, returns, points, coupons."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_erp.intake.batch import read_record
from retail.sale import RetailTransaction, faults
from tests.cloud_erp.test_swift import SCALARS, holds, quick, record, through_bytes
from tests.cloud_erp.till_sales import coupon, override, points, returned, rounding, sold, tender, till_sale

DEAL = till_sale(1, sold("1001", 119, 2, off=59), sold("1003", 229, price_override=override(249)), member_id="M-1")
RETURN = till_sale(2, returned("1001", 90, 89, restock=False), session_id="SE-1")
EXCHANGE = till_sale(3, returned("1001", 119), sold("1101", 300, 1, code="A"), rounding(-1), tender("Cash", 180))
TENDERS = till_sale(
    4,
    sold("1101", 1000, code="A"),
    coupon("C-1"),
    tender("Coupon", 100, voucher_id="C-2"),
    tender("Points", 200, points=20),
    tender("Voucher", 300, voucher_id="V-1"),
    tender("Card", 400, card="557344******4444", approval_code="17"),
    points(5),
    member_id="M-1",
)
VOUCHER_OUT = till_sale(5, returned("1001", 119), tender("Voucher", -119, voucher_id="V-9", valid_until="2029-12-31"))
FREE = till_sale(6, sold("1001", 119, off=119), tender("Cash", 0))
ALL = (DEAL, RETURN, EXCHANGE, TENDERS, VOUCHER_OUT, FREE)


def body(one: RetailTransaction) -> dict[str, Any]:
    return one.model_dump(mode="json")


@pytest.mark.parametrize("one", ALL, ids=["deal", "return", "exchange", "tenders", "voucher", "free"])
@pytest.mark.parametrize("training", [False, True])
def test_what_a_till_writes_goes_the_quick_way(one: RetailTransaction, training: bool) -> None:
    assert faults(one) == []
    written = body(one.model_copy(update={"training_flag": training}))
    assert holds(record(written))
    assert through_bytes(record(written)) is not None


def test_what_a_sale_does_is_read_rightly() -> None:
    def booking(one: RetailTransaction) -> Any:
        item = quick(record(body(one)))
        assert item is not None
        return item.booking

    deal, back, tenders = booking(DEAL), booking(RETURN), booking(TENDERS)
    assert (deal.taken, deal.entry[-7:]) == ({"1001": 2, "1003": 1}, (408, 3, False, None, None, 59, None))
    assert (back.taken, back.entry[-7:]) == ({}, (-179, -2, False, "SE-1", 179, None, None))
    assert booking(EXCHANGE).taken == {"1001": -1, "1101": 1}
    assert tenders.effects.points == ((3, "M-1", -20), (6, "M-1", 5))
    assert tenders.effects.coupons == ((1, "C-1"), (2, "C-2"))
    assert tenders.effects.vouchers == ((4, "V-1", -300, None),)
    assert booking(VOUCHER_OUT).effects.vouchers == ((1, "V-9", 119, date(2029, 12, 31)),)
    training = booking(TENDERS.model_copy(update={"training_flag": True}))
    assert (training.taken, training.effects.points, training.effects.coupons) == ({}, (), ())


AMOUNTS = st.integers(0, 2000)


@st.composite
def transactions(draw: st.DrawFn) -> RetailTransaction:
    lines: list[Any] = []
    for _ in range(draw(st.integers(1, 6))):
        item, code = draw(st.sampled_from(["1001", "1003", "1101"])), draw(st.sampled_from("AB"))
        void = draw(st.booleans())
        if draw(st.booleans()):
            price, pieces = draw(AMOUNTS), draw(st.integers(1, 5))
            off = draw(st.integers(0, price * pieces))
            lines.append(sold(item, price, pieces, off=off, code=code, void_flag=void))
        else:
            nets = draw(st.lists(AMOUNTS, min_size=1, max_size=4))
            lines.append(returned(item, *nets, code=code, void_flag=void, restock=draw(st.booleans())))
    if draw(st.booleans()):
        lines.append(points(draw(st.integers(-50, 50))))
    if draw(st.booleans()):
        lines.append(coupon(draw(st.sampled_from(["C-1", "C-2"]))))
    counted = [line for line in lines if not getattr(line, "void_flag", False)]
    whole = till_sale(1, *counted) if counted else till_sale(1, tender("Cash", 0))
    voided = [line for line in lines if getattr(line, "void_flag", False)]
    numbered = [
        line.model_copy(update={"line_number": place}) for place, line in enumerate([*whole.line_items, *voided], 1)
    ]
    facts = {"line_items": numbered, "training_flag": draw(st.booleans())}
    if draw(st.booleans()):
        facts |= {"member_id": "M-1", "session_id": "SE-1"}
    return whole.model_copy(update=facts)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(one=transactions())
def test_any_transaction_of_a_till_goes_the_quick_way_and_is_read_alike(one: RetailTransaction) -> None:
    assert faults(one) == []
    assert holds(record(body(one)))


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a body, at whatever depth."""
    found = [way] if way else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        found += places(part, (*way, name))
    return found


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), one=st.sampled_from(ALL))
def test_a_transaction_with_anything_altered_is_read_alike_or_left_to_the_long_way(
    data: st.DataObject, one: RetailTransaction
) -> None:
    written = copy.deepcopy(body(one))
    *way, last = data.draw(st.sampled_from(places(written)))
    holder: Any = written
    for step in way:
        holder = holder[step]
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = data.draw(SCALARS)
    holds(record(written))


@pytest.mark.parametrize(
    ("one", "path", "value", "code"),
    [
        (DEAL, ("line_items", 0, "price_modifiers", 0, "amount_minor"), 60, "does_not_add_up"),
        (DEAL, ("line_items", 0, "net_units", 0, "net_minor"), 1, "does_not_add_up"),
        (DEAL, ("line_items", 0, "price_modifiers", 0, "amount_minor"), 500, "does_not_add_up"),
        (RETURN, ("line_items", 0, "net_units", 0, "count"), 2, "does_not_add_up"),
        (RETURN, ("line_items", 0, "tax_amount_minor"), 180, "does_not_add_up"),
        (RETURN, ("line_items", 0, "original", "business_day_date"), "2026-02-30", "unreadable"),
        (RETURN, ("line_items", 0, "net_units"), [], "unreadable"),
        (VOUCHER_OUT, ("line_items", 1, "valid_until"), "2026-02-30", "unreadable"),
        (EXCHANGE, ("line_items", 2, "amount_minor"), 0, "does_not_add_up"),
        (TENDERS, ("line_items", 6, "points"), 2**63, "out_of_range"),
        (TENDERS, ("line_items", 3, "points"), -(2**63), "out_of_range"),
        (TENDERS, ("line_items", 1, "coupon_id"), "no spaces here", "unreadable"),
    ],
)
def test_what_does_not_hold_is_poison_with_its_code_and_never_taken_the_quick_way(
    one: RetailTransaction, path: tuple[Any, ...], value: Any, code: str
) -> None:
    written = copy.deepcopy(body(one))
    *way, last = path
    holder: Any = written
    for step in way:
        holder = holder[step]
    holder[last] = value
    assert not holds(record(written))
    poison = read_record(1, json.loads(json.dumps(record(written)))).poison
    assert poison is not None
    assert (poison.code, bool(poison.reason), bool(poison.faults)) == (code, True, True)
