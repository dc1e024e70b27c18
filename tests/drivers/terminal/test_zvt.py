from __future__ import annotations

import pytest

from gateway.drivers.terminal.zvt import ZvtTerminal
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Command,
    EndOfDay,
    ErrorCode,
    KeepResult,
    Oddity,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentPhase,
    PaymentProgress,
    PaymentResult,
    Refusal,
    RepeatReceipt,
    SelfTest,
)
from gateway.simulators.terminal.zvt import PretendZvt
from tests.drivers.bench import events, sent
from tests.drivers.terminal.till import Till

REGISTRATION = bytes.fromhex("06 00 06 000000 9E 0978")
ACK = bytes.fromhex("80 00 00")
COMPLETION = bytes.fromhex("06 0F 00")
SALE = Pay("S1", PaymentKind.SALE, 318, "EUR")


def ledger(till: Till) -> list[tuple[str, int, str]]:
    assert isinstance(till.device, PretendZvt)
    return [(booking.kind, booking.amount, booking.state) for booking in till.device.ledger]


def registered(command: Command) -> ZvtTerminal:
    """A codec that has sent this order."""
    codec = ZvtTerminal()
    assert sent(codec.on_command(command, 0.0)) == REGISTRATION
    assert sent(codec.on_bytes(ACK, 0.1)) == b""
    codec.on_bytes(COMPLETION, 0.2)
    return codec


def paying() -> ZvtTerminal:
    """A codec whose order to pay was accepted."""
    codec = registered(Command(1, SALE, 200.0))
    assert events(codec.on_bytes(ACK, 0.3)) == [PaymentProgress("S1", PaymentPhase.ACCEPTED)]
    return codec


#: 04 0F result 00, 3.18 EUR, trace 471, receipt 0471; shortened from a recording of Portalum.Zvt
APPROVED = bytes.fromhex("040F 23 27 00 04 000000000318 0B 000471 22 F0F8 EEEEEEEEEEEE4771 87 0471 8B F0F5 56495341 00")


# --- orders, byte for byte ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "wire"),
    [
        (SALE, "06 01 0A 04 000000000318 49 0978"),
        (Pay("R", PaymentKind.REFUND, 500, "EUR"), "06 31 0D 000000 04 000000000500 49 0978"),
        (Pay("R", PaymentKind.REVERSAL, 500, "EUR", "000470/0470"), "06 30 06 000000 87 0470"),
        (RepeatReceipt(), "06 20 03 000000"),
        (EndOfDay(), "06 50 03 000000"),
        (CheckHealth(), "05 01 03 000000"),
        (SelfTest(), "06 70 00"),
    ],
)
def test_after_the_registration_the_order_goes_out(request_: object, wire: str) -> None:
    codec = ZvtTerminal()
    assert sent(codec.on_command(Command(1, request_), 0.0)) == REGISTRATION  # type: ignore[arg-type]
    assert sent(codec.on_bytes(ACK, 0.1)) == b""
    assert sent(codec.on_bytes(COMPLETION, 0.2)) == ACK + bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("options", "wire"),
    [
        ({}, "06 00 06 000000 9E 0978"),
        ({"print": "terminal"}, "06 00 06 000000 18 0978"),
        ({"print": "blocks"}, "06 00 0E 000000 1E 0978 06 06 26 04 0A 02 06 D3"),
        ({"password": "123456", "currency": "CHF", "config": "BE"}, "06 00 06 123456 BE 0756"),
    ],
)
def test_the_registration_says_who_prints(options: dict[str, str], wire: str) -> None:
    codec = ZvtTerminal(**options)  # type: ignore[arg-type]
    assert sent(codec.on_command(Command(1, CheckHealth()), 0.0)) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    "options", [{"framing": "udp"}, {"password": "12"}, {"currency": "XXX"}, {"print": "no"}, {"config": "9"}]
)
def test_impossible_options_are_told(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"framing|password|currency|print|config"):
        ZvtTerminal(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pay",
    [
        Pay("S1", PaymentKind.SALE, 0, "EUR"),
        Pay("S1", PaymentKind.SALE, 10**12, "EUR"),
        Pay("S1", PaymentKind.SALE, 100, "CHF"),
        Pay("S1", PaymentKind.REVERSAL, 100, "EUR"),
        Pay("S1", PaymentKind.REVERSAL, 100, "EUR", "10015008/"),
    ],
)
def test_an_impossible_payment_sends_nothing(pay: Pay) -> None:
    codec = ZvtTerminal()
    outputs = codec.on_command(Command(1, pay), 0.0)
    assert sent(outputs) == b""
    (end,) = events(outputs)
    assert isinstance(end, Refusal)
    assert (end.code, end.reason, end.begun) == (ErrorCode.ILLEGAL, "impossible", False)


# --- the commit rule ------------------------------------------------------------------------------------------


