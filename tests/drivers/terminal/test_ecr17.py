from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.terminal.ecr17 import Ecr17Terminal
from gateway.drivers.terminal.ecr17_messages import Control, Junk, Message, Progress, Reader, control, frame, value
from gateway.drivers.terminal.ecr17_receipt import Receipts
from gateway.drivers.terminal.ecr17_results import phase
from gateway.peripherals import (
    AbortPayment,
    Answer,
    CheckHealth,
    Command,
    EndOfDay,
    ErrorCode,
    HangUp,
    KeepResult,
    Oddity,
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
    Request,
)
from tests.drivers.bench import events, sent

ACK, NAK = b"\x06\x03\x79", b"\x15\x03\x6a"  # LRC std: 7F xor 06, 7F xor 15
SALE = Pay("S1", PaymentKind.SALE, 318, "EUR")
#: 167 characters, by the table of "Payment with extended result"
X_BODY = b"000000000X0000000100000" + b"00000318" + b" " * 128 + b"00000000"
ENABLE = b"000000000E1"


def reply(code: str = "E", outcome: str = "00", stan: str = "000042", amount: str = "00000318") -> bytes:
    """A result, by the table: 13 PAN, 32 reading, 35 approval, 41 time, 48 card, 49 acquirer, 60 STAN, 75 amount."""
    pan = "000411111******1111"
    text = f"123456780{code}{outcome}{pan}ICCA1B2C321115202{'88105':<11}{stan}000007000{amount}0000000000"
    return text.encode()


def paying() -> Ecr17Terminal:
    codec = Ecr17Terminal()
    assert sent(codec.on_command(Command(1, SALE, 200.0), 0.0)) == frame(ENABLE, "std")
    assert sent(codec.on_bytes(ACK, 0.1)) == frame(X_BODY, "std")
    return codec


def accepted() -> Ecr17Terminal:
    codec = paying()
    assert events(codec.on_bytes(ACK, 0.2)) == [PaymentProgress("S1", PaymentPhase.ACCEPTED)]
    return codec


def result_of(end: object) -> PaymentResult:
    assert isinstance(end, Answer), end
    assert isinstance(end.result, PaymentResult)
    return end.result


# --- frames and positions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "wire"),
    [
        ("std", b"\x02AB\x03\x7c"),  # 7F xor 41 xor 42
        ("stx", b"\x02AB\x03\x7d"),
        ("noext", b"\x02AB\x03\x7f"),
        ("stx_noext", b"\x02AB\x03\x7e"),
    ],
)
def test_the_check_byte_counts_what_the_option_says(mode: str, wire: bytes) -> None:
    assert frame(b"AB", mode) == wire
    assert list(Reader(mode).feed(wire)) == [Message(b"AB", True)]


def test_acknowledgements_are_as_published() -> None:
    assert control(0x06, "std") == ACK
    assert control(0x15, "std") == NAK
    assert control(0x06, "stx") == b"\x06\x03\x78"


def test_a_check_byte_that_is_an_etx_ends_nothing_early() -> None:
    body = bytes([0x7F ^ 0x03])
    assert list(Reader("std").feed(b"\x02" + body + b"\x03\x03" + ACK)) == [Message(body, True), Control(True)]


def test_a_request_is_as_long_as_the_manual_says() -> None:
    assert len(X_BODY) == 167
    assert X_BODY[23:31] == b"00000318"


@pytest.mark.parametrize(
    ("name", "text"),
    [("result", "00"), ("pan", "000411111******1111"), ("entry", "ICC"), ("approval", "A1B2C3"),
     ("host_time", "2111520"),
     ("card_type", "2"), ("acquirer", "88105"), ("stan", "000042"), ("online", "000007"), ("action", "000"),
     ("amount", "00000318")],
)  # fmt: skip
def test_fields_stand_where_the_table_says(name: str, text: str) -> None:
    assert value(reply(), "payment 00", name) == text
    assert value(reply()[:40], "payment 00", "amount") == ""


