"""Messages of real terminals, as recorded in the tests of Portalum.Zvt (status information, print text block)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.terminal import zvt_orders as orders
from gateway.drivers.terminal import zvt_words
from gateway.drivers.terminal.zvt_apdu import Apdu, bitmaps, head_of, status_information, tlv_values, totals_in_words
from gateway.drivers.terminal.zvt_receipt import Receipts
from gateway.peripherals import PaymentKind, PaymentOutcome, PaymentPhase, ResolvePayment

GOOD = bytes.fromhex(
    "04 0F 77 27 00 04 00 00 00 00 20 40 0B 00 04 70 0C 22 39 53 0D 10 06 0E 25 12 17 00 01 19 70 22 F0 F8 EE EE"
    "EE EE EE EE 47 71 29 28 00 48 69 2A 31 30 30 34 36 31 37 36 33 20 20 20 20 20 20 3B 36 31 31 38 30 34 00 00"
    "3C F0 F1 F4 47 45 4E 2E 4E 52 2E 3A 36 31 31 38 30 34 49 09 78 87 04 70 88 00 04 70 8A 2E 8B F1 F7 44 65 62"
    "69 74 20 4D 61 73 74 65 72 63 61 72 64 00"
)
ABORTED = bytes.fromhex(
    "04 0F 1E 27 6C 29 28 00 48 69 3C F0 F1 F9 41 62 62 72 75 63 68 20 64 75 72 63 68 20 4B 75 6E 64 65"
)
#: this terminal counts in eight digits (TLV 1F2B) and sends zeros as trace number
LONG_TRACE = bytes.fromhex(
    "04 0F 6C 27 00 04 00 00 00 00 20 40 0C 21 09 16 0D 11 01 0E 99 99 22 F0 F8 EE EE EE EE EE EE 47 71 A0 01 29"
    "00 00 00 06 87 00 05 0B 00 00 00 8A 06 8B F1 F1 4D 41 53 54 45 52 43 41 52 44 00 06 2E 2F 08 1F 12 01 01 1F"
    "10 01 03 60 1B 43 07 A0 00 00 00 04 10 10 44 10 44 65 62 69 74 20 4D 61 73 74 65 72 63 61 72 64 1F 2B 04 10"
    "01 60 05"
)
ADMINISTRATION = bytes.fromhex(
    "06 D3 AC 06 81 A9 1F 07 01 03 25 81 A2 07 1B 30 32 2E 31 31 2E 32 30 32 31 20 20 20 20 20 20 20 20 20 31 37"
    "3A 30 35 3A 30 32 07 0C 54 49 44 3A 41 48 30 30 30 30 30 36 07 14 41 62 73 63 68 6C 75 73 73 20 2D 20 6B 65"
    "69 6E 65 20 54 58 07 19 20 41 56 3A 20 2B 30 34 2E 30 37 20 28 4A 75 6E 20 31 31 20 32 30 32 31 29 07 1B 54"
    "49 3A 20 45 20 44 54 3A 20 30 2F 30 2F 20 4F 46 3A 20 30 2F 30 2F 20 43 47 3A 07 0F 20 20 20 20 20 20 20 20"
    "20 20 20 31 2F 30 2F 07 01 20 07 01 20 07 01 20 07 01 20 07 01 20 07 01 20 07 01 20 09 01 81"
)


def test_a_payment_is_read_as_recorded() -> None:
    assert head_of(GOOD) == (3, 0x77)
    status = status_information(GOOD[3:])
    assert (status.result, status.amount, status.currency) == (0, 2040, "978")
    assert (status.trace, status.receipt, status.reference) == ("000470", "0470", "000470/0470")
    assert (status.card, status.scheme, status.terminal_id) == ("************4771", "Debit Mastercard", "28004869")
    assert (status.approval, status.text, status.at) == ("611804", "GEN.NR.:611804", "")


def test_an_abort_is_read_as_recorded() -> None:
    status = status_information(ABORTED[3:])
    assert (status.result, status.text) == (0x6C, "Abbruch durch Kunde")
    assert (status.amount, status.trace, status.reference) == (None, "", "")


def test_a_long_trace_number_stands_in_the_container() -> None:
    status = status_information(LONG_TRACE[3:])
    assert (status.trace, status.reference, status.scheme) == ("10016005", "10016005/0005", "MASTERCARD")


def test_a_date_with_a_year_is_told() -> None:
    data = bytes.fromhex("27 00 AA 26 11 22 0C 13 05 59")
    assert status_information(data).at == "2026-11-22T13:05:59"


def test_card_data_are_not_even_kept() -> None:
    track2 = "23 F1 F1" + "4111111111111111D25122" + "22 F0 F8 4111111111111111 3A 123F 24 F0F0F2 4111 2D F0F2 4111"
    maps = bitmaps(bytes.fromhex("27 00" + track2 + "87 0001"))
    assert maps == {0x27: b"\x00", 0x22: b"411111******1111", 0x87: b"\x00\x01"}


def test_an_odd_card_number_has_its_filling_removed() -> None:
    assert bitmaps(bytes.fromhex("22 F1F0 6799998900000060018F"))[0x22] == b"679999*********0018"


def test_behind_an_unknown_bitmap_nothing_is_guessed() -> None:
    assert bitmaps(bytes.fromhex("27 00 77 04 000000000001")) == {0x27: b"\x00"}


@pytest.mark.parametrize("data", ["04 0000", "22 F0", "22 A0F8 00", "22 FAF0 00", "06 82 01", "27"])
def test_a_bitmap_cut_short_is_none(data: str) -> None:
    assert bitmaps(bytes.fromhex(data)) == {}


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_reading(data: bytes) -> None:
    status_information(data)
    list(tlv_values(data))
    orders.terminal_status(data)
    receipts = Receipts()
    receipts.line(data)
    receipts.block(data)
    receipts.all()


@given(st.integers(0, 0xFF).map(lambda low: 0x8400 | low) | st.sampled_from([0x040F, 0x06D3]), st.binary(max_size=600))
def test_a_message_written_is_the_message_read(control: int, data: bytes) -> None:
    wire = Apdu(control, data).encode()
    head = head_of(wire)
    assert head is not None
    assert sum(head) == len(wire)
    assert wire[head[0] :] == data
    assert (wire[2] == 0xFF) == (len(data) >= 255)


def test_a_recorded_text_block_becomes_a_receipt() -> None:
    receipts = Receipts()
    receipts.block(ADMINISTRATION[3:])
    (receipt,) = receipts.all()
    assert receipt.copy == "merchant"
    assert receipt.lines[:3] == ("02.11.2021         17:05:02", "TID:AH000006", "Abschluss - keine TX")


def test_lines_and_feeds_become_receipts() -> None:
    receipts = Receipts()
    for line in ("00 4575726F", "FF 02", "40 4BE06E", "81 456E6465", "00 7A77656974657220426F6E"):
        receipts.line(bytes.fromhex(line))
    merchant, customer = receipts.all()
    assert (merchant.copy, merchant.lines) == ("merchant", ("Euro", "", "", "Kαn", "Ende"))
    assert (customer.copy, customer.lines) == ("customer", ("zweiter Bon",))


def test_card_numbers_in_receipts_are_masked() -> None:
    receipts = Receipts()
    receipts.line(b"\x00Karte 4111 1111 1111 1111")
    receipts.block(b"\x06\x1a\x25\x18\x07\x13PAN 411111111111111\x00\x09\x01\x81")
    text = repr(receipts.all())
    assert "1111 1111 1111" not in text
    assert "411111111111111" not in text


def test_totals_are_told_in_words() -> None:
    figures = "0001 0012 01000000001000 00000000000000 02000000000818" + "00000000000000" * 4
    assert totals_in_words(bytes.fromhex(figures), "EUR") == (
        "receipts 0001 to 0012\ngirocard: 1, 10.00 EUR\nMastercard: 2, 8.18 EUR"
    )
    assert totals_in_words(b"\x00\x01", "EUR") == ""


# --- what became of a payment ---------------------------------------------------------------------------------

RESOLVE = ResolvePayment("S1", PaymentKind.SALE, 2040, "EUR", "000469/0469")


@pytest.mark.parametrize(
    ("before", "amount", "outcome"),
    [
        ("000469/0469", 2040, PaymentOutcome.APPROVED),
        ("000460/0460", 2040, PaymentOutcome.APPROVED),
        ("999990/9990", 2040, PaymentOutcome.APPROVED),  # trace numbers began anew
        ("000470/0470", 2040, PaymentOutcome.NOT_DONE),
        ("000470/", 2040, PaymentOutcome.NOT_DONE),
        ("000470/0001", 2040, PaymentOutcome.UNKNOWN),  # the same trace, another receipt: began anew
        ("000471/0471", 2040, PaymentOutcome.UNKNOWN),  # exchanged or reset
        ("000469/0469", 2041, PaymentOutcome.UNKNOWN),
        ("", 2040, PaymentOutcome.UNKNOWN),
        ("10016005/0005", 2040, PaymentOutcome.UNKNOWN),  # a terminal that counted otherwise
        ("470", 2040, PaymentOutcome.UNKNOWN),
    ],
)
def test_the_last_transaction_is_compared_with_the_one_before(
    before: str, amount: int, outcome: PaymentOutcome
) -> None:
    asked = ResolvePayment("S1", PaymentKind.SALE, amount, "EUR", before)
    result = orders.resolved(asked, status_information(GOOD[3:]))
    assert result.outcome is outcome
    assert bool(result.reason) == (outcome is not PaymentOutcome.APPROVED)
    assert bool(result.reference) == (outcome is PaymentOutcome.APPROVED)


def test_a_long_trace_is_compared_without_beginning_anew() -> None:
    status = status_information(LONG_TRACE[3:])
    for before, outcome in (("10016004/0004", "approved"), ("10016005/0005", "not_done"), ("10016006/0006", "unknown")):
        asked = ResolvePayment("S1", PaymentKind.SALE, 2040, "EUR", before)
        assert orders.resolved(asked, status).outcome == outcome


def test_no_last_transaction_another_currency_and_a_refusal_are_told_apart() -> None:
    assert orders.resolved(RESOLVE, None).outcome is PaymentOutcome.UNKNOWN
    assert orders.resolved(RESOLVE, status_information(ABORTED[3:])).outcome is PaymentOutcome.UNKNOWN
    francs = status_information(GOOD[3:].replace(b"\x49\x09\x78", b"\x49\x07\x56"))
    assert orders.resolved(RESOLVE, francs).outcome is PaymentOutcome.UNKNOWN
    refused = status_information(GOOD[3:].replace(b"\x27\x00", b"\x27\x78"))
    assert orders.resolved(RESOLVE, refused).outcome is PaymentOutcome.DECLINED


@given(st.integers(1, 999_999), st.integers(1, 400_000))
def test_a_trace_is_newer_than_every_one_shortly_before_it(trace: int, ago: int) -> None:
    before = (trace - ago) % 1_000_000
    assert orders.newer(f"{trace:06d}", f"{before:06d}")
    assert not orders.newer(f"{before:06d}", f"{trace:06d}")


# --- words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", range(1, 256))
def test_every_error_has_a_word_and_says_what_to_do(code: int) -> None:
    _, word, text = zvt_words.error(code)
    assert word
    assert "; " in text or word == "wrong_currency"


@pytest.mark.parametrize(
    ("code", "phase"),
    [
        (0x0A, PaymentPhase.INSERT_CARD),
        (0x0B, PaymentPhase.REMOVE_CARD),
        (0x01, PaymentPhase.ENTER_PIN),
        (0x15, PaymentPhase.WRONG_PIN),
        (0x04, PaymentPhase.CONTACTING_HOST),
        (0x44, PaymentPhase.CONTACTING_HOST),
        (0x4E, PaymentPhase.REMOVE_CARD),
        (0x05, PaymentPhase.REVERSING),
        (0x45, PaymentPhase.REVERSING),
        (0x1C, PaymentPhase.APPROVED),
        (0x5D, PaymentPhase.DECLINED),
        (0xD2, PaymentPhase.CONTACTING_HOST),
        (0x99, PaymentPhase.PLEASE_WAIT),
    ],
)
def test_intermediate_states_become_phases(code: int, phase: PaymentPhase) -> None:
    assert zvt_words.state(code)[0] is phase
