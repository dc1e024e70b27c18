from __future__ import annotations

import pytest

from gateway.peripherals import Send, WakeAt
from gateway.simulators.printer.escpos import PretendPrinter


def said(outputs: list[Send | WakeAt]) -> bytes:
    return b"".join(output.data for output in outputs if isinstance(output, Send))


def statuses(printer: PretendPrinter) -> bytes:
    return said(printer.on_bytes(b"\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", 0.0))


@pytest.mark.parametrize(
    ("knob", "answers"),
    [
        (None, "12121212"),
        ("near_end", "1212121e"),
        ("paper_out", "1a32127e"),
        ("cover_open", "1a161212"),
        ("error", "1a521a12"),
    ],
)
def test_status_bits_as_recorded_from_an_independent_emulator(knob: str | None, answers: str) -> None:
    printer = PretendPrinter()
    if knob:
        printer.set(knob, "yes")
    assert statuses(printer).hex() == answers


@pytest.mark.parametrize(
    ("knob", "block"),
    [
        ("near_end", "10000300"),
        ("paper_out", "18000f00"),
        ("cover_open", "38000000"),
        ("error", "18080000"),
        ("broken", "18200000"),
        ("too_hot", "18400000"),
    ],
)
def test_automatic_status_has_the_bits_of_the_reference(knob: str, block: str) -> None:
    printer = PretendPrinter()
    assert said(printer.on_bytes(b"\x1da\x0f", 0.0)) == b"\x10\x00\x00\x00"
    assert said(printer.set(knob, "yes")).hex() == block
    assert said(printer.set(knob, "yes")) == b""
    assert said(printer.set(knob, "no")) == b"\x10\x00\x00\x00"
    printer.on_bytes(b"\x1da\x00", 0.0)
    assert said(printer.set(knob, "yes")) == b""


def test_automatic_status_tells_only_what_it_was_asked_to_watch() -> None:
    printer = PretendPrinter()
    printer.on_bytes(b"\x1da\x01", 0.0)
    assert said(printer.set("near_end", "yes")) == b""
    assert said(printer.on_bytes(b"\x1bp\x00\x32\xfa", 0.0)) == b"\x14\x00\x03\x00"


def test_a_process_id_comes_back_when_what_stands_before_it_is_printed() -> None:
    printer = PretendPrinter()
    printer.set("paper_lines", "1")
    job = b"one\ntwo\n\x1d(H\x06\x00000007"
    assert said(printer.on_bytes(job, 0.0)) == b""
    assert said(printer.set("paper_out", "no")) == b'7"0007\x00'
    assert printer.lines == ["one", "two"]


@pytest.mark.parametrize(("order", "cuts", "lines"), [(1, 1, ["one", "two"]), (2, 0, ["one"])])
def test_after_a_jam_dle_enq_goes_on_or_clears(order: int, cuts: int, lines: list[str]) -> None:
    printer = PretendPrinter()
    printer.set("knife_jams", "yes")
    printer.on_bytes(b"one\n\x1dV\x00two\n", 0.0)
    enquiry = bytes([0x10, 0x05, order])
    printer.on_bytes(enquiry, 0.0)
    assert (printer.cuts, printer.offline) == (0, True)  # nobody has freed it yet
    printer.set("knife_jams", "no")
    assert printer.offline
    printer.on_bytes(enquiry, 0.0)
    assert (printer.cuts, printer.lines, printer.offline) == (cuts, lines, False)


def test_dle_dc4_8_clears_what_waits() -> None:
    printer = PretendPrinter()
    printer.set("cover_open", "yes")
    printer.on_bytes(b"Tea\n\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08", 0.0)
    printer.set("cover_open", "no")
    assert printer.lines == []


def test_it_names_itself() -> None:
    assert said(PretendPrinter().on_bytes(b"\x1dI\x42\x1dI\x02", 0.0)) == b"_EPSON\x00\x03"


def test_a_printer_that_dies_takes_no_more_and_forgets_what_it_had() -> None:
    printer = PretendPrinter()
    printer.set("dies_after", "6")
    assert said(printer.on_bytes(b"one\ntwo\n\x10\x04\x01", 0.0)) == b""
    printer.set("dies_after", "none")
    assert statuses(printer).hex() == "12121212"
    printer.on_bytes(b"three\n", 0.0)
    assert printer.lines == ["one", "three"]


def test_offline_it_answers_at_once_and_prints_later() -> None:
    printer = PretendPrinter()
    printer.set("cover_open", "yes")
    assert said(printer.on_bytes(b"Tea\n\x1dr\x01\x10\x04\x01", 0.0)) == b"\x1a"
    assert printer.lines == []
    # The queued answer to GS r comes when the cover is closed, in front of the next real-time one.
    assert said(printer.set("cover_open", "no")) == b"\x00"
    assert printer.lines == ["Tea"]


def test_the_roll_ends_in_the_middle_and_a_new_one_goes_on() -> None:
    printer = PretendPrinter()
    printer.set("paper_lines", "2")
    printer.on_bytes(b"one\ntwo\nthree\n\x1dV\x00", 0.0)
    assert (printer.lines, printer.cuts, printer.paper_out) == (["one", "two"], 0, True)
    printer.set("paper_out", "no")
    assert (printer.lines, printer.cuts) == (["one", "two", "three"], 1)


def test_a_pulse_opens_the_drawer_and_its_switch_shows_it() -> None:
    printer = PretendPrinter()
    printer.on_bytes(b"\x1bp\x00\x32\xfa", 0.0)
    assert printer.drawer.opened
    assert said(printer.on_bytes(b"\x10\x04\x01", 0.0)) == b"\x16"
    printer.set("drawer", "closed")
    assert said(printer.on_bytes(b"\x10\x04\x01", 0.0)) == b"\x12"


def test_a_pulse_on_the_other_pin_opens_nothing() -> None:
    printer = PretendPrinter()
    printer.on_bytes(b"\x1bp\x01\x32\xfa", 0.0)
    assert not printer.drawer.opened


def test_the_real_time_pulse_works_even_offline() -> None:
    printer = PretendPrinter()
    printer.set("cover_open", "yes")
    printer.on_bytes(b"\x10\x14\x01\x00\x01", 0.0)
    assert printer.drawer.opened


def test_it_keeps_every_byte_and_counts_receipts() -> None:
    printer = PretendPrinter()
    printer.on_bytes(b"one\n\x1dV\x00two\n\x1dV\x00", 0.0)
    assert printer.received == b"one\n\x1dV\x00two\n\x1dV\x00"
    assert len(printer.receipts) == 2
    assert printer.png(-1).startswith(b"\x89PNG")


def test_late_answers_come_when_they_are_due() -> None:
    printer = PretendPrinter()
    printer.set("late", "2.5")
    assert printer.on_bytes(b"\x10\x04\x01", 1.0) == [WakeAt(3.5)]
    assert said(printer.on_time(3.5)) == b"\x12"
