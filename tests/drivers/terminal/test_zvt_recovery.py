"""A line may be cut at any point. Whatever the driver then says must agree with what the terminal booked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.peripherals import Answer, Pay, PaymentKind, PaymentOutcome, PaymentResult, Refusal
from gateway.simulators.terminal.zvt import PretendZvt
from gateway.simulators.terminal.zvt_machine import POINTS
from tests.drivers.terminal.till import Till

KEEPS: list[bool | None] = [True, False, None]


def states(till: Till) -> list[str]:
    """What the terminal has in its books of the payment in question, without the one before it."""
    assert isinstance(till.device, PretendZvt)
    return [booking.state for booking in till.device.ledger[1:]]


def outcome_of(end: Answer | Refusal) -> PaymentOutcome | None:
    """None where the driver says that it does not know, or that nothing was begun."""
    if isinstance(end, Refusal):
        return None
    assert isinstance(end.result, PaymentResult)
    return end.result.outcome


def agrees(till: Till, outcome: PaymentOutcome | None) -> bool:
    booked = "booked" in states(till)
    match outcome:
        case PaymentOutcome.APPROVED:
            return booked
        case PaymentOutcome.UNKNOWN | None:
            return True
        case _:
            return not booked


@pytest.mark.parametrize("framing", ["tcp", "serial"])
@pytest.mark.parametrize("later_s", [0.0, 3.0, 120.0])
@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("point", POINTS)
def test_a_cut_at_each_point_is_resolved_as_the_terminal_booked(
    point: str, keep: bool | None, later_s: float, framing: str
) -> None:
    till = Till("terminal-zvt", framing=framing)
    till.set(framing=framing)
    before = till.sold().reference
    till.run(5.0)
    till.connect_again()
    till.keep = keep
    till.set(cut=point)
    end = till.sale(timeout_s=60.0)
    assert agrees(till, outcome_of(end)), (end, states(till))
    if isinstance(end, Refusal) and not end.begun:
        assert states(till) == []
    till.run(later_s)
    till.set(cut="")
    till.connect_again()
    found = till.resolve(before)
    if later_s == 120.0:
        assert isinstance(found, Answer), found
    outcome = outcome_of(found)
    assert agrees(till, outcome), (found, states(till))
    assert states(till).count("booked") <= 1
    assert till.wire.count(b"\x06\x01\x0a") <= 2  # the one before, and this one: sent once
    if later_s == 120.0:
        expected = PaymentOutcome.APPROVED if "booked" in states(till) else PaymentOutcome.NOT_DONE
        assert outcome is expected


@given(st.sets(st.integers(1, 70), min_size=1, max_size=3), st.sampled_from(KEEPS))
@settings(max_examples=60, deadline=None)
def test_any_message_may_be_lost(lost: set[int], keep: bool | None) -> None:
    till = Till("terminal-zvt")
    before = till.sold().reference
    till.connect_again()
    till.keep, till.sends, till.lose = keep, 0, frozenset(lost)
    end = till.sale(timeout_s=60.0)
    assert agrees(till, outcome_of(end)), (end, states(till))
    till.run(120.0)
    till.lose = frozenset()
    till.connect_again()
    found = outcome_of(till.resolve(before))
    assert found is (PaymentOutcome.APPROVED if "booked" in states(till) else PaymentOutcome.NOT_DONE)
    assert states(till).count("booked") <= 1


@given(st.sets(st.integers(1, 90), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_frame_of_a_serial_line_may_be_lost(lost: set[int]) -> None:
    till = Till("terminal-zvt", framing="serial")
    till.set(framing="serial")
    before = till.sold().reference
    till.connect_again()
    till.sends, till.lose = 0, frozenset(lost)
    end = till.sale(timeout_s=120.0)
    assert agrees(till, outcome_of(end)), (end, states(till))
    till.run(120.0)
    till.lose = frozenset()
    till.connect_again()
    found = outcome_of(till.resolve(before))
    assert found is (PaymentOutcome.APPROVED if "booked" in states(till) else PaymentOutcome.NOT_DONE)
    assert states(till).count("booked") <= 1


@pytest.mark.parametrize("point", ["before_status", "after_status", "after_keep", "before_completion"])
def test_a_reversal_cut_off_is_resolved_too(point: str) -> None:
    till = Till("terminal-zvt")
    reference = till.sold().reference
    till.connect_again()
    till.set(cut=point)
    end = till.ask(Pay("S1", PaymentKind.REVERSAL, 318, "EUR", reference), 60.0)
    assert isinstance(end, Refusal)
    assert end.begun
    till.run(120.0)
    till.set(cut="")
    till.connect_again()
    found = outcome_of(till.resolve(reference, kind=PaymentKind.REVERSAL))
    assert isinstance(till.device, PretendZvt)
    reversed_ = till.device.ledger[0].state == "reversed"
    assert found is (PaymentOutcome.APPROVED if reversed_ else PaymentOutcome.NOT_DONE)


def test_a_terminal_that_is_still_at_it_leaves_the_payment_unknown() -> None:
    till = Till("terminal-zvt")
    before = till.sold().reference
    till.connect_again()
    till.set(busy="yes")
    end = till.resolve(before)
    assert isinstance(end, Refusal)
    assert end.reason == "busy"


def test_without_an_earlier_payment_nobody_can_say() -> None:
    till = Till("terminal-zvt")
    till.set(cut="after_keep")
    till.sale(timeout_s=30.0)
    till.set(cut="")
    till.connect_again()
    found = till.resolve("")
    assert outcome_of(found) is PaymentOutcome.UNKNOWN
