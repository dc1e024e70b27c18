"""Taiwan's fixed-length records: as public tills write them, the link's ACK and NAK, and answers that lie."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.drivers.terminal.taiwan_edc import TaiwanEdc, framed
from gateway.drivers.terminal.taiwan_layouts import ENDS, LAYOUTS
from gateway.peripherals import (
    AbortPayment,
    Answer,
    Command,
    EndOfDay,
    ErrorCode,
    KeepResult,
    Oddity,
    Output,
    Pay,
    PaymentKind,
    PaymentOutcome,
    PaymentPhase,
    PaymentProgress,
    PaymentResult,
    Power,
    PowerChanged,
    Refusal,
    Request,
    ResolvePayment,
    Send,
    TerminalReport,
)
from tests.drivers.bench import events, sent

AT = "2026-11-22T09:30:00Z"
SALE = Pay("p-1", PaymentKind.SALE, 318, "TWD", asked_at=AT)
QUESTION = ResolvePayment("p-1", PaymentKind.SALE, 318, "TWD", asked_at=AT)
ACK, NAK = b"\x06", b"\x15"


def asked(request: Request = SALE, timeout_s: float = 300.0, **options: Any) -> tuple[TaiwanEdc, bytes]:
    codec = TaiwanEdc(**options)
    codec.on_time(0.0)
    return codec, sent(codec.on_command(Command(1, request, timeout_s), 0.0))


def record(layout: str = "nccc-400", **values: str) -> bytes:
    told = {"type": "01", "amount": "000000031800", "response": "0000", "receipt": "000123", "approval": "A00123"}
    told |= {"card": "474609******9784", "date": "261122", "time": "173005", "terminal": "12345678"} | values
    return framed(LAYOUTS[layout].request(**told))


def end_of(outputs: list[Output]) -> Answer | Refusal:
    (end,) = [event for event in outputs if isinstance(event, Answer | Refusal)]
    return end


def result_of(outputs: list[Output]) -> PaymentResult:
    end = end_of(outputs)
    assert isinstance(end, Answer), end
    assert isinstance(end.result, PaymentResult)
    return end.result


# --- what goes out ----------------------------------------------------------------------------------------------------


def test_a_sale_of_nccc_as_the_kiosks_write_it() -> None:
    """kylecheng3146/KIOSK, NCCCTransDataBean.getTransData(318, "261122", "173000", "N"), field by field."""
    data = "I" + " " * 6 + " " + "01" + "N" + "  " + " " * 6 + " " * 19 + " " * 4
    data += "000000031800" + "261122" + "173000" + " " * 334
    assert len(data) == 400
    lrc = 0x03
    for byte in data.encode():
        lrc ^= byte
    assert asked()[1] == b"\x02" + data.encode() + b"\x03" + bytes([lrc])


def test_a_sale_of_144_bytes_as_the_delphi_till_writes_it() -> None:
    head = "0100" + "000000" + "0" * 19 + "0000" + "000000031800" + "261122" + "173000"
    expected = head + " " * (9 + 12 + 4 + 8 + 12 + 12) + "000001" + " " * 24
    assert asked(layout="majority-144", store="000001")[1] == framed(expected.encode())
    moved = head.replace("0100", "0101", 1) + " " * (9 + 4 + 8 + 12) + "000001".ljust(16) + " " * 38
    assert asked(layout="as320-144", store="000001")[1] == framed(moved.encode())


def test_a_sale_of_taishin() -> None:
    _, frame = asked(layout="taishin-400", store="S1")
    expected = "0100" + "000000" + "0" * 19 + "0000" + "000000031800" + "261122" + "173000" + " " * 57 + "S1".ljust(18)
    assert frame == framed(expected.ljust(400).encode())


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_no_layout_overlaps_itself_or_its_end(layout: str) -> None:
    taken: set[int] = set()
    for first, width in LAYOUTS[layout].fields.values():
        places = set(range(first, first + width))
        assert not taken & places
        assert max(places) <= LAYOUTS[layout].length
        taken |= places


def test_the_time_on_the_wire_is_the_shops_and_blank_if_nobody_told_it() -> None:
    late = Pay("p", PaymentKind.SALE, 1, "TWD", asked_at="2026-12-31T20:00:00Z")
    assert b"270101040000" in asked(late)[1]
    assert b"261231200000" in asked(late, utc_offset_h=0)[1]
    frame = asked(Pay("p", PaymentKind.SALE, 1, "TWD"))[1]
    assert frame[55:67] == b" " * 12


def test_a_refund_bears_the_approval_and_a_void_the_receipt_number() -> None:
    refund = asked(Pay("p", PaymentKind.REFUND, 100, "TWD", original="000123-A00123"))[1]
    assert (refund[9:11], refund[67:76]) == (b"02", b"A00123   ")
    void = asked(Pay("p", PaymentKind.REVERSAL, 318, "TWD", original="000123-A00123"))[1]
    assert (void[9:11], void[14:20]) == (b"30", b"000123")


@pytest.mark.parametrize(
    ("request_", "options"),
    [
        (Pay("p", PaymentKind.REVERSAL, 1, "TWD", original="000123-A"), {"layout": "taishin-400"}),
        (Pay("p", PaymentKind.REVERSAL, 1, "TWD"), {}),
        (Pay("p", PaymentKind.SALE, 0, "TWD"), {}),
        (Pay("p", PaymentKind.SALE, 10**10, "TWD"), {}),
        (Pay("p", PaymentKind.SALE, 1, "KWD"), {}),
    ],
)
def test_what_cannot_be_said_is_refused_and_nothing_goes_out(request_: Pay, options: dict[str, Any]) -> None:
    codec = TaiwanEdc(**options)
    outputs = codec.on_command(Command(1, request_), 0.0)
    assert sent(outputs) == b""
    end = end_of(outputs)
    assert isinstance(end, Refusal)
    assert (end.code, end.reason, end.begun) == (ErrorCode.ILLEGAL, "impossible", False)


def test_options_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="majority-144"):
        TaiwanEdc(layout="nccc")
    with pytest.raises(ValueError, match="2 bytes of host"):
        TaiwanEdc(host="003")


# --- the link ---------------------------------------------------------------------------------------------------------


def test_an_approved_sale() -> None:
    codec, _ = asked()
    assert events(codec.on_bytes(ACK, 0.1)) == [PaymentProgress("p-1", PaymentPhase.ACCEPTED)]
    outputs = codec.on_bytes(record(card_type="02"), 9.0)
    assert sent(outputs) == ACK + ACK
    assert result_of(outputs) == PaymentResult(
        "p-1",
        PaymentOutcome.APPROVED,
        318,
        "TWD",
        reference="000123-A00123",
        approval_code="A00123",
        card="474609******9784",
        card_scheme="VISA",
        terminal_id="12345678",
        at="2026-11-22T17:30:05",
    )


def test_nak_has_the_same_request_sent_again_three_times_in_all() -> None:
    codec, frame = asked()
    for at in (0.1, 2.0):
        assert sent(codec.on_bytes(NAK, at)) == b""
        assert sent(codec.on_time(at + 0.9)) == b""
        assert sent(codec.on_time(at + 1.0)) == frame
    end = end_of(codec.on_bytes(NAK, 4.0))
    assert isinstance(end, Refusal)
    assert (end.reason, end.begun) == ("not_taken", False)


def test_nothing_is_repeated_after_ack_and_nothing_after_silence() -> None:
    codec, _ = asked()
    codec.on_bytes(ACK, 0.1)
    assert sent(codec.on_bytes(NAK, 0.2)) == b""
    outputs = codec.on_time(75.0)
    assert sent(outputs) == b""
    end = end_of(outputs)
    assert isinstance(end, Refusal)
    assert (end.code, end.reason, end.begun) == (ErrorCode.TIMEOUT, "unknown", True)


def test_without_an_ack_it_is_off_and_still_the_payment_may_have_been_made() -> None:
    codec, _ = asked()
    outputs = codec.on_time(75.0)
    assert PowerChanged(Power.OFF) in outputs
    end = end_of(outputs)
    assert isinstance(end, Refusal)
    assert end.begun


def test_a_wrong_check_byte_is_answered_with_two_nak_and_the_third_ends_it() -> None:
    codec, _ = asked()
    bad = record()[:-1] + b"\x00"
    for _ in range(2):
        outputs = codec.on_bytes(bad, 1.0)
        assert sent(outputs) == NAK + NAK
        assert [type(event) for event in events(outputs)] == [Oddity]
    end = end_of(codec.on_bytes(bad, 2.0))
    assert isinstance(end, Refusal)
    assert (end.code, end.begun) == (ErrorCode.FAILURE, True)


def test_a_good_record_after_a_bad_one_counts() -> None:
    codec, _ = asked()
    codec.on_bytes(record()[:-1] + b"\x00", 1.0)
    assert result_of(codec.on_bytes(record(), 2.0)).outcome is PaymentOutcome.APPROVED


def test_a_record_that_lost_a_byte_is_asked_for_again() -> None:
    codec, _ = asked()
    assert sent(codec.on_bytes(record()[:100] + record()[101:], 1.0)) == b""
    assert sent(codec.on_time(2.0)) == NAK + NAK
    assert result_of(codec.on_bytes(record(), 3.0)).outcome is PaymentOutcome.APPROVED


def test_a_check_byte_may_look_like_any_control_byte() -> None:
    """NCCC's own example ends in ETX ETX; every possible check byte has its turn here."""
    seen = set()
    for number in range(400):
        codec, _ = asked()
        frame = record(receipt=f"{number:06d}", terminal=chr(0x30 + number % 79) + "2345678")
        seen.add(frame[-1])
        assert result_of(codec.on_bytes(frame, 1.0)).reference == f"{number:06d}-A00123"
    assert seen >= {0x02, 0x03, 0x06, 0x15}


