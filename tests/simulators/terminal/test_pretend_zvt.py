from __future__ import annotations

import pytest

from gateway.peripherals import Send
from gateway.simulators.terminal.zvt import PretendZvt
from gateway.simulators.terminal.zvt_machine import POINTS
from gateway.simulators.terminal.zvt_serial import check_sum

REGISTRATION = bytes.fromhex("06 00 06 000000 9E 0978")
QUIET_REGISTRATION = bytes.fromhex("06 00 06 000000 00 0978")  # no intermediate states, nothing to print
SALE = bytes.fromhex("06 01 0A 04 000000000318 49 0978")
YES = bytes.fromhex("80 00 00")


def said(terminal: PretendZvt, data: bytes, now: float = 0.0) -> str:
    return b"".join(item.data for item in terminal.on_bytes(data, now) if isinstance(item, Send)).hex(" ").upper()


def later(terminal: PretendZvt, now: float) -> str:
    return b"".join(item.data for item in terminal.on_time(now) if isinstance(item, Send)).hex(" ").upper()


def registered(**knobs: str) -> PretendZvt:
    terminal = PretendZvt()
    for knob, value in knobs.items():
        terminal.set(knob, value)
    said(terminal, QUIET_REGISTRATION)
    said(terminal, YES)
    return terminal


def asking_to_keep(**knobs: str) -> PretendZvt:
    """A terminal that has sent 04 0F with result 00 at second 2."""
    terminal = registered(**knobs)
    assert said(terminal, SALE, 0.0) == "80 00 00"
    for now in (0.5, 0.7):
        assert later(terminal, now) == ""
    assert later(terminal, 2.0).startswith("04 0F 77 27 00 04 00 00 00 00 03 18 0B 00 00 01")
    return terminal


def test_a_registration_is_answered_and_completed() -> None:
    assert said(PretendZvt(), REGISTRATION) == "80 00 00 06 0F 0A 19 00 29 28 00 48 69 49 09 78"


def test_a_wrong_password_is_refused() -> None:
    assert said(PretendZvt(), bytes.fromhex("06 00 06 111111 9E 0978")) == "84 6B 00"


def test_an_acknowledged_result_is_booked() -> None:
    terminal = asking_to_keep()
    assert terminal.ledger[0].state == "pending"
    assert said(terminal, YES, 2.1) == "06 0F 00"
    assert terminal.ledger[0].state == "booked"


def test_a_result_without_acknowledgement_is_taken_back_after_five_seconds() -> None:
    terminal = asking_to_keep()
    assert later(terminal, 6.9) == ""
    assert later(terminal, 7.0) == "06 1E 01 6C"
    assert terminal.ledger[0].state == "taken_back"


def test_a_refused_result_is_taken_back_and_84_00_is_a_yes() -> None:
    terminal = asking_to_keep()
    assert said(terminal, bytes.fromhex("84 66 00"), 2.1) == "06 1E 01 6C"
    assert terminal.ledger[0].state == "taken_back"
    terminal = asking_to_keep()
    said(terminal, bytes.fromhex("84 00 00"), 2.1)
    assert terminal.ledger[0].state == "booked"


def test_a_till_that_wants_to_wait_is_asked_again_after_two_seconds() -> None:
    terminal = asking_to_keep(waits="1")
    assert said(terminal, bytes.fromhex("84 9C 00"), 3.0) == ""
    assert later(terminal, 5.0).startswith("04 0F 77 27 00")
    assert said(terminal, bytes.fromhex("84 9C 00"), 6.0) == "06 1E 01 6C"
    assert terminal.ledger[0].state == "taken_back"


def test_intermediate_states_and_receipts_come_only_if_registered_for() -> None:
    terminal = PretendZvt()
    said(terminal, REGISTRATION)
    said(terminal, YES)
    assert said(terminal, SALE) == "80 00 00 04 FF 01 0A"
    terminal = asking_to_keep()
    assert said(terminal, YES, 2.1) == "06 0F 00"


def test_a_declined_payment_is_told_and_aborted() -> None:
    terminal = registered(decline="78")
    said(terminal, SALE, 0.0)
    later(terminal, 0.5)
    assert later(terminal, 1.5).startswith("04 0F 14 27 78 29")
    assert said(terminal, YES, 1.6) == "06 1E 01 78"
    assert terminal.ledger == []


def test_a_busy_terminal_says_so() -> None:
    terminal = registered(busy="yes")
    assert said(terminal, SALE) == "84 9C 00"
    assert said(terminal, bytes.fromhex("05 01 03 000000")) == "80 00 00 06 0F 01 9C"


def test_an_order_with_card_data_is_refused_by_p2pe() -> None:
    terminal = registered(p2pe="yes")
    assert said(terminal, bytes.fromhex("06 01 13 04 000000000318 49 0978 22 F0F6 411111111111")) == "84 A5 00"
    assert said(terminal, SALE) == "80 00 00"


def test_the_last_booking_is_told_again_without_printing() -> None:
    terminal = asking_to_keep()
    said(terminal, YES, 2.1)
    said(terminal, YES, 2.2)
    answer = said(terminal, bytes.fromhex("06 20 05 000000 03 03"), 3.0)
    assert answer.startswith("80 00 00 04 0F 77 27 00 04 00 00 00 00 03 18 0B 00 00 01")
    assert said(terminal, YES, 3.1) == "06 0F 00"


def test_without_a_booking_there_is_nothing_to_repeat() -> None:
    assert said(registered(), bytes.fromhex("06 20 03 000000")) == "80 00 00 06 1E 01 83"


def test_an_unknown_order_is_refused() -> None:
    assert said(registered(), bytes.fromhex("06 85 00")) == "84 83 00"


@pytest.mark.parametrize("point", POINTS)
def test_a_cut_line_says_nothing_and_hears_nothing_until_it_is_mended(point: str) -> None:
    terminal = registered(cut=point)
    terminal.is_cut = True
    assert said(terminal, SALE) == ""
    terminal.set("cut", "")
    assert said(terminal, SALE) == "80 00 00"


def test_frames_of_the_serial_line_are_framed_and_acknowledged() -> None:
    terminal = PretendZvt()
    terminal.set("framing", "serial")
    body = bytes.fromhex("06 00 06 100000 00 0978")
    frame = b"\x10\x02" + body.replace(b"\x10", b"\x10\x10") + b"\x10\x03"
    assert said(terminal, frame + b"\x00\x00") == "15"
    answer = said(terminal, frame + check_sum(body + b"\x03"))
    assert answer == "06 10 02 84 6B 00 10 03 " + check_sum(bytes.fromhex("84 6B 00 03")).hex(" ").upper()


def test_the_check_sum_has_its_published_check_value() -> None:
    assert check_sum(b"123456789") == (0x2189).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("knob", "value", "words"),
    [
        ("cut", "here", "after_keep"),
        ("framing", "udp", "serial"),
        ("pan", "4111x", "number"),
        ("busy", "x", "yes"),
        ("a", "1", "cut"),
    ],
)
def test_a_wrong_knob_is_told(knob: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PretendZvt().set(knob, value)
