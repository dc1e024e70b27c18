"""What a printer says by itself, what stops a job, and that it goes on without a second copy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.printer.escpos import EscPosPrinter
from gateway.drivers.printer.escpos_status import Automatic, Ear, Heard, InTurn, ProcessId, RealTime, Stray
from gateway.peripherals import (
    Answer,
    CheckHealth,
    Columns,
    Command,
    Cut,
    Oddity,
    Power,
    PowerChanged,
    Print,
    PrinterStatus,
    Qr,
    Refusal,
    Text,
)
from gateway.simulators.printer.escpos import PretendPrinter
from tests.drivers.bench import Bench, events, sent

RECEIPT = Print(
    (Text("Backroom"), *(Columns(f"item {n}", "1.00") for n in range(8)), Qr("https://example.org/r"), Cut())
)
GO_ON = b"\x10\x05\x01"


def bench(knobs: dict[str, object] | None = None, **options: object) -> tuple[Bench, PretendPrinter]:
    made = Bench("printer-escpos", **options)
    assert isinstance(made.device, PretendPrinter)
    made.set(**(knobs or {}))
    made.run(0.5)
    return made, made.device


def refused(end: Answer | Refusal) -> Refusal:
    assert isinstance(end, Refusal)
    return end


def heard(data: bytes, expects_id: bool = True) -> list[Heard]:
    ear = Ear()
    ear.expects_id = expects_id
    return [item for byte in data for item in ear.hear(byte)]


def test_answers_are_told_apart_as_appendix_g_says() -> None:
    said = b"\x12\x11\x14\x00\x13\x03\x00\x00" + b"\x37\x220042\x00" + b"\x7e\xff"
    assert heard(said) == [
        RealTime(0x12),
        Automatic(b"\x14\x00\x03\x00"),
        InTurn(0),
        ProcessId(b"0042"),
        RealTime(0x7E),
        Stray(0xFF),
    ]


def test_a_block_that_breaks_off_costs_no_answer() -> None:
    assert heard(b"\x10\x00\x12") == [Stray(0x10), Stray(0x00), RealTime(0x12)]
    assert heard(b"\x37\x22\x12") == [Stray(0x37), Stray(0x22), RealTime(0x12)]
    assert heard(b"\x37\x12", expects_id=False) == [Stray(0x37), RealTime(0x12)]


@given(st.binary(max_size=60))
def test_the_ear_holds_seven_bytes_at_most(data: bytes) -> None:
    ear = Ear()
    ear.expects_id = True
    for byte in data:
        ear.hear(byte)
        assert len(ear) < 7


def test_automatic_status_tells_at_once_what_the_next_look_would_tell_later() -> None:
    table, _ = bench(poll_s=1000.0)
    for knob, value in (("near_end", "yes"), ("cover_open", "yes"), ("cover_open", "no"), ("paper_out", "yes")):
        table.set(**{knob: value})
    assert [(status.cover_open, status.paper_near_end, status.paper_out) for status in table.of(PrinterStatus)] == [
        (False, False, False),
        (False, True, False),
        (True, True, False),
        (False, True, False),
        (False, True, True),
    ]
    assert table.of(PowerChanged) == [
        PowerChanged(Power.ONLINE),
        PowerChanged(Power.OFFLINE),
        PowerChanged(Power.ONLINE),
        PowerChanged(Power.OFFLINE),
    ]


@pytest.mark.parametrize("knob", ["cover_open", "paper_out", "near_end", "error", "broken", "too_hot"])
def test_automatic_status_and_asked_status_say_the_same(knob: str) -> None:
    table, _ = bench(poll_s=1000.0)
    table.set(**{knob: "yes"})
    by_itself = table.of(PrinterStatus)[-1]
    end = table.ask(CheckHealth())
    assert isinstance(end, Answer)
    assert end.result == by_itself


def test_a_printer_without_automatic_status_is_not_asked_for_it() -> None:
    table, printer = bench(asb=False, poll_s=1.0)
    assert isinstance(table.ask(RECEIPT, 10.0), Answer)
    assert b"\x1da" not in printer.received
    table.set(near_end="yes")
    table.run(2.0)
    assert table.of(PrinterStatus)[-1].paper_near_end


@pytest.mark.parametrize("knows", ["nothing", "gs_r", "process_id", "gs_a", "cause", "gs_r+process_id+gs_a"])
@pytest.mark.parametrize("done", ["auto", "process-id", "gs-r", "status"])
def test_a_job_ends_on_every_printer_whatever_it_knows(knows: str, done: str) -> None:
    table, printer = bench({"knows": knows}, done=done, profile="TM-T88V")
    for _ in range(3):
        assert isinstance(table.ask(RECEIPT, 10.0), Answer)
    assert (printer.cuts, printer.unknown) == (3, [])


def test_the_process_id_of_the_job_says_that_it_is_on_the_paper() -> None:
    printer = EscPosPrinter(profile="TM-T88V", asb=False)
    assert sent(printer.on_time(0.0)).startswith(b"\x1dr\x01\x1d(H\x06\x00000000")
    printer.on_bytes(b"\x00" + b'7"0000\x00' + b"\x12\x12\x12", 0.1)
    printer.on_command(Command(1, RECEIPT, 30.0), 1.0)
    job = sent(printer.on_bytes(b"\x12\x12\x12", 1.1))
    assert job.endswith(b"\x1d(H\x06\x00000001\x10\x04\x01\x10\x04\x02\x10\x04\x04")
    assert not events(printer.on_bytes(b"\x12\x12\x12", 1.2))
    assert not events(printer.on_bytes(b'7"0000\x00', 1.3))  # not ours
    assert not events(printer.on_bytes(b'7"0001\x00', 1.4))
    printer.on_time(1.5)
    (end,) = events(printer.on_bytes(b"\x12\x12\x12", 1.6))
    assert isinstance(end, Answer)


def test_paper_that_returns_in_time_does_not_make_a_begun_job_a_new_one() -> None:
    table, printer = bench()
    table.set(paper_lines=4)
    end = refused(table.ask(RECEIPT, 10.0))
    assert (end.reason, end.begun) == ("paper_out", True)
    assert len(printer.lines) == 4
    table.set(paper_out="no")
    table.run(60.0)
    assert (printer.lines[0], len(printer.receipts), printer.cuts) == ("Backroom", 1, 1)
    assert len([line for line in printer.lines if line.startswith("item")]) == 8
    assert table.wire.count(b"\x1b@") == 1
    assert isinstance(table.ask(RECEIPT, 10.0), Answer)
    assert printer.cuts == 2


@pytest.mark.parametrize("after", ["cover", "job"])
def test_a_jammed_knife_goes_on_where_it_stopped(after: str) -> None:
    table, printer = bench()
    table.set(knife_jams="yes")
    end = refused(table.ask(RECEIPT, 10.0))
    assert (end.reason, end.begun, printer.cuts) == ("knife_jammed", True, 0)
    table.run(30.0)
    assert GO_ON not in table.wire  # nobody has touched it yet
    table.set(knife_jams="no")
    if after == "cover":
        table.set(cover_open="yes")
        table.run(10.0)
        table.set(cover_open="no")
        table.run(10.0)
        assert printer.cuts == 1
        assert table.of(PowerChanged)[-1] == PowerChanged(Power.ONLINE)
    assert isinstance(table.ask(RECEIPT, 10.0), Answer)
    assert (printer.cuts, len(printer.receipts)) == (2, 2)
    assert table.wire.count(GO_ON) == 1


NAMED = Print(RECEIPT.lines, job="S0421-1-7")


@pytest.mark.parametrize(
    ("stops", "goes_on"),
    [({"paper_lines": 4}, {"paper_out": "no"}), ({"knife_jams": "yes"}, {"knife_jams": "no"})],
)
@pytest.mark.parametrize("knows", ["gs_r+cause+gs_a+process_id", "gs_r", "process_id+cause"])
def test_a_job_asked_for_again_by_its_name_is_waited_for_and_not_sent_again(
    stops: dict[str, object], goes_on: dict[str, object], knows: str
) -> None:
    table, printer = bench({"knows": knows}, profile="TM-T88V")
    table.set(**stops)
    for _ in range(3):
        end = refused(table.ask(NAMED, 10.0))
        assert end.begun
        table.run(10.0)
    table.set(**goes_on)
    assert isinstance(table.ask(NAMED, 10.0), Answer)
    assert (printer.cuts, len(printer.receipts), table.wire.count(b"\x1b@")) == (1, 1, 1)
    assert len([line for line in printer.lines if line.startswith("item")]) == 8
    assert isinstance(table.ask(NAMED, 10.0), Answer)  # that one is done: now it is a new one
    assert (printer.cuts, table.wire.count(b"\x1b@")) == (2, 2)


def test_another_job_and_a_job_without_a_name_are_sent() -> None:
    table, printer = bench()
    for request in (NAMED, RECEIPT, Print(RECEIPT.lines, job="S0421-1-8")):
        table.set(paper_lines=4)
        assert refused(table.ask(request, 10.0)).begun
        table.set(paper_out="no")
        table.run(5.0)
    assert printer.cuts == 3


def test_after_a_silence_nobody_knows_what_the_printer_holds() -> None:
    table, printer = bench()
    table.set(paper_lines=4)
    assert refused(table.ask(NAMED, 10.0)).begun
    table.set(dies_after=0)
    table.run(20.0)
    table.set(dies_after="none", paper_out="no")
    table.run(20.0)
    assert isinstance(table.ask(NAMED, 10.0), Answer)
    assert (printer.cuts, table.wire.count(b"\x1b@")) == (1, 2)


def test_a_knife_that_still_jams_refuses_the_job_and_is_told_to_go_on_once_a_job() -> None:
    table, printer = bench()
    table.set(error="yes")
    for tried in (1, 2):
        end = refused(table.ask(RECEIPT, 10.0))
        assert (end.reason, end.begun) == ("knife_jammed", False)
        assert table.wire.count(GO_ON) == tried
    assert printer.lines == []


def test_a_hot_head_is_waited_for() -> None:
    table, printer = bench()
    table.set(too_hot="yes")
    number = table.begin(RECEIPT, 60.0)
    table.run(20.0)
    assert (table.ended(number), printer.lines) == (None, [])
    table.set(too_hot="no")
    table.run(5.0)
    assert isinstance(table.ended(number), Answer)


def test_a_hot_head_that_stays_hot_is_told_when_the_time_is_over() -> None:
    table, printer = bench()
    table.set(too_hot="yes")
    end = refused(table.ask(RECEIPT, 10.0))
    assert (end.reason, end.begun, printer.lines) == ("too_hot", False, [])


def test_an_error_whose_cause_the_printer_cannot_tell_is_still_told() -> None:
    table, printer = bench({"knows": "gs_r"})
    table.set(error="yes")
    end = refused(table.ask(RECEIPT, 10.0))
    assert end.reason == "error"
    table.set(error="no")
    table.run(20.0)
    assert isinstance(table.ask(RECEIPT, 10.0), Answer)
    assert printer.cuts == 1


@given(st.integers(0, 700))
@settings(max_examples=60, deadline=None)
def test_wherever_the_printer_dies_in_the_job_the_till_hears_the_truth(place: int) -> None:
    table, printer = bench({"dies_after": place + 60})
    before = len(printer.received)
    end = table.ask(RECEIPT, 10.0)
    if isinstance(end, Refusal):
        assert end.begun or b"\x1b@" not in printer.received[before:]
        table.run(30.0)
        assert table.wire.count(b"\x1b@") <= 1
    else:
        assert printer.cuts == 1


def test_rubbish_between_the_answers_is_told_once_and_harms_nothing() -> None:
    table, printer = bench({"garbage": "yes"})
    assert isinstance(table.ask(RECEIPT, 10.0), Answer)
    assert (printer.cuts, len(table.of(Oddity)) > 0) == (1, True)
