from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.printer.escpos import EscPosPrinter
from gateway.drivers.printer.receipt_layout import lines_of, width
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Columns,
    Command,
    Cut,
    Forward,
    Forwarded,
    Oddity,
    Power,
    PowerChanged,
    Print,
    PrinterStatus,
    Qr,
    Refusal,
    Rule,
    Text,
)
from gateway.simulators.printer.escpos import PretendPrinter
from gateway.simulators.printer.escpos_marks import Printed
from tests.drivers.bench import Bench, events, sent

RECEIPT = Print(
    (
        Text("Backroom", align="center", bold=True, double=True),
        Rule(),
        Columns("Apples 0.450 kg", "1.35"),
        Columns("TOTAL", "EUR 1.35", bold=True),
        Qr("https://example.org/r/1"),
        Cut(),
    )
)
INTRODUCTION = b"\x1dr\x01\x1da\x0f"
ASK = b"\x10\x04\x01\x10\x04\x02\x10\x04\x04"


def bench(**options: object) -> tuple[Bench, PretendPrinter]:
    made = Bench("printer-escpos", **options)
    assert isinstance(made.device, PretendPrinter)
    made.run(0.5)
    return made, made.device


def refused(end: Answer | Refusal) -> Refusal:
    assert isinstance(end, Refusal)
    return end


def test_a_job_is_asked_for_before_and_after_and_stands_on_the_paper() -> None:
    table, printer = bench()
    assert isinstance(table.ask(RECEIPT, 10.0), Answer)
    assert printer.lines[:4] == [
        "Backroom",
        "-" * 48,
        "Apples 0.450 kg" + " " * 29 + "1.35",
        "TOTAL" + " " * 35 + "EUR 1.35",
    ]
    title = next(mark for mark in printer.marks if isinstance(mark, Printed))
    assert (title.align, title.bold, title.wide, title.tall) == ("center", True, True, True)
    assert (printer.cuts, printer.qr_codes, printer.unknown) == (1, ["https://example.org/r/1"], [])
    before, job = table.wire.split(b"\x1b@")
    assert before == INTRODUCTION + ASK + ASK
    assert job.partition(b"\x1dV\x00")[2] == b"\x1da\x0f\x1dr\x01" + ASK + ASK


@pytest.mark.parametrize(
    ("knob", "reason"),
    [("cover_open", "cover_open"), ("paper_out", "paper_out"), ("error", "knife_jammed"), ("broken", "broken")],
)
def test_a_printer_that_is_not_ready_gets_no_job(knob: str, reason: str) -> None:
    table, printer = bench()
    table.set(**{knob: "yes"})
    end = refused(table.ask(RECEIPT))
    assert end.reason == reason
    table.set(**{knob: "no"})
    table.run(10.0)
    assert printer.lines == []
    assert isinstance(table.ask(RECEIPT), Answer)
    assert printer.cuts == 1


def test_paper_that_runs_out_in_the_job_is_told_honestly_and_nothing_is_printed_twice() -> None:
    table, printer = bench()
    table.set(paper_lines=2)
    end = refused(table.ask(RECEIPT))
    assert end.reason == "paper_out"
    assert "look at the paper before printing again" in end.text
    table.set(paper_out="no")
    table.run(30.0)
    assert printer.lines.count("Backroom") == 1
    assert printer.cuts == 1


def test_a_printer_that_does_not_know_gs_r_is_done_when_dle_eot_says_so() -> None:
    printer = EscPosPrinter()
    printer.on_time(0.0)
    printer.on_bytes(b"\x12\x12\x12", 0.1)
    printer.on_command(Command(1, RECEIPT, 10.0), 1.0)
    job = sent(printer.on_bytes(b"\x12\x12\x12", 1.1))
    assert b"\x1b@" in job
    assert b"\x1dr" not in job
    assert [event for event in events(printer.on_bytes(b"\x12\x12\x12", 1.2)) if isinstance(event, Answer)]


