"""Whole orders, codec and pretend terminal together."""

from __future__ import annotations

import pytest

from gateway import drivers
from gateway.drivers.terminal.zvt import ZvtTerminal
from gateway.peripherals import (
    AbortPayment,
    Answer,
    CheckHealth,
    Command,
    EndOfDay,
    ErrorCode,
    HangUp,
    KeepResult,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentPhase,
    PaymentProgress,
    PaymentResult,
    Power,
    PowerChanged,
    Refusal,
    RepeatReceipt,
    SelfTest,
    TerminalReport,
)
from tests.drivers.bench import events, sent
from tests.drivers.terminal.test_zvt import ACK, APPROVED, COMPLETION, REGISTRATION, SALE, ledger, paying, registered
from tests.drivers.terminal.till import Till


def test_a_sale_from_card_to_receipt() -> None:
    till = Till("terminal-zvt")
    result = till.sold()
    phases = [progress.phase for progress in till.of(PaymentProgress)]
    expected = ["accepted", "insert_card", "enter_pin", "contacting_host"]
    assert phases == expected
    assert result.outcome is PaymentOutcome.APPROVED
    assert (result.reference, result.approval_code, result.terminal_id) == ("000001/0001", "611804", "28004869")
    assert (result.card, result.card_scheme) == ("************1111", "Debit Mastercard")
    assert [receipt.copy for receipt in result.receipts] == ["merchant", "customer"]
    assert "  Muster-Markt für alle" in result.receipts[0].lines
    assert ledger(till) == [("sale", 318, "booked")]


def test_receipts_come_as_text_blocks_too() -> None:
    till = Till("terminal-zvt", print="blocks")
    result = till.sold()
    assert [receipt.copy for receipt in result.receipts] == ["merchant", "customer"]
    assert "     HÄNDLERBELEG" in result.receipts[0].lines


@pytest.mark.parametrize("how", ["lines", "blocks"])
def test_a_terminal_that_shows_whole_card_numbers_is_cleaned(how: str) -> None:
    till = Till("terminal-zvt", print=how)
    till.set(clear_pan="yes", full_pan_on_receipt="yes")
    result = till.sold()
    assert result.card == "411111******1111"
    assert "Karte: 411111******1111" in result.receipts[0].lines
    assert isinstance(till.ask(RepeatReceipt(), 60.0), Answer)
    assert "4111111111111111" not in repr(till.seen)


def test_the_terminal_is_hung_up_on_after_its_last_word_was_acknowledged() -> None:
    codec = paying()
    codec.on_bytes(APPROVED, 1.0)
    codec.on_command(Command(2, KeepResult("S1")), 1.5)
    assert HangUp() not in codec.on_bytes(COMPLETION, 2.0)
    assert HangUp() in codec.on_time(2.2)


def test_a_line_may_stay_open_and_is_registered_once() -> None:
    till = Till("terminal-zvt", keep_open=True)
    till.sold()
    till.run(10.0)
    till.sold(500, "S2")
    assert till.wire.count(REGISTRATION) == 1
    assert till.of(HangUp) == []


def test_a_till_may_log_off_after_each_order() -> None:
    till = Till("terminal-zvt", log_off=True)
    till.sold()
    till.run(1.0)
    assert till.wire.endswith(bytes.fromhex("06 02 00"))


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        ("6C", PaymentOutcome.ABORTED, "given up"),
        ("78", PaymentOutcome.DECLINED, "expired"),
        ("64", PaymentOutcome.DECLINED, "cannot be read"),
        ("33", PaymentOutcome.DECLINED, "error 33"),
    ],
)
def test_a_refusal_of_the_terminal_is_told_in_words(code: str, outcome: PaymentOutcome, words: str) -> None:
    till = Till("terminal-zvt")
    till.set(decline=code)
    result = till.sold()
    assert result.outcome is outcome
    assert words in result.reason
    assert "Abgelehnt" in result.reason
    assert result.reference == ""
    assert ledger(till) == []


