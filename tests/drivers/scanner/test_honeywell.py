from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.scanner.honeywell import HoneywellScanner
from gateway.peripherals import (
    Answer,
    Beep,
    CheckHealth,
    Command,
    ErrorCode,
    Oddity,
    Power,
    PowerChanged,
    Refusal,
    Scan,
    Send,
    SetScanning,
    WakeAt,
)
from tests.drivers.bench import Bench, events, sent
from tests.drivers.scanner.frames import is_data


def test_it_reads_labels_as_a_line_scanner() -> None:
    scanner = HoneywellScanner(prefix="#")
    assert events(scanner.on_time(0.0)) == [PowerChanged(Power.ONLINE)]
    assert events(scanner.on_bytes(b"#]E04711234567899\r\n", 0.1)) == [Scan("4711234567899", "]E0")]


def test_trigger_and_beeps_byte_for_byte() -> None:
    scanner = HoneywellScanner()
    assert scanner.on_command(Command(1, SetScanning(True)), 0.0) == [Send(b"\x16\x54\x0d"), Answer(1)]
    assert scanner.on_command(Command(2, SetScanning(False)), 0.0) == [Send(b"\x16\x55\x0d"), Answer(2)]
    assert scanner.on_command(Command(3, Beep("good")), 0.0) == [Send(b"\x16\x07\x0d"), Answer(3)]
    assert scanner.on_command(Command(4, Beep("bad")), 0.0) == [Send(b"\x16\x07\x0d" * 3), Answer(4)]


def test_the_guides_example_of_an_answer_is_its_health() -> None:
    scanner = HoneywellScanner()
    assert sent(scanner.on_command(Command(1, CheckHealth()), 0.0)) == b"\x16M\rCBRENA?."
    assert events(scanner.on_bytes(b"CBRENA1\x06.", 0.1)) == [Answer(1)]


@pytest.mark.parametrize(
    ("answer", "reason"), [(b"ALLENA0\x05!", "unsupported"), (b"ALLENA0\x15!", "out_of_range"), (b"ALLENA0\x06!", "")]
)
def test_a_menu_command_ends_with_its_status(answer: bytes, reason: str) -> None:
    scanner = HoneywellScanner(disable="ALLENA0")
    assert sent(scanner.on_command(Command(1, SetScanning(False)), 0.0)) == b"\x16M\rALLENA0!"
    (end,) = events(scanner.on_bytes(answer, 0.1))
    if not reason:
        assert end == Answer(1)
        return
    assert isinstance(end, Refusal)
    assert (end.code, end.reason) == (ErrorCode.ILLEGAL, reason)
    assert "ALLENA0" in end.text


def test_an_answer_between_two_labels_harms_neither() -> None:
    scanner = HoneywellScanner()
    scanner.on_command(Command(1, CheckHealth()), 0.0)
    assert events(scanner.on_bytes(b"4711\rCBRENA1\x06.4006381333931\r", 0.1)) == [
        Scan("4711"), Answer(1), Scan("4006381333931"),
    ]  # fmt: skip


def test_a_label_that_looks_like_an_answer_without_its_status_is_a_label() -> None:
    scanner = HoneywellScanner()
    scanner.on_command(Command(1, CheckHealth()), 0.0)
    assert events(scanner.on_bytes(b"CBRENA1.\r", 0.1)) == [Scan("CBRENA1.")]


def test_an_answer_to_something_else_ends_nothing() -> None:
    scanner = HoneywellScanner()
    assert [type(event) for event in events(scanner.on_bytes(b"CBRENA1\x06.", 0.1))] == [Oddity]
    scanner.on_command(Command(1, CheckHealth()), 0.2)
    assert [type(event) for event in events(scanner.on_bytes(b"TRGMOD0\x06.", 0.3))] == [Oddity]


def test_a_late_answer_does_not_end_the_next_command() -> None:
    scanner = HoneywellScanner()
    scanner.on_time(0.0)
    scanner.on_command(Command(1, CheckHealth(), timeout_s=1.0), 0.0)
    (end,) = events(scanner.on_time(1.0))
    assert isinstance(end, Refusal)
    assert (end.code, end.reason) == (ErrorCode.TIMEOUT, "silent")
    assert not sent(scanner.on_command(Command(2, CheckHealth()), 1.1))
    assert [type(event) for event in events(scanner.on_bytes(b"CBRENA1\x06.", 1.3))] == [Oddity]
    assert not sent(scanner.on_time(1.45))
    assert sent(scanner.on_time(1.61)) == b"\x16M\rCBRENA?."
    assert events(scanner.on_bytes(b"CBRENA1\x06.", 1.7)) == [Answer(2)]


def test_the_lines_pause_is_kept_while_a_command_waits() -> None:
    scanner = HoneywellScanner(suffix="none", idle_ms=50)
    scanner.on_time(0.0)
    assert WakeAt(1.05) in scanner.on_bytes(b"4711", 1.0)
    assert WakeAt(1.05) in scanner.on_command(Command(1, CheckHealth()), 1.01)
    assert events(scanner.on_time(1.05)) == [Scan("4711")]


@pytest.mark.parametrize(
    "options", [{"enable": "ALLENA1!"[:3]}, {"disable": "AL\x16ENA0"}, {"bad_beeps": 0}, {"suffix": "x"}]
)
def test_impossible_options_are_told(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        HoneywellScanner(**options)  # type: ignore[arg-type]


def test_driver_and_simulator_agree_on_control() -> None:
    bench = Bench("scanner-honeywell", enable="ALLENA1", disable="ALLENA0")
    bench.run(0.1)
    assert isinstance(bench.ask(CheckHealth()), Answer)
    assert isinstance(bench.ask(SetScanning(False)), Answer)
    bench.set(scan="4711")
    assert not bench.of(Scan)
    assert isinstance(bench.ask(SetScanning(True)), Answer)
    bench.set(scan="4711")
    assert bench.of(Scan) == [Scan("4711")]
    bench.ask(Beep("bad"))
    assert bench.device.beeps == 3  # type: ignore[attr-defined]
    bench.set(silent="yes")
    assert isinstance(bench.ask(CheckHealth()), Refusal)


def test_in_manual_trigger_mode_it_reads_once_per_trigger() -> None:
    bench = Bench("scanner-honeywell")
    bench.set(manual="yes", scan="1")
    bench.ask(SetScanning(True))
    bench.set(scan="2")
    bench.set(scan="3")
    assert bench.of(Scan) == [Scan("2")]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200).filter(is_data))
@settings(deadline=None)
def test_driver_and_simulator_agree_over_the_whole_range(label: str) -> None:
    bench = Bench("scanner-honeywell", aim=False)
    bench.set(scan=label.replace("\\", "\\\\"))
    assert bench.of(Scan) == [Scan(label)]
