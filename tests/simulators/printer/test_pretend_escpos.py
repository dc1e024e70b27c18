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