def test_a_wrong_pin_is_seen_and_the_third_ends_it() -> None:
    till = Till("terminal-zvt")
    till.set(pin_wrong=1)
    assert till.sold().outcome is PaymentOutcome.APPROVED
    assert PaymentPhase.WRONG_PIN in [progress.phase for progress in till.of(PaymentProgress)]
    till.set(pin_wrong=3)
    assert till.sold(payment_id="S2").outcome is PaymentOutcome.DECLINED


def test_a_payment_is_aborted_while_the_terminal_waits_for_the_card() -> None:
    till = Till("terminal-zvt")
    till.set(card_delay=60)
    number = till.begin(SALE, 200.0)
    till.run(2.0)
    assert till.ask(AbortPayment("S1")) == Answer(2)
    till.run(2.0)
    end = till.ended(number)
    assert isinstance(end, Answer)
    assert isinstance(end.result, PaymentResult)
    assert end.result.outcome is PaymentOutcome.ABORTED
    assert ledger(till) == []


def test_an_abort_before_the_order_went_out_sends_no_order() -> None:
    codec = ZvtTerminal()
    codec.on_command(Command(1, SALE, 200.0), 0.0)
    codec.on_command(Command(2, AbortPayment("S1")), 0.05)
    codec.on_bytes(ACK, 0.1)
    outputs = codec.on_bytes(COMPLETION, 0.2)
    assert sent(outputs) == ACK
    aborted, end = (event for event in events(outputs) if not isinstance(event, PowerChanged))
    assert aborted == Answer(2)
    assert isinstance(end, Answer)
    assert isinstance(end.result, PaymentResult)
    assert end.result.outcome is PaymentOutcome.ABORTED


def test_an_abort_waits_until_the_order_was_accepted() -> None:
    codec = registered(Command(1, SALE, 200.0))
    assert sent(codec.on_command(Command(2, AbortPayment("S1")), 0.25)) == b""
    assert sent(codec.on_bytes(ACK, 0.3)) == bytes.fromhex("06 B0 00")
    (end,) = events(codec.on_bytes(bytes.fromhex("84 9C 00"), 0.4))
    assert isinstance(end, Refusal)
    assert (end.number, end.reason) == (2, "too_late")


def test_an_abort_after_the_result_is_too_late() -> None:
    codec = paying()
    codec.on_bytes(APPROVED, 1.0)
    (end,) = events(codec.on_command(Command(2, AbortPayment("S1")), 1.1))
    assert isinstance(end, Refusal)
    assert end.reason == "too_late"


@pytest.mark.parametrize("request_", [AbortPayment("S9"), KeepResult("S9"), KeepResult("S1")])
def test_asides_about_no_payment_are_refused(request_: AbortPayment | KeepResult) -> None:
    (end,) = events(paying().on_command(Command(2, request_), 1.0))
    assert isinstance(end, Refusal)
    assert end.reason == "no_payment"


def test_a_payment_is_reversed_once() -> None:
    till = Till("terminal-zvt")
    reference = till.sold().reference
    reversal = Pay("R1", PaymentKind.REVERSAL, 318, "EUR", reference)
    first, second = till.ask(reversal, 200.0), till.ask(reversal, 200.0)
    assert isinstance(first, Answer)
    assert isinstance(first.result, PaymentResult)
    assert first.result.outcome is PaymentOutcome.APPROVED
    assert isinstance(second, Answer)
    assert isinstance(second.result, PaymentResult)
    assert second.result.outcome is PaymentOutcome.DECLINED
    assert "reversed before" in second.result.reason
    assert ledger(till) == [("sale", 318, "reversed"), ("reversal", 318, "booked")]


def test_money_is_given_back() -> None:
    till = Till("terminal-zvt")
    end = till.ask(Pay("G1", PaymentKind.REFUND, 250, "EUR"), 200.0)
    assert isinstance(end, Answer)
    assert ledger(till) == [("refund", 250, "booked")]


def test_the_last_receipt_is_repeated_and_nothing_is_booked() -> None:
    till = Till("terminal-zvt")
    till.sold()
    end = till.ask(RepeatReceipt(), 60.0)
    assert isinstance(end, Answer)
    assert isinstance(end.result, TerminalReport)
    assert [receipt.copy for receipt in end.result.receipts] == ["merchant", "customer"]
    assert ledger(till) == [("sale", 318, "booked")]