def test_parity_bits_are_masked_where_the_line_has_seven() -> None:
    codec, _ = asked(layout="majority-144")
    frame = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in record("majority-144"))
    assert result_of(codec.on_bytes(frame, 1.0)).outcome is PaymentOutcome.APPROVED


def test_taishins_records_in_between_give_more_time_but_not_more_than_was_asked_for() -> None:
    codec, _ = asked(layout="taishin-400", timeout_s=300.0)
    between = record("taishin-400", finished="N", timer="0250")
    outputs = codec.on_bytes(between, 70.0)
    assert sent(outputs) == ACK + ACK
    assert PaymentProgress("p-1", PaymentPhase.PLEASE_WAIT) in outputs
    assert events(codec.on_time(299.0)) == []
    assert isinstance(end_of(codec.on_time(300.0)), Refusal)
    codec, _ = asked(layout="taishin-400")
    for timer in ("", "0000", "x250"):
        codec.on_bytes(record("taishin-400", finished="N", timer=timer), 70.0)
    assert isinstance(end_of(codec.on_time(75.0)), Refusal)
    codec, _ = asked(layout="taishin-400")
    codec.on_bytes(between, 70.0)
    assert result_of(codec.on_bytes(record("taishin-400", finished="Y"), 200.0)).outcome is PaymentOutcome.APPROVED


