"""Whole orders, codec and pretend terminal together."""

from __future__ import annotations

import pytest

from gateway.peripherals import (
    Answer,
    CheckHealth,
    EndOfDay,
    ErrorCode,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentProgress,
    Refusal,
    RepeatReceipt,
    TerminalReport,
)
from gateway.simulators.terminal.ecr17 import PretendEcr17
from tests.drivers.terminal.test_ecr17 import SALE, X_BODY, result_of
from tests.drivers.terminal.till import Till


def ledger(till: Till) -> list[tuple[str, int, str]]:
    assert isinstance(till.device, PretendEcr17)
    return [(booking.kind, booking.amount, booking.state) for booking in till.device.ledger]


@pytest.mark.parametrize("mode", ["std", "stx", "noext", "stx_noext"])
def test_a_sale_from_card_to_receipt(mode: str) -> None:
    till = Till("terminal-ecr17", lrc=mode)
    till.set(lrc=mode)
    result = till.sold()
    assert [progress.phase for progress in till.of(PaymentProgress)] == [
        "accepted", "insert_card", "enter_pin", "contacting_host",
    ]  # fmt: skip
    assert (result.outcome, result.reference, result.approval_code) == ("approved", "000001", "A1B2C3")
    assert (result.card, result.terminal_id, result.held) == ("411111******1111", "12345678", False)
    assert [receipt.copy for receipt in result.receipts] == ["merchant", "customer"]
    assert "IMPORTO EUR 3,18" in result.receipts[1].lines
    assert ledger(till) == [("sale", 318, "booked")]


def test_whole_card_numbers_do_not_get_out() -> None:
    till = Till("terminal-ecr17")
    till.set(clear_pan="yes", full_pan_on_receipt="yes")
    result = till.sold()
    assert result.card == "411111******1111"
    assert "PAN 411111******1111" in result.receipts[0].lines
    assert isinstance(till.ask(RepeatReceipt(), 60.0), Answer)
    assert "4111111111111111" not in repr(till.seen)


def test_a_terminal_may_print_itself() -> None:
    till = Till("terminal-ecr17", print="terminal")
    result = till.sold()
    assert result.receipts == ()
    assert isinstance(till.ask(RepeatReceipt(), 60.0), Answer)


@pytest.mark.parametrize(
    ("knobs", "words"),
    [({"decline": "CARTA SCADUTA"}, "CARTA SCADUTA"), ({"cancel": "yes"}, "TRANSAZIONE ANNULLATA")],
)
def test_a_refusal_is_told_in_the_terminals_words(knobs: dict[str, str], words: str) -> None:
    till = Till("terminal-ecr17")
    till.set(**knobs)
    result = till.sold()
    assert result.outcome is PaymentOutcome.DECLINED
    assert result.reason.startswith(words)
    assert result.reference == ""
    assert ledger(till) == []


def test_currency_exchange_is_understood() -> None:
    till = Till("terminal-ecr17")
    till.set(exchange="yes")
    assert till.sold().outcome is PaymentOutcome.APPROVED


def test_noise_on_the_line_does_not_charge_twice() -> None:
    for knob in ("naks", "wrong_lrc"):
        for count in (1, 2, 3):
            till = Till("terminal-ecr17")
            till.set(**{knob: count})
            assert till.sold().outcome is PaymentOutcome.APPROVED
            assert ledger(till) == [("sale", 318, "booked")]


def test_a_payment_whose_acknowledgement_is_lost_is_charged_once() -> None:
    till = Till("terminal-ecr17", print="terminal")
    till.set(card_delay=5)
    till.begin(SALE, 200.0)
    till.set(lost_ack=1)
    till.run(30.0)
    assert till.wire.count(X_BODY) == 1
    assert ledger(till) == [("sale", 318, "booked")]


def test_the_last_payment_is_reversed_once() -> None:
    till = Till("terminal-ecr17")
    reference = till.sold().reference
    reversal = Pay("R1", PaymentKind.REVERSAL, 318, "EUR", reference)
    assert result_of(till.ask(reversal, 60.0)).outcome is PaymentOutcome.APPROVED
    second = result_of(till.ask(reversal, 60.0))
    assert (second.outcome, second.reason[:20]) == ("declined", "STORNO NON POSSIBILE")
    assert ledger(till) == [("sale", 318, "reversed"), ("reversal", 318, "booked")]


def test_the_day_is_closed_with_totals() -> None:
    till = Till("terminal-ecr17")
    till.sold()
    till.sold(500, "S2")
    end = till.ask(EndOfDay(), 60.0)
    assert isinstance(end, Answer)
    assert isinstance(end.result, TerminalReport)
    assert end.result.text == "terminal 8.18\nhost 8.18"
    till.set(host_total=100)
    end = till.ask(EndOfDay(), 60.0)
    assert isinstance(end, Answer)
    assert isinstance(end.result, TerminalReport)
    assert "differ" in end.result.text


@pytest.mark.parametrize(("state", "word"), [("2", ""), ("5", ""), ("0", "not_configured"), ("3", "not_aligned")])
def test_the_terminals_state_is_told(state: str, word: str) -> None:
    till = Till("terminal-ecr17")
    till.set(state=state)
    end = till.ask(CheckHealth())
    assert end.reason == word if isinstance(end, Refusal) else word == ""


def test_a_busy_terminal_surely_did_nothing() -> None:
    till = Till("terminal-ecr17")
    till.set(busy="yes")
    end = till.sale()
    assert isinstance(end, Refusal)
    assert (end.code, end.reason, end.begun) == (ErrorCode.BUSY, "refused", False)
