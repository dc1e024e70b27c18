"""The driver for Taiwan's terminals and the pretend one, over every layout and every cut."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.drivers.terminal.taiwan_layouts import LAYOUTS
from gateway.peripherals import Answer, Pay, PaymentKind, PaymentOutcome, PaymentResult, Refusal, ResolvePayment
from tests.drivers.bench import Bench

AT = "2026-11-22T09:30:00Z"
SALE = Pay("p-1", PaymentKind.SALE, 318, "TWD", asked_at=AT)
QUESTION = ResolvePayment("p-1", PaymentKind.SALE, 318, "TWD", asked_at=AT)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("amount", [1, 9, 10, 318, 99_999, 9_999_999_999])
def test_driver_and_simulator_agree_over_the_range(layout: str, amount: int) -> None:
    bench = Bench("terminal-taiwan-edc", layout=layout)
    bench.set(layout=layout, parity="yes" if layout == "majority-144" else "no")
    end = bench.ask(Pay("p", PaymentKind.SALE, amount, "TWD", asked_at=AT))
    assert isinstance(end, Answer)
    assert isinstance(end.result, PaymentResult)
    assert (end.result.outcome, end.result.amount_minor) == (PaymentOutcome.APPROVED, amount)
    assert end.result.card == "474609******9784"
    device: Any = bench.device
    assert (device.charged(), device.acknowledged) == (amount * 100, 1)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize(
    "settings",
    [{"nak": 2}, {"wrong_lrc": 2}, {"interim": 2}, {"takes": 20}, {"cut": "ack"}, {"full_pan": "yes"}, {"late": 9}],
)
def test_a_clumsy_line_changes_nothing_about_the_money(layout: str, settings: dict[str, Any]) -> None:
    bench = Bench("terminal-taiwan-edc", layout=layout)
    bench.set(layout=layout, **settings)
    end = bench.ask(SALE, 60.0)
    assert isinstance(end, Answer)
    assert isinstance(end.result, PaymentResult)
    assert end.result.outcome is PaymentOutcome.APPROVED
    assert bench.device.charged() == 31800  # type: ignore[attr-defined]
    assert "4746090000009784" not in repr(bench.seen)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("cut", ["before_ack", "booking", "after"])
def test_wherever_it_is_cut_the_inquiry_agrees_with_the_terminals_books(layout: str, cut: str) -> None:
    bench = Bench("terminal-taiwan-edc", layout=layout, none_codes="0001")
    bench.set(layout=layout, cut=cut)
    first = bench.ask(SALE, 60.0)
    assert isinstance(first, Refusal)
    assert first.begun
    found = bench.ask(QUESTION, 30.0)
    assert isinstance(found, Answer)
    assert isinstance(found.result, PaymentResult)
    done = found.result.outcome is PaymentOutcome.APPROVED
    assert bench.device.charged() == (31800 if done else 0)  # type: ignore[attr-defined]
    assert done is (cut == "after")