# --- what a record means ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*sorted(ENDS), "0077", "", "???"])
def test_every_response_code_has_its_outcome_and_says_what_to_do(code: str) -> None:
    codec, _ = asked()
    result = result_of(codec.on_bytes(record(response=code, amount=""), 1.0))
    assert result.outcome is ENDS.get(code, (PaymentOutcome.DECLINED, ""))[0]
    assert result.reason.endswith(f"({code or 'no code'})")
    assert result.reference == result.approval_code == ""


@pytest.mark.parametrize(
    "wrong", [{"amount": "000000031900"}, {"amount": ""}, {"amount": "0000000318.0"}, {"type": "02"}, {"type": "62"}]
)
def test_an_approval_about_something_else_sells_nothing(wrong: dict[str, str]) -> None:
    codec, _ = asked()
    outputs = codec.on_bytes(record(**wrong), 1.0)
    assert sent(outputs) == ACK + ACK
    assert [type(event) for event in events(outputs)] == [Oddity]
    assert isinstance(end_of(codec.on_time(75.0)), Refusal)


def test_a_whole_card_number_never_leaves_the_driver() -> None:
    codec, _ = asked()
    result = result_of(codec.on_bytes(record(card="4746090000009784"), 1.0))
    assert result.card == "474609******9784"


def test_the_books_are_closed_and_their_totals_told() -> None:
    codec, frame = asked(EndOfDay())
    assert frame[9:11] == b"50"
    end = end_of(codec.on_bytes(record(type="50", amount="000000123400", count="0004"), 1.0))
    assert end == Answer(1, TerminalReport(text="count 4, total 1234.00"))
    codec, _ = asked(EndOfDay())
    refused = end_of(codec.on_bytes(record(type="50", response="1001"), 1.0))
    assert isinstance(refused, Refusal)
    assert refused.reason == "not_settled"


def test_what_it_cannot_do_is_told_at_once() -> None:
    codec = TaiwanEdc()
    assert codec.on_command(Command(1, KeepResult("p")), 0.0) == [Answer(1)]
    end = end_of(codec.on_command(Command(2, AbortPayment("p")), 0.0))
    assert isinstance(end, Refusal)
    assert end.reason == "unsupported"


# --- after a lost answer ----------------------------------------------------------------------------------------------


def in_doubt() -> TaiwanEdc:
    codec, _ = asked()
    codec.on_bytes(ACK, 0.1)
    codec.on_time(75.0)
    return codec