def test_a_job_is_done_only_when_its_last_line_was_reached() -> None:
    printer = EscPosPrinter()
    printer.on_time(0.0)
    printer.on_bytes(b"\x00\x12\x12\x12", 0.1)
    printer.on_command(Command(1, RECEIPT, 10.0), 1.0)
    printer.on_bytes(b"\x12\x12\x12", 1.1)
    assert not events(printer.on_bytes(b"\x12\x12\x12", 1.2))
    assert sent(printer.on_time(1.6)) == ASK
    (end,) = events(printer.on_bytes(b"\x00\x12\x12\x12", 1.7))
    assert isinstance(end, Answer)


def test_a_printer_busy_after_the_job_is_asked_again_and_the_job_is_sent_once() -> None:
    printer = EscPosPrinter()
    printer.on_time(0.0)
    printer.on_bytes(b"\x12\x12\x12", 0.0)
    printer.on_command(Command(1, RECEIPT, 10.0), 0.0)
    first = sent(printer.on_bytes(b"\x12\x12\x12", 0.1))
    assert first.count(b"\x1b@") == 1
    printer.on_bytes(b"\x1a\x12\x12", 0.2)  # offline, and no cause to be seen
    assert sent(printer.on_time(0.6)) == ASK
    (end,) = [event for event in events(printer.on_bytes(b"\x12\x12\x12", 0.7)) if isinstance(event, Answer)]
    assert end.number == 1


def test_no_answer_before_the_job_means_nothing_was_printed() -> None:
    table, printer = bench()
    table.set(silent="yes")
    end = refused(table.ask(RECEIPT, 10.0))
    assert (end.reason, "nothing was printed" in end.text) == ("silent", True)
    assert printer.lines == []
    assert table.of(PowerChanged)[-1] == PowerChanged(Power.OFF)


def test_no_answer_after_the_job_is_unknown_and_never_repeated() -> None:
    table, printer = bench()
    codec = table.codec
    codec.on_command(Command(7, RECEIPT, 5.0), table.now)
    job = sent(codec.on_bytes(b"\x12\x12\x12", table.now))
    assert b"\x1b@" in job
    later = [output for step in range(100) for output in codec.on_time(table.now + step)]
    (end,) = [event for event in events(later) if isinstance(event, Refusal)]
    assert end.reason == "unknown"
    assert b"\x1b@" not in sent(later)
    assert printer.lines == []


def test_queued_answers_of_others_are_told_apart_by_their_fixed_bits() -> None:
    printer = EscPosPrinter()
    printer.on_command(Command(1, CheckHealth()), 0.0)
    seen = events(printer.on_bytes(b"\x00\x00\x11\x13\x1a\x0f\x16\x12", 0.1))
    assert PrinterStatus(online=False, cover_open=True, drawer_pin_high=False) in seen


def test_near_end_and_paper_out_bits_of_the_reference() -> None:
    for answer, expected in (
        (b"\x12\x12\x1e", PrinterStatus(True, paper_near_end=True, drawer_pin_high=False)),
        (b"\x1a\x32\x7e", PrinterStatus(False, paper_out=True, paper_near_end=True, drawer_pin_high=False)),
        (b"\x1a\x16\x12", PrinterStatus(False, cover_open=True, drawer_pin_high=False)),
        (b"\x16\x12\x12", PrinterStatus(True, drawer_pin_high=True)),
    ):
        printer = EscPosPrinter()
        printer.on_time(0.0)
        assert expected in printer.on_bytes(answer, 0.1)


def test_status_is_told_on_change_only() -> None:
    table, _ = bench(poll_s=1.0)
    table.run(60.0)
    assert len(table.of(PrinterStatus)) == 1
    table.set(near_end="yes")
    table.run(60.0)
    assert len(table.of(PrinterStatus)) == 2