@given(
    st.lists(
        st.sampled_from([ACK, NAK, b"\x01" + b"INSERIRE CARTA      " + b"\x04", frame(reply(), "std"), b"xyz"]),
        max_size=6,
    ),
    st.integers(1, 50),
)
@settings(deadline=None)
def test_any_split_gives_the_same_frames(pieces: list[bytes], size: int) -> None:
    wire = b"".join(pieces)
    reader, found = Reader("std"), []
    for start in range(0, len(wire), size):
        found += list(reader.feed(wire[start : start + size]))
    assert found == list(Reader("std").feed(wire))


def test_rubbish_is_told_once_and_progress_has_twenty_characters() -> None:
    wire = b"HTTP/1.1\r\n" + b"\x01ELABORAZIONE...     \x04"
    assert list(Reader("std").feed(wire)) == [Junk(), Progress("ELABORAZIONE...")]


# --- requests, byte for byte ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "bodies"),
    [
        (SALE, [ENABLE, X_BODY]),
        (Pay("R", PaymentKind.REVERSAL, 318, "EUR", "000042"), [ENABLE, b"000000000S0000000100004200"]),
        (CheckHealth(), [b"000000000s"]),
        (RepeatReceipt(), [b"000000000R1" + b"0" * 11]),
        (EndOfDay(), [b"000000000T00000001" + b"0" * 8]),
    ],
)
def test_requests_are_as_the_manual_says(request_: Request, bodies: list[bytes]) -> None:
    codec = Ecr17Terminal()
    wire = sent(codec.on_command(Command(1, request_, 60.0), 0.0))
    for body in bodies:
        assert wire == frame(body, "std")
        wire = sent(codec.on_bytes(ACK, 0.1))


@pytest.mark.parametrize(
    "pay",
    [
        Pay("S1", PaymentKind.SALE, 0, "EUR"),
        Pay("S1", PaymentKind.SALE, 100_000_000, "EUR"),
        Pay("S1", PaymentKind.SALE, 100, "CHF"),
        Pay("S1", PaymentKind.REFUND, 100, "EUR", "000042"),
        Pay("S1", PaymentKind.REVERSAL, 100, "EUR", "000000"),
        Pay("S1", PaymentKind.REVERSAL, 100, "EUR"),
    ],
)
def test_an_impossible_payment_sends_nothing(pay: Pay) -> None:
    outputs = Ecr17Terminal().on_command(Command(1, pay), 0.0)
    assert sent(outputs) == b""
    (end,) = events(outputs)
    assert isinstance(end, Refusal)
    assert end.reason == "impossible"


@pytest.mark.parametrize(
    "options", [{"lrc": "crc"}, {"terminal_id": "1"}, {"request": "Q"}, {"card": "9"}, {"print": "x"}]
)
def test_impossible_options_are_told(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"lrc|terminal_id|request|card|print"):
        Ecr17Terminal(**options)  # type: ignore[arg-type]


# --- what is repeated, and what never -------------------------------------------------------------------------


def test_a_payment_is_repeated_after_nak_three_times_and_then_surely_not_begun() -> None:
    codec, now, seen = paying(), 0.2, []
    for _ in range(4):
        outputs = codec.on_bytes(NAK, now)
        seen += events(outputs)
        now += 0.2
        wire = sent(codec.on_time(now))
        assert wire in (frame(X_BODY, "std"), b"")
    (end,) = [event for event in seen if isinstance(event, Refusal)]
    assert (end.reason, end.begun) == ("refused", False)


def test_a_payment_without_acknowledgement_is_unknown_and_never_sent_again() -> None:
    codec = paying()
    wire, seen = b"", []
    for tenth in range(1, 200):
        outputs = codec.on_time(0.1 + tenth / 10)
        wire += sent(outputs)
        seen += events(outputs)
    (end,) = [event for event in seen if isinstance(event, Refusal)]
    assert (end.code, end.reason, end.begun) == (ErrorCode.TIMEOUT, "unknown", True)
    assert wire == b""


def test_a_question_is_repeated_three_times() -> None:
    codec = Ecr17Terminal()
    question = sent(codec.on_command(Command(1, CheckHealth(), 60.0), 0.0))
    assert [sent(codec.on_time(at)) for at in (1.9, 2.0, 4.0, 6.0)] == [b"", question, question, question]
    outputs = codec.on_time(8.0)
    (end, power) = events(outputs)
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("silent", False)
    assert power == PowerChanged(Power.OFF)
    assert HangUp() in outputs