def test_no_other_payment_goes_out_while_one_is_in_doubt_until_no_terminal_could_be_at_it() -> None:
    codec = in_doubt()
    outputs = codec.on_command(Command(2, Pay("p-2", PaymentKind.SALE, 318, "TWD")), 76.0)
    assert sent(outputs) == b""
    end = end_of(outputs)
    assert isinstance(end, Refusal)
    assert (end.code, end.reason, end.begun) == (ErrorCode.BUSY, "unresolved", False)
    assert sent(codec.on_command(Command(3, Pay("p-2", PaymentKind.SALE, 318, "TWD")), 375.0))


def test_the_late_record_answers_the_question() -> None:
    codec = in_doubt()
    outputs = codec.on_bytes(record(), 80.0)
    assert sent(outputs) == ACK + ACK
    assert not [event for event in outputs if isinstance(event, Answer)]
    outputs = codec.on_command(Command(2, QUESTION, 30.0), 81.0)
    assert sent(outputs) == b""
    assert result_of(outputs).outcome is PaymentOutcome.APPROVED
    assert sent(codec.on_command(Command(3, SALE), 82.0)), "and the next payment may go out"


def test_the_late_record_may_come_while_the_inquiry_is_out() -> None:
    codec = in_doubt()
    assert sent(codec.on_command(Command(2, QUESTION, 30.0), 81.0))[9:11] == b"62"
    assert result_of(codec.on_bytes(record(), 82.0)).outcome is PaymentOutcome.APPROVED


def test_the_inquiry_bears_what_the_sale_bore() -> None:
    sale, question = asked()[1], asked(QUESTION)[1]
    assert question[9:11] == b"62"
    assert question[43:67] == sale[43:67]
    assert question[221:223] == b"01"


@pytest.mark.parametrize(
    ("told", "last", "outcome"),
    [
        ({}, "000122-A00122", PaymentOutcome.APPROVED),
        ({}, "000123-A00123", PaymentOutcome.NOT_DONE),
        ({"amount": "000000031900"}, "", PaymentOutcome.UNKNOWN),
        ({"approval": ""}, "", PaymentOutcome.UNKNOWN),
        ({"response": "0001"}, "", PaymentOutcome.UNKNOWN),
        ({"response": "0099"}, "", PaymentOutcome.NOT_DONE),
    ],
)
def test_the_inquirys_answer(told: dict[str, str], last: str, outcome: PaymentOutcome) -> None:
    question = ResolvePayment("p-1", PaymentKind.SALE, 318, "TWD", last_reference=last, asked_at=AT)
    codec, _ = asked(question, none_codes="0099, 0098")
    assert result_of(codec.on_bytes(record(type="62", **told), 1.0)).outcome is outcome


def test_a_record_cut_before_the_payment_does_not_make_its_answer_a_nak() -> None:
    # Found by fuzzing: the answer's check byte, 0x15, was read outside of any record, and the request went out again.
    codec = TaiwanEdc()
    codec.on_time(0.0)
    codec.on_bytes(b"\x02123456780S}}}}}}\x1b\x03\x1e", 0.1)
    first = codec.on_command(Command(1, Pay("P-1", PaymentKind.REFUND, 318, "TWD"), 75.0), 0.2)
    assert sum(isinstance(output, Send) for output in first) == 1
    for byte in (b"\x15", b"\x06", b"\x15"):
        assert not [output for output in codec.on_bytes(byte, 0.3) if isinstance(output, Send)]


def test_what_became_of_a_void_cannot_be_asked_where_there_is_none() -> None:
    codec = TaiwanEdc(layout="as320-144")
    codec.on_time(0.0)
    asked = ResolvePayment("P-1", PaymentKind.REVERSAL, 318, "TWD")
    (end,) = [output for output in codec.on_command(Command(1, asked, 75.0), 0.0) if isinstance(output, Refusal)]
    assert end.reason == "impossible"


def test_a_nak_in_noise_is_not_believed() -> None:
    codec = TaiwanEdc()
    codec.on_time(0.0)
    codec.on_command(Command(1, Pay("P-1", PaymentKind.SALE, 318, "TWD"), 75.0), 0.0)
    assert not [output for output in codec.on_bytes(b"Q\x99bS\x15\x63", 0.1) if isinstance(output, Send)]


@pytest.mark.parametrize("behind", [b"\x06", b"\x02", b"Q"])
def test_a_nak_that_is_noise_charges_nobody_twice_the_terminal_goes_on_speaking(behind: bytes) -> None:
    codec, _ = asked()
    codec.on_bytes(NAK, 0.1)
    assert sent(codec.on_bytes(behind, 0.6)) == b""
    later = [codec.on_time(at / 10) for at in range(7, 600)]
    assert b"\x02" not in b"".join(sent(outputs) for outputs in later)