def test_after_a_silence_late_answers_are_not_believed() -> None:
    printer = EscPosPrinter()
    printer.on_time(0.0)
    printer.on_time(2.0)
    assert not events(printer.on_bytes(b"\x12\x16\x12", 2.5))  # late, before anything new was asked
    assert sent(printer.on_time(3.0)) == b"\x10\x04\x01"
    assert not events(printer.on_bytes(b"\x12", 3.1))
    assert sent(printer.on_time(3.5)) == INTRODUCTION + ASK
    assert PowerChanged(Power.ONLINE) in printer.on_bytes(b"\x12\x12\x12", 3.6)


def test_a_drawers_questions_and_our_own_get_their_own_answers() -> None:
    printer = EscPosPrinter()
    printer.on_time(0.0)
    outputs = printer.on_command(Command(5, Forward(b"\x10\x04\x01")), 0.1)
    assert sent(outputs) == b"\x10\x04\x01"
    printer.on_command(Command(6, CheckHealth()), 0.2)
    seen = events(printer.on_bytes(b"\x12\x12\x12" + b"\x16" + b"\x12\x12\x1e", 0.3))
    assert seen.index(Forwarded(b"\x16")) + 1 == seen.index(Answer(5))
    health = next(event for event in seen if isinstance(event, Answer) and event.number == 6)
    assert health.result == PrinterStatus(True, paper_near_end=True, drawer_pin_high=False)


def test_no_pulse_goes_into_a_printer_that_would_keep_it() -> None:
    table, _ = bench()
    table.set(cover_open="yes")
    table.run(10.0)
    end = refused(table.ask(Forward(b"\x1bp\x00\x32\xfa\x10\x04\x01")))
    assert end.reason == "cover_open"
    assert b"\x1bp" not in table.wire
    assert isinstance(table.ask(Forward(b"\x10\x04\x01")), Answer)


def printed(*lines: Text | Columns | Rule, **options: object) -> list[str]:
    table, printer = bench(**options)
    assert isinstance(table.ask(Print(tuple(lines)), 10.0), Answer)
    assert printer.unknown == []
    assert printer.drawer.pulses == 0
    return printer.lines


def test_an_item_name_cannot_command_the_printer() -> None:
    assert printed(Text("Tea\x1bp\x00\x32\xfa\x10\x04\x01\x1dV\x00 leaf\u202e")) == ["Teap2\u00faV leaf"]


def test_accents_and_the_euro_sign_are_printed() -> None:
    assert printed(Text("Äpfel Crème brûlée 2 € Żółw")) == ["Äpfel Crème brûlée 2 € Żółw"]


def test_what_neither_the_printer_nor_the_box_can_show_is_seen_to_be_missing() -> None:
    table, printer = bench(font="/nowhere/font.ttc")
    for _ in range(2):
        assert isinstance(table.ask(Print((Text("茶 tea ♞"),)), 10.0), Answer)
    assert printer.lines == ["?? tea ?"] * 2
    (note,) = table.of(Oddity)
    assert "apt-get install fonts-noto-cjk" in note.text


def test_an_unknown_profile_refuses_the_job_and_names_it() -> None:
    table, _ = bench(profile="TM-X99")
    end = refused(table.ask(RECEIPT))
    assert "TM-X99" in end.text


@given(left=st.text(max_size=120), right=st.text(max_size=20), double=st.booleans(), columns=st.integers(16, 64))
@settings(deadline=None)
def test_no_line_is_wider_than_the_paper(left: str, right: str, double: bool, columns: int) -> None:
    paper = columns // 2 if double else columns
    for line in (Columns(left, right, double=double), Text(left, double=double)):
        assert all(width(row) <= paper for row in lines_of(line, columns))


def test_the_figure_stays_on_the_last_line() -> None:
    rows = lines_of(Columns("a rather long name of a thing", "12.00"), 20)
    assert rows == ["a rather long", "name of a thing", "12.00"] or rows[-1].endswith("12.00")


@given(
    st.lists(st.text(st.characters(codec="cp437", exclude_categories=["C", "Z"]), min_size=1, max_size=20), max_size=8)
)
@settings(deadline=None, max_examples=40)
def test_driver_and_simulator_agree_over_the_whole_range(texts: list[str]) -> None:
    assert printed(*(Text(text) for text in texts)) == texts
