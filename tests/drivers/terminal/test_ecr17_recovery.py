"""A line may be cut at any point. Whatever the driver then says must agree with what the terminal booked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.terminal import ecr17_results as results
from gateway.peripherals import (
    Answer,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentResult,
    Refusal,
    ResolvePayment,
)
from gateway.simulators.terminal.ecr17 import POINTS, PretendEcr17
from tests.drivers.terminal.test_ecr17 import reply
from tests.drivers.terminal.till import Till


def booked(till: Till) -> int:
    """How often the terminal booked the payment in question, without the one before it."""
    assert isinstance(till.device, PretendEcr17)
    return len(till.device.ledger) - 1


def outcome_of(end: Answer | Refusal) -> PaymentOutcome | None:
    if isinstance(end, Refusal):
        return None
    assert isinstance(end.result, PaymentResult)
    return end.result.outcome


def agrees(till: Till, outcome: PaymentOutcome | None) -> bool:
    if outcome in (PaymentOutcome.UNKNOWN, None):
        return True
    return booked(till) == (outcome is PaymentOutcome.APPROVED)


@pytest.mark.parametrize("decline", ["", "CARTA SCADUTA"])
@pytest.mark.parametrize("later_s", [0.0, 1.0, 60.0])
@pytest.mark.parametrize("point", POINTS)
def test_a_cut_at_each_point_is_resolved_as_the_terminal_booked(point: str, later_s: float, decline: str) -> None:
    till = Till("terminal-ecr17")
    before = till.sold().reference
    till.connect_again()
    till.set(cut=point, decline=decline)
    end = till.sale(timeout_s=20.0)
    assert agrees(till, outcome_of(end)), end
    if isinstance(end, Refusal) and not end.begun:
        assert booked(till) == 0
    till.run(later_s)
    till.set(cut="")
    till.connect_again()
    found = outcome_of(till.resolve(before))
    assert agrees(till, found)
    assert booked(till) <= 1
    if later_s < 60.0 and found is PaymentOutcome.UNKNOWN:
        return  # the terminal is still at it: ask again later
    if booked(till):
        assert found is PaymentOutcome.APPROVED
    elif decline and found is PaymentOutcome.DECLINED:
        assert point not in ("before_enable", "before_order")
    else:
        assert found is PaymentOutcome.NOT_DONE


@given(st.sets(st.integers(1, 40), min_size=1, max_size=3))
@settings(max_examples=80, deadline=None)
def test_any_message_may_be_lost(lost: set[int]) -> None:
    till = Till("terminal-ecr17")
    before = till.sold().reference
    till.connect_again()
    till.sends, till.lose = 0, frozenset(lost)
    end = till.sale(timeout_s=60.0)
    assert agrees(till, outcome_of(end)), end
    till.run(60.0)
    till.lose = frozenset()
    till.connect_again()
    found = outcome_of(till.resolve(before))
    assert found is (PaymentOutcome.APPROVED if booked(till) else PaymentOutcome.NOT_DONE)
    assert booked(till) <= 1


@pytest.mark.parametrize("point", ["before_order", "before_ack", "before_result", "after_result"])
def test_a_reversal_cut_off_is_resolved_too(point: str) -> None:
    till = Till("terminal-ecr17")
    reference = till.sold().reference
    till.connect_again()
    till.set(cut=point)
    end = till.ask(Pay("S1", PaymentKind.REVERSAL, 318, "EUR", reference), 20.0)
    if point == "after_result":
        assert outcome_of(end) is PaymentOutcome.APPROVED  # it was heard before the line was cut
    till.run(60.0)
    till.set(cut="")
    till.connect_again()
    found = outcome_of(till.resolve(reference, kind=PaymentKind.REVERSAL))
    assert isinstance(till.device, PretendEcr17)
    reversed_ = till.device.ledger[0].state == "reversed"
    assert found is (PaymentOutcome.APPROVED if reversed_ else PaymentOutcome.NOT_DONE)


def test_without_amounts_a_loss_stays_unknown() -> None:
    till = Till("terminal-ecr17")
    till.set(no_amount="yes")
    before = till.sold().reference
    till.connect_again()
    till.set(cut="before_result")
    till.sale(timeout_s=20.0)
    till.set(cut="")
    till.connect_again()
    assert outcome_of(till.resolve(before)) is PaymentOutcome.UNKNOWN


def test_a_terminal_that_is_still_at_it_leaves_the_payment_unknown() -> None:
    till = Till("terminal-ecr17")
    before = till.sold().reference
    till.connect_again()
    till.set(busy="yes")
    assert outcome_of(till.resolve(before)) is PaymentOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("before", "amount", "data", "outcome"),
    [
        ("000041", 318, reply(), PaymentOutcome.APPROVED),
        ("999990", 318, reply(), PaymentOutcome.APPROVED),  # STANs began anew
        ("000042", 318, reply(), PaymentOutcome.NOT_DONE),
        ("000043", 318, reply(), PaymentOutcome.UNKNOWN),
        ("000041", 319, reply(), PaymentOutcome.UNKNOWN),
        ("", 318, reply(), PaymentOutcome.UNKNOWN),
        ("000041", 318, reply(outcome="01"), PaymentOutcome.DECLINED),
        ("000041", 318, reply(outcome="77"), PaymentOutcome.UNKNOWN),
        ("000041", 318, reply(stan="000000"), PaymentOutcome.UNKNOWN),
        ("000041", 318, b"", PaymentOutcome.UNKNOWN),
    ],
)
def test_the_last_result_is_compared_with_the_one_before(
    before: str, amount: int, data: bytes, outcome: PaymentOutcome
) -> None:
    asked = ResolvePayment("S1", PaymentKind.SALE, amount, "EUR", before)
    result = results.resolved(asked, data)
    assert result.outcome is outcome
    assert bool(result.reason) == (outcome is not PaymentOutcome.APPROVED)