def test_a_result_counts_even_if_the_acknowledgement_was_lost() -> None:
    codec = paying()
    outputs = codec.on_bytes(frame(reply(), "std"), 3.0)
    assert sent(outputs) == ACK
    assert events(outputs) == [PaymentProgress("S1", PaymentPhase.ACCEPTED)]
    (end,) = events(codec.on_time(6.0))
    assert result_of(end).outcome is PaymentOutcome.APPROVED


def test_a_spoilt_result_is_asked_for_again() -> None:
    codec = accepted()
    outputs = codec.on_bytes(b"\x02" + reply() + b"\x03\x00", 1.0)
    assert sent(outputs) == NAK
    assert [type(event) for event in events(outputs)] == [Oddity]
    assert sent(codec.on_bytes(frame(reply(), "std"), 1.5)) == ACK


def test_the_result_before_never_passes_for_this_one() -> None:
    codec = Ecr17Terminal(keep_open=True, print="terminal")
    codec.on_command(Command(1, SALE, 200.0), 0.0)
    codec.on_bytes(ACK + ACK, 0.1)
    (end,) = [event for event in events(codec.on_bytes(frame(reply(), "std"), 1.0)) if isinstance(event, Answer)]
    assert result_of(end).reference == "000042"
    codec.on_command(Command(2, SALE, 200.0), 2.0)
    codec.on_bytes(ACK, 2.1)
    outputs = codec.on_bytes(frame(reply(), "std"), 2.2)
    assert sent(outputs) == ACK
    assert not [event for event in events(outputs) if isinstance(event, Answer)]


@pytest.mark.parametrize("odd", [reply(outcome="77"), reply(stan="000000"), reply(stan="abcdef")])
def test_a_result_that_says_neither_yes_nor_no_is_unknown(odd: bytes) -> None:
    codec = accepted()
    codec.on_bytes(frame(odd, "std"), 1.0)
    end = next(event for event in events(codec.on_time(4.0)) if isinstance(event, Refusal))
    assert (end.reason, end.begun) == ("unknown", True)


def test_a_result_over_another_amount_is_unknown() -> None:
    codec = accepted()
    codec.on_bytes(frame(reply(amount="00000319"), "std"), 1.0)
    (end,) = events(codec.on_time(4.0))
    assert result_of(end).outcome is PaymentOutcome.UNKNOWN


def test_to_keep_is_answered_at_once_and_an_abort_is_done_at_the_terminal() -> None:
    codec = accepted()
    assert events(codec.on_command(Command(2, KeepResult("S1")), 1.0)) == [Answer(2)]
    (end,) = events(codec.on_command(Command(3, AbortPayment("S1")), 1.0))
    assert isinstance(end, Refusal)
    assert end.reason == "at_the_terminal"


# --- receipts and words ---------------------------------------------------------------------------------------


def test_receipts_are_put_together_from_pieces() -> None:
    receipts = Receipts()
    for text in (b"123456780SACQUISTO}}\x7fIMPORTO EUR", b"123456780S 3,18}" + b"x" * 24 + b"y}}}}}}}\x1b"):
        receipts.take(text)
    assert receipts.ended
    (receipt,) = receipts.all()
    assert receipt.lines == ("ACQUISTO", "", "IMPORTO EUR 3,18", "x" * 24, "y")


def test_wide_and_compressed_lines_break_by_themselves() -> None:
    receipts = Receipts()
    receipts.take(b"123456780S\x7c" + b"w" * 12 + b"\x5e" + b"c" * 42 + b"n}\x1b")
    assert receipts.all()[0].lines == ("w" * 12, "c" * 42, "n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("INSERIRE CARTA", "insert_card"), ("DIGITARE PIN", "enter_pin"), ("PIN ERRATO", "wrong_pin"),
     ("COLLEGAMENTO HOST", "contacting_host"), ("ESTRARRE CARTA", "remove_card"), ("STORNO IN CORSO", "reversing"),
     ("ELABORAZIONE...", "please_wait"), ("OPERAZIONE ESEGUITA", "approved"), ("CARTA RIFIUTATA", "declined")],
)  # fmt: skip
def test_progress_is_put_into_phases(text: str, expected: str) -> None:
    if text == "CARTA RIFIUTATA":
        text = "RIFIUTATA"
    assert phase(text) == expected