@pytest.mark.parametrize("how", ["lines", "blocks", "terminal"])
def test_the_end_of_the_day_gives_totals(how: str) -> None:
    till = Till("terminal-zvt", print=how)
    till.sold()
    till.sold(500, "S2")
    end = till.ask(EndOfDay(), 60.0)
    assert isinstance(end, Answer)
    assert isinstance(end.result, TerminalReport)
    assert end.result.text == "receipts 0001 to 0002\nMastercard: 2, 8.18 EUR"
    lines = [line for receipt in end.result.receipts for line in receipt.lines]
    assert ("Summe EUR 8,18" in lines) == (how != "terminal")


def test_health_tells_a_ready_terminal_from_a_busy_one_and_from_none() -> None:
    till = Till("terminal-zvt")
    assert isinstance(till.ask(CheckHealth()), Answer)
    assert isinstance(till.ask(SelfTest()), Answer)
    till.connect_again()
    till.set(busy="yes")
    busy = till.ask(CheckHealth())
    assert isinstance(busy, Refusal)
    assert (busy.code, busy.reason) == (ErrorCode.BUSY, "busy")
    till.set(silent="yes")
    till.connect_again()
    till.run(5.0)
    assert isinstance(till.ask(CheckHealth()), Refusal)
    assert till.of(PowerChanged)[-1] == PowerChanged(Power.OFF)


def test_a_terminal_state_is_told_in_words() -> None:
    codec = registered(Command(1, CheckHealth(), 10.0))
    codec.on_bytes(ACK, 0.3)
    outputs = events(codec.on_bytes(bytes.fromhex("06 0F 07 F0F0F3 312E30 C2"), 0.4))
    assert outputs[0] == PowerChanged(Power.OFFLINE)
    (end,) = outputs[1:]
    assert isinstance(end, Refusal)
    assert end.reason == "diagnosis_needed"


def test_a_refused_order_surely_did_nothing() -> None:
    codec = registered(Command(1, SALE, 200.0))
    (end,) = events(codec.on_bytes(bytes.fromhex("84 A5 00"), 0.3))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("p2pe", False)


def test_a_wrong_password_is_told() -> None:
    till = Till("terminal-zvt", password="111111")
    end = till.sale()
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("not_registered", False)


def test_an_order_without_any_answer_is_unknown_and_is_never_sent_again() -> None:
    codec = registered(Command(1, SALE, 200.0))
    outputs = codec.on_time(5.2)
    (end,) = events(outputs)
    assert isinstance(end, Refusal)
    assert (end.code, end.reason, end.begun) == (ErrorCode.TIMEOUT, "unknown", True)
    assert HangUp() in outputs
    assert sent(outputs) == b""
    assert codec.on_bytes(ACK + APPROVED, 5.3) == []


def test_intermediate_states_reset_the_three_minutes() -> None:
    codec = registered(Command(1, SALE, 2000.0))
    codec.on_bytes(ACK, 0.3)
    codec.on_bytes(bytes.fromhex("04 FF 01 0A"), 170.0)
    assert events(codec.on_time(190.0)) == []
    (end,) = events(codec.on_time(350.0))
    assert isinstance(end, Refusal)
    assert end.reason == "unknown"


def test_the_terminals_own_words_are_shown() -> None:
    message = bytes.fromhex("04 FF 0D 0A 05 06 09 24 07 07 05") + b"Karte"
    assert events(paying().on_bytes(message, 1.0)) == [PaymentProgress("S1", PaymentPhase.INSERT_CARD, "Karte")]


def test_what_the_till_cannot_do_is_refused_to_the_terminal() -> None:
    assert sent(paying().on_bytes(bytes.fromhex("06 E0 02 F0 05"), 1.0)) == bytes.fromhex("84 83 00")


def test_the_driver_is_private_and_its_line_is_opened_on_demand() -> None:
    driver = drivers.load("terminal-zvt")
    assert driver.private
    assert driver.on_demand