def test_a_result_is_held_until_it_is_kept() -> None:
    codec = paying()
    outputs = codec.on_bytes(APPROVED, 1.0)
    assert sent(outputs) == b""
    (held,) = events(outputs)
    assert isinstance(held, PaymentResult)
    assert held.held
    assert (held.outcome, held.reference, held.card) == (PaymentOutcome.APPROVED, "000471/0471", "************4771")
    kept = codec.on_command(Command(2, KeepResult("S1")), 1.5)
    assert (sent(kept), events(kept)) == (ACK, [Answer(2)])
    (end,) = events(codec.on_bytes(COMPLETION, 2.0))
    assert isinstance(end, Answer)
    assert isinstance(end.result, PaymentResult)
    assert (end.result.outcome, end.result.held) == (PaymentOutcome.APPROVED, False)


def test_a_result_that_cannot_be_kept_is_taken_back() -> None:
    codec = paying()
    codec.on_bytes(APPROVED, 1.0)
    refused = codec.on_command(Command(2, KeepResult("S1", keep=False)), 1.5)
    assert (sent(refused), events(refused)) == (bytes.fromhex("84 66 00"), [Answer(2)])
    (end,) = events(codec.on_bytes(bytes.fromhex("06 1E 01 6C"), 2.0))
    assert isinstance(end, Answer)
    assert isinstance(end.result, PaymentResult)
    assert end.result.outcome is PaymentOutcome.REVERSED


def test_while_the_till_thinks_the_terminal_is_told_to_wait_and_the_same_trace_is_no_second_payment() -> None:
    codec = paying()
    assert len(events(codec.on_bytes(APPROVED, 1.0))) == 1
    assert sent(codec.on_time(3.9)) == b""
    assert sent(codec.on_time(4.0)) == bytes.fromhex("84 9C 00")
    assert events(codec.on_bytes(APPROVED, 6.0)) == []
    assert sent(codec.on_time(9.0)) == bytes.fromhex("84 9C 00")
    late = codec.on_command(Command(2, KeepResult("S1")), 9.5)
    assert (sent(late), events(late)) == (b"", [])
    again = codec.on_bytes(APPROVED, 11.0)
    assert (sent(again), events(again)) == (ACK, [Answer(2)])


def test_an_acknowledgement_that_was_lost_is_given_again() -> None:
    codec = paying()
    codec.on_bytes(APPROVED, 1.0)
    codec.on_command(Command(2, KeepResult("S1")), 1.5)
    assert sent(codec.on_bytes(APPROVED, 6.5)) == ACK


def test_a_second_trace_within_one_payment_is_taken_back() -> None:
    codec = paying()
    codec.on_bytes(APPROVED, 1.0)
    outputs = codec.on_bytes(APPROVED.replace(b"\x0b\x00\x04\x71", b"\x0b\x00\x04\x72"), 2.0)
    assert sent(outputs) == bytes.fromhex("84 66 00")
    assert not [event for event in events(outputs) if isinstance(event, PaymentResult)]


@pytest.mark.parametrize(
    "wrong",
    [
        APPROVED.replace(bytes.fromhex("04 000000000318"), bytes.fromhex("04 000000000319")),
        bytes.fromhex("040F 04 0B000471"),
    ],
)
def test_a_result_over_another_amount_or_without_a_code_is_taken_back(wrong: bytes) -> None:
    codec = paying()
    outputs = codec.on_bytes(wrong, 1.0)
    assert sent(outputs) == bytes.fromhex("84 66 00")
    (end,) = [event for event in events(codec.on_bytes(COMPLETION, 2.0)) if isinstance(event, Answer)]
    assert isinstance(end.result, PaymentResult)
    assert end.result.outcome is PaymentOutcome.REVERSED


def test_a_result_that_nobody_decides_on_ends_unknown_and_is_taken_back() -> None:
    till = Till("terminal-zvt", keep=None)
    end = till.sale(timeout_s=30.0)
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("unknown", True)
    till.run(60.0)
    assert ledger(till) == [("sale", 318, "taken_back")]


def test_a_terminal_that_loses_patience_has_not_done_it() -> None:
    till = Till("terminal-zvt", keep=None)
    till.set(waits=2)
    end = till.sale()
    assert isinstance(end, Answer)
    assert isinstance(end.result, PaymentResult)
    assert end.result.outcome is PaymentOutcome.NOT_DONE
    assert ledger(till) == [("sale", 318, "taken_back")]


def test_the_result_of_an_earlier_payment_never_passes_for_this_one() -> None:
    codec = ZvtTerminal()
    codec.on_command(Command(1, SALE, 200.0), 0.0)
    outputs = codec.on_bytes(APPROVED, 0.1)
    assert sent(outputs) == bytes.fromhex("84 66 00")
    assert [type(event) for event in events(outputs)] == [Oddity]


def test_approved_and_then_not_is_unknown() -> None:
    codec = paying()
    codec.on_bytes(APPROVED, 1.0)
    codec.on_command(Command(2, KeepResult("S1")), 1.5)
    (end,) = events(codec.on_bytes(bytes.fromhex("06 1E 01 CC"), 2.0))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("unknown", True)
